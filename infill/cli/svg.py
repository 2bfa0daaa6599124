"""A trace as an animated picture: one SVG file that plays in a browser or a README.

Each step is a group of text that is shown for its turn by CSS; a viewer without animation shows
the last step. Needs no model, no fonts and no script.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from html import escape

from rich.console import Console
from rich.style import Style
from rich.text import Text

from infill.cli.canvas_view import lines_around, pictures
from infill.decode.trace import Trace

COLUMNS, ROWS = 88, 30
CELL, LINE, PAD = 8.4, 19, 14  # pixels: a column, a row, the margin
INK, DIM, PAPER = "#d8dee9", "#7b8494", "#1e2430"
PALETTE = {"green": "#8fce7e", "yellow": "#e8c96a", "red": "#e88388", "magenta": "#c795e0"}
PAUSE = 2.0  # seconds that the last step stays
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def svg(trace: Trace, *, speed: float) -> str:
    """The picture of a trace that is played at `speed` steps a second, over and over."""
    frames = [
        list(lines_around(picture, width=COLUMNS, height=ROWS).split("\n", allow_blank=True))
        for picture in pictures(trace)
    ]
    rows = max(len(lines) for lines in frames)
    width, height = round(COLUMNS * CELL + 2 * PAD), rows * LINE + 2 * PAD + LINE
    total = len(frames) / speed + PAUSE
    groups = [
        f'<g class="f" style="{_turn(number, len(frames), speed, total)}">'
        f"{''.join(_lines(lines))}{_foot(number, len(frames), trace, height)}</g>"
        for number, lines in enumerate(frames)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(trace.header.path, quote=True)}: denoising, step by step">\n'
        f"<style>\n{_css(len(frames), speed, total)}</style>\n"
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>\n'
        + "\n".join(groups)
        + "</svg>\n"
    )


def _css(count: int, speed: float, total: float) -> str:
    share = 100 / speed / total
    return (
        f"text {{ font: 14px {FONT}; white-space: pre; fill: {INK}; }}\n"
        f".f {{ opacity: 0; animation: turn {total:.2f}s step-end infinite; }}\n"
        f".f:last-child {{ opacity: 1; animation-name: last; }}\n"
        f"@keyframes turn {{ 0% {{ opacity: 1; }} {share:.3f}% {{ opacity: 0; }} }}\n"
        f"@keyframes last {{ 0% {{ opacity: 0; }} {share * (count - 1):.3f}% {{ opacity: 1; }} }}\n"
    )


def _turn(number: int, count: int, speed: float, total: float) -> str:
    """When a frame's animation begins; the last one's own keyframes wait for its turn."""
    return "" if number == count - 1 else f"animation-delay: {number / speed - total:.2f}s"


def _foot(number: int, count: int, trace: Trace, height: int) -> str:
    status = f"{trace.header.path} · step {number} of {count - 1}"
    y = height - PAD / 2
    return f'<text x="{PAD}" y="{y}" style="fill: {DIM}">{escape(status)}</text>'


def _lines(lines: Sequence[Text]) -> Iterator[str]:
    console = Console(file=io.StringIO(), width=2 * COLUMNS, color_system="truecolor")
    for row, line in enumerate(lines):
        y, column = PAD + LINE * (row + 0.75), 0
        for segment in line.render(console):
            if segment.text.strip():
                yield from _run(segment.text, segment.style or Style(), column, y)
            column += segment.cell_length


def _run(text: str, style: Style, column: int, y: float) -> Iterator[str]:
    x, width = PAD + column * CELL, len(text) * CELL
    color = PALETTE.get(style.color.name if style.color else "", DIM if style.dim else INK)
    ink = PAPER if style.reverse else color
    if style.reverse:
        yield (
            f'<rect x="{x:.1f}" y="{y - LINE * 0.72:.1f}" width="{width:.1f}" '
            f'height="{LINE}" rx="3" fill="{color}"/>'
        )
    yield (
        f'<text x="{x:.1f}" y="{y:.1f}" textLength="{width:.1f}" style="fill: {ink}">'
        f"{escape(text)}</text>"
    )
