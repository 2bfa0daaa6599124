"""Hands tasks out to workers, and sees to it that each has exactly one outcome.

It knows no processes: a `Crew` starts workers and says what they report. Where a worker dies, all
that it held is performed again, each alone in its worker; what is alone when a worker dies for the
second time is to blame, and fails. All other tasks go on.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from infill.batch.engines.protocol import Done, Numbered, failed
from infill.batch.task import Failure, Outcome, Task
from infill.errors import ModelError, WorkerError
from infill.version import VERSION

DEATHS = 2
"""Workers that a task may cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a worker needs to begin.

    model     a name, or a folder on the worker's machine
    threads   of its process for one forward; 0 is torch's own choice
    width     texts side by side, and `rows` canvases in a forward; None: what suits its device
    around    texts by name, which fills may take after
    """

    model: str = "embedded"
    threads: int = 0
    width: int | None = None
    rows: int | None = None
    traces: bool = False
    around: Mapping[str, bytes] = field(default_factory=dict[str, bytes], repr=False)


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker has its model, and takes so many texts side by side."""

    digest: str
    name: str
    device: str
    width: int
    version: str = VERSION


@dataclass(frozen=True, slots=True)
class Unloadable:
    """A worker cannot have its model."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Finished:
    """A worker has performed what it was given under a ticket."""

    ticket: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Gone:
    """A worker is dead."""

    reason: str


Said = Ready | Unloadable | Finished | Gone


class Crew(Protocol):
    """Starts workers, and passes on what they say."""

    def hire(self) -> int:
        """Start a worker, and say its number; numbers are not used again."""
        ...

    def give(self, worker: int, ticket: int, task: Task) -> None:
        """Give it a task. What a dead worker is given, its `Gone` answers."""
        ...

    def hear(self) -> tuple[int, Said]:
        """Wait for what a worker says next; each says `Ready` before it is given anything."""
        ...

    def dismiss(self) -> None:
        """End all workers; nothing is heard of them any more."""
        ...


@dataclass(slots=True)
class _Worker:
    """What is known of one: its room, once it is ready, and what it holds, by ticket."""

    room: int = 0
    alone: bool = False
    held: dict[int, Numbered] = field(default_factory=dict[int, Numbered])


class Dispatch:
    """The tasks of an engine, over its crew.

    jobs     workers
    ahead    tasks that a worker holds beyond those that it works on, so that it never waits
    share    tasks that a worker holds at most, so that the first that is ready does not take all
    """

    def __init__(self, crew: Crew, *, jobs: int, ahead: int = 1, share: int | None = None) -> None:
        self._crew, self._jobs, self._ahead, self._share = crew, jobs, ahead, share
        self._workers = dict[int, _Worker]()
        self._tickets = itertools.count()
        self._ready: Ready | None = None

    def ready(self) -> Ready:
        """What the first worker said of its model. Raises ModelError or WorkerError."""
        self._staff()
        while self._ready is None:
            self._hear()
        return self._ready

    def perform(self, tasks: Iterator[Numbered]) -> Iterator[Done]:
        """See `Engine.perform`."""
        run = _Run(tasks)
        self._staff()
        try:
            while True:
                self._hand_out(run)
                if not any(worker.held for worker in self._workers.values()) and run.empty:
                    return
                yield from self._hear(run)
        finally:
            if any(worker.held for worker in self._workers.values()):
                self.dismiss()

    def dismiss(self) -> None:
        """End all workers; `perform` starts new ones."""
        self._workers.clear()
        self._crew.dismiss()

    def _staff(self) -> None:
        while len(self._workers) < self._jobs:
            self._workers[self._crew.hire()] = _Worker()

    def _hand_out(self, run: _Run) -> None:
        """Give tasks to whoever has room: what cost a worker once, to one that has nothing else."""
        for number, worker in self._workers.items():
            if worker.room and not worker.held:
                worker.alone = bool(run.suspects)
                if worker.alone:
                    self._give(number, worker, run.suspects.popleft())
            while not worker.alone and len(worker.held) < worker.room:
                task = run.next()
                if task is None:
                    break
                self._give(number, worker, task)

    def _give(self, number: int, worker: _Worker, task: Numbered) -> None:
        ticket = next(self._tickets)
        worker.held[ticket] = task
        self._crew.give(number, ticket, task[1])

    def _hear(self, run: _Run | None = None) -> Iterator[Done]:
        """Take in what a worker says; the outcomes that follow from it."""
        number, said = self._crew.hear()
        worker = self._workers.get(number)
        if worker is None:
            return iter(())
        match said:
            case Ready():
                self._check(said)
                room = said.width + self._ahead
                worker.room = room if self._share is None else max(1, min(room, self._share))
            case Finished():
                task, _ = worker.held.pop(said.ticket)
                return iter([(task, said.outcome)])
            case Gone() | Unloadable():
                del self._workers[number]
                return self._lost(worker, said, run)
        return iter(())

    def _check(self, said: Ready) -> None:
        self._ready = first = self._ready or said
        if (said.digest, said.version) != (first.digest, VERSION):
            raise ModelError(
                "a worker has another model, or another version of infill",
                expected=f"weights {first.digest[:12]}…, infill {VERSION}",
                got=f"weights {said.digest[:12]}…, infill {said.version}",
                hint="install the same on all machines",
            )

    def _lost(self, worker: _Worker, said: Gone | Unloadable, run: _Run | None) -> Iterator[Done]:
        """A worker is dead: take back what it held, and start another if it had been of use."""
        reason = said.reason if isinstance(said, Gone) else said.failure.what
        if not worker.room and not self._workers:  # none could begin
            if isinstance(said, Unloadable):
                raise said.failure.error()
            raise WorkerError("no worker could be started", got=reason)
        found = list[Done]()
        for task in worker.held.values():
            if run is not None and run.died(task, alone=len(worker.held) == 1):
                found.append((task[0], failed(_blamed(task[1], reason))))
        if worker.room:
            self._workers[self._crew.hire()] = _Worker()
        return iter(found)


class _Run:
    """The tasks of one `perform`.

    suspects   what was held by a worker that died
    """

    def __init__(self, tasks: Iterator[Numbered]) -> None:
        self._tasks: Iterator[Numbered] | None = tasks
        self._deaths = dict[int, int]()
        self.suspects = deque[Numbered]()

    def next(self) -> Numbered | None:
        """A task that nobody had yet."""
        task = None if self._tasks is None else next(self._tasks, None)
        if task is None:
            self._tasks = None
        return task

    @property
    def empty(self) -> bool:
        """Whether all were handed out."""
        return self._tasks is None and not self.suspects

    def died(self, task: Numbered, *, alone: bool) -> bool:
        """Note that a worker died with a task; whether that is the task's end."""
        deaths = self._deaths[task[0]] = self._deaths.get(task[0], 0) + 1
        if alone and deaths >= DEATHS:
            return True
        self.suspects.append(task)
        return False


def _blamed(task: Task, reason: str) -> WorkerError:
    return WorkerError(
        "the worker died twice over this text",
        where=task.name,
        expected="a worker that lives",
        got=reason,
        hint="it may take more memory than there is: try it by itself, with fewer --jobs",
    )
