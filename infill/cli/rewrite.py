"""`infill rewrite`: the options, and nothing that needs numpy."""

from __future__ import annotations

from typing import Any

import click

from infill.cli.changing import FILES, begin, changing
from infill.cli.exits import Exit
from infill.cli.options import SELECTING

OWN = (
    click.option(
        "--keep",
        multiple=True,
        metavar="TEXT",
        help="Text of those places that must stay, or a $METAVARIABLE of a pattern; may be "
        "repeated.",
    ),
)


@changing(FILES, SELECTING, OWN)
def rewrite(**options: Any) -> Exit:  # noqa: ANN401 - Request names and types them
    """Write some places of files anew, and print what would change.

    Text that is to be kept is never offered to the model: the holes are around it. PATHS are
    files, folders and globs. Nothing is written without --write. With - the text comes from
    standard input and the result goes to standard output.
    """
    if not options["lines"] and not options["select"]:
        raise click.UsageError("say what to write anew, with --lines or --select.")
    return begin("rewrite", options)
