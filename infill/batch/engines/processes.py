"""The engine of several processes on this machine, each with a model and its share of the cores.

They are started anew, not forked: torch has threads, which a fork would lose. The parent needs no
model and imports nothing heavy.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType

from infill.batch.engines.dispatch import Dispatch, Gone, Said, Setup
from infill.batch.engines.protocol import Done, Engine, Numbered, usable_cores
from infill.batch.task import Task
from infill.errors import WorkerError

COMMAND = (sys.executable, "-P", "-m", "infill.batch.engines.worker")
"""Without the current directory on its path: a repository's `numpy.py` is not numpy."""
WAITING = {"GOMP_SPINCOUNT": "1000"}
"""Threads that wait long for each other hold up the other processes (benchmarks/LOG.md)."""
PATIENCE = 2.0
"""Seconds that a worker has to end once nobody talks to it."""


class Processes(Engine):
    """Performs tasks in `jobs` processes of this machine.

    model     a name or a folder
    threads   of each process; 0 is its share of the cores
    texts     that there are at most, so that few are shared by all processes; None: nobody knows
    width, rows, traces, around   as in `Setup`
    """

    def __init__(  # noqa: PLR0913 - a setup, and how many
        self,
        model: str = "embedded",
        *,
        jobs: int,
        threads: int = 0,
        texts: int | None = None,
        width: int | None = None,
        rows: int | None = None,
        traces: bool = False,
        around: Mapping[str, bytes] = MappingProxyType({}),
    ) -> None:
        self._jobs = jobs
        self._threads = threads or max(1, usable_cores() // jobs)
        setup = Setup(
            model=model,
            threads=self._threads,
            width=width,
            rows=rows,
            traces=traces,
            around=dict(around),
        )
        self._children = _Children(setup)
        share = None if texts is None else -(-texts // jobs)
        self._dispatch = Dispatch(self._children, jobs=jobs, share=share)

    @property
    def digest(self) -> str:
        """See `Engine.digest`."""
        return self._dispatch.ready().digest

    def describe(self) -> str:
        """The model, and how many processes."""
        ready = self._dispatch.ready()
        threads = f"{self._threads} thread{'s' * (self._threads != 1)}"
        return f"{ready.name} on {ready.device}, {self._jobs} processes of {threads}"

    def perform(self, tasks: Iterator[Numbered]) -> Iterator[Done]:
        """See `Engine.perform`."""
        return self._dispatch.perform(tasks)

    def pids(self) -> list[int]:
        """The processes that live, to look at them."""
        return self._children.pids()

    def close(self) -> None:
        """End all processes."""
        self._dispatch.dismiss()


class _Children:
    """A crew of child processes. Each has a thread here that passes on what it says."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._said = queue.SimpleQueue[tuple[int, Said]]()
        self._living = dict[int, subprocess.Popen[bytes]]()
        self._next = 0

    def hire(self) -> int:
        """Start a process. Raises WorkerError where the system cannot."""
        number, self._next = self._next, self._next + 1
        try:
            child = subprocess.Popen(  # noqa: S603 - our own interpreter
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**WAITING, **os.environ},
                process_group=0 if os.name == "posix" else None,  # Ctrl-C is for the parent
            )
        except OSError as error:
            raise WorkerError("a process cannot be started", got=str(error)) from error
        self._living[number] = child
        self._send(child, self._setup)
        threading.Thread(target=self._pass_on, args=(number, child), daemon=True).start()
        return number

    def give(self, worker: int, ticket: int, task: Task) -> None:
        """Send it a task."""
        self._send(self._living[worker], (ticket, task))

    def hear(self) -> tuple[int, Said]:
        """Wait for a message."""
        worker, said = self._said.get()
        if isinstance(said, Gone):
            self._living.pop(worker, None)
        return worker, said

    def dismiss(self) -> None:
        """End them: in peace those that do nothing, by force what does not end."""
        children, self._living = list(self._living.values()), {}
        for child in children:
            _hang_up(child)
        for child in children:
            try:
                child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def pids(self) -> list[int]:
        """The processes that live."""
        return [child.pid for child in self._living.values()]

    @staticmethod
    def _send(child: subprocess.Popen[bytes], message: object) -> None:
        """What a child that has died does not hear, its end answers."""
        if child.stdin is None:
            raise AssertionError("a child is started with pipes")
        with suppress(OSError, ValueError):
            child.stdin.write(pickle.dumps(message))
            child.stdin.flush()

    def _pass_on(self, number: int, child: subprocess.Popen[bytes]) -> None:
        """In a thread of its own: what a child says, and then that it is gone."""
        if child.stdout is None:
            raise AssertionError("a child is started with pipes")
        reason = ""
        try:
            while True:
                self._said.put((number, pickle.load(child.stdout)))  # noqa: S301 - our own child
        except (EOFError, OSError):
            pass
        except Exception as error:  # noqa: BLE001 - a message that is cut off; it is of no use then
            reason = f"it said what cannot be read: {error!r}"
            child.kill()
        child.stdout.close()
        status = child.wait()
        _hang_up(child)
        self._said.put((number, Gone(reason or _ended(status))))


def _hang_up(child: subprocess.Popen[bytes]) -> None:
    """Talk to it no more; then it ends."""
    if child.stdin is not None:
        with suppress(OSError):
            child.stdin.close()


def _ended(status: int) -> str:
    """What an exit status says.

    >>> _ended(-9), _ended(-40), _ended(1)
    ('it was killed by SIGKILL', 'it was killed by signal 40', 'it ended with status 1')
    """
    if status < 0:
        known = {one.value: one.name for one in signal.Signals}  # real-time ones have no name
        return f"it was killed by {known.get(-status, f'signal {-status}')}"
    return f"it ended with status {status}"
