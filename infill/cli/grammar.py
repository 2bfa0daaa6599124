"""`infill grammar`: what a grammar says of a file with holes. Heavy imports are in the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from infill.cli.exits import Exit, guarded

if TYPE_CHECKING:
    from collections.abc import Callable


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that all of them take."""
    for option in (
        click.option("--marker", default="<FILL_ME>", show_default=True, help="What marks a hole."),
        click.option(
            "--grammar",
            metavar="NAME|FILE",
            help="One of `infill grammar list`, or a .lark or .schema.json file.  "
            "[default: by the file's suffix]",
        ),
        click.argument("path", type=click.Path(allow_dash=True)),
    ):
        command = option(command)
    return command


@click.group()
def grammar() -> None:
    """Ask what a grammar says of a file with holes."""


@grammar.command("list")
@guarded
def list_() -> Exit:
    """List the grammars that --grammar can name."""
    from infill.cli.grammars import listed  # noqa: PLC0415 - numpy

    return listed()


@grammar.command()
@_common
@guarded
def check(path: str, grammar: str | None, marker: str) -> Exit:
    """Say whether a file with holes can be completed, and what each hole can hold at least.

    \b
    Exit codes: 0 it can; 1 it cannot; 2 usage or bad input.
    """
    from infill.cli.grammars import checked  # noqa: PLC0415 - numpy

    return checked(path, grammar, marker)


@grammar.command()
@_common
@guarded
def explain(path: str, grammar: str | None, marker: str) -> Exit:
    """Say why a file cannot be completed: what is in conflict with what.

    \b
    Exit codes: 0 it can be completed; 1 it cannot; 2 usage or bad input.
    """
    from infill.cli.grammars import explained  # noqa: PLC0415 - numpy

    return explained(path, grammar, marker)


@grammar.command()
@_common
@click.option(
    "--at",
    default="1",
    show_default=True,
    metavar="HOLE[:SLOT]",
    help="Which hole, and which of its tokens, both counted from 1.",
)
@click.option(
    "--top", type=click.IntRange(min=1), default=20, show_default=True, help="Tokens to list."
)
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    default=24,
    show_default=True,
    help="The most tokens that a hole may hold.",
)
@click.option(
    "--model",
    default="embedded",
    show_default=True,
    metavar="NAME|FOLDER",
    help="Whose tokens, and who says which are likely.",
)
@guarded
def allowed(**options: Any) -> Exit:  # noqa: ANN401 - Question names and types them
    """List the tokens that may stand in a hole, the likeliest first, with their log-probability.

    \b
    Exit codes: 0 listed; 1 the file cannot be completed; 2 usage or bad input; 5 model.
    """
    from infill.cli.grammars import Question, answered  # noqa: PLC0415 - numpy, and then torch

    return answered(Question(**options))
