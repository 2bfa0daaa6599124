"""`infill bench`: what the library is worth, measured here and now."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infill.cli.exits import Exit, guarded
from infill.cli.output import note

if TYPE_CHECKING:
    from infill.bench.tables import Table

NAMES = (
    "single-line",
    "multi-line",
    "length",
    "humaneval-single",
    "humaneval-multi",
    "mutate-and-fix",
    "rename",
)
QUICK_ITEMS, QUICK_MINUTES = 4, 0.6
ITEMS = {
    "single-line": 1_000,
    "humaneval-single": 1_033,
    "humaneval-multi": 600,
    "mutate-and-fix": 200,
}
"""The tables of `infill bench model`, and how many items each has; of 5,815 spans a sample."""

_model = click.option("--model", default="embedded", show_default=True, help="A name or a folder.")
_seed = click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help="Draws items and tokens; without it that of the run that is there, or one drawn now.",
)
_plots = click.option(
    "--plots/--no-plots", default=True, show_default=True, help="PNG; needs matplotlib."
)


@click.group()
def bench() -> None:
    """Measure quality on held-out code."""


@bench.command()
@click.argument("tables", nargs=-1, type=click.Choice(NAMES))
@_model
@click.option("--items", default=200, show_default=True, type=click.IntRange(1), help="Per table.")
@click.option(
    "--seeds",
    default=3,
    show_default=True,
    type=click.IntRange(1),
    help="Runs per item of a method that draws.",
)
@_seed
@click.option("--method", "methods", multiple=True, help="Only this method; may be repeated.")
@click.option("--minutes", type=click.FloatRange(0), help="Time for all tables together.")
@click.option("--quick", is_flag=True, help="A look: a few items of each table, in a minute.")
@click.option(
    "--out",
    default="quality",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for rows, tables and plots; a run that is there is gone on with.",
)
@_plots
@guarded
def quality(  # noqa: PLR0913, PLR0917 - one parameter per option
    tables: tuple[str, ...],
    model: str,
    items: int,
    seeds: int,
    seed: int | None,
    methods: tuple[str, ...],
    minutes: float | None,
    out: Path,
    *,
    quick: bool,
    plots: bool,
) -> Exit:
    """Infilling, repair, rename and lengths, at counted forwards.

    TABLES are the tables to make; without any, all of them. Items come from installed projects
    that the model was not trained on (pip install --group quality). The HumanEval tables run the
    filled programs in a sandbox.
    """
    from infill.bench.tables import TABLES  # noqa: PLC0415 - torch

    if quick:
        items, seeds, minutes = QUICK_ITEMS, 1, minutes or QUICK_MINUTES
    chosen = [TABLES[name].only(methods) for name in tables or NAMES]
    counts = dict.fromkeys(tables or NAMES, items)
    seconds = None if minutes is None else 60 * minutes
    _measure(chosen, counts, model, out, seed=seed, seeds=seeds, seconds=seconds, plots=plots)
    return Exit.DONE


@bench.command()
@click.argument("tables", nargs=-1, type=click.Choice(tuple(ITEMS)))
@_model
@click.option(
    "--corpus",
    default="build/train",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="What `python -m infill.train` made of the training text; without it no baselines of it.",
)
@click.option(
    "--control",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The weights of an autoregressive control; without it no column of it.",
)
@click.option("--limit", type=click.IntRange(1), help="Items of each table, instead of its own.")
@click.option(
    "--seeds",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Runs per item of a method that draws.",
)
@_seed
@click.option("--method", "methods", multiple=True, help="Only this column; may be repeated.")
@click.option("--time-limit", type=click.FloatRange(0), help="Seconds for all tables together.")
@click.option(
    "--out",
    default="model",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for rows, tables and plots; a run that is there is gone on with.",
)
@_plots
@guarded
def model(  # noqa: PLR0913, PLR0917 - one parameter per option
    tables: tuple[str, ...],
    model: str,
    corpus: Path,
    control: Path | None,
    limit: int | None,
    seeds: int,
    seed: int | None,
    methods: tuple[str, ...],
    time_limit: float | None,
    out: Path,
    *,
    plots: bool,
) -> Exit:
    """The model beside what it must beat: baselines, an autoregressive control, retrieval.

    TABLES are the tables to make; without any, all of them, as the model's card wants them. Items
    come from installed projects that the model was not trained on, and from HumanEval, whose tests
    run in a sandbox (pip install --group quality).
    """
    from infill.bench.baselines import Training  # noqa: PLC0415 - torch
    from infill.bench.model import Beside, table  # noqa: PLC0415 - torch
    from infill.train.control import Control  # noqa: PLC0415 - torch

    if (there := corpus.is_dir()) is False:
        note(f"no corpus in {corpus}: the columns that know the training text are left out")
    beside = Beside(
        training=Training.of(corpus) if there else None,
        control=None if control is None else Control.from_folder(control),
    )
    names = tables or tuple(ITEMS)
    chosen = [table(name, beside).only(methods) for name in names]
    counts = {name: limit or ITEMS[name] for name in names}
    _measure(chosen, counts, model, out, seed=seed, seeds=seeds, seconds=time_limit, plots=plots)
    return Exit.DONE


@bench.command()
@_model
@click.option(
    "--record",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the figures here; a test holds the embedded weights to infill/weights/lines.json.",
)
@guarded
def lines(model: str, path: Path | None) -> Exit:
    """A short look at a model: exact match and token accuracy on 100 fixed lines.

    Without grammar or search, at the answer's length; half a minute.
    """
    from infill.bench.fixed import measured, record  # noqa: PLC0415 - torch
    from infill.models.catalogue import load  # noqa: PLC0415 - numpy

    found = measured(load(model))
    click.echo(f"exact {found['exact']:.3f}, tokens {found['tokens']:.3f}")
    if path is not None:
        record(found, path)
    return Exit.DONE


def _measure(  # noqa: PLR0913 - what to run, with what, where to, and how long
    tables: Sequence[Table[Any]],
    items: Mapping[str, int],
    model: str,
    out: Path,
    *,
    seed: int | None,
    seeds: int,
    seconds: float | None,
    plots: bool,
) -> None:
    """Run tables one after the other, each with its share of the time, and write them down."""
    import secrets  # noqa: PLC0415 - 10 ms

    from infill.bench.report import markdown, plot  # noqa: PLC0415 - torch
    from infill.bench.run import Plan, read, run  # noqa: PLC0415 - torch
    from infill.models.catalogue import load  # noqa: PLC0415 - numpy

    denoiser, drawn, begun = load(model), secrets.randbits(32), time.monotonic()
    for place, table in enumerate(tables):
        path = out / f"{table.name}.jsonl"
        there = read(path).header["seed"] if path.is_file() else drawn
        plan = Plan(seed=there if seed is None else seed, items=items[table.name], seeds=seeds)
        note(f"{table.name}: seed {plan.seed}")
        left = None if seconds is None else seconds + begun - time.monotonic()
        found = run(
            table,
            plan,
            denoiser,
            path,
            seconds=None if left is None else left / (len(tables) - place),
            progress=note if sys.stderr.isatty() else None,
        )
        text = markdown(table, found)
        click.echo(text)
        (out / f"{table.name}.md").write_text(text, encoding="utf-8")
        if plots:
            plot(table, found, out / f"{table.name}.png")
