"""Searches: which hypotheses to keep, which to go on with, and what their children are.

Greedy decoding is `Beam(1)`; there is no other special case. A search knows nothing of text: a
goal judges complete canvases here, and a layer above says what text they are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Protocol, Self, final

import numpy as np

from infill.canvas import Canvas
from infill.decode.branching import Branching
from infill.decode.candidates import Row
from infill.decode.hypothesis import Hypothesis
from infill.decode.policy import Policy
from infill.decode.rescoring import Rescorer
from infill.decode.schedule import Tick
from infill.errors import OptionError
from infill.models.denoiser import Denoiser

Frontier = list[Hypothesis]

LOOKED_AT = 2
"""Rescored hypotheses for each one that is kept: the others are dropped by log-probability."""


class Search(Protocol):
    """Goes from one frontier to the next."""

    @property
    def width(self) -> int:
        """The most hypotheses that go on together: one batch, checked against the limits."""
        ...

    @property
    def goal(self) -> CanvasGoal | None:
        """What the result is for, where the search knows of it."""
        ...

    def aimed(self, goal: CanvasGoal) -> Search:
        """The same search for this goal."""
        ...

    def begin(self, start: Hypothesis, policy: Policy) -> Frontier:
        """The first frontier. Raises OptionError for a policy that the search has no use for."""
        ...

    def split(self, frontier: Frontier) -> tuple[Frontier, Frontier]:
        """Those that wait, and those to expand now; none to expand ends the search."""
        ...

    def expand(
        self,
        hypothesis: Hypothesis,
        policy: Policy,
        row: Row,
        tick: Tick,
        rng: np.random.Generator,
    ) -> Iterable[Hypothesis]:
        """The children of one hypothesis."""
        ...

    def __call__(
        self, hypotheses: Iterable[Hypothesis], denoiser: Denoiser, rng: np.random.Generator
    ) -> Frontier:
        """The hypotheses to go on with, the best first."""
        ...

    def reached(self, frontier: Frontier) -> bool:
        """Whether the search may stop here."""
        ...


class CanvasGoal(Protocol):
    """Judges complete canvases; asked again about one, it answers the same, and at no cost."""

    def score(self, canvas: Canvas) -> float:
        """How good it is; more is better."""
        ...

    def reached(self, canvas: Canvas) -> bool:
        """Whether a search may stop with it."""
        ...


def opened(hypothesis: Hypothesis) -> int:
    """How many slots are open."""
    return len(hypothesis.canvas.holes)


def merged(hypotheses: Iterable[Hypothesis]) -> Frontier:
    """One hypothesis per canvas, whatever the order of its tokens: the one with the best score.

    It keeps the lowest lane of its equals, so that the policy's own path stays known, and the
    most rounds and reopenings, so that what is found again and again comes to an end.
    """
    best: dict[Canvas, Hypothesis] = {}
    for h in hypotheses:
        known = best.setdefault(h.canvas, h)
        if known is not h:
            kept = h if h.canvas.mean_score > known.canvas.mean_score else known
            best[h.canvas] = replace(
                kept,
                lane=min(h.lane, known.lane),
                reopened=max(h.reopened, known.reopened),
                rounds=max(h.rounds, known.rounds),
            )
    return list(best.values())


def rated(hypotheses: Frontier, rescorer: Rescorer | None, denoiser: Denoiser) -> Frontier:
    """The same with ratings, where there is a rescorer; each is asked for once."""
    new = [h for h in hypotheses if h.rating is None]
    if rescorer is None or not new:
        return hypotheses
    ratings = iter(rescorer(new, denoiser))
    return [replace(h, rating=next(ratings)) if h.rating is None else h for h in hypotheses]


def ranked(
    hypotheses: Iterable[Hypothesis], goal: CanvasGoal | None, *, by_rating: bool = True
) -> Frontier:
    """By open slots, then goal, rating and mean log-probability; the first of equals first."""

    def key(h: Hypothesis) -> tuple[float, ...]:
        missed, badness = True, 0.0
        if goal is not None and h.done:
            missed, badness = not goal.reached(h.canvas), -goal.score(h.canvas)
        rating = h.rating if by_rating and h.rating is not None else 0.0
        return opened(h), missed, badness, -rating, -h.canvas.mean_score

    return sorted(hypotheses, key=key)


def attained(frontier: Frontier, goal: CanvasGoal | None) -> bool:
    """Whether a hypothesis is done and reaches the goal."""
    return goal is not None and any(h.done and goal.reached(h.canvas) for h in frontier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aimed(ABC):
    """What all searches here share: a goal for hypotheses that are done, at which they stop."""

    goal: CanvasGoal | None = None

    @abstractmethod
    def __call__(
        self, hypotheses: Iterable[Hypothesis], denoiser: Denoiser, rng: np.random.Generator
    ) -> Frontier:
        """The hypotheses to go on with, the best first."""

    def aimed(self, goal: CanvasGoal) -> Self:
        """The same search for this goal."""
        return replace(self, goal=goal)

    def reached(self, frontier: Frontier) -> bool:
        """Whether one that is done reaches the goal."""
        return attained(frontier, self.goal)


def at_least(name: str, value: float, least: int) -> None:
    """Raise OptionError for an option below its least value."""
    if not value >= least:
        raise OptionError(f"{name} is out of range", expected=f"{least} or more", got=str(value))


@final
@dataclass(frozen=True, slots=True)
class Beam(Aimed):
    """The `width` best for each number of open slots.

    Those with the most open slots are expanded, together in one forward, until all are done: so
    hypotheses are compared only where as much is still open, and a step that wrote more is not
    taken for a better one. Children are the policy's steps and, beyond a width of 1, what
    `branching` makes of them. Equal canvases are one hypothesis. From a width of 2 on the
    policy's own path always has a place, so that the result is never worse than the greedy one.

    width      hypotheses kept for each number of open slots
    branching  what is tried beside the policy's steps
    goal       judges those that are done; the search stops when one reaches it
    rescorer   says how good a hypothesis is; without one, its mean log-probability does
    siblings   the most children of one hypothesis that are kept while others are left
    """

    width: int = 1
    branching: Branching | None = None
    rescorer: Rescorer | None = None
    siblings: int | None = None

    def __post_init__(self) -> None:
        at_least("width", self.width, 1)
        if self.siblings is not None:
            at_least("siblings", self.siblings, 1)
        if self.branching is not None and self.width == 1:
            raise OptionError(
                "the branching of a beam of width 1 would be ignored",
                expected="a width of 2 or more",
                got=f"width=1, branching={self.branching!r}",
                hint="give the beam a width, or leave branching out for greedy decoding",
            )

    def begin(self, start: Hypothesis, policy: Policy) -> Frontier:
        """The start alone."""
        del policy
        return [start]

    def split(self, frontier: Frontier) -> tuple[Frontier, Frontier]:
        """The ones with the most open slots are expanded."""
        most = max(map(opened, frontier), default=0)
        if not most:
            return frontier, []
        return (
            [h for h in frontier if opened(h) < most],
            [h for h in frontier if opened(h) == most],
        )

    def expand(
        self,
        hypothesis: Hypothesis,
        policy: Policy,
        row: Row,
        tick: Tick,
        rng: np.random.Generator,
    ) -> Iterator[Hypothesis]:
        """The children by the policy's steps, then those by variations of its first."""
        steps = policy(hypothesis, row, tick, rng)
        if self.width > 1:
            branching = self.branching or Branching()
            steps = branching.steps(list(steps), hypothesis, policy, row)
        return hypothesis.children(steps)

    def __call__(
        self, hypotheses: Iterable[Hypothesis], denoiser: Denoiser, rng: np.random.Generator
    ) -> Frontier:
        """The best of each number of open slots, those with the fewest first."""
        del rng
        frontier = Frontier()
        for count, group in groupby(sorted(merged(hypotheses), key=opened), key=opened):
            likely = ranked(group, self.goal, by_rating=False)  # not all of them have a rating yet
            rivals = self._kept(likely, LOOKED_AT * self.width)
            if len(rivals) > (self.width if count else 1):
                rivals = rated(rivals, self.rescorer, denoiser)
            frontier += self._kept(ranked(rivals, self.goal), self.width)
        return frontier

    def _kept(self, group: Sequence[Hypothesis], room: int) -> Frontier:
        """The first `room` of a ranked group, with the policy's own path among them."""
        own = [h for h in group if not h.lane][: int(self.width > 1)]
        order, late, family = Frontier(), Frontier(), dict[int, int]()
        for h in group:
            count = family[id(h.parent)] = family.get(id(h.parent), 0) + 1
            crowded = self.siblings is not None and count > self.siblings
            (late if crowded else order).append(h)
        kept = [*order, *late][:room]
        if own and all(h is not own[0] for h in kept):
            kept[-1] = own[0]
        return kept
