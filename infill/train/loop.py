"""The training loop: warm-up, flat, decay; checkpoints that resume bit for bit.

Every draw of step `n` comes from a generator seeded by (seed, n), so a checkpoint needs no state
of a generator, and a run that was cut continues exactly as if it had not been. The schedule knows
progress only (0 at the start, 1 at the end); whether that is counted in steps or in minutes is an
argument. The loop knows neither files of source nor evaluation.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from infill.errors import InputError
from infill.models.tiny import TinyConfig, TinyTransformer
from infill.train.corrupt import corrupt, mixture_at
from infill.train.loss import loss
from infill.train.optim import OptimConfig, optimisers
from infill.train.stream import Stream, draw
from infill.train.tokenizer import Codec


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """Everything that decides a run, apart from the corpus and the clock.

    tokens     per step, half as many in the first third; rows of `model.context` and of half of
               it take turns
    warmup     share of the run in which the rates rise
    flat       share of the run after which they fall, linearly, to 0
    bf16       autocast the matrix products: 1.8 times as fast with AVX512_BF16, a trap without
    """

    model: TinyConfig
    optim: OptimConfig = field(default_factory=OptimConfig)
    tokens: int = 8192
    warmup: float = 0.01
    flat: float = 0.6
    bf16: bool = False
    seed: int = 0


def tiny_config(width: int, layers: int, vocab: int) -> TinyConfig:
    """Heads of 64, SwiGLU of 8/3 rounded to 64."""
    return TinyConfig(
        vocab=vocab, width=width, layers=layers, heads=width // 64,
        ff=round(width * 8 / 3 / 64) * 64,
    )  # fmt: skip


FIXTURE = RunConfig(model=tiny_config(128, 2, 4096), tokens=4096)
SMALL = RunConfig(model=tiny_config(256, 4, 8192), bf16=True)
PRESETS = {"fixture": FIXTURE, "small": SMALL}


@dataclass(frozen=True, slots=True)
class Report:
    """One step: its number, how far the run is (0…1), loss in nats, tokens so far, seconds."""

    step: int
    progress: float
    loss: float
    tokens: int
    seconds: float


Clock = Callable[[int], float]
"""Steps done → progress of the run."""


def by_steps(total: int) -> Clock:
    """Progress counted in steps."""
    return lambda step: step / total


def by_minutes(minutes: float, *, spent: float = 0.0) -> Clock:
    """Progress counted in wall-clock minutes from now, `spent` of them already used."""
    began = time.monotonic() - 60 * spent
    return lambda _step: (time.monotonic() - began) / 60 / minutes


def rate(progress: float, config: RunConfig) -> float:
    """The factor on all learning rates: WSD (Hu et al. 2024), linear at both ends.

    >>> [round(rate(p, SMALL), 3) for p in (0.0, 0.3, 0.8, 1.0)]
    [0.0, 1.0, 0.5, 0.0]
    """
    rise = progress / config.warmup if config.warmup else 1.0
    fall = (1.0 - progress) / (1.0 - config.flat)
    return max(0.0, min(1.0, rise, fall))


class Trainer:
    """A model in training: parameters, optimisers, steps done, tokens seen, minutes spent."""

    def __init__(
        self, config: RunConfig, stream: Stream, codec: Codec, *, device: str = "cpu"
    ) -> None:
        self.config, self.stream, self.codec = config, stream, codec
        self.device = torch.device(device)
        generator = torch.Generator().manual_seed(config.seed)
        self.model = TinyTransformer(config.model, generator=generator).to(self.device)
        self.muon, self.adam = optimisers(self.model, config.optim)
        self.step, self.tokens, self.minutes = 0, 0, 0.0

    def run(self, clock: Clock) -> Iterator[Report]:
        """Train until the clock says 1; one report a step. Cancelling is ceasing to iterate."""
        while (progress := clock(self.step)) < 1.0:
            began = time.monotonic()
            nats = self._train(progress)
            seconds = time.monotonic() - began
            self.minutes += seconds / 60
            yield Report(self.step, progress, nats, self.tokens, seconds)

    def batch(self, progress: float) -> tuple[Tensor, Tensor, Tensor]:
        """The ids, targets and weights of the next step, [B, T] each."""
        rng = np.random.default_rng([self.config.seed, self.step])
        T = self.config.model.context // (1 + self.step % 2)
        tokens = self.config.tokens // (2 if progress < 1 / 3 else 1)
        windows = draw(self.stream, rng, B=tokens // T, T=T)
        batch = corrupt(windows, self.codec, mixture_at(progress), rng)
        return tuple(map(torch.from_numpy, (batch.ids, batch.targets, batch.weights)))  # pyright: ignore[reportReturnType]

    def save(self, path: Path) -> None:
        """Write a checkpoint; the file is whole or not there."""
        partial = path.with_suffix(".part")
        torch.save(
            {
                "config": asdict(self.config),
                "model": self.model.state_dict(),
                "muon": self.muon.state_dict(),
                "adam": self.adam.state_dict(),
                "counts": {"step": self.step, "tokens": self.tokens, "minutes": self.minutes},
            },
            partial,
        )
        partial.replace(path)

    def restore(self, path: Path) -> None:
        """Continue from a checkpoint of the same shape."""
        saved: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        if saved["config"]["model"] != asdict(self.config.model):
            raise InputError(
                "the checkpoint is of another model", where=path.name,
                expected=str(asdict(self.config.model)), got=str(saved["config"]["model"]),
                hint="give another --folder, or delete the checkpoint",
            )  # fmt: skip
        self.model.load_state_dict(saved["model"])
        self.muon.load_state_dict(saved["muon"])
        self.adam.load_state_dict(saved["adam"])
        counts = saved["counts"]
        self.step, self.tokens, self.minutes = counts["step"], counts["tokens"], counts["minutes"]

    def _train(self, progress: float) -> float:
        """One step: noise, forward, backward, both optimisers; the loss in nats."""
        ids, targets, weights = (rows.to(self.device) for rows in self.batch(progress))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.bf16):
            nats = loss(self.model, ids, targets, weights)
        nats.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.optim.clip)
        factor = rate(progress, self.config)
        for optimiser, base in (
            (self.muon, self.config.optim.muon_lr),
            (self.adam, self.config.optim.adam_lr),
        ):
            for group in optimiser.param_groups:
                group["lr"] = base * factor
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.bf16):
                optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += ids.numel()
        return nats.item()


def train(
    trainer: Trainer,
    clock: Clock,
    folder: Path,
    *,
    every: float = 120.0,
    on_save: Callable[[Trainer, float], None] = lambda _trainer, _progress: None,
) -> None:
    """Run to the end: one JSON line a step in `log.jsonl`, a checkpoint every `every` seconds."""
    saved = time.monotonic()
    with (folder / "log.jsonl").open("a", encoding="utf-8", buffering=1) as log:
        for report in trainer.run(clock):
            log.write(json.dumps(asdict(report)) + "\n")
            if time.monotonic() - saved > every:
                trainer.save(folder / "checkpoint.pt")
                on_save(trainer, report.progress)
                saved = time.monotonic()
    trainer.save(folder / "checkpoint.pt")
    on_save(trainer, 1.0)


def with_rates(config: RunConfig, muon_lr: float) -> RunConfig:
    """The same run at another rate; AdamW's stays a third of Muon's."""
    return replace(config, optim=replace(config.optim, muon_lr=muon_lr, adam_lr=muon_lr / 3))
