"""The one denoise loop. All variation is in its arguments; to cancel it, stop iterating.

It knows nothing of text, files or any particular model or grammar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

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
    admitted any more, or at `limits.ticks`.
    """
    plan, frontier = list[Tick](), _within(search.begin(start, policy), limits)
    for tick in ticks(schedule, slots=len(start.canvas.holes), limit=limits.ticks):
        plan.append(tick)  # a hypothesis that waited is at an earlier tick of the schedule
        waiting, ready = search.split(frontier)
        if not ready:
            return
        scores = denoiser([h.canvas for h in ready])
        children = [
            child
            for row, h in enumerate(ready)
            for child in search.expand(
                h, policy, scores[row], plan[h.depth], rng.at(h.depth, h.lane)
            )
        ]
        if not children and all(h.done for h in waiting):
            return
        own = rng.at(tick.index, LANES)
        frontier = search([*children, *waiting], denoiser, own)[: limits.frontier]
        yield frontier
        if search.reached(frontier):
            return


def _within(frontier: Frontier, limits: Limits) -> Frontier:
    """The frontier that a search begins with, if the limits allow one so wide."""
    if len(frontier) > limits.frontier:
        raise LimitError(
            "the search is too wide",
            expected=f"{limits.frontier} hypotheses at once, or fewer (limits.frontier)",
            got=str(len(frontier)),
            hint="search with fewer, or raise limits.frontier",
        )
    return frontier
