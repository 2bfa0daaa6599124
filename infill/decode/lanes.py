"""Searches that keep whole fills apart: the best of several, and fills that are partly redone.

Each lane is one fill with a random stream of its own, so that lane 3 of 4 is lane 3 of 40. All
lanes share one forward in each tick.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from infill.canvas import Canvas, Positions, Reopen, Slot, Step
from infill.constrain.protocol import State
from infill.decode.candidates import Row
from infill.decode.hypothesis import Hypothesis, branch
from infill.decode.likelihood import pseudo_likelihood
from infill.decode.policy import Policy
from infill.decode.rescoring import Rescorer
from infill.decode.schedule import Tick
from infill.decode.search import (
    Aimed,
    CanvasGoal,
    Frontier,
    at_least,
    attained,
    merged,
    ranked,
    rated,
)
from infill.errors import OptionError
from infill.models.denoiser import Denoiser


def draws(policy: Policy) -> bool:
    """Whether two fills by the policy can differ; taken to be so where it does not say."""
    return bool(getattr(policy, "draws", True))


def apart(frontier: Frontier) -> tuple[Frontier, Frontier]:
    """The ones that are done, and the open ones."""
    return [h for h in frontier if h.done], [h for h in frontier if not h.done]


def closing(
    hypotheses: Iterable[Hypothesis],
    goal: CanvasGoal | None,
    rescorer: Rescorer | None,
    denoiser: Denoiser,
) -> Frontier:
    """The best first, by goal, rating and log-probability; equal ones that are done merged."""
    done, open_ = apart(list(hypotheses))
    finished = merged(done)
    if len(finished) > 1:
        finished = rated(finished, rescorer, denoiser)
    return ranked([*finished, *open_], goal)


@dataclass(frozen=True, slots=True)
class Lanes(Aimed):
    """The searches that keep whole fills apart: all that are open go on together."""

    @abstractmethod
    def lanes(self, policy: Policy) -> int:
        """How many begin. Raises OptionError for a policy that the search has no use for."""

    def begin(self, start: Hypothesis, policy: Policy) -> Frontier:
        """The start, once for each lane."""
        return [start.on_lane(lane) for lane in range(self.lanes(policy))]

    def split(self, frontier: Frontier) -> tuple[Frontier, Frontier]:
        """All open lanes go on together."""
        return apart(frontier)


@dataclass(frozen=True, slots=True)
class Followed(Lanes):
    """Lanes that follow the policy: each goes on with the first step that it proposes."""

    def expand(
        self,
        hypothesis: Hypothesis,
        policy: Policy,
        row: Row,
        tick: Tick,
        rng: np.random.Generator,
    ) -> Frontier:
        """The first child there is, in the same lane; none where nothing is admitted."""
        child = next(hypothesis.children(policy(hypothesis, row, tick, rng)), None)
        return [] if child is None else [child.on_lane(hypothesis.lane)]


@final
@dataclass(frozen=True, slots=True)
class BestOf(Followed):
    """So many fills drawn independently by the policy; the best of them first.

    count     fills; the policy must draw at a temperature above 0 where there are several
    goal      judges the ones that are done; the search stops when one reaches it
    rescorer  ranks them where the goal does not
    """

    count: int = 4
    rescorer: Rescorer | None = None

    def __post_init__(self) -> None:
        at_least("count", self.count, 1)

    @property
    def width(self) -> int:
        """As many as there are lanes."""
        return self.count

    def lanes(self, policy: Policy) -> int:
        """All of them, where the policy draws."""
        if self.count > 1 and not draws(policy):
            raise OptionError(
                "the best of several equal fills is asked for",
                expected="a policy that draws: temperature above 0",
                got=f"count={self.count}, {policy!r}",
                hint="give it, or the policy inside it, sampling=Sampling(temperature=0.7), or "
                "search with a Beam",
            )
        return self.count

    def __call__(
        self, hypotheses: Iterable[Hypothesis], denoiser: Denoiser, rng: np.random.Generator
    ) -> Frontier:
        """All of them, the best first."""
        del rng
        return closing(hypotheses, self.goal, self.rescorer, denoiser)


@final
@dataclass(frozen=True, slots=True)
class Remasking(Followed):
    """Fills whose doubtful slots are taken back and filled anew, round after round.

    When all lanes are done the best survive, and children of theirs with some slots open again
    go on (Prism, arXiv:2602.01842). Doubtful is what the model finds unlikely when it is hidden,
    not what it says of visible tokens; each child of one survivor has more slots open. The best
    that was found is never lost.

    width      children in each round; at first as many lanes, where the policy draws
    rounds     how often survivors are partly redone
    survivors  complete fills that are kept from round to round
    share      of the written slots, the most that are taken back
    parts      forwards to find the doubtful slots of a survivor
    goal       judges complete fills; the search stops when one reaches it
    rescorer   ranks them where the goal does not
    """

    width: int = 4
    rounds: int = 2
    survivors: int = 2
    share: float = 0.5
    parts: int = 4
    rescorer: Rescorer | None = None

    def __post_init__(self) -> None:
        for name in ("width", "survivors", "parts"):
            at_least(name, getattr(self, name), 1)
        at_least("rounds", self.rounds, 0)
        if not 0 < self.share <= 1:
            got = repr(self.share)
            raise OptionError("share is out of range", expected="above 0, up to 1", got=got)

    def lanes(self, policy: Policy) -> int:
        """One, or several where they can differ."""
        return self.width if draws(policy) else 1

    def __call__(
        self, hypotheses: Iterable[Hypothesis], denoiser: Denoiser, rng: np.random.Generator
    ) -> Frontier:
        """The best first; and when all are done, the survivors with their children."""
        del rng
        frontier = closing(hypotheses, self.goal, self.rescorer, denoiser)
        past = max((h.rounds for h in frontier), default=0)
        if (
            past >= self.rounds
            or attained(frontier, self.goal)
            or not all(h.done for h in frontier)
        ):
            return frontier
        best = [replace(h, rounds=past + 1) for h in frontier[: self.survivors]]
        return [*best, *self._children(best, denoiser)]

    def _children(self, best: Frontier, denoiser: Denoiser) -> Iterator[Hypothesis]:
        """`width` of them, the survivors in turn, each child of one with more slots open."""
        orders = [_doubtful_first(h.canvas, denoiser, self.parts) for h in best]
        most = -(-self.width // len(best))
        for number in range(self.width):
            turn, place = divmod(number, len(best))
            order = orders[place]
            count = math.ceil(self.share * len(order) * (turn + 1) / most)
            if count and best[place].parent is not None:
                lane = best[place].rounds * self.width + number  # another in every round
                yield _reopened(best[place], order[:count], lane)


def _doubtful_first(canvas: Canvas, denoiser: Denoiser, parts: int) -> Positions:
    """int64 [N] The slots that are ours, the least likely first; blanks are the most doubtful."""
    ours = np.flatnonzero(canvas.slots == Slot.FILLED)
    shown = ours[canvas.ids[ours] != denoiser.vocab.blank]
    found = pseudo_likelihood(denoiser, canvas, shown.tolist(), parts=parts)
    doubts = np.full(len(canvas), -np.inf)
    doubts[found.at] = found.logps
    return ours[np.argsort(doubts[ours], kind="stable")]


def _reopened(hypothesis: Hypothesis, at: Positions, number: int) -> Hypothesis:
    """The hypothesis with some slots open again, as a part of its last step.

    It goes back to where in the schedule as many slots were open, so that they are not all
    filled in one tick.
    """
    state: State = hypothesis.state
    moves: Step = tuple(Reopen(int(slot)) for slot in sorted(at.tolist()))
    for move in moves:
        after = state.after(move)
        assert after is not None  # noqa: S101 - a Reopen is never vetoed
        state = after
    line = hypothesis.lineage()
    depth = max((h.depth for h in line if len(h.canvas.holes) >= len(moves)), default=0)
    return replace(
        hypothesis,
        canvas=hypothesis.canvas.apply(moves),
        state=state,
        step=(*hypothesis.step, *moves),
        depth=depth,
        lane=branch(hypothesis.lane, number),
        rating=None,
    )
