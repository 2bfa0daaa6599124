"""The work of `infill trace`: traces from a file, played or summed up. Needs no model."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live
from rich.panel import Panel

from infill.canvas import Write
from infill.cli.canvas_view import Picture, panel, pictures
from infill.cli.exits import Exit
from infill.cli.output import console_for, printable
from infill.cli.svg import svg
from infill.decode.trace import Trace
from infill.errors import EncodingError, PathError

HEIGHT = 24  # lines of a picture that goes into a pipe
MARGIN = 2  # lines of the terminal that are left to the shell


def read_traces(file: str) -> list[Trace]:
    """The traces of a file. Raises PathError, EncodingError or TraceError."""
    try:
        text = Path(file).read_text("utf-8")
    except UnicodeDecodeError as error:
        raise EncodingError(
            "this is no trace", where=file, expected="JSON lines", got=str(error)
        ) from error
    except OSError as error:
        got = error.strerror or str(error)
        raise PathError("the trace cannot be read", where=file, got=got) from error
    return Trace.parse(text.splitlines(), name=file)


def play_file(file: str, *, speed: float, color: str) -> Exit:
    """Play each trace at `speed` steps a second; only its last picture where nobody watches."""
    console = console_for(sys.stdout, color)
    for trace in read_traces(file):
        shown = list(pictures(trace))  # all, so that a broken trace is told before it is played
        if console.is_terminal:
            _play(trace, shown, console, speed)
        else:
            console.print(_panel(trace, shown, len(shown) - 1, console))
        console.print(printable(_summary(trace)), style="dim", soft_wrap=True)
    return Exit.DONE


def _play(trace: Trace, shown: Sequence[Picture], console: Console, speed: float) -> None:
    with Live(console=console, auto_refresh=False, redirect_stdout=False) as live:
        for number in range(len(shown)):
            live.update(_panel(trace, shown, number, console), refresh=True)
            time.sleep(1 / speed)


def _panel(trace: Trace, shown: Sequence[Picture], number: int, console: Console) -> Panel:
    height = console.size.height - MARGIN if console.is_terminal else HEIGHT
    return panel(
        shown[number],
        title=trace.header.path,
        status=f"attempt {trace.header.attempt + 1} · tick {number} of {len(shown) - 1}",
        width=console.size.width,
        height=height,
    )


def _summary(trace: Trace) -> str:
    reason = f": {trace.reason}" if trace.reason else ""
    model = trace.header.model.get("name", "?")
    return f"{trace.outcome}{reason} ({_figures(trace)}, model {model}, seed {trace.header.seed})"


def _figures(trace: Trace) -> str:
    steps = len(trace.steps)
    each = sum(step.ms for step in trace.steps) / steps if steps else 0.0
    return f"{steps} steps, {each:.1f} ms each, mean logp {trace.replay().mean_score:.2f}"


def draw_file(file: str, picture: str, *, speed: float) -> Exit:
    """Write the last trace of a file as an animated picture. Raises PathError."""
    drawn = svg(read_traces(file)[-1], speed=speed)
    try:
        Path(picture).write_text(drawn, encoding="utf-8")
    except OSError as error:
        got = error.strerror or str(error)
        raise PathError("the picture cannot be written", where=picture, got=got) from error
    return Exit.DONE


def sum_up_file(file: str) -> Exit:
    """Print one line for each trace, in columns, and the total."""
    traces = read_traces(file)
    rows = [("file", "attempt", "steps", "tokens", "ms/step", "mean logp", "outcome")]
    rows += [_row(trace) for trace in traces]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for name, *figures, outcome in rows:
        cells = [cell.rjust(width) for cell, width in zip(figures, widths[1:-1], strict=True)]
        click.echo("  ".join([name.ljust(widths[0]), *cells, outcome]))
    steps = sum(len(trace.steps) for trace in traces)
    took = sum(step.ms for trace in traces for step in trace.steps)
    click.echo(f"{len(traces)} traces, {steps} steps, {took:.0f} ms")
    return Exit.DONE


def _row(trace: Trace) -> tuple[str, ...]:
    steps = len(trace.steps)
    each = sum(step.ms for step in trace.steps) / steps if steps else 0.0
    tokens = sum(isinstance(move, Write) for step in trace.steps for move in step.moves)
    return (
        printable(trace.header.path),
        str(trace.header.attempt + 1),
        str(steps),
        str(tokens),
        f"{each:.1f}",
        f"{trace.replay().mean_score:.2f}",
        printable(f"{trace.outcome}: {trace.reason}" if trace.reason else trace.outcome),
    )
