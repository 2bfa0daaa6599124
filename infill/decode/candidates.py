"""What policies see of a model: top-k lists, candidates, log-probabilities. Arrays only.

This is the port that the loop owns and models implement; `scores.py` implements it over logits.
Log-probabilities are natural, of the model's distribution over writable tokens
(`Vocab.writable`), restricted to the allowed ones where a mask is given; temperature, top-k and
top-p decide what is drawn, not what is reported.

>>> Sampling(temperature=-1.0)
Traceback (most recent call last):
infill.errors.OptionError: temperature is out of range
  expected: a finite number, 0 or more
  got: -1.0
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Positions
from infill.errors import OptionError
from infill.vocab import Bitmask

Bitmasks = Annotated[NDArray[np.int32], "H ceil(V/32)"]
Uniforms = Annotated[NDArray[np.float64], "H"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a token is drawn from a slot's distribution.

    temperature  0 takes the likeliest; above, logits are divided by it (usual: 0.2 to 1)
    top_p        keep the likeliest tokens that together reach this probability, in (0, 1]
    top_k        keep this many tokens; 0 keeps all
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0

    def __post_init__(self) -> None:
        for name, fine, expected in (
            ("temperature", 0 <= self.temperature < float("inf"), "a finite number, 0 or more"),
            ("top_p", 0 < self.top_p <= 1, "a number above 0 and up to 1"),
            ("top_k", self.top_k >= 0, "a whole number, 0 or more"),
        ):
            if not fine:
                got = repr(getattr(self, name))
                raise OptionError(f"{name} is out of range", expected=expected, got=got)


@dataclass(frozen=True, slots=True)
class TopK:
    """The likeliest tokens of one slot, best first: tokens [K] int64, logps [K] float64."""

    tokens: NDArray[np.int64]
    logps: NDArray[np.float64]


class Candidates:
    """One drawn token for each of H holes, and how sure the model is of it.

    at [H], tokens [H] int64, logps [H] float64 (nats; -inf where nothing is allowed).
    Margins and entropies are computed when a policy first asks.
    """

    def __init__(
        self,
        at: Positions,
        tokens: NDArray[np.int64],
        logps: NDArray[np.float64],
        *,
        spread: Callable[[], tuple[NDArray[np.float64], NDArray[np.float64]]],
    ) -> None:
        self.at, self.tokens, self.logps, self._spread = at, tokens, logps, spread

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, picks: NDArray[np.int64]) -> Candidates:
        """The candidates at `picks`, in that order."""
        return Candidates(
            self.at[picks],
            self.tokens[picks],
            self.logps[picks],
            spread=lambda: (self.margins[picks], self.entropies[picks]),
        )

    def replaced(self, picks: NDArray[np.int64], other: Candidates) -> Candidates:
        """These, with `other` in the places `picks`."""

        def put(ours: NDArray[Any], theirs: NDArray[Any]) -> NDArray[Any]:
            row = ours.copy()
            row[picks] = theirs
            return row

        return Candidates(
            self.at,
            put(self.tokens, other.tokens),
            put(self.logps, other.logps),
            spread=lambda: (
                put(self.margins, other.margins),
                put(self.entropies, other.entropies),
            ),
        )

    @cached_property
    def _both(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self._spread()

    @property
    def margins(self) -> NDArray[np.float64]:
        """[H] Probability of the best token minus that of the second best."""
        return self._both[0]

    @property
    def entropies(self) -> NDArray[np.float64]:
        """[H] Entropy of each hole's distribution (nats)."""
        return self._both[1]


@dataclass(frozen=True, slots=True)
class Wishes:
    """Whether a model would rather have H holes longer, or gone, than write to them.

    Log-probabilities over the writable tokens and these two together (nats, float64 [H]).

    write   the likeliest writable token
    text    all writable tokens
    expand  `Vocab.expand`, -inf where there is none
    delete  `Vocab.delete`, -inf where there is none
    """

    write: NDArray[np.float64]
    text: NDArray[np.float64]
    expand: NDArray[np.float64]
    delete: NDArray[np.float64]

    def without_expand(self) -> Wishes:
        """The same where nothing can be made longer: over what is left."""
        left = np.logaddexp(self.text, self.delete)
        never = np.full_like(self.expand, -np.inf)
        return Wishes(self.write - left, self.text - left, never, self.delete - left)


class Scores(Protocol):
    """What a denoiser returns: B rows of scored slots."""

    def __getitem__(self, row: int) -> Row:
        """The scores of one canvas."""
        ...

    def top(self, row: int, at: int, k: int, allowed: Bitmask | None = None) -> TopK:
        """The k likeliest tokens of the slot `at`; fewer where fewer are allowed."""
        ...

    def of(self, row: int, at: int) -> float:
        """The log-probability of the token that stands at `at` (nats)."""
        ...

    def logp(self, row: int, at: int, token: int) -> float:
        """The log-probability of any token at `at` (nats)."""
        ...

    def candidates(
        self,
        row: int,
        holes: Positions,
        *,
        sampling: Sampling,
        uniforms: Uniforms,
        allowed: Bitmasks | None = None,
    ) -> Candidates:
        """One token per hole, drawn with the given uniforms in [0, 1)."""
        ...

    def logits(self, row: int, at: Positions) -> NDArray[np.float32]:
        """[N, V] What all else is computed from, for slots `at`; -inf for what is never written.

        `Vocab.expand` and `Vocab.delete` have theirs. The array is the caller's own.
        """
        ...

    def wishes(self, row: int, holes: Positions) -> Wishes:
        """What the model would do with the length of holes.

        Raises OptionError for a vocabulary that cannot say it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """The scores of one canvas."""

    scores: Scores
    row: int

    def top(self, at: int, k: int, allowed: Bitmask | None = None) -> TopK:
        """The k likeliest tokens of the slot `at`."""
        return self.scores.top(self.row, at, k, allowed)

    def of(self, at: int) -> float:
        """The log-probability of the token that stands at `at` (nats)."""
        return self.scores.of(self.row, at)

    def logp(self, at: int, token: int) -> float:
        """The log-probability of any token at `at` (nats)."""
        return self.scores.logp(self.row, at, token)

    def candidates(
        self,
        holes: Positions,
        *,
        sampling: Sampling,
        uniforms: Uniforms,
        allowed: Bitmasks | None = None,
    ) -> Candidates:
        """One token per hole, drawn with the given uniforms in [0, 1)."""
        return self.scores.candidates(
            self.row, holes, sampling=sampling, uniforms=uniforms, allowed=allowed
        )

    def logits(self, at: Positions) -> NDArray[np.float32]:
        """[N, V] What all else is computed from, for slots `at`."""
        return self.scores.logits(self.row, at)

    def wishes(self, holes: Positions) -> Wishes:
        """What the model would do with the length of holes."""
        return self.scores.wishes(self.row, holes)
