"""`infill fill`: the options, and nothing that needs numpy."""

from __future__ import annotations

from typing import Any

import click

from infill.cli.changing import FILES, begin, changing
from infill.cli.exits import Exit
from infill.cli.options import AROUND

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


@changing(FILES, OWN, AROUND)
def fill(**options: Any) -> Exit:  # noqa: ANN401 - Request names and types them
    """Fill the <FILL_ME> holes of files, and print what would change.

    With --select places are filled that no marker is at; --select '::**' --part missing-docstring
    are the docstrings that functions do not have yet. PATHS are files, folders and globs. Nothing
    is written without --write. With - the text comes from standard input and the filled text goes
    to standard output.
    """
    return begin("fill", options)
