"""`infill config`: which settings hold, who says so, and which files are trusted."""

from __future__ import annotations

from pathlib import Path

import click

from infill.cli.configured import Settled
from infill.cli.exits import Exit, guarded

FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="For people or for programs.",
)
FILE = click.argument("file", required=False, type=click.Path(path_type=Path))


@click.group()
def config() -> None:
    """Look at settings, and trust a project's file with all of them.

    Flags are above INFILL_SEED and the like, those above the nearest infill.toml (or [tool.infill]
    of pyproject.toml), that above your own config.toml, and that above the defaults.
    """


@config.command()
@click.option("--origin", is_flag=True, help="Say who says each of them.")
@FORMAT
@click.pass_context
@guarded
def show(context: click.Context, *, origin: bool, form: str) -> Exit:
    """Print every setting as it holds here; as text, what an infill.toml would say.

    \b
    Exit codes: 0 printed; 2 a file or the environment is wrong, and how.
    """
    from infill.cli.configuring import shown  # noqa: PLC0415 - not for `--help`

    return shown(Settled.of(context).config, origin=origin, form=form)


@config.command()
@FORMAT
@click.pass_context
@guarded
def path(context: click.Context, form: str) -> Exit:
    """Print which files of settings are read, the first above the second.

    \b
    Exit codes: 0 printed, also where one is broken; 2 it cannot be said.
    """
    from infill.cli.configuring import listed  # noqa: PLC0415 - not for `--help`

    return listed(Settled.of(context), form=form)


@config.command()
@FILE
@click.pass_context
@guarded
def trust(context: click.Context, file: Path | None) -> Exit:
    """Let a project's FILE say all settings, also which model and commands run.

    Read it first. Without FILE it is the one that is in use here. It is trusted as it is now: any
    change takes that back. A command or folder that it names can change without that.

    \b
    Exit codes: 0 trusted; 2 there is no such file, or it is wrong; 3 that could not be kept.
    """
    from infill.cli.configuring import trusted  # noqa: PLC0415 - not for `--help`

    return trusted(Settled.of(context), file)


@config.command()
@FILE
@click.pass_context
@guarded
def untrust(context: click.Context, file: Path | None) -> Exit:
    """Take the trust in a project's FILE back.

    \b
    Exit codes: 0 done; 1 it was not trusted; 2 there is no such file; 3 it could not be done.
    """
    from infill.cli.configuring import untrusted  # noqa: PLC0415 - not for `--help`

    return untrusted(Settled.of(context), file)


@config.command()
@guarded
def schema() -> Exit:
    """Print the JSON Schema of infill.toml, for editors."""
    import json  # noqa: PLC0415 - not for `--help`

    from infill.config.schema import json_schema  # noqa: PLC0415 - not for `--help`

    click.echo(json.dumps(json_schema(), indent=2))
    return Exit.DONE
