"""The canvas: a row of slots, and the moves that change it. Knows nothing of scores or text.

A slot is GIVEN (the user's, never touched), HOLE (to fill) or FILLED (ours, and ours to take
back). Being a hole is a slot's state and never "its id equals the mask id", so a text that
holds the mask token is safe.

>>> canvas = Canvas([5, 0, 7], [Slot.GIVEN, Slot.HOLE, Slot.GIVEN])
>>> after = canvas.apply((Write(at=1, token=6, logp=-0.5),))
>>> after.ids.tolist(), after.holes.tolist(), after.score
([5, 6, 7], [], -0.5)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infill.errors import MoveError
from infill.vocab import Vocab

Ids = Annotated[NDArray[np.int64], "T"]
Slots = Annotated[NDArray[np.int8], "T"]
Logps = Annotated[NDArray[np.float64], "T"]
Positions = Annotated[NDArray[np.int64], "H"]


class Slot(IntEnum):
    """Whose a slot is."""

    GIVEN = 0
    HOLE = 1
    FILLED = 2


@dataclass(frozen=True, slots=True)
class Write:
    """Fill the hole at `at` with `token`, at the log-probability `logp` (nats)."""

    at: int
    token: int
    logp: float


@dataclass(frozen=True, slots=True)
class Reopen:
    """Make the filled slot at `at` a hole again."""

    at: int


@dataclass(frozen=True, slots=True)
class Splice:
    """Replace `delete` holes from `at` on by `holes` holes: a hole gets longer or shorter."""

    at: int
    delete: int
    holes: int


Move = Write | Reopen | Splice
Step = tuple[Move, ...]


@dataclass(frozen=True, eq=False, init=False)
class Canvas:
    """A row of T slots; a value, compared and hashed by its ids and slots.

    ids [T] int64, 0 at a hole · slots [T] int8 · logps [T] float64, what each filled slot was
    written at, 0 elsewhere (nats).
    """

    ids: Ids
    slots: Slots
    logps: Logps = field(repr=False)

    def __init__(self, ids: ArrayLike, slots: ArrayLike, logps: ArrayLike | None = None) -> None:
        """Copy the rows; what an id says at a hole is forgotten. MoveError if lengths differ."""
        states = np.array(slots, dtype=np.int8)
        tokens = np.array(ids, dtype=np.int64)
        scores = np.zeros(states.shape) if logps is None else np.array(logps, dtype=np.float64)
        if not tokens.shape == states.shape == scores.shape or states.ndim != 1:
            raise MoveError(
                "ids, slots and logps must be rows of one length",
                got=f"shapes {tokens.shape}, {states.shape} and {scores.shape}",
            )
        tokens[states == Slot.HOLE] = 0
        scores[states != Slot.FILLED] = 0.0
        _hold(self, tokens, states, scores)

    def __len__(self) -> int:
        return len(self.ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Canvas) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def _key(self) -> tuple[bytes, bytes]:
        return self.ids.tobytes(), self.slots.tobytes()

    @cached_property
    def holes(self) -> Positions:
        """[H] The positions that are still to fill, in order."""
        return np.flatnonzero(self.slots == Slot.HOLE)

    @cached_property
    def score(self) -> float:
        """Σ log-probability of what was written (nats). It belongs to the canvas, not a path."""
        return float(self.logps.sum())

    @cached_property
    def mean_score(self) -> float:
        """`score` per written slot, so that canvases of different lengths compare."""
        written = int((self.slots == Slot.FILLED).sum())
        return self.score / written if written else 0.0

    def text(self, vocab: Vocab) -> bytes:
        """The bytes of everything that is not a hole."""
        return vocab.decode(self.ids[self.slots != Slot.HOLE].tolist())

    def regions(self) -> list[tuple[int, int]]:
        """The half-open ranges between given slots, in order: the holes, however filled.

        A region that a splice emptied is not listed; `between` finds it by its neighbours.
        """
        ours = np.concatenate(([0], (self.slots != Slot.GIVEN).astype(np.int8), [0]))
        edges = np.flatnonzero(np.diff(ours))
        return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]

    def between(self, given: int) -> tuple[int, int]:
        """The half-open range right of the `given`-th given slot, up to the next given one.

        Given slots never move past each other, so their count names a hole for good.
        """
        anchors = np.flatnonzero(self.slots == Slot.GIVEN)
        start = int(anchors[given - 1]) + 1 if given else 0
        stop = int(anchors[given]) if given < len(anchors) else len(self)
        return start, stop

    def apply(self, step: Iterable[Move]) -> Canvas:
        """The canvas after the moves, in their order.

        Raises MoveError, and changes nothing, when a move is out of bounds, writes to a slot
        that is no hole, reopens one that is not filled, or splices anything but holes.
        """
        ids, slots, logps = self.ids.copy(), self.slots.copy(), self.logps.copy()
        for move in step:
            match move:
                case Write(at, token, logp):
                    _expect(slots, at, Slot.HOLE, move)
                    ids[at], slots[at], logps[at] = token, Slot.FILLED, logp
                case Reopen(at):
                    _expect(slots, at, Slot.FILLED, move)
                    ids[at], slots[at], logps[at] = 0, Slot.HOLE, 0.0
                case Splice(at, delete, holes):
                    _expect_holes(slots, move)
                    left, right = slice(None, at), slice(at + delete, None)
                    ids = np.concatenate((ids[left], np.zeros(holes, np.int64), ids[right]))
                    new = np.full(holes, Slot.HOLE, np.int8)
                    slots = np.concatenate((slots[left], new, slots[right]))
                    logps = np.concatenate((logps[left], np.zeros(holes), logps[right]))
        # these rows are new, and as moves leave them: no second copy
        return _hold(Canvas.__new__(Canvas), ids, slots, logps)


def _hold(canvas: Canvas, ids: Ids, slots: Slots, logps: Logps) -> Canvas:
    """Make rows that nobody else has those of the canvas."""
    for name, row in (("ids", ids), ("slots", slots), ("logps", logps)):
        row.flags.writeable = False
        object.__setattr__(canvas, name, row)
    return canvas


def _expect(slots: Slots, at: int, wanted: Slot, move: Move) -> None:
    if not 0 <= at < len(slots):
        raise MoveError(
            "a move lies outside the canvas", expected=f"0 <= at < {len(slots)}", got=repr(move)
        )
    if slots[at] != wanted:
        raise MoveError(
            f"a {type(move).__name__} needs a slot that is {wanted.name}",
            where=f"slot {at}",
            got=f"{Slot(slots[at]).name} for {move!r}",
            hint="reopen a filled slot before writing it; a given slot is never changed",
        )


def _expect_holes(slots: Slots, move: Splice) -> None:
    """A splice may touch holes only, and must leave or find one, so that it stays in a hole."""
    span = slots[move.at : move.at + move.delete]
    near = slots[max(move.at - 1, 0) : move.at + 1]
    inside = move.at >= 0 and move.at + move.delete <= len(slots) and move.holes >= 0
    touched = span if move.delete else near
    if not inside or move.delete < 0 or not len(touched):
        raise MoveError("a splice lies outside the canvas", got=repr(move))
    if (move.delete and (span != Slot.HOLE).any()) or not (touched == Slot.HOLE).any():
        raise MoveError(
            "a splice may only lengthen or shorten a hole",
            where=f"slot {move.at}",
            got=", ".join(Slot(slot).name for slot in touched.tolist()),
        )
