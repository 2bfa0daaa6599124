"""`infill revise`: the options, and nothing that needs numpy."""

from __future__ import annotations

from typing import Any

import click

from infill.cli.changing import FILES, begin, changing
from infill.cli.exits import Exit
from infill.cli.options import BUDGETS, SELECTING

OWN = (
    click.option(
        "--since",
        metavar="COMMIT",
        help="What was edited since stays, and the rest of each file follows it.",
    ),
    click.option(
        "--diagnostics",
        is_flag=True,
        help="Change only what the language's parser and scope rules find wrong.",
    ),
    click.option(
        "--doubt",
        type=float,
        default=5.0,
        show_default=True,
        help="Nats that the model's best token must be ahead, for a place to be looked at.",
    ),
    click.option(
        "--gain",
        type=float,
        default=30.0,
        show_default=True,
        help="Nats that the text must become likelier where only the model complains.",
    ),
    click.option(
        "--places", type=int, default=6, show_default=True, help="Places tried in a round."
    ),
    click.option("--rounds", type=int, default=4, show_default=True, help="Changes at most."),
    click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same text."),
)


@changing(FILES, SELECTING, OWN, sampling=BUDGETS)
def revise(**options: Any) -> Exit:  # noqa: ANN401 - Request names and types them
    """Change as little as possible so that files are good; a good file stays as it is.

    What does not parse is mended, a name that nothing binds is replaced, and a place that the
    model strongly doubts is written anew where that makes the text around it likelier; with
    --since the text follows what was edited, a renamed variable for instance. PATHS are files,
    folders and globs. Nothing is written without --write. With - the text comes from standard
    input and the result goes to standard output.
    """
    if options["since"] is not None and options["paths"] == ("-",):
        raise click.UsageError("--since compares files with a commit; - is none.")
    return begin("revise", options)
