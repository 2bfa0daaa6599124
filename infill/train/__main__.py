"""`python -m infill.train`: corpus, tokenizer, run, export, evaluate, card, in this order.

Everything lives in one working folder (default `build/train`, which is not committed).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import torch

from infill.errors import InfillError
from infill.models.tiny import load_model, save_model
from infill.train import corpus as corpora
from infill.train import evaluate as evaluation
from infill.train.card import render
from infill.train.evaluate import Effort, Side
from infill.train.loop import PRESETS, RunConfig, Trainer, by_minutes, by_steps, train
from infill.train.stream import Stream, tokenise
from infill.train.tokenizer import LANGUAGES, SPECIALS, Codec, learn


def _folder(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option that all commands share."""
    return click.option(
        "--folder",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("build/train"),
        show_default=True,
        help="Where archives, corpus, tokenizer and checkpoints live.",
    )(command)


_preset = click.option(
    "--preset",
    type=click.Choice(sorted(PRESETS)),
    default="small",
    show_default=True,
    help="fixture: 1 M parameters, minutes. small: 5 M, an hour and a half on two cores.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--threads", default=2, show_default=True, help="CPU threads.")
def main(threads: int) -> None:
    """Train the embedded model: corpus, tokenizer, run, export, evaluate, card, in this order."""
    torch.set_num_threads(threads)


@main.command()
@_folder
def corpus(folder: Path) -> None:
    """Fetch the pinned projects and write the clean files: train.jsonl, heldout.jsonl.

    The list is infill/train/corpus.toml. Needs a package index the first time (about 250 MB).
    """
    pins = corpora.read_pins()
    files = corpora.collect(pins, corpora.fetch(pins, folder / "archives"))
    for split, chosen in files.items():
        corpora.write_files(chosen, folder / f"{split}.jsonl")
        characters = sum(len(file.text) for file in chosen)
        click.echo(f"{split}: {len(chosen)} files, {characters / 1e6:.1f} M characters")


@main.command()
@click.option("--size", default=8192, show_default=True, help="Vocabulary, specials included.")
@_folder
def tokenizer(folder: Path, size: int) -> None:
    """Learn the tokenizer on train.jsonl and tokenise both sides: *.npz, tokenizer.json."""
    sides = {split: corpora.read_files(folder / f"{split}.jsonl") for split in ("train", "heldout")}
    learnt = learn((file.text for file in sides["train"]), size=size)
    (folder / "tokenizer.json").write_text(learnt, encoding="utf-8")
    codec = Codec(learnt)
    for split, files in sides.items():
        stream = tokenise(files, codec)
        stream.save(folder / f"{split}.npz")
        click.echo(f"{split}: {len(stream.ids) / 1e6:.2f} M tokens")


@main.command()
@_preset
@click.option(
    "--minutes", type=float, help="Length of the whole run in minutes, resumed parts included."
)
@click.option("--until", help="Or: the wall-clock time HH:MM at which it has ended.")
@click.option("--steps", type=int, help="Or: its length in steps; only this is reproducible.")
@click.option("--seed", default=0, show_default=True)
@click.option("--device", default="cpu", show_default=True, help="cpu, or cuda where there is one.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Also export usable weights here, after 4 minutes and then every 12.",
)
@_folder
def run(  # noqa: PLR0913, PLR0917 - one per option
    folder: Path, preset: str, minutes: float | None, until: str | None, steps: int | None,
    seed: int, device: str, weights: Path | None,
) -> None:  # fmt: skip
    """Train, or continue from the folder's checkpoint; the rate falls to 0 at the end."""
    if sum(given is not None for given in (minutes, until, steps)) != 1:
        raise click.UsageError("give one of --minutes, --until, --steps")
    trainer = _trainer(folder, preset, seed, device)
    if steps is not None:
        clock = by_steps(steps)
    else:
        total = minutes if minutes is not None else trainer.minutes + _minutes_until(until or "")
        clock = by_minutes(total, spent=trainer.minutes)
    train(trainer, clock, folder, on_save=_exporter(preset, weights))


@main.command()
@_preset
@click.option(
    "--weights", type=click.Path(path_type=Path), default=Path("infill/weights"), show_default=True
)
@_folder
def export(folder: Path, preset: str, weights: Path) -> None:
    """Write the checkpoint as model.safetensors (fp16), config.json and tokenizer.json."""
    _export(_trainer(folder, preset, 0), preset, weights)


@main.command()
@click.option(
    "--weights", type=click.Path(path_type=Path), default=Path("infill/weights"), show_default=True
)
@click.option(
    "--per-project", default=30, show_default=True, help="Lines of each held-out project."
)
@click.option("--windows", default=64, show_default=True, help="Windows per mask ratio.")
@click.option("--seed", default=0, show_default=True)
@_folder
def evaluate(folder: Path, weights: Path, per_project: int, windows: int, seed: int) -> None:
    """Measure exported weights on the held-out projects, beside the baselines; print JSON."""
    model, config, tokenizer_json = load_model(weights)
    sides = {
        split: Side(
            Stream.load(folder / f"{split}.npz"), corpora.read_files(folder / f"{split}.jsonl")
        )
        for split in ("train", "heldout")
    }
    effort = Effort(windows=windows, per_project=per_project, seed=seed)
    codec = Codec(tokenizer_json)
    figures = evaluation.evaluate(model, codec, sides["train"], sides["heldout"], effort)
    click.echo(json.dumps({"trained": config["trained"], **figures}, indent=2))


@main.command()
@click.option(
    "--figures",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The JSON that `evaluate` printed.",
)
@click.option("--hardware", required=True, help="What the run ran on, in words.")
@click.option(
    "--weights", type=click.Path(path_type=Path), default=Path("infill/weights"), show_default=True
)
@_folder
def card(folder: Path, weights: Path, figures: Path, hardware: str) -> None:
    """Write the model's CARD.md beside its weights, from measured figures only."""
    measured = json.loads(figures.read_text(encoding="utf-8"))
    _, config, _ = load_model(weights)
    if measured["trained"] != config["trained"]:
        raise click.UsageError("these figures are of other weights; run `evaluate` again")
    files = corpora.read_files(folder / "train.jsonl")
    size = {
        "files": len(files),
        "characters": sum(len(file.text) for file in files),
        "tokens": len(Stream.load(folder / "train.npz").ids),
    }
    text = render(config, measured, corpora.read_pins(), hardware=hardware, corpus=size)
    (weights / "CARD.md").write_text(text, encoding="utf-8")


def _trainer(folder: Path, preset: str, seed: int, device: str = "cpu") -> Trainer:
    """A trainer over the folder's corpus, continued from its checkpoint if there is one."""
    codec = Codec((folder / "tokenizer.json").read_text(encoding="utf-8"))
    config: RunConfig = PRESETS[preset]
    stream = Stream.load(folder / "train.npz")
    trainer = Trainer(replace(config, seed=seed), stream, codec, device=device)
    if (folder / "checkpoint.pt").exists():
        trainer.restore(folder / "checkpoint.pt")
        click.echo(f"continued at step {trainer.step}, {trainer.tokens / 1e6:.2f} M tokens")
    return trainer


def _minutes_until(hour: str) -> float:
    """Minutes from now to the next HH:MM."""
    now = datetime.now().astimezone()
    try:
        clock = datetime.strptime(hour, "%H:%M")  # noqa: DTZ007 - a time of day, in local time
    except ValueError as error:
        raise click.BadParameter(f"{hour!r} is not HH:MM", param_hint="--until") from error
    then = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return ((then if then > now else then + timedelta(days=1)) - now).total_seconds() / 60


def _exporter(preset: str, weights: Path | None) -> Callable[[Trainer, float], None]:
    """What to do at a checkpoint: export, first after 4 minutes, then every 12 and at the end."""
    last = time.monotonic() - 8 * 60

    def on_save(trainer: Trainer, progress: float) -> None:
        nonlocal last
        done = progress >= 1.0
        if weights is not None and (done or time.monotonic() - last >= 12 * 60):
            _export(trainer, preset, weights)
            last = time.monotonic()

    return on_save


def _export(trainer: Trainer, preset: str, weights: Path) -> None:
    extra = {
        "name": f"infill-{preset}",
        "specials": {name: index for index, name in enumerate(SPECIALS)},
        "languages": {"python": LANGUAGES["python"]},
        "trained": {
            "tokens": trainer.tokens, "steps": trainer.step, "minutes": round(trainer.minutes, 1),
        },
    }  # fmt: skip
    save_model(trainer.model, trainer.codec.json, weights, extra=extra)
    click.echo(f"exported {weights}: {json.dumps(extra['trained'])}")


if __name__ == "__main__":
    try:
        main()
    except InfillError as error:
        raise SystemExit(str(error)) from error
