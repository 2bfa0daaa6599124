"""The training loop: warm-up, flat, decay; checkpoints that resume bit for bit.

Every draw of step `n` comes from a generator seeded by (seed, n), so a checkpoint needs no state
of a generator, and a run that was cut continues exactly as if it had not been. The schedule knows
progress only (0 at the start, 1 at the end); whether that is counted in steps or in minutes is an
argument. The loop knows neither files of source nor what a model is worth: it asks a judge.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from infill.errors import InputError, TrainingError
from infill.models.tiny import TinyTransformer
from infill.train import checkpoint
from infill.train.control import rearranged
from infill.train.corrupt import Batch, corrupt
from infill.train.lora import adapt, merged
from infill.train.loss import Objective, shares_of
from infill.train.optim import optimisers
from infill.train.parallel import Team, like, whole
from infill.train.presets import RunConfig
from infill.train.stream import Stream, draw
from infill.train.tokenizer import Codec

ALONE = Team()
Clock = Callable[[int], float]
"""Steps done → progress of the run."""
Judge = Callable[[TinyTransformer], float]
"""What a model is worth, the less the better: nats on files that are held out."""


@dataclass(frozen=True, slots=True)
class Report:
    """One step: its number, how far the run is (0…1), loss in nats, tokens so far, seconds."""

    step: int
    progress: float
    loss: float
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the judge has said: when it is due next, the best, and how many since then were worse.

    due   in parts of the run; None before the first
    """

    due: int | None = None
    best: float = math.inf
    worse: int = 0

    def after(self, nats: float, part: int) -> Verdicts:
        """With one more, of this part of the run."""
        better = nats < self.best
        return Verdicts(part + 1, nats if better else self.best, 0 if better else self.worse + 1)


def by_steps(total: int) -> Clock:
    """Progress counted in steps."""
    return lambda step: step / total


def by_minutes(minutes: float, *, spent: float = 0.0) -> Clock:
    """Progress counted in wall-clock minutes from now, `spent` of them already used."""
    began = time.monotonic() - 60 * spent
    return lambda _step: (time.monotonic() - began) / 60 / minutes


def rate(progress: float, config: RunConfig) -> float:
    """The factor on all learning rates: WSD (Hu et al. 2024), linear at both ends.

    >>> from infill.train.presets import PRESETS
    >>> [round(rate(p, PRESETS["tiny"]), 3) for p in (0.0, 0.3, 0.8, 1.0)]
    [0.0, 1.0, 0.5, 0.0]
    """
    rise = progress / config.warmup if config.warmup else 1.0
    fall = (1.0 - progress) / (1.0 - config.flat)
    return max(0.0, min(1.0, rise, fall))


def batch_of(config: RunConfig, stream: Stream, codec: Codec, step: int, progress: float) -> Batch:
    """The batch of a step: windows and noise, decided by the seed, the step and the progress."""
    rng = np.random.default_rng([config.seed, step])
    T = config.model.context // (1 + step % 2)
    windows = draw(stream, rng, B=max(1, config.tokens_at(progress) // T), T=T)
    make = rearranged if config.model.causal else corrupt
    return make(windows, codec, config.noise_at(progress), rng)


class Trainer:
    """A model in training: parameters, optimisers, steps done, tokens seen, minutes spent.

    model   to go on from; without it one is drawn. Others in the team have the same.
    fsdp    whether each process of the team keeps only a part of the weights
    ahead   whether the next batch is made while this one is worked on: for a GPU; on a CPU both
            want the same cores
    """

    def __init__(  # noqa: PLR0913 - what a run is made of
        self,
        config: RunConfig,
        stream: Stream,
        codec: Codec,
        *,
        model: TinyTransformer | None = None,
        team: Team = ALONE,
        fsdp: bool = False,
        ahead: bool | None = None,
    ) -> None:
        self.config, self.stream, self.codec, self.team = config, stream, codec, team
        generator = torch.Generator().manual_seed(config.seed)
        self.model = model or TinyTransformer(config.model, generator=generator)
        self.model.train()
        if config.lora:
            adapt(self.model, config.lora, seed=config.seed)
        self.model.to(team.device)
        cuda = torch.device(team.device).type == "cuda"
        self._ahead = cuda if ahead is None else ahead
        objective = team.spread(Objective(self.model, dense=cuda), self.model.blocks, fsdp=fsdp)
        self._objective = torch.compile(objective) if cuda else objective
        self.muon, self.adam = optimisers(self.model, config.optim)
        self.step, self.tokens, self.minutes, self.verdicts = 0, 0, 0.0, Verdicts()

    def run(self, clock: Clock) -> Iterator[Report]:
        """Train until the clock says 1; one report a step. Cancelling is ceasing to iterate.

        Raises TrainingError, with the weights as they were before that step, where the loss or
        the gradient is no number.
        """
        with ThreadPoolExecutor(1) as pool:
            upcoming: Future[Batch] | None = None
            while (progress := self.team.agree(clock(self.step))) < 1.0:
                began = time.monotonic()
                batch = upcoming.result() if upcoming else self._batch(self.step, progress)
                if self._ahead:
                    after = max(progress, clock(self.step + 1))
                    upcoming = pool.submit(self._batch, self.step + 1, after)
                nats = self._train(batch, progress)
                seconds = time.monotonic() - began
                self.minutes += seconds / 60
                yield Report(self.step, progress, nats, self.tokens, seconds)

    def plain(self) -> TinyTransformer:
        """The model as it is now, whole, without adapters; all of a team must ask together."""
        state = merged(self.model) if self.config.lora else whole(self.model.state_dict())
        model = TinyTransformer(self.config.model)
        model.load_state_dict(state)
        return model.to(self.team.device).eval()

    def save(self, path: Path, notes: Mapping[str, Any] | None = None) -> None:
        """Write a checkpoint, and `notes` in it; all of a team must ask together."""
        state = {
            "config": self.config.fixed(),
            "model": whole(self.model.state_dict()),
            "optimisers": [whole(optimiser.state_dict()) for optimiser in self._optimisers],
            "counts": {"step": self.step, "tokens": self.tokens, "minutes": self.minutes},
            "verdicts": asdict(self.verdicts),
            "notes": dict(notes or {}),
        }
        if self.team.leads:
            checkpoint.write(path, state)

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint of the same run. Raises InputError."""
        saved, config = checkpoint.read(path), self.config.fixed()
        for name, value in config.items():
            if saved["config"].get(name) != value:
                raise InputError(
                    f"the checkpoint is of another run: its {name} differs", where=str(path),
                    expected=str(value), got=str(saved["config"].get(name)),
                    hint="give the options it was started with, or start again elsewhere",
                )  # fmt: skip
        own = self.model.state_dict()
        self.model.load_state_dict({n: like(value, own[n]) for n, value in saved["model"].items()})
        for optimiser, state in zip(self._optimisers, saved["optimisers"], strict=True):
            _restore(optimiser, state)
        counts = saved["counts"]
        self.step, self.tokens, self.minutes = counts["step"], counts["tokens"], counts["minutes"]
        self.verdicts = Verdicts(**saved["verdicts"])

    @property
    def _optimisers(self) -> list[torch.optim.Optimizer]:
        return [one for one in (self.muon, self.adam) if one is not None]

    def _batch(self, step: int, progress: float) -> Batch:
        return batch_of(self.config, self.stream, self.codec, step, progress)

    def _train(self, batch: Batch, progress: float) -> float:
        """One step: forward, backward, both optimisers; the loss in nats."""
        team, device = self.team, torch.device(self.team.device)
        seen = batch.ids.size
        shares = shares_of(torch.from_numpy(batch.weights))
        rows = (torch.from_numpy(batch.ids), torch.from_numpy(batch.targets), shares)
        ids, targets, shares = (team.rows(part).to(device) for part in rows)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.config.bf16):
            part = self._objective(ids, targets, shares)
        (part * team.size).backward()  # gradients are averaged over the team
        norm = torch.nn.utils.clip_grad_norm_(self._trained(), self.config.optim.clip)
        nats = team.total(part)
        if not math.isfinite(nats) or not math.isfinite(float(whole(norm))):
            raise TrainingError(
                f"the loss is no number any more, at step {self.step + 1}",
                expected="a finite loss and gradient", got=f"loss {nats}",
                hint="the last checkpoint is as it was; go on from it with half of the --rate",
            )  # fmt: skip
        self._update(rate(progress, self.config))
        self.step += 1
        self.tokens += seen
        return nats

    def _trained(self) -> list[torch.nn.Parameter]:
        return [weight for weight in self.model.parameters() if weight.requires_grad]

    def _update(self, factor: float) -> None:
        for optimiser in self._optimisers:
            optim = self.config.optim
            base = optim.muon_lr if optimiser is self.muon else optim.adam_lr
            for group in optimiser.param_groups:
                group["lr"] = base * factor
            kind = torch.device(self.team.device).type
            with torch.autocast(kind, torch.bfloat16, enabled=self.config.bf16):
                optimiser.step()
            optimiser.zero_grad(set_to_none=True)


def _restore(optimiser: torch.optim.Optimizer, saved: dict[str, Any]) -> None:
    """Load an optimiser's state, shared out as its parameters are."""
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    state = {
        index: {name: like(v, weights[index]) if isinstance(v, Tensor) else v
                for name, v in entry.items()}
        for index, entry in saved["state"].items()
    }  # fmt: skip
    optimiser.load_state_dict({**saved, "state": state})


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What happens beside the steps of a run.

    every      seconds between checkpoints
    judge      asked at the start, and `often` times over the run at equal distances
    patience   verdicts without a better one that end the run; 0 is never
    on_step    after every step
    on_verdict after every verdict, with the model, its nats, and whether they are the best
    on_save    after every checkpoint, with the progress
    notes      what every checkpoint also says
    """

    every: float = 120.0
    judge: Judge | None = None
    often: int = 20
    patience: int = 0
    on_step: Callable[[Report], None] = lambda _report: None
    on_verdict: Callable[[TinyTransformer, float, bool], None] = lambda _model, _nats, _best: None
    on_save: Callable[[Trainer, float], None] = lambda _trainer, _progress: None
    notes: Mapping[str, Any] | None = None


def train(trainer: Trainer, clock: Clock, folder: Path, watching: Watching = Watching()) -> bool:
    """Run to the end, or until patience is: one JSON line a step in `log.jsonl`, checkpoints.

    Returns whether it was ended early. All of a team must call it; one of them writes.
    """
    saved = time.monotonic()
    team, path, early = trainer.team, folder / "checkpoint.pt", False
    _judge_if_due(trainer, watching, 0)
    log_path = folder / "log.jsonl" if team.leads else Path(os.devnull)
    with log_path.open("a", encoding="utf-8", buffering=1) as log:
        for report in trainer.run(clock):
            log.write(json.dumps(asdict(report)) + "\n")
            if team.leads:
                watching.on_step(report)
            _judge_if_due(trainer, watching, min(1.0, team.agree(clock(report.step))))
            early = 0 < watching.patience <= trainer.verdicts.worse
            if team.agree(time.monotonic() - saved) > watching.every:
                trainer.save(path, watching.notes)
                watching.on_save(trainer, report.progress)
                saved = time.monotonic()
            if early:
                break
    trainer.save(path, watching.notes)
    watching.on_save(trainer, 1.0)
    return early


def _judge_if_due(trainer: Trainer, watching: Watching, progress: float) -> None:
    """Ask the judge, once, in the leading process."""
    part, due = int(watching.often * progress), trainer.verdicts.due
    if watching.judge is None or (due is not None and part < due):
        return
    model = trainer.plain()
    nats = trainer.team.agree(watching.judge(model) if trainer.team.leads else 0.0)
    best = nats < trainer.verdicts.best
    trainer.verdicts = trainer.verdicts.after(nats, part)
    if trainer.team.leads:
        watching.on_verdict(model, nats, best)
