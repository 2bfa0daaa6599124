"""The live view: frames of a fill drawn on stderr while they happen, and gone afterwards."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

from rich.live import Live

from infill.cli.canvas_view import Picture, panel
from infill.cli.output import console_for
from infill.decode.trace import texts_of
from infill.edit.workbench import Frame

FRAMES_PER_SECOND = 20
MARGIN = 2  # lines of the terminal that are left to the shell
ECHO = 3  # columns left to the "^C" that a terminal echoes, which must not begin another line


class Viewer(Protocol):
    """Whoever wants to see frames."""

    def show(self, frame: Frame, name: str) -> None:
        """Take the next frame of the text called `name`."""
        ...


class Blind:
    """Shows nothing."""

    def show(self, frame: Frame, name: str) -> None:
        """Nothing."""


class LiveViewer:
    """Draws frames, at most `FRAMES_PER_SECOND`; the first and last of a canvas always."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._last: tuple[Frame, Picture] | None = None
        self._drawn = 0.0

    def show(self, frame: Frame, name: str) -> None:
        """Draw the frame, or skip it when the last one was drawn a moment ago."""
        picture = self._picture(frame)
        self._last = frame, picture
        now = time.monotonic()
        edge = frame.tick == 0 or not len(frame.canvas.holes)
        if not edge and now - self._drawn < 1 / FRAMES_PER_SECOND:
            return
        self._drawn = now
        size = self._live.console.size
        status = f"attempt {frame.attempt + 1} · tick {frame.tick}"
        view = panel(
            picture,
            title=name,
            status=status,
            width=size.width - ECHO,
            height=size.height - MARGIN,
        )
        self._live.update(view, refresh=True)

    def _picture(self, frame: Frame) -> Picture:
        texts = texts_of(frame.canvas, frame.window.vocab)
        if self._last is None or self._last[0].window is not frame.window:
            return Picture(frame.canvas, texts)
        return self._last[1].after(frame.canvas, texts)


@contextmanager
def viewing(*, live: bool, color: str) -> Generator[Viewer]:
    """A viewer on stderr; what it drew is cleared at the end."""
    if not live:
        yield Blind()
        return
    console = console_for(sys.stderr, color)
    with Live(
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as display:
        yield LiveViewer(display)


@contextmanager
def waiting(message: str, *, live: bool, color: str) -> Generator[None]:
    """A turning sign on stderr while something takes a moment."""
    if not live:
        yield
        return
    with console_for(sys.stderr, color).status(message):
        yield
