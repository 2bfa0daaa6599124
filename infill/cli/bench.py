"""`infill bench`: what the library is worth, measured here and now."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from infill.cli.exits import Exit, guarded
from infill.cli.output import note

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


@click.group()
def bench() -> None:
    """Measure quality on held-out code."""


@bench.command()
@click.argument("tables", nargs=-1, type=click.Choice(NAMES))
@click.option("--model", default="embedded", show_default=True, help="A name or a folder.")
@click.option("--items", default=200, show_default=True, type=click.IntRange(1), help="Per table.")
@click.option(
    "--seeds",
    default=3,
    show_default=True,
    type=click.IntRange(1),
    help="Runs per item of a method that draws.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help="Draws items and tokens; without it that of the run that is there, or one drawn now.",
)
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
@click.option("--plots/--no-plots", default=True, show_default=True, help="PNG; needs matplotlib.")
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
    filled programs: isolated and bounded, but in no sandbox.
    """
    import secrets  # noqa: PLC0415 - 10 ms

    from infill.bench.report import markdown, plot  # noqa: PLC0415 - torch
    from infill.bench.run import Plan, read, run  # noqa: PLC0415 - torch
    from infill.bench.tables import TABLES  # noqa: PLC0415 - torch
    from infill.models.catalogue import load  # noqa: PLC0415 - numpy

    if quick:
        items, seeds, minutes = QUICK_ITEMS, 1, minutes or QUICK_MINUTES
    names, denoiser = tables or NAMES, load(model)
    drawn, begun = secrets.randbits(32), time.monotonic()
    for place, name in enumerate(names):
        table = TABLES[name].only(methods)
        path = out / f"{name}.jsonl"
        there = read(path).header["seed"] if path.is_file() else drawn
        plan = Plan(seed=there if seed is None else seed, items=items, seeds=seeds)
        note(f"{name}: seed {plan.seed}")
        left = None if minutes is None else 60 * minutes + begun - time.monotonic()
        found = run(
            table,
            plan,
            denoiser,
            path,
            seconds=None if left is None else left / (len(names) - place),
            progress=note if sys.stderr.isatty() else None,
        )
        text = markdown(table, found)
        click.echo(text)
        (out / f"{name}.md").write_text(text, encoding="utf-8")
        if plots:
            plot(table, found, out / f"{name}.png")
    return Exit.DONE
