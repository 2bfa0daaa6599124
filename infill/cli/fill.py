"""`infill fill`: the options, and nothing that needs numpy."""

from __future__ import annotations

from typing import Any

import click

from infill.cli.exits import Exit, guarded
from infill.cli.options import DECODING, FILES, LIVE, PATHS, SHOWING, taking

MARKER = (
    click.option("--marker", default="<FILL_ME>", show_default=True, help="What marks a hole."),
)


@click.command()
@taking(PATHS, FILES, MARKER, DECODING, SHOWING, LIVE)
@guarded
def fill(**options: Any) -> Exit:  # noqa: ANN401 - Request names and types them
    """Fill the <FILL_ME> holes of files, and print what would change.

    Nothing is written without --write. With - the text comes from standard input and the
    filled text goes to standard output.

    \b
    Exit codes: 0 done; 2 usage or bad input; 3 some files failed, or could not be written;
    4 no fill parses; 5 model; 6 a file changed meanwhile; 130 interrupted.
    """
    from infill.cli.filling import Request, run  # noqa: PLC0415 - numpy, rich, and then torch

    return run(Request(**options))
