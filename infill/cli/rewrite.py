"""`infill rewrite`: the options, and nothing that needs numpy."""

from __future__ import annotations

from typing import Any

import click

from infill.cli.exits import Exit, guarded
from infill.cli.options import DECODING, FILES, LIVE, PATHS, SHOWING, Lines, taking

OWN = (
    click.option(
        "--lines",
        type=Lines(),
        multiple=True,
        required=True,
        metavar="A[-B]",
        help="Lines to write anew; may be repeated.",
    ),
    click.option(
        "--keep",
        multiple=True,
        metavar="TEXT",
        help="Text of those lines that must stay; may be repeated.",
    ),
)


@click.command()
@taking(PATHS, FILES, OWN, DECODING, SHOWING, LIVE)
@guarded
def rewrite(**options: Any) -> Exit:  # noqa: ANN401 - Request names and types them
    """Write some lines of files anew, and print what would change.

    Text that is to be kept is never offered to the model: the holes are around it. Nothing is
    written without --write. With - the text comes from standard input and the result goes to
    standard output.

    \b
    Exit codes: 0 done; 2 usage or bad input; 3 some files failed, or could not be written;
    4 no text parses; 5 model; 6 a file changed meanwhile; 130 interrupted.
    """
    from infill.cli.filling import (  # noqa: PLC0415 - numpy, rich, and then torch
        RewriteRequest,
        run_rewrite,
    )

    return run_rewrite(RewriteRequest(**options))
