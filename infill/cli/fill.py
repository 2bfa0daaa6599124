"""`infill fill`: the options, and nothing that needs numpy."""

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
    SHOWING,
    reported,
    taking,
)
from infill.cli.walking import TAKEN, WALKING

OWN = (
    click.option("--marker", default="<FILL_ME>", show_default=True, help="What marks a hole."),
    click.option(
        "--select",
        multiple=True,
        metavar="SELECTOR",
        help="Places to fill, whatever stands there, in the place of markers: a tree-sitter query, "
        "an ast-grep pattern, FILE::Class.method, or LINE:COL-LINE:COL; may be repeated.",
    ),
    click.option(
        "--part",
        metavar="NAME",
        help="Of what is selected: body, docstring, signature, missing-docstring, a $METAVARIABLE "
        "or a capture.",
    ),
)


@click.command()
@taking(
    TAKEN,
    WALKING,
    NAMING,
    LANGUAGE,
    RESULTS,
    reported("text"),
    SAFETY,
    OWN,
    MODEL,
    DECODING,
    RUNNING,
    SHOWING,
    LIVE,
)
@guarded
def fill(**options: Any) -> Exit:  # noqa: ANN401 - Request names and types them
    """Fill the <FILL_ME> holes of files, and print what would change.

    With --select places are filled that no marker is at; --select '::**' --part missing-docstring
    are the docstrings that functions do not have yet. PATHS are files, folders and globs. Nothing
    is written without --write. With - the text comes from standard input and the filled text goes
    to standard output.

    \b
    Exit codes: 0 done; 1 something would change (--check, --diff), or was not begun; 2 usage or
    bad input; 3 some failed; 4 nothing found that passes its checks; 5 model; 6 a file changed
    meanwhile, or has uncommitted changes; 130 interrupted.
    """
    from infill.cli.request import Request  # noqa: PLC0415 - as the next
    from infill.cli.running import run  # noqa: PLC0415 - numpy, rich, and then torch

    return run(Request.of("fill", options))
