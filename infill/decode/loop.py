"""The one denoise loop. All variation is in its arguments; to cancel it, stop iterating.

It knows nothing of text, files or any particular model or grammar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from infill.decode.hypothesis import Hypothesis
from infill.decode.policy import Policy
from infill.decode.schedule import Schedule, ticks
from infill.decode.search import Frontier, Search
from infill.limits import DEFAULT, Limits
from infill.models.denoiser import Denoiser


@dataclass(frozen=True, slots=True)
class Streams:
    """Counter-based random streams: one for each (tick, row), all from one seed.

    A row's numbers depend on no other row and on no earlier draw, so a fill repeats exactly.
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

    Ends when every hypothesis is done, when no step is admitted any more, or at `limits.ticks`.
    """
    frontier = [start]
    for tick in ticks(schedule, slots=len(start.canvas.holes), limit=limits.ticks):
        done, open_ = [h for h in frontier if h.done], [h for h in frontier if not h.done]
        if not open_:
            return
        scores = denoiser([h.canvas for h in open_])
        children = [
            child
            for row, hypothesis in enumerate(open_)
            for step in policy(hypothesis, scores[row], tick, rng.at(tick.index, row))
            if (child := hypothesis.extend(step))
        ]
        if not children:
            return
        frontier = search([*children, *done])[: limits.frontier]
        yield frontier
