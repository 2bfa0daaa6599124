"""A canvas as a person sees it: the lines around its holes, in colours that tell their state.

Open slots are dim boxes, tokens of the last step are highlighted, older ones are coloured by
the model's confidence, and the user's own text is plain. It takes traces and live frames
alike and needs no model.

>>> canvas = Canvas([1, 0], [Slot.GIVEN, Slot.HOLE])
>>> print(lines_around(Picture(canvas, ("x = ", "")), width=20, height=5))
x = ▢
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from rich.panel import Panel
from rich.text import Text

from infill.canvas import Canvas, Reopen, Slot, Splice, Write
from infill.cli.output import printable
from infill.decode.trace import Trace

BOX = "▢"
GAP = "⋮"
OPEN_STYLE, REOPENED_STYLE = "dim", "magenta"
CONFIDENCE = ((0.9, "green"), (0.5, "yellow"), (0.0, "red"))
"""The least probability for each colour."""
AROUND = (3, 2, 1, 0)
"""Lines shown on either side of a hole, as many as fit."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A canvas, what its slots render to, and which of them the last step wrote or reopened."""

    canvas: Canvas
    texts: tuple[str, ...]
    fresh: frozenset[int] = frozenset()
    reopened: frozenset[int] = frozenset()

    def after(self, canvas: Canvas, texts: tuple[str, ...]) -> Picture:
        """The next picture; what changed is found by looking, so the canvas must not shift."""
        if len(canvas) != len(self.canvas):
            return Picture(canvas, texts)
        changed = (canvas.slots != self.canvas.slots) | (canvas.ids != self.canvas.ids)
        fresh = (changed & (canvas.slots == Slot.FILLED)).nonzero()[0]
        reopened = (changed & (canvas.slots == Slot.HOLE)).nonzero()[0]
        return Picture(canvas, texts, frozenset(fresh.tolist()), frozenset(reopened.tolist()))


def pictures(trace: Trace) -> Iterator[Picture]:
    """The pictures of a trace, at the start and after each step.

    Raises TraceError where a step does not fit.
    """
    canvases = trace.canvases()
    texts = list(trace.header.texts)
    yield Picture(next(canvases), tuple(texts))
    for canvas, step in zip(canvases, trace.steps, strict=True):
        marks = [""] * len(texts)
        written = iter(step.texts)
        for move in step.moves:
            match move:
                case Write(at):
                    texts[at], marks[at] = next(written), "fresh"
                case Reopen(at):
                    texts[at], marks[at] = "", "reopened"
                case Splice(at, delete, holes):
                    texts[at : at + delete] = marks[at : at + delete] = [""] * holes
        fresh, reopened = (
            frozenset(at for at, mark in enumerate(marks) if mark == kind)
            for kind in ("fresh", "reopened")
        )
        yield Picture(canvas, tuple(texts), fresh, reopened)


def panel(picture: Picture, *, title: str, status: str, width: int, height: int) -> Panel:
    """The picture in a frame of at most `width` by `height`, a status line at its foot."""
    body = lines_around(picture, width=width - 4, height=height - 2)
    foot = f"{status} · {len(picture.canvas.holes)} open"
    return Panel(
        body,
        title=Text(printable(title)),
        subtitle=Text(foot),
        title_align="left",
        subtitle_align="left",
        border_style="dim",
        width=width,
    )


def lines_around(picture: Picture, *, width: int, height: int) -> Text:
    """The lines with holes, filled ones included, and as many around them as fit."""
    lines, ours = _lines(picture)
    choices = [_near(ours, around, len(lines)) for around in AROUND]
    chosen = next((choice for choice in choices if len(choice) <= height), choices[-1])
    shown = [_cropped(lines[number], width) for number in chosen[:height]]
    for place in range(len(shown) - 1, 0, -1):  # mark what is left out, on a line that is there
        if chosen[place] != chosen[place - 1] + 1 and len(shown) < height:
            shown.insert(place, Text(GAP, style="dim"))
    return Text("\n", no_wrap=True, overflow="ellipsis").join(shown)


def _near(numbers: Iterable[int], around: int, count: int) -> list[int]:
    """The line numbers within `around` of any of `numbers`, of `count` lines."""
    near = {line for number in numbers for line in range(number - around, number + around + 1)}
    return sorted(line for line in near if 0 <= line < count)


def _lines(picture: Picture) -> tuple[list[Text], list[int]]:
    """The canvas as lines, and the numbers of those that hold a slot of ours."""
    text, ours, number = Text(), set[int](), 0
    for style, run in _runs(picture):
        text.append(run, style)
        after = number + run.count("\n")
        if style:
            ours |= set(range(number, after + 1))
        number = after
    lines = list(text.split("\n", allow_blank=True))
    if number and number not in ours and not lines[number].plain:  # the end of the last line
        lines.pop()
    return lines, sorted(ours)


def _runs(picture: Picture) -> Iterator[tuple[str, str]]:
    """(style, text) of neighbouring slots with one style; the user's own has none."""
    styles = [_style(picture, at) for at in range(len(picture.canvas))]
    for style, group in groupby(range(len(styles)), key=styles.__getitem__):
        yield (
            style,
            _joined(
                BOX if picture.canvas.slots[at] == Slot.HOLE else picture.texts[at] for at in group
            ),
        )


def _joined(texts: Iterable[str]) -> str:
    """Neighbours together, since a character may be spread over several tokens."""
    text = "".join(texts)
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a surrogate pair, which no byte stands for
        data = text.encode("utf-8", "replace")
    return printable(data.decode(errors="replace").expandtabs(4))


def _style(picture: Picture, at: int) -> str:
    slot = picture.canvas.slots[at]
    if slot == Slot.GIVEN:
        return ""
    if slot == Slot.HOLE:
        return REOPENED_STYLE if at in picture.reopened else OPEN_STYLE
    sure = math.exp(min(0.0, picture.canvas.logps[at]))
    color = next((color for least, color in CONFIDENCE if sure >= least), "red")
    return f"bold reverse {color}" if at in picture.fresh else color


def _cropped(line: Text, width: int) -> Text:
    """The part of a long line that shows its first hole."""
    if line.cell_len <= width:
        return line
    first = min((span.start for span in line.spans if span.style), default=0)
    start = max(0, first - width // 3)
    return Text("…").append_text(line[start + 1 :]) if start else line
