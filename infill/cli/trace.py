"""`infill trace`: look at what `infill fill --trace FILE` recorded."""

from __future__ import annotations

import click

from infill.cli.exits import Exit, guarded
from infill.cli.output import color_option


@click.group()
def trace() -> None:
    """Play, sum up or draw the traces that `infill fill --trace` records."""


@trace.command()
@click.argument("file", type=click.Path())
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Steps in a second.",
)
@color_option
@guarded
def play(file: str, speed: float, color: str) -> Exit:
    """Show the steps of a trace; into a pipe, the last picture of each attempt."""
    from infill.cli.player import play_file  # noqa: PLC0415 - numpy and rich

    return play_file(file, speed=speed, color=color)


@trace.command()
@click.argument("file", type=click.Path())
@guarded
def stats(file: str) -> Exit:
    """Print steps, time, confidence and outcome of each attempt."""
    from infill.cli.player import sum_up_file  # noqa: PLC0415 - numpy

    return sum_up_file(file)


@trace.command()
@click.argument("file", type=click.Path())
@click.argument("picture", type=click.Path(dir_okay=False))
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=4.0,
    show_default=True,
    help="Steps in a second.",
)
@guarded
def export(file: str, picture: str, speed: float) -> Exit:
    """Draw the last attempt of a trace as an animated PICTURE, one SVG file."""
    from infill.cli.player import draw_file  # noqa: PLC0415 - numpy and rich

    return draw_file(file, picture, speed=speed)
