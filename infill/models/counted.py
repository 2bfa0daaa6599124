"""A denoiser that counts what it is asked, and stops where a budget ends.

Every canvas that is scored is one forward, however many share a batch: so searches can be
compared at equal cost. A canvas with a shadow block is one forward too, though of more slots: up to
twice as many, which `slots` tells.

>>> from infill.canvas import Canvas, Slot
>>> from infill.models.scripted import Scripted, byte_vocab, noise
>>> vocab = byte_vocab()
>>> model = Counted(Scripted(vocab, noise(vocab)), nfe_budget=3)
>>> canvas = Canvas([0], [Slot.HOLE])
>>> _ = model([canvas, canvas])
>>> model.forwards, model.batches
(2, 1)
>>> model([canvas, canvas])
Traceback (most recent call last):
infill.errors.BudgetError: the budget of forwards is spent
  expected: 3 or fewer (nfe_budget)
  got: 2, and 2 more are wanted
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from infill.canvas import Canvas, Positions
from infill.decode.candidates import Scores
from infill.errors import BudgetError
from infill.models.denoiser import Capabilities, Denoiser, shadowing
from infill.vocab import Vocab


class Counted:
    """Asks `inner`, and raises BudgetError instead of going on past a bound.

    nfe_budget   forwards, canvases scored
    time_limit   seconds from now; looked at before each batch, which is not interrupted
    cancelled    asked before each batch whether to stop
    """

    def __init__(
        self,
        inner: Denoiser,
        *,
        nfe_budget: int | None = None,
        time_limit: float | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.inner, self.nfe_budget, self.time_limit = inner, nfe_budget, time_limit
        self.cancelled, self.forwards, self.batches, self.slots = cancelled, 0, 0, 0
        self._begun = time.monotonic()

    @property
    def vocab(self) -> Vocab:
        """The tokens it writes."""
        return self.inner.vocab

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self.inner.capabilities

    def __call__(self, canvases: Sequence[Canvas]) -> Scores:
        """Score canvases in one batch. Raises BudgetError where that is not allowed any more."""
        self._count(canvases, 0)
        return self.inner(canvases)

    def shadowed(self, canvases: Sequence[Canvas], at: Sequence[Positions]) -> Scores:
        """As `Shadowing.shadowed`, counted. Raises OptionError for a model that cannot."""
        model = shadowing(self.inner)
        self._count(canvases, sum(map(len, at)))
        return model.shadowed(canvases, at)

    def _count(self, canvases: Sequence[Canvas], beside: int) -> None:
        """Note a batch, with so many slots beside the canvases', or raise BudgetError."""
        if self.cancelled is not None and self.cancelled():
            raise BudgetError("the work was cancelled", reason="cancelled")
        if self.nfe_budget is not None and self.forwards + len(canvases) > self.nfe_budget:
            raise BudgetError(
                "the budget of forwards is spent",
                reason="nfe_budget",
                expected=f"{self.nfe_budget} or fewer (nfe_budget)",
                got=f"{self.forwards}, and {len(canvases)} more are wanted",
            )
        spent = time.monotonic() - self._begun
        if self.time_limit is not None and spent >= self.time_limit:
            raise BudgetError(
                "the time is up",
                reason="time_limit",
                expected=f"{self.time_limit:g} s (time_limit)",
                got=f"{spent:.1f} s",
            )
        self.forwards += len(canvases)
        self.batches += 1
        self.slots += sum(map(len, canvases)) + beside
