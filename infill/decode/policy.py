"""Policies: which holes to fill in one tick, and with what.

Each is a small object that looks at the candidates and chooses some. The number to fill comes
from the schedule (the quota); the adaptive ones may fill more when the model is sure. They
know nothing of models or grammars: what a constraint forbids is drawn anew, and chosen anew.

>>> policy = Threshold(at_least=0.9)
>>> sure = Candidates(np.arange(3), np.arange(3), np.log([0.95, 0.5, 0.99]), spread=lambda: ...)
>>> policy.choose(sure, quota=1).tolist()
[2, 0]
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Positions, Step, Write
from infill.decode.candidates import Candidates, Row, Sampling
from infill.decode.hypothesis import Hypothesis
from infill.decode.schedule import Tick
from infill.errors import OptionError
from infill.vocab import Bitmask

Picks = NDArray[np.int64]


class Policy(Protocol):
    """Proposes steps from one hypothesis, the best first.

    One whose `draws` is False has no use for random numbers: its fills are all equal.
    """

    def __call__(
        self, hypothesis: Hypothesis, row: Row, tick: Tick, rng: np.random.Generator
    ) -> Iterable[Step]:
        """The steps to try; each becomes a child."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmasking(ABC):
    """The policies that fill holes: draw a token for each, then choose which to keep."""

    sampling: Sampling = field(default_factory=Sampling)

    @property
    def draws(self) -> bool:
        """Whether tokens are drawn."""
        return self.sampling.temperature > 0

    def __call__(
        self, hypothesis: Hypothesis, row: Row, tick: Tick, rng: np.random.Generator
    ) -> Iterable[Step]:
        """One step of writes, the surest first, as a constraint should judge them."""
        if step := self.writes(hypothesis, row, tick, rng, at=hypothesis.canvas.holes):
            yield step

    def writes(
        self,
        hypothesis: Hypothesis,
        row: Row,
        tick: Tick,
        rng: np.random.Generator,
        *,
        at: Positions,
    ) -> Step:
        """Writes to holes among `at`, so many that no more of these are left than the tick says.

        A mask costs a constraint far more than a question about one token. So tokens are drawn
        from all, and a mask is asked for where the one that was chosen is not admitted. Drawing
        anew with another number is exact: p(t) + p(vetoed) · p(t)/p(admitted) = p(t)/p(admitted).
        """
        state, sampling, holes = hypothesis.state, self.sampling, at
        first, second = (rng.random(len(hypothesis.canvas))[holes] for _ in range(2))
        drawn = row.candidates(holes, sampling=sampling, uniforms=first)
        masks: dict[int, Bitmask] = {}
        while True:
            picks = self.choose(drawn, quota=tick.quota(len(drawn)))
            wrong = [
                i
                for i in picks.tolist()
                if i not in masks and not state.admits(int(holes[i]), int(drawn.tokens[i]))
            ]
            if not wrong:
                break
            masks |= {i: state.allowed(int(holes[i])) for i in wrong}
            allowed = np.stack([masks[i] for i in wrong])
            where = np.array(wrong)
            anew = row.candidates(
                holes[where], sampling=sampling, uniforms=second[where], allowed=allowed
            )
            drawn = drawn.replaced(where, anew)
        picks = _with_forced(picks, masks)
        picks = picks[np.isfinite(drawn.logps[picks])]
        return tuple(
            Write(int(drawn.at[i]), int(drawn.tokens[i]), float(drawn.logps[i]))
            for i in picks.tolist()
        )

    @abstractmethod
    def choose(self, drawn: Candidates, *, quota: int) -> Picks:
        """Indices into `drawn` of the candidates to write, the surest first.

        At least `quota` of them, so that a step budget holds.
        """


def _with_forced(picks: Picks, masks: Mapping[int, Bitmask]) -> Picks:
    """The picks, and after them the holes that are known to have one token left."""
    chosen = set(picks.tolist())
    forced = [
        i
        for i, mask in masks.items()
        if i not in chosen and sum(int(word).bit_count() for word in mask.view(np.uint32)) == 1
    ]
    return np.array([*picks.tolist(), *forced], dtype=np.int64)


def _first(keys: NDArray[np.float64], count: int) -> Picks:
    """The `count` smallest keys; equal ones from left to right, so that results repeat."""
    return np.argsort(keys, kind="stable")[:count]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LeftToRight(Unmasking):
    """The leftmost holes, as an autoregressive model would."""

    def choose(self, drawn: Candidates, *, quota: int) -> Picks:
        """The first `quota` holes."""
        return np.arange(min(quota, len(drawn)))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence(Unmasking):
    """The holes whose drawn token is likeliest (MaskGIT, arXiv:2202.04200; LLaDA)."""

    def choose(self, drawn: Candidates, *, quota: int) -> Picks:
        """The `quota` largest log-probabilities."""
        return _first(-drawn.logps, quota)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Entropy(Unmasking):
    """The holes whose distribution has the least entropy (Dream, arXiv:2508.15487)."""

    def choose(self, drawn: Candidates, *, quota: int) -> Picks:
        """The `quota` smallest entropies."""
        return _first(drawn.entropies, quota)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Margin(Unmasking):
    """The holes whose two best tokens are furthest apart (top-k margin, arXiv:2502.06768)."""

    def choose(self, drawn: Candidates, *, quota: int) -> Picks:
        """The `quota` largest margins."""
        return _first(-drawn.margins, quota)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold(Unmasking):
    """Every hole whose token reaches a probability (Fast-dLLM, arXiv:2505.22618)."""

    at_least: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.at_least <= 1:
            got = repr(self.at_least)
            raise OptionError("at_least is out of range", expected="above 0, up to 1", got=got)

    def choose(self, drawn: Candidates, *, quota: int) -> Picks:
        """Those that reach it, or the `quota` likeliest if they are more."""
        sure = int((drawn.logps >= np.log(self.at_least)).sum())
        return _first(-drawn.logps, max(sure, quota))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Factor(Unmasking):
    """As many holes as their joint certainty allows (Fast-dLLM's factor, arXiv:2505.22618).

    With probabilities c in falling order, the largest n with (n + 1)(1 - c_n) < factor.
    """

    factor: float = 1.0

    def __post_init__(self) -> None:
        if not self.factor > 0:
            raise OptionError("factor is out of range", expected="above 0", got=repr(self.factor))

    def choose(self, drawn: Candidates, *, quota: int) -> Picks:
        """The n of the rule, or `quota` if that is more."""
        order = _first(-drawn.logps, len(drawn))
        doubts = 1 - np.exp(drawn.logps[order])
        fits = np.flatnonzero((np.arange(len(drawn)) + 2) * doubts < self.factor)
        return order[: max(int(fits[-1]) + 1 if len(fits) else 0, quota)]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EntropyBounded(Unmasking):
    """As many holes as joint entropy allows (EB-Sampler, arXiv:2505.24857).

    With entropies H in rising order, the largest k with Σ_{i≤k} H_i - max_{i≤k} H_i ≤ gamma:
    a bound on what drawing them independently can lose.
    """

    gamma: float = 0.1

    def __post_init__(self) -> None:
        if not self.gamma >= 0:
            raise OptionError("gamma is out of range", expected="0 or more", got=repr(self.gamma))

    def choose(self, drawn: Candidates, *, quota: int) -> Picks:
        """The k of the bound, or `quota` if that is more."""
        order = _first(drawn.entropies, len(drawn))
        rising = drawn.entropies[order]
        # Σ_{i≤k} H_i - H_k is the sum of those before k, and it rises with k
        within = int((np.cumsum(rising) - rising <= self.gamma).sum())
        return order[: max(within, quota)]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Blockwise(Unmasking):
    """Block after block from left to right, in each as `inner` would (semi-autoregressive).

    A block is `size` neighbouring slots of the canvas. A quota that a block cannot use up goes
    on to the next one, so that the step budget holds.
    """

    inner: Unmasking = field(default_factory=Confidence)
    size: int = 32

    def __post_init__(self) -> None:
        if self.size < 1:
            raise OptionError("size is out of range", expected="1 or more", got=str(self.size))
        if self.inner.sampling != Sampling():
            raise OptionError(
                "the sampling of a blockwise policy's inner one would be ignored",
                got=f"inner={self.inner!r}",
                hint="give the sampling to Blockwise itself",
            )

    def choose(self, drawn: Candidates, *, quota: int) -> Picks:
        """What `inner` chooses in the first open blocks."""
        picks = np.empty(0, dtype=np.int64)
        blocks = drawn.at // self.size
        for block in np.unique(blocks).tolist():
            inside = np.flatnonzero(blocks == block)
            left = quota - len(picks)
            picks = np.concatenate((picks, inside[self.inner.choose(drawn[inside], quota=left)]))
            if len(picks) >= quota:
                break
        return picks
