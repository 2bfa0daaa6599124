"""Revision: policies that take back what they wrote, or what the user offered, and fill it anew.

Each wraps a policy that fills holes and adds `Reopen` moves to its steps: reset to a hole and
refill, never overwrite. A (position, token) pair is reopened once at most, so that a token which
comes back stays, and a position at most `cap` times; with that every revision ends. Given slots
are never touched: only filled ones can be reopened.

A canvas without a hole is finished for the loop: revise it from `PartitionRevision.begin`. Those
whose schedule says how much is open after each tick are in `remdm.py`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np

from infill.canvas import Canvas, Reopen, Step, Write
from infill.decode.candidates import Row
from infill.decode.hypothesis import Hypothesis
from infill.decode.locating import Doubts, Locator, Partition
from infill.decode.past import Past
from infill.decode.policy import Confidence, Policy, Unmasking
from infill.decode.policy import Threshold as Draft
from infill.decode.schedule import Tick
from infill.errors import OptionError
from infill.models.denoiser import Denoiser


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision(ABC):
    """What all revisions share.

    inner   fills the holes
    cap     how often one position may be reopened. None bounds neither that nor how often a token
            is taken back: for what ends by itself, by a schedule or a number of rounds
    """

    inner: Unmasking = field(default_factory=Confidence)
    cap: int | None = 2

    def __post_init__(self) -> None:
        if self.cap is not None and self.cap < 0:
            raise OptionError("cap is out of range", expected="0 or more", got=str(self.cap))

    @property
    def draws(self) -> bool:
        """Whether anything is drawn: what is taken back is not, unless a revision says so."""
        return self.inner.draws

    @abstractmethod
    def __call__(
        self, hypothesis: Hypothesis, row: Row, tick: Tick, rng: np.random.Generator
    ) -> Iterable[Step]:
        """Steps of writes, and of what to take back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking(Revision):
    """A revision that asks a model itself, beside what it is given of each tick.

    denoiser   whom it asks; a fill tells one that was not told (`told`), so that what it asks is
               counted with the rest
    """

    denoiser: Denoiser | None = field(default=None, repr=False)

    def doubts(self, locate: Locator, canvas: Canvas, slots: Sequence[int]) -> Doubts:
        """What the model thinks of some slots. Raises OptionError where no model was named."""
        if self.denoiser is None:
            raise OptionError(
                "this policy does not know which model to ask",
                where=type(self).__name__,
                expected="a denoiser",
                hint="give it denoiser=..., or wrap it: told(policy, denoiser)",
            )
        return locate(self.denoiser, canvas, slots)


def told(policy: Policy, denoiser: Denoiser) -> Policy:
    """The policy, told whom to ask where it asks and was not told."""
    if isinstance(policy, Asking) and policy.denoiser is None:
        return replace(policy, denoiser=denoiser)
    return policy


def reopens(at: Iterable[int]) -> Step:
    """The step that takes back what is written in some slots."""
    return tuple(Reopen(slot) for slot in at)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionRevision(Asking):
    """When nothing is left to fill, reopen what the model doubts most; the default revision.

    locate     how: four forwards as a rule
    above      nats that the best token must be ahead of what stands there
    most       slots reopened in a round
    rounds     how often
    pace       slots refilled in a tick
    """

    locate: Locator = field(default_factory=Partition)
    above: float = 2.0
    most: int = 4
    rounds: int = 2
    pace: int = 1

    def __call__(
        self, hypothesis: Hypothesis, row: Row, tick: Tick, rng: np.random.Generator
    ) -> Iterable[Step]:
        """The steps of `inner`; the one that fills the last hole also reopens."""
        if Past.of(hypothesis).rounds:
            tick = Tick(tick.index, max(0, len(hypothesis.canvas.holes) - self.pace))
        for step in self.inner(hypothesis, row, tick, rng):
            child = hypothesis.extend(step)  # what the constraint admits of it
            if child is None or not child.done:
                yield step
            else:
                yield (*child.step, *self._doubtful(child))

    def begin(self, hypothesis: Hypothesis) -> Hypothesis:
        """The hypothesis with its first round reopened; itself where nothing is doubtful."""
        return hypothesis.extend(self._doubtful(hypothesis)) or hypothesis

    def _doubtful(self, hypothesis: Hypothesis) -> Step:
        past = Past.of(hypothesis)
        slots = past.open_to(hypothesis, self.cap)
        if past.rounds >= self.rounds or not slots:
            return ()
        doubts = self.doubts(self.locate, hypothesis.canvas, slots)
        return reopens(doubts.worst(self.most, above=self.above))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdRevision(Asking):
    """Draft freely, and take back what does not hold up once its neighbours are there.

    After each tick that wrote more than one token, those whose probability is below `below` are
    reopened, fewer than were written (WINO, arXiv:2507.18578). With `locate=Shadow()` they are
    found as in the paper, where the model can: by one forward of the canvas that was just written,
    where the paper has the verdicts on the tokens before these from the forward that drafted these.
    """

    inner: Unmasking = field(default_factory=lambda: Draft(at_least=0.6))
    locate: Locator = field(default_factory=Partition)
    below: float = 0.9

    def __call__(
        self, hypothesis: Hypothesis, row: Row, tick: Tick, rng: np.random.Generator
    ) -> Iterable[Step]:
        """The steps of `inner`, and what to take back."""
        for step in self.inner(hypothesis, row, tick, rng):
            child = hypothesis.extend(step)
            slots = [] if child is None else Past.of(child).open_to(child, self.cap)
            if child is None or len(child.step) == 1 or not slots:
                yield step
                continue
            doubts = self.doubts(self.locate, child.canvas, slots)
            order = np.argsort(doubts.current, kind="stable")[: len(child.step) - 1]
            weak = [int(doubts.at[i]) for i in order if doubts.current[i] < math.log(self.below)]
            yield (*child.step, *reopens(weak))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintRevision(Revision):
    """Where a constraint forbids what the model is sure of, the tokens beside it are suspect.

    A token more than `above` nats behind the model's wish reopens filled slots up to `reach` away.
    """

    above: float = 3.0
    reach: int = 2

    def __post_init__(self) -> None:
        Revision.__post_init__(self)
        if self.cap is None:
            raise OptionError(
                "nothing would end this revision",
                expected="cap=0 or more",
                got="cap=None",
                hint="what a constraint forbids, it may forbid again and again",
            )

    def __call__(
        self, hypothesis: Hypothesis, row: Row, tick: Tick, rng: np.random.Generator
    ) -> Iterable[Step]:
        """The steps of `inner`, and the neighbours of what went against the model."""
        open_to = set(Past.of(hypothesis).open_to(hypothesis, self.cap))
        for step in self.inner(hypothesis, row, tick, rng):
            forced = [
                move.at
                for move in step
                if isinstance(move, Write)
                and row.top(move.at, 1).logps[0] - row.logp(move.at, move.token) > self.above
            ]
            near = {at for at in open_to for one in forced if abs(at - one) <= self.reach}
            yield (*step, *reopens(sorted(near)))
