"""The command reference, made from the commands themselves: `python -m infill.cli.reference`.

`docs/cli.md` holds what this prints, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from infill.cli import main

HEAD = """# Commands

Made by `python -m infill.cli.reference`; do not edit by hand.
"""


def reference(width: int = 88) -> str:
    """All help texts as one Markdown page, commands in the order of `infill --help`."""
    pages = (
        f"## {path}\n\n```\n{_help(command, path, width)}\n```\n"
        for path, command in _commands(main, "infill")
    )
    return "\n".join([HEAD, *pages])


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            if inner is not None:
                yield from _commands(inner, f"{path} {name}")


def _help(command: click.Command, path: str, width: int) -> str:
    context = click.Context(
        command, info_name=path, terminal_width=width, help_option_names=["-h", "--help"]
    )
    return command.get_help(context)


if __name__ == "__main__":
    click.echo(reference(), nl=False)
