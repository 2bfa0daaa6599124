"""`infill models`: what `--model` takes."""

from __future__ import annotations

import click

from infill.cli.exits import Exit, guarded


@click.command()
@guarded
def models() -> Exit:
    """List the models that --model can name."""
    from infill.models.catalogue import NAMES  # noqa: PLC0415 - numpy

    rows = [
        (name, "in place" if folder.joinpath("model.safetensors").is_file() else "no weights")
        for name, folder in NAMES.items()
    ]
    rows.append(("FOLDER", "any folder that `python -m infill.train` exported"))
    rows.append(("…:int8", "either of them, with matrix products in 8 bits: faster on a CPU"))
    width = max(len(name) for name, _ in rows)
    for name, what in rows:
        click.echo(f"{name:{width}}  {what}")
    return Exit.DONE
