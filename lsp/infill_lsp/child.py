"""A worker process as the server sees it: started, told messages, listened to, ended."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from infill_lsp.messages import Message, MessageError, decode, encode

LINE = 256_000_000
"""Bytes of a message at most: a text of `limits.text`, escaped, and its trace."""
WAITING = {"GOMP_SPINCOUNT": "1000"}
"""How long the model's threads spin for each other before they sleep: the usual 300,000 times cost
seconds beside an editor and its other servers (benchmarks/LOG.md)."""
PATIENCE = 2.0
"""Seconds that a child has to end once nobody talks to it."""

log = logging.getLogger(__name__)


class Child:
    """One process; it is gone once `ended` was called.

    told     called with each message
    ended    called once with the exit status, whatever the reason
    """

    def __init__(
        self,
        arguments: Sequence[str],
        told: Callable[[Message], None],
        ended: Callable[[int], None],
    ) -> None:
        self._arguments, self._told, self._ended = arguments, told, ended
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it. Raises OSError where the system cannot."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # a workspace's numpy.py is not numpy
            "-m",
            "infill_lsp.worker",
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE,
            env={**WAITING, **os.environ},
        )
        self._reading = asyncio.create_task(self._read(self._process))

    def tell(self, message: Message) -> None:
        """Send a message; what a child that has died does not hear, its end answers."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(ConnectionError, RuntimeError):
                self._process.stdin.write(encode(message))

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def stop(self) -> None:
        """End it in peace, or else by force."""
        if (process := self._process) is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), PATIENCE)
        except TimeoutError:
            self.kill()
            await process.wait()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            raise AssertionError("the child was started with pipes")
        try:
            while line := await process.stdout.readline():
                try:
                    self._told(decode(line))
                except MessageError:
                    log.exception("the worker said %r", line[:200])
                except Exception:  # one message that cannot be taken in must not stop the others
                    log.exception("a mistake in infill, over what the worker said")
        except (ValueError, ConnectionError):
            log.exception("the worker cannot be understood")
            self.kill()
        self._ended(await process.wait())
