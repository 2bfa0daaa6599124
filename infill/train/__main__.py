"""`python -m infill.train`: the embedded weights, from the pinned corpus to the card.

`weights` does it all (that is `make weights`); the other commands are its steps, in this order:
corpus, tokenizer, run, export, evaluate, card. Everything lives in one working folder (default
`build/train`, which is not committed); what is there is not made again, and a run that was cut goes
on. Users train on their own code with `infill train`, which shares all but the corpus.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import torch

from infill.errors import InfillError
from infill.models.tiny import WEIGHTS, load_model, require_both_sides
from infill.train import checkpoint
from infill.train import corpus as corpora
from infill.train import evaluate as evaluation
from infill.train.card import is_of, render
from infill.train.evaluate import Effort
from infill.train.export import export as export_model
from infill.train.loop import Clock, Trainer, Watching, by_minutes, by_steps, train
from infill.train.memory import require
from infill.train.parallel import Team, fast_bf16, team
from infill.train.presets import PRESETS, RunConfig, causal
from infill.train.stream import Stream, tokenise
from infill.train.tokenizer import Codec, learn

SIDES = ("train", "heldout")
CACHE = ("tokenizer.json", "train.npz")
"""What a run needs to go on."""
ALONE = Team()


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
    type=click.Choice(list(PRESETS)),
    default="tiny",
    show_default=True,
    help="fixture: 1 M parameters, minutes. tiny: 5 M, an hour and a half on two cores. small: "
    "17 M, and base: 29 M, for a GPU.",
)
_weights = click.option(
    "--weights", type=click.Path(path_type=Path), default=Path("infill/weights"), show_default=True
)
_seed = click.option("--seed", default=0, show_default=True)
_device = click.option(
    "--device", default="cpu", show_default=True, help="cpu, or cuda where there is one."
)
_windows = click.option("--windows", default=64, show_default=True, help="Windows per mask ratio.")
_control = click.option(
    "--control",
    is_flag=True,
    help="The autoregressive control of the same size, in the folder `control` of the folder.",
)
_tables = click.option(
    "--tables",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("benchmarks/model"),
    show_default=True,
    help="The tables that `infill bench model` wrote.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--threads", default=2, show_default=True, help="CPU threads.")
def main(threads: int) -> None:
    """Make the embedded weights; `weights` is all steps, the other commands are one each."""
    torch.set_num_threads(threads)


@main.command()
@_preset
@click.option("--minutes", default=95.0, show_default=True, help="Of the run, all parts together.")
@_seed
@_device
@_windows
@_tables
@_weights
@_folder
def weights(  # noqa: PLR0913, PLR0917 - one per option
    folder: Path, weights: Path, tables: Path, preset: str, minutes: float, seed: int, device: str,
    windows: int,
) -> None:  # fmt: skip
    """Make the weights anew, or go on where that was cut: all steps, each unless it is done.

    What their fills are worth is then measured by `infill bench model`; `card` puts it in the card.
    """
    if not (folder / "heldout.jsonl").exists():
        _corpus(folder)
    if not (folder / "heldout.npz").exists():
        _tokenizer(folder, PRESETS[preset].model.vocab)
    with team(device) as us:
        trainer = _trainer(folder, preset, seed, us, control=False)
        _run(trainer, by_minutes(minutes, spent=trainer.minutes), folder, preset, None)
        _export(trainer, preset, weights)
    if us.leads:
        figures = _evaluated(folder, weights, Effort(windows=windows, seed=seed))
        (folder / "figures.json").write_text(json.dumps(figures, indent=2), encoding="utf-8")
        digest = load_model(weights)[1]["sha256"][WEIGHTS]
        own = [table for table in _read(tables) if is_of(table, digest)]
        _card(folder, weights, figures, own, hardware_here(device))


@main.command()
@_folder
def corpus(folder: Path) -> None:
    """Fetch the pinned projects and write the clean files: train.jsonl, heldout.jsonl.

    The list is infill/train/corpus.toml. Needs a package index the first time (about 250 MB).
    """
    _corpus(folder)


@main.command()
@click.option("--size", default=8192, show_default=True, help="Vocabulary, specials included.")
@_folder
def tokenizer(folder: Path, size: int) -> None:
    """Learn the tokenizer on train.jsonl and tokenise both sides: *.npz, tokenizer.json."""
    _tokenizer(folder, size)


@main.command()
@_preset
@click.option(
    "--minutes", type=float, help="Length of the whole run in minutes, resumed parts included."
)
@click.option("--until", help="Or: the wall-clock time HH:MM at which it has ended.")
@click.option("--steps", type=int, help="Or: its length in steps; only this is reproducible.")
@_seed
@_device
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Also export usable weights here, after 4 minutes and then every 12.",
)
@_control
@_folder
def run(  # noqa: PLR0913, PLR0917 - one per option
    folder: Path, preset: str, minutes: float | None, until: str | None, steps: int | None,
    seed: int, device: str, weights: Path | None, *, control: bool,
) -> None:  # fmt: skip
    """Train, or continue from the folder's checkpoint; the rate falls to 0 at the end."""
    if sum(given is not None for given in (minutes, until, steps)) != 1:
        raise click.UsageError("give one of --minutes, --until, --steps")
    with team(device) as us:
        trainer = _trainer(folder, preset, seed, us, control=control)
        if steps is not None:
            clock = by_steps(steps)
        else:
            total = (
                minutes if minutes is not None else trainer.minutes + _minutes_until(until or "")
            )
            clock = by_minutes(total, spent=trainer.minutes)
        _run(trainer, clock, folder, preset, weights)


@main.command()
@_preset
@_seed
@_weights
@_control
@_folder
def export(folder: Path, preset: str, weights: Path, seed: int, *, control: bool) -> None:
    """Write the checkpoint as model.safetensors (fp16), config.json and tokenizer.json."""
    _export(_trainer(folder, preset, seed, ALONE, control=control), preset, weights)


@main.command()
@_weights
@_windows
@_seed
@_folder
def evaluate(folder: Path, weights: Path, windows: int, seed: int) -> None:
    """Measure how well exported weights predict tokens of the held-out projects; print JSON."""
    effort = Effort(windows=windows, seed=seed)
    click.echo(json.dumps(_evaluated(folder, weights, effort), indent=2))


@main.command()
@click.option(
    "--figures",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The JSON that `evaluate` printed.",
)
@_tables
@click.option("--hardware", required=True, help="What the run ran on, in words.")
@_weights
@_folder
def card(folder: Path, weights: Path, figures: Path, tables: Path, hardware: str) -> None:
    """Write the model's CARD.md beside its weights, from measured figures only."""
    measured = json.loads(figures.read_text(encoding="utf-8"))
    _card(folder, weights, measured, _read(tables), hardware)


def _corpus(folder: Path) -> None:
    pins = corpora.read_pins()
    files = corpora.collect(pins, corpora.fetch(pins, folder / "archives"))
    for split, chosen in files.items():
        corpora.write_files(chosen, folder / f"{split}.jsonl")
        characters = sum(len(file.text) for file in chosen)
        click.echo(f"{split}: {len(chosen)} files, {characters / 1e6:.1f} M characters")


def _tokenizer(folder: Path, size: int) -> None:
    sides = {split: corpora.read_files(folder / f"{split}.jsonl") for split in SIDES}
    learnt = learn((file.text for file in sides["train"]), size=size)
    (folder / "tokenizer.json").write_text(learnt, encoding="utf-8")
    codec = Codec(learnt)
    for split, files in sides.items():
        stream = tokenise(files, codec)
        stream.save(folder / f"{split}.npz")
        click.echo(f"{split}: {len(stream.ids) / 1e6:.2f} M tokens")


def _trainer(folder: Path, preset: str, seed: int, us: Team, *, control: bool) -> Trainer:
    """A trainer over the folder's corpus, continued from its checkpoint if there is one."""
    codec = Codec((folder / "tokenizer.json").read_text(encoding="utf-8"))
    config = replace(PRESETS[preset], seed=seed, bf16=fast_bf16(us.device))
    config = causal(config) if control else config
    require(config, us.device, size=us.size)
    trainer = Trainer(config, Stream.load(folder / "train.npz"), codec, team=us)
    path = _own(folder, config) / "checkpoint.pt"
    if path.exists():
        checkpoint.require_noted(checkpoint.read(path), folder, CACHE)
        trainer.restore(path)
        click.echo(f"continued at step {trainer.step}, {trainer.tokens / 1e6:.2f} M tokens")
    return trainer


def _own(folder: Path, config: RunConfig) -> Path:
    """Where a run's log and checkpoints are, over the folder's corpus."""
    own = folder / "control" if config.model.causal else folder
    own.mkdir(exist_ok=True)
    return own


def _run(trainer: Trainer, clock: Clock, folder: Path, preset: str, weights: Path | None) -> None:
    """Train to the end; exports on the way, first after 4 minutes, then every 12."""
    last = time.monotonic() - 8 * 60

    def on_save(trainer: Trainer, progress: float) -> None:
        nonlocal last
        due = trainer.team.agree(time.monotonic() - last) >= 12 * 60
        if weights is not None and (due or progress >= 1.0):
            _export(trainer, preset, weights)
            last = time.monotonic()

    train(
        trainer,
        clock,
        _own(folder, trainer.config),
        Watching(on_save=on_save, notes={"sha256": checkpoint.noted(folder, CACHE)}),
    )


def _export(trainer: Trainer, preset: str, weights: Path) -> None:
    """Write the weights; all of a team must ask together."""
    model, name = trainer.plain(), f"infill-{preset}" + "-control" * trainer.config.model.causal
    trained = {
        "tokens": trainer.tokens, "steps": trainer.step, "minutes": round(trainer.minutes, 1),
    }  # fmt: skip
    if trainer.team.leads:
        export_model(
            model, trainer.codec, weights, name=name, config=trainer.config, trained=trained
        )  # fmt: skip
        click.echo(f"exported {weights}: {json.dumps(trained)}")


def _evaluated(folder: Path, weights: Path, effort: Effort) -> dict[str, Any]:
    """All figures of exported weights, with what they were trained for."""
    model, config, tokenizer_json = load_model(weights)
    require_both_sides(model, config)
    heldout = Stream.load(folder / "heldout.npz")
    figures = evaluation.evaluate(model, Codec(tokenizer_json), heldout, effort)
    return {"trained": config["trained"], **figures}


def _read(tables: Path) -> list[str]:
    """The tables of a folder, in the order of their names."""
    paths = (path for path in sorted(tables.glob("*.md")) if path.name != "README.md")
    return [path.read_text(encoding="utf-8") for path in paths]


def _card(
    folder: Path, weights: Path, measured: dict[str, Any], tables: list[str], hardware: str
) -> None:
    _, config, _ = load_model(weights)
    if measured["trained"] != config["trained"]:
        raise click.UsageError("these figures are of other weights; run `evaluate` again")
    files = corpora.read_files(folder / "train.jsonl")
    size = {
        "files": len(files),
        "characters": sum(len(file.text) for file in files),
        "tokens": len(Stream.load(folder / "train.npz").ids),
    }
    text = render(
        config, measured, corpora.read_pins(), hardware=hardware, corpus=size, tables=tables
    )
    (weights / "CARD.md").write_text(text, encoding="utf-8")


def hardware_here(device: str) -> str:
    """What a run runs on here, in words."""
    if device.startswith("cuda"):
        return f"one {torch.cuda.get_device_name(device)} in bf16"
    name = platform.processor() or platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line for line in lines if line.startswith("model name")).partition(":")[2]
    products = "bf16" if fast_bf16(device) else "fp32"
    return f"{torch.get_num_threads()} threads of {name.strip()}, matrix products in {products}"


def _minutes_until(hour: str) -> float:
    """Minutes from now to the next HH:MM."""
    now = datetime.now().astimezone()
    try:
        clock = datetime.strptime(hour, "%H:%M")  # noqa: DTZ007 - a time of day, in local time
    except ValueError as error:
        raise click.BadParameter(f"{hour!r} is not HH:MM", param_hint="--until") from error
    then = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return ((then if then > now else then + timedelta(days=1)) - now).total_seconds() / 60


if __name__ == "__main__":
    try:
        main()
    except InfillError as error:
        raise SystemExit(str(error)) from error
