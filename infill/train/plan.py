"""What repeating a little code is worth: the data-constrained arithmetic, before any training.

Fits and sources:

- Muennighoff et al. 2023 (arXiv:2305.16264): repeated data count as D' = U + U·R*·(1 - e^(-R/R*)),
  with U unique tokens, R = epochs - 1 repetitions, and R* fitted.
- Prabhudesai et al. 2025 (arXiv:2507.15857): R* of masked diffusion is about 500, of
  autoregressive models about 15 (tables that others quote: 513 and 32); diffusion overtakes at
  C_crit(U) = 2.12·10^1.956·U^2.174 FLOPs.

>>> f"{critical_compute(10e6):.1e}"
'3.2e+17'
>>> round(effective(10e6, 140, DIFFUSION) / (140 * 10e6), 2)
0.87
"""

from __future__ import annotations

import math
from dataclasses import dataclass

DIFFUSION = 500.0
AUTOREGRESSIVE = 15.0
AUTOREGRESSIVE_MOST = 32.0
SOURCES = (
    "D' = U + U·R*·(1 - e^(-(epochs - 1)/R*)): Muennighoff et al. 2023, arXiv:2305.16264",
    (
        "R* ≈ 500 (masked diffusion), 15 to 32 (autoregressive), C_crit = 2.12·10^1.956·U^2.174: "
        "Prabhudesai et al. 2025, arXiv:2507.15857"
    ),
    "compute = 6 · parameters · tokens: Kaplan et al. 2020, arXiv:2001.08361",
)
EVIDENCE = (
    (
        "against: Gao et al., October 2025: the gain comes from random masking of the input; "
        "dropout and weight decay give autoregressive models similar ones"
    ),
    (
        "for: Ni et al. 2025, arXiv:2511.03276: a 1.7 B diffusion model of code overtakes its "
        "autoregressive twin on 10 B unique tokens of Python, at 10,000 times such a compute"
    ),
    (
        "the fits were not made on code, nor on less than some ten million tokens: take the "
        "direction and not the figure"
    ),
)


def effective(unique: float, epochs: float, half_life: float) -> float:
    """Tokens of fresh data that `epochs` over `unique` tokens are worth.

    `half_life` is R*: repetitions after which a further one is worth 1/e. Less than an epoch is
    worth itself.
    """
    if epochs <= 1:
        return unique * epochs
    return unique + unique * half_life * -math.expm1(-(epochs - 1) / half_life)


def critical_compute(unique: float) -> float:
    """FLOPs from which on masked diffusion has the lower loss on so many unique tokens."""
    return 2.12 * 10**1.956 * unique**2.174


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A run before it is made.

    unique      tokens of the code, each once
    parameters  of the model
    epochs      of the run
    pace        tokens per second, measured here; 0 is unknown
    """

    unique: int
    parameters: int
    epochs: float
    pace: float = 0.0

    @property
    def tokens(self) -> float:
        """Tokens that the run sees."""
        return self.unique * self.epochs

    @property
    def compute(self) -> float:
        """FLOPs of the run."""
        return 6 * self.parameters * self.tokens

    @property
    def hours(self) -> float | None:
        """How long that takes at the measured pace."""
        return self.tokens / self.pace / 3600 if self.pace else None

    def worth(self, half_life: float) -> float:
        """The share of the tokens seen that are as good as fresh, 0…1."""
        return effective(self.unique, self.epochs, half_life) / self.tokens
