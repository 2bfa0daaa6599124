"""`infill rewrite`: the options, and nothing that needs numpy."""

from __future__ import annotations

from typing import Any

import click

from infill.cli.exits import Exit, guarded
from infill.cli.options import (
    DECODING,
    LANGUAGE,
    LIVE,
    MODEL,
    NAMING,
    RESULTS,
    RUNNING,
    SAFETY,
    SELECTING,
    SHOWING,
    reported,
    taking,
)
from infill.cli.walking import TAKEN, WALKING

OWN = (
    click.option(
        "--keep",
        multiple=True,
        metavar="TEXT",
        help="Text of those places that must stay, or a $METAVARIABLE of a pattern; may be "
        "repeated.",
    ),
)


@click.command()
@taking(
    TAKEN,
    WALKING,
    NAMING,
    LANGUAGE,
    SELECTING,
    OWN,
    RESULTS,
    reported("text"),
    SAFETY,
    MODEL,
    DECODING,
    RUNNING,
    SHOWING,
    LIVE,
)
@guarded
def rewrite(**options: Any) -> Exit:  # noqa: ANN401 - Request names and types them
    """Write some places of files anew, and print what would change.

    Text that is to be kept is never offered to the model: the holes are around it. PATHS are
    files, folders and globs. Nothing is written without --write. With - the text comes from
    standard input and the result goes to standard output.

    \b
    Exit codes: 0 done; 1 something would change (--check, --diff), or was not begun; 2 usage or
    bad input; 3 some failed; 4 nothing found that passes its checks; 5 model; 6 a file changed
    meanwhile, or has uncommitted changes; 130 interrupted.
    """
    if not options["lines"] and not options["select"]:
        raise click.UsageError("say what to write anew, with --lines or --select.")
    from infill.cli.request import Request  # noqa: PLC0415 - as the next
    from infill.cli.running import run  # noqa: PLC0415 - numpy, rich, and then torch

    return run(Request.of("rewrite", options))
