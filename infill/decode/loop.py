"""The one denoise loop. All variation is in its arguments; to cancel it, stop iterating.

It knows nothing of text, files or any particular model or grammar.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from infill.decode.candidates import Row
from infill.decode.hypothesis import LANES, Hypothesis
from infill.decode.policy import Policy
from infill.decode.schedule import Schedule, Tick, ticks
from infill.decode.search import Frontier, Search
from infill.errors import LimitError
from infill.limits import DEFAULT, Limits
from infill.models.denoiser import Denoiser


@dataclass(frozen=True, slots=True)
class Streams:
    """Counter-based random streams: one for each (tick, row), all from one seed.

    A row is a hypothesis's lane: its numbers depend on no other hypothesis and on no earlier
    draw, so a fill repeats exactly. The row after the last lane is for the search itself.
    """

    seed: int = 0

    def at(self, tick: int, row: int) -> np.random.Generator:
        """The stream of one row in one tick (Philox, Salmon et al. 2011)."""
        return np.random.Generator(np.random.Philox(key=self.seed, counter=[0, 0, row, tick]))


def denoise(  # noqa: PLR0913 - the loop's arguments are all the variation there is
    start: Hypothesis,
    *,
    denoiser: Denoiser,
    policy: Policy,
    schedule: Schedule,
    search: Search,
    limits: Limits = DEFAULT,
    rng: Streams,
) -> Iterator[Frontier]:
    """Fill the holes of `start`, yielding the frontier after each tick, the best first.

    Ends when every hypothesis is done, when the search has reached its goal, when no step is
    admitted any more, or at `limits.ticks`. Raises LimitError where more hypotheses than
    `limits.frontier` go on together, by what the search says at first and by what it does then.
    """
    course = Course(start, policy=policy, schedule=schedule, search=search, limits=limits, rng=rng)
    for _ in together([course], denoiser):
        yield course.frontier


def together(courses: Sequence[Course], denoiser: Denoiser) -> Iterator[list[Course]]:
    """Fill several starts side by side, in one forward per tick; they do not see each other.

    Yields those that have a new frontier, after each tick, until all have ended.
    """
    for course in courses:
        course.keep_within(denoiser.capabilities.context)
    while asked := [(course, ready) for course in courses if (ready := course.ready())]:
        scores = denoiser([h.canvas for _, ready in asked for h in ready])
        moved, first = list[Course](), 0
        for course, ready in asked:
            rows = [scores[first + at] for at in range(len(ready))]
            first += len(ready)
            if course.take(ready, rows, denoiser):
                moved.append(course)
        if moved:
            yield moved


class Course:
    """One start on its way.

    frontier   the hypotheses after the last tick, the best first
    """

    def __init__(  # noqa: PLR0913 - see `denoise`
        self,
        start: Hypothesis,
        *,
        policy: Policy,
        schedule: Schedule,
        search: Search,
        limits: Limits = DEFAULT,
        rng: Streams,
    ) -> None:
        _within(search.width, limits)
        self.frontier = search.begin(start, policy)
        self._policy, self._search, self._limits, self._rng = policy, search, limits, rng
        self._ticks = ticks(schedule, slots=len(start.canvas.holes), limit=limits.ticks)
        self._plan = list[Tick]()  # a hypothesis that waited is at an earlier tick of the schedule
        self._waiting: Frontier = []
        self._ended = False

    def keep_within(self, context: int) -> None:
        """From here on no splice makes a canvas longer than the model and the limits allow."""
        limits = replace(self._limits, context=min(context, self._limits.context))
        self.frontier = [replace(h, limits=limits) for h in self.frontier]

    def ready(self) -> Frontier:
        """The hypotheses to be scored for the next tick; none when it has ended."""
        tick = None if self._ended else next(self._ticks, None)
        if tick is None:
            return []
        self._plan.append(tick)
        self._waiting, ready = self._search.split(self.frontier)
        _within(len(ready), self._limits)
        return ready

    def take(self, ready: Frontier, rows: Sequence[Row], denoiser: Denoiser) -> bool:
        """Make the next frontier of what was ready and its scores; False where there is none."""
        children = [
            child
            for h, row in zip(ready, rows, strict=True)
            for child in self._search.expand(
                h, self._policy, row, self._plan[h.depth], self._rng.at(h.depth, h.lane)
            )
        ]
        if not children and all(h.done for h in self._waiting):
            self._ended = True
            return False
        own = self._rng.at(self._plan[-1].index, LANES)
        self.frontier = self._search([*children, *self._waiting], denoiser, own)
        self._ended = self._search.reached(self.frontier)
        return True


def _within(width: int, limits: Limits) -> None:
    """Nothing, if the limits allow one start so many hypotheses in one batch."""
    if width > limits.frontier:
        raise LimitError(
            "the search is too wide",
            where="denoise()",
            expected=f"{limits.frontier} hypotheses at once, or fewer (limits.frontier)",
            got=str(width),
            hint="search with fewer, or raise limits.frontier",
        )
