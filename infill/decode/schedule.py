"""How many slots may still be open after each tick. Knows nothing of scores.

Budgets are counted over the hole slots of a canvas and never over its length: a long file with
a small hole is a small job.

>>> [tick.quota(8 - 3 * tick.index) for tick in ticks(Linear(steps=3), slots=8, limit=3)]
[3, 3, 2]
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from infill.errors import OptionError


class Schedule(Protocol):
    """A plan for opening a canvas in a number of steps."""

    @property
    def steps(self) -> int | None:
        """Ticks to take; None takes one for each hole slot."""
        ...

    def open_after(self, done: int, steps: int, slots: int) -> int:
        """Slots that may still be open after `done` of `steps` ticks; 0 after the last."""
        ...


@dataclass(frozen=True, slots=True)
class Tick:
    """One turn of the loop: its number, and how many slots it may leave open."""

    index: int
    open_after: int

    def quota(self, holes: int) -> int:
        """How many of `holes` open slots to fill now; at least one, so that a fill ends."""
        return max(1, holes - self.open_after)


def _steps(steps: int | None) -> None:
    if steps is not None and steps < 1:
        raise OptionError("steps is out of range", expected="1 or more", got=str(steps))


@dataclass(frozen=True, slots=True)
class Linear:
    """The same number in every tick, the remainder first (LLaDA, arXiv:2502.09992)."""

    steps: int | None = None

    def __post_init__(self) -> None:
        _steps(self.steps)

    def open_after(self, done: int, steps: int, slots: int) -> int:
        """Slots left open when every tick fills slots/steps."""
        each, rest = divmod(slots, steps)
        return max(0, slots - done * each - min(done, rest))


@dataclass(frozen=True, slots=True)
class Cosine:
    """Few at first, many at last: cos(π/2 · done/steps) stay open (MaskGIT, arXiv:2202.04200)."""

    steps: int | None = None

    def __post_init__(self) -> None:
        _steps(self.steps)

    def open_after(self, done: int, steps: int, slots: int) -> int:
        """Slots left open by MaskGIT's cosine."""
        if done >= steps:
            return 0
        part = math.cos(math.pi / 2 * done / steps)
        return math.floor(slots * part + 1e-9)  # cos(π/3) is a hair below a half in floats


def ticks(schedule: Schedule, *, slots: int, limit: int) -> Iterator[Tick]:
    """The ticks for a canvas of `slots` holes.

    They go on after the schedule's last, up to `limit`, for policies that reopen slots.
    """
    steps = max(1, min(schedule.steps or slots, slots))
    for index in range(limit):
        yield Tick(index, schedule.open_after(min(index + 1, steps), steps, slots))
