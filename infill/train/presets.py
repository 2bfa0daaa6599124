"""What decides a run, and the shapes that have a name.

>>> PRESETS["small"].model.width, PRESETS["small"].model.layers
(384, 8)
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from infill.models.layers import TinyConfig
from infill.train.corrupt import EARLY, FULL, Mixture
from infill.train.optim import OptimConfig

FREE = frozenset({"optim", "bf16"})
"""Fields of `RunConfig` that may change when a run is gone on with."""
CURRICULUM = 1 / 3
"""Share of a run in which steps have half of their tokens, and the early noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """Everything that decides a run, apart from the corpus, the first weights and the clock.

    tokens     per step, half as many in the first third; rows of `model.context` and of half of
               it take turns
    warmup     share of the run in which the rates rise
    flat       share of the run after which they fall, linearly, to 0
    bf16       autocast the matrix products: 1.8 times as fast with AVX512_BF16, a trap without
    early      the noise of the first third, and `full` that of the rest
    lora       rank of the adapters that are trained in the place of the weights; 0 trains these
    """

    model: TinyConfig
    optim: OptimConfig = field(default_factory=OptimConfig)
    tokens: int = 8192
    warmup: float = 0.01
    flat: float = 0.6
    bf16: bool = False
    seed: int = 0
    early: Mixture = EARLY
    full: Mixture = FULL
    lora: int = 0

    def noise_at(self, progress: float) -> Mixture:
        """The curriculum: short and light for the first third of the run, then everything."""
        return self.early if progress < CURRICULUM else self.full

    def tokens_at(self, progress: float) -> int:
        """Tokens of a step."""
        return self.tokens // (2 if progress < CURRICULUM else 1)

    def steps_for(self, tokens: float) -> int:
        """How many steps see so many tokens, 1 or more."""
        return max(1, round(tokens / (self.tokens * (1 - CURRICULUM / 2))))

    def fixed(self) -> dict[str, Any]:
        """What a run that is gone on with must have in common with the one before."""
        return {name: value for name, value in asdict(self).items() if name not in FREE}

    def with_rate(self, muon_lr: float) -> RunConfig:
        """The same run at another rate; AdamW's stays a third of Muon's."""
        return replace(self, optim=replace(self.optim, muon_lr=muon_lr, adam_lr=muon_lr / 3))


def tiny_config(width: int, layers: int, vocab: int, context: int = 256) -> TinyConfig:
    """Heads of 64 or, where the width is no multiple of that, one; SwiGLU of 8/3 rounded to 64."""
    return TinyConfig(
        vocab=vocab, width=width, layers=layers, heads=1 if width % 64 else width // 64,
        ff=max(64, round(width * 8 / 3 / 64) * 64), context=context,
    )  # fmt: skip


PRESETS = {
    "fixture": RunConfig(model=tiny_config(128, 2, 4096), tokens=4096),
    "tiny": RunConfig(model=tiny_config(256, 4, 8192)),
    "small": RunConfig(model=tiny_config(384, 8, 8192, 512), tokens=65_536),
    "base": RunConfig(model=tiny_config(512, 8, 8192, 512), tokens=65_536),
}
"""Of 1, 5, 17 and 29 M parameters; the last two are for a GPU."""


def causal(config: RunConfig) -> RunConfig:
    """The same run of the autoregressive control: equal size, tokens, optimiser and schedule.

    Its rows have no slots, so none too many or too few.
    """
    early, full = (
        replace(noise, deletions=0.0, expansions=0.0) for noise in (config.early, config.full)
    )
    return replace(config, model=replace(config.model, causal=True), early=early, full=full)
