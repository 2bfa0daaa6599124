"""The autoregressive control as a way to fill gaps."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from infill.bench.gaps import Gap
from infill.bench.outcome import Outcome
from infill.models.denoiser import Denoiser
from infill.train.control import Control


@dataclass(frozen=True, slots=True)
class Controlled:
    """Greedy, left to right, until the control ends it, or for as many tokens as the answer has.

    most      tokens where nobody says how many
    several   whether a fill may have several lines
    """

    control: Control
    _: KW_ONLY
    oracle: bool
    most: int
    several: bool

    def __call__(self, denoiser: Denoiser, gap: Gap, seed: int) -> Outcome:
        """The filled text."""
        del denoiser, seed
        before, after, most = gap.text[: gap.at], gap.text[gap.at :], self.most
        if self.oracle:
            newline = "\n" * before.endswith("\n")  # is one token with the indentation
            most = max(1, len(self.control.codec.encode(newline + gap.answer)) - len(newline))
        fill, forwards = self.control.fill(
            before, after, most=most, exact=self.oracle, lines=self.several
        )
        return Outcome(text=gap.filled(fill), fills=(fill,), forwards=forwards)
