"""`infill models`: what `--model` takes, and which one holds where it is not given."""

from __future__ import annotations

import click

from infill.cli.configured import Settled
from infill.cli.exits import Exit, guarded


@click.group(invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the models that --model can name, and choose the one that holds without it."""
    if context.invoked_subcommand is None:
        context.invoke(listed)


@models.command("list")
@click.pass_context
@guarded
def listed(context: click.Context) -> Exit:
    """List the models; a * is at the one in use here, with who says so."""
    from infill.cli.using import shown  # noqa: PLC0415 - numpy

    return shown(Settled.of(context))


@models.command()
@click.argument("chosen", metavar="NAME|DIR")
@click.pass_context
@guarded
def use(context: click.Context, chosen: str) -> Exit:
    """Let NAME or DIR be the model of every command, in your own config.toml.

    The model is loaded first, as a trial; the rest of the file stays. `embedded` goes back.

    \b
    Exit codes: 0 done; 2 the file is wrong; 3 it cannot be written; 5 the model cannot be used.
    """
    from infill.cli.using import used  # noqa: PLC0415 - torch

    return used(chosen, Settled.of(context))
