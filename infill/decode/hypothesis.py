"""A canvas, where its constraint stands, and the step that led here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from infill.canvas import Canvas, Move, Reopen, Splice, Step, Write
from infill.constrain.protocol import State
from infill.errors import LimitError
from infill.limits import Limits

LANES = 2**63
"""Lanes are numbers below this; the search's own stream is the one after them."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One candidate result on its way; immutable, so that hypotheses share their past.

    depth       steps from the start; it stands for the tick of the schedule
    lane        which random stream it draws from, whoever else is alive; 0 is the policy's own path
    log_weight  log of its importance weight, for searches that sample (nats)
    rating      what a rescorer said of the canvas, once it was asked
    reopened    steps on the way here that took slots back, whoever proposed them
    rounds      rounds of the search itself behind it, for searches that go in rounds
    limits      a splice makes neither the canvas longer than their `context`, nor what stands
                between two given slots longer than their `hole`; None is no bound
    """

    canvas: Canvas
    state: State
    parent: Hypothesis | None = None
    step: Step = ()
    depth: int = 0
    lane: int = 0
    log_weight: float = 0.0
    rating: float | None = None
    reopened: int = 0
    rounds: int = 0
    limits: Limits | None = None

    @property
    def done(self) -> bool:
        """Whether no hole is left."""
        return not len(self.canvas.holes)

    def extend(self, step: Step) -> Hypothesis | None:
        """The hypothesis after the moves that the constraint admits, or None if none is.

        Moves are taken in their order and each is judged after those before it: that every one
        is allowed alone does not make them allowed together.
        """
        return next(self.children((step,)), None)

    def children(self, steps: Iterable[Step]) -> Iterator[Hypothesis]:
        """A child for each step of which some move is admitted; the first step's has our lane.

        Steps that begin alike share the constraint's states of what they share.
        """
        root = _Node(self.state)
        for number, step in enumerate(steps):
            state, taken = root.walk(step, self._has_room)
            if taken:
                yield self.child(taken, state, lane=branch(self.lane, number))

    def child(self, step: Step, state: State, *, lane: int) -> Hypothesis:
        """The hypothesis after a step that leads to `state`."""
        took_back = any(isinstance(move, Reopen) for move in step)
        return Hypothesis(
            self.canvas.apply(step),
            state,
            self,
            step,
            depth=self.depth + 1,
            lane=lane,
            log_weight=self.log_weight,
            reopened=self.reopened + took_back,
            rounds=self.rounds,
            limits=self.limits,
        )

    def _has_room(self, taken: Step, move: Move) -> bool:
        """Whether the limits allow a move after those that were taken."""
        if self.limits is None or not isinstance(move, Splice) or move.holes <= move.delete:
            return True
        after = self.canvas.apply((*taken, move))
        size = next(stop - start for start, stop in after.regions() if start <= move.at < stop)
        return len(after) <= self.limits.context and size <= self.limits.hole

    def lineage(self) -> list[Hypothesis]:
        """From the start, whose step is empty, to this one."""
        line: list[Hypothesis] = [self]
        while (parent := line[-1].parent) is not None:
            line.append(parent)
        return line[::-1]

    def on_lane(self, lane: int) -> Hypothesis:
        """The same, drawing from another stream."""
        return self if lane == self.lane else replace(self, lane=lane)


def branch(lane: int, number: int) -> int:
    """The lane of the child with this number; the first goes on in its parent's.

    A hash, so that it depends on the way to the child and on nothing else.
    """
    if not number:
        return lane
    digest = hashlib.blake2b(b"%d %d" % (lane, number), digest_size=8).digest()
    return int.from_bytes(digest, "little") % LANES


@dataclass(slots=True)
class _Node:
    """Where some moves lead; a move that is not admitted leads back to the same state."""

    state: State
    taken: bool = False
    after: dict[Move, _Node] = field(default_factory=dict["Move", "_Node"])

    def walk(self, step: Step, has_room: Callable[[Step, Move], bool]) -> tuple[State, Step]:
        """The state after the admitted moves of a step, and those moves."""
        node, taken = self, list[Move]()
        for move in step:
            if move not in node.after:
                fits = has_room(tuple(taken), move)
                node.after[move] = node.next(move) if fits else _Node(node.state)
            node = node.after[move]
            if node.taken:
                taken.append(move)
        return node.state, tuple(taken)

    def next(self, move: Move) -> _Node:
        """What one more move leads to."""
        if isinstance(move, Write) and not self.state.admits(move.at, move.token):
            return _Node(self.state)  # a quick no: a long search for a yes is not worth its time
        try:
            after = self.state.after(move)
        except LimitError:  # of a new length nobody knows within the limits whether it will do
            after = None
        return _Node(self.state) if after is None else _Node(after, taken=True)
