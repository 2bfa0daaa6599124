"""Revisions on a schedule: how many slots are open after each tick is fixed, not which.

>>> written_at = np.log([0.9, 0.1])
>>> ReMDMCap(eta=0.5).odds(written_at, 0.4).tolist()
[0.4, 0.4]
>>> ReMDMRescale(eta=0.5).odds(written_at, 0.4).tolist()
[0.2, 0.2]
>>> ReMDMConf(eta=0.5).odds(written_at, 0.4).round(2).tolist()
[0.12, 0.28]
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Annotated, final

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Slot, Step
from infill.decode.candidates import Candidates, Row
from infill.decode.hypothesis import Hypothesis
from infill.decode.locating import Locator, Visible
from infill.decode.past import Past
from infill.decode.revision import Asking, Revision, reopens
from infill.decode.schedule import Tick
from infill.errors import OptionError

Shares = Annotated[NDArray[np.float64], "F"]
Draw = Callable[[], Candidates]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled(Revision):
    """Revisions that keep to a number of open slots: more is written for what is reopened."""

    def __call__(
        self, hypothesis: Hypothesis, row: Row, tick: Tick, rng: np.random.Generator
    ) -> Iterable[Step]:
        """One step, after which as many slots are open as should be."""
        past, uniforms = Past.of(hypothesis), rng.random(len(hypothesis.canvas))
        holes = len(hypothesis.canvas.holes)
        left = min(self.left_open(hypothesis, past, tick), holes)
        slots = past.open_to(hypothesis, self.cap)
        ahead = deepcopy(rng)  # `inner` draws after us, and from the same numbers

        def drawn() -> Candidates:
            at, first = hypothesis.canvas.holes, ahead.random(len(hypothesis.canvas))
            return row.candidates(at, sampling=self.inner.sampling, uniforms=first[at])

        chosen = list(self.chosen(hypothesis, left, slots, uniforms[slots], drawn))[:left]
        write = max(1, holes - left + len(chosen))
        for step in self.inner(hypothesis, row, Tick(tick.index, max(0, holes - write)), rng):
            yield (*step, *reopens(sorted(chosen)))

    @abstractmethod
    def left_open(self, hypothesis: Hypothesis, past: Past, tick: Tick) -> int:
        """Slots to leave open after this tick."""

    @abstractmethod
    def chosen(
        self,
        hypothesis: Hypothesis,
        left: int,
        slots: Sequence[int],
        uniforms: Shares,
        drawn: Draw,
    ) -> Sequence[int]:
        """Which of `slots` [F] to reopen, given a uniform number [F] for each.

        `drawn`, to be called once at most, is what `inner` draws for the holes at first: before
        a constraint is asked, for which `inner` may draw some of these tokens anew.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ReMDM(Scheduled):
    """Reopen each filled slot by a draw of its own (ReMDM, arXiv:2503.00307).

    Of the filled slots, now a share a of all and after the tick a share b, no more than
    min(1, (1-b)/a) can be reopened on average: the ceiling.
    """

    eta: float = 0.04

    def __post_init__(self) -> None:
        Revision.__post_init__(self)
        if not 0 <= self.eta <= 1:
            got = repr(self.eta)
            raise OptionError("eta is out of range", expected="from 0 to 1", got=got)

    @property
    def draws(self) -> bool:
        """Which slots are reopened is drawn."""
        return (self.eta > 0 and self.cap != 0) or self.inner.draws

    @final
    def left_open(self, hypothesis: Hypothesis, past: Past, tick: Tick) -> int:  # noqa: ARG002 - as scheduled
        """What the schedule says."""
        return tick.open_after

    @final
    def chosen(
        self,
        hypothesis: Hypothesis,
        left: int,
        slots: Sequence[int],
        uniforms: Shares,
        drawn: Draw,  # noqa: ARG002 - commit-time confidence at most
    ) -> Sequence[int]:
        """Those whose number is below their odds."""
        canvas = hypothesis.canvas
        ours = int((canvas.slots != Slot.GIVEN).sum())
        filled = ours - len(canvas.holes)
        ceiling = min(1.0, left / filled) if filled else 1.0
        odds = self.odds(canvas.logps[list(slots)], ceiling)
        return [at for at, u, p in zip(slots, uniforms, odds, strict=True) if u < p]

    @abstractmethod
    def odds(self, logps: Shares, ceiling: float) -> Shares:
        """[F] The probability to reopen, of slots that were written at `logps` [F]."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ReMDMCap(ReMDM):
    """All at `eta`, where the ceiling is higher."""

    def odds(self, logps: Shares, ceiling: float) -> Shares:
        """[F] The same for all."""
        return np.full(len(logps), min(self.eta, ceiling))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ReMDMRescale(ReMDM):
    """All at `eta` times the ceiling."""

    def odds(self, logps: Shares, ceiling: float) -> Shares:
        """[F] The same for all."""
        return np.full(len(logps), self.eta * ceiling)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ReMDMConf(ReMDM):
    """By how unsure a token was when it was written: softmax(-p), with the mean of the rescaled.

    Text that the user offered was written at p = 1. The paper's softmax sums to 1 over the slots;
    ours has the mean 1, so that `eta` means the same for texts of any length.
    """

    def odds(self, logps: Shares, ceiling: float) -> Shares:
        """[F] More for those that were written with less confidence."""
        weights = np.exp(-np.exp(logps))
        mean = weights.mean() if len(weights) else 1.0
        return np.minimum(1.0, self.eta * ceiling * weights / mean)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ReMDMLoop(Scheduled):
    """Fill up to a share of the slots, then reopen and refill for some ticks, then finish.

    at       the share of filled slots to wait at
    ticks    how long; each reopens a share `eta` of the filled slots, at least one
    pace     slots filled in a tick after that
    """

    eta: float = 0.04
    at: float = 7 / 8
    ticks: int = 8
    pace: int = 1

    @property
    def draws(self) -> bool:
        """Which slots are reopened is drawn."""
        return (self.ticks > 0 and self.cap != 0) or self.inner.draws

    def left_open(self, hypothesis: Hypothesis, past: Past, tick: Tick) -> int:
        """As many as wait, while they wait."""
        ours = int((hypothesis.canvas.slots != Slot.GIVEN).sum())
        waiting = max(1, ours - math.floor(self.at * ours))
        if past.rounds < self.ticks:
            return max(waiting, tick.open_after)
        return max(0, len(hypothesis.canvas.holes) - self.pace)

    def chosen(
        self,
        hypothesis: Hypothesis,
        left: int,
        slots: Sequence[int],
        uniforms: Shares,
        drawn: Draw,  # noqa: ARG002 - chosen blindly
    ) -> Sequence[int]:
        """None before the wait; in it, a share, at least one."""
        if len(hypothesis.canvas.holes) > left or not slots:
            return ()
        count = max(1, int((uniforms < self.eta).sum()))
        return [slots[i] for i in np.argsort(uniforms, kind="stable")[:count]]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class P2(Scheduled, Asking):
    """Path planning: the least sure slots are open, filled or not (P2, arXiv:2502.03540).

    In each tick a hole counts by the log-probability of the token that is drawn for it (before the
    constraint: one that is vetoed is drawn anew after it counted), a filled slot by what the
    planner gives its token, times `eta`; given slots are pinned. The least of
    them, as many as the schedule leaves, are open afterwards. With `eta` above 1 more is taken
    back, at 0 nothing. This is the published rule where `cap` is None and `inner` is Confidence.

    The planner is `locate`; the paper's self-planning is `Visible`, for models that can. It is
    asked about the canvas, and about the token that stands there: the released sampler gives a
    planner of its own the whole draw to judge, and draws a token over one that it keeps. With a
    `cap` (the default) a position and token that were taken back stay, pinned like given ones.
    """

    locate: Locator = field(default_factory=Visible)
    eta: float = 1.0

    def __post_init__(self) -> None:
        Revision.__post_init__(self)
        if not self.eta >= 0:
            raise OptionError("eta is out of range", expected="0 or more", got=repr(self.eta))

    def left_open(self, hypothesis: Hypothesis, past: Past, tick: Tick) -> int:  # noqa: ARG002 - as scheduled
        """What the schedule says."""
        return tick.open_after

    def chosen(
        self,
        hypothesis: Hypothesis,
        left: int,
        slots: Sequence[int],
        uniforms: Shares,  # noqa: ARG002 - nothing is drawn for them
        drawn: Draw,
    ) -> Sequence[int]:
        """The filled slots among the `left` least sure of all."""
        if not slots or not left:
            return ()
        doubts, holes = self.doubts(self.locate, hypothesis.canvas, slots), drawn()
        sureness = np.concatenate((doubts.current * self.eta, holes.logps))
        weakest = np.argsort(sureness, kind="stable")[:left].tolist()
        return [int(doubts.at[i]) for i in weakest if i < len(doubts.at)]
