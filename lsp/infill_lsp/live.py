"""Ten times a second at most: what is drawn anew while a sample is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PERIOD = 0.1
"""Seconds between two calls."""


class Throttle:
    """Calls `draw` soon after it was touched, once for all touches within a period."""

    def __init__(self, draw: Callable[[], None]) -> None:
        self._draw = draw
        self._timer: asyncio.TimerHandle | None = None
        self._last = float("-inf")

    def touch(self) -> None:
        """Something is to be drawn."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._last + PERIOD), self._call)

    def close(self) -> None:
        """Draw no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _call(self) -> None:
        self._timer, self._last = None, asyncio.get_running_loop().time()
        self._draw()
