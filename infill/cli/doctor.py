"""`infill doctor`: the options, and nothing that needs numpy."""

from __future__ import annotations

import click

from infill.cli.configured import Settled
from infill.cli.exits import Exit, guarded


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="For people or for programs.",
)
@click.pass_context
@guarded
def doctor(context: click.Context, form: str) -> Exit:
    """Look at the installation and try it: the model is loaded, and one small hole is filled.

    \b
    Exit codes: 0 that worked, and the settings are right; 2 the settings are wrong; 3 or 4 the
    hole could not be filled; 5 the model cannot be loaded.
    """
    from infill.cli.doctoring import run  # noqa: PLC0415 - numpy, and then torch

    return run(Settled.of(context), form=form)
