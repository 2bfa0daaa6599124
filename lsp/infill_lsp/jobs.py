"""The queue of one worker: one job at a time, documents in turn, cancelled within a step.

The worker is started when it is first needed, and again when it has died. Nothing here knows what
a job is about.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from infill_lsp.child import Child
from infill_lsp.messages import (
    Cancel,
    Checkable,
    Details,
    Failed,
    Finished,
    Loaded,
    Message,
    Moment,
    Task,
    Unloadable,
)

PATIENCE = 5.0
"""Seconds that a cancelled job may go on before its worker is ended: loading again costs less."""

State = Literal["starting", "loading", "idle", "working", "failed"]
log = logging.getLogger(__name__)


class JobError(Exception):
    """A job came to nothing; `error` names the reason for programs."""

    def __init__(self, message: str, error: str = "") -> None:
        super().__init__(message)
        self.error = error


def sampled(answer: Finished | Checkable) -> Finished:
    """The answer of a worker that was asked to sample. Raises JobError for another."""
    if not isinstance(answer, Finished):
        raise JobError("the worker answered something else", "worker")
    return answer


@dataclass(eq=False)
class Job:
    """What is wanted, and who waits for it."""

    task: Task
    document: str
    place: object
    answer: asyncio.Future[Finished | Checkable]
    moment: Callable[[Moment], None] | None = None
    details: Callable[[Details], None] | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """How the worker is; `queue` counts the jobs that wait."""

    state: State
    message: str
    model: str
    device: str
    queue: int


@dataclass
class _Known:
    """What the worker said of itself."""

    state: State = "starting"
    message: str = ""
    model: str = ""
    device: str = ""
    deaths: int = field(default=0)
    """In a row, without an answer between."""


class Jobs:
    """A worker's jobs.

    arguments   of the worker's command line
    changed     called when the status has changed
    """

    def __init__(self, arguments: Sequence[str], changed: Callable[[Status], None]) -> None:
        self.arguments, self._changed = tuple(arguments), changed
        self._waiting: dict[str, deque[Job]] = {}  # by document, in the order of their turns
        self._current: Job | None = None
        self._served = ""  # the document whose turn it was last
        self._detailed: Job | None = None  # the last that was answered; its details may follow
        self._child: Child | None = None
        self._known = _Known()
        self._numbers = itertools.count(1)
        self._watchdog: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._killed = False  # it was we who ended the worker
        self._closed = False

    @property
    def status(self) -> Status:
        """How the worker is."""
        queue = sum(map(len, self._waiting.values()))
        known = self._known
        return Status(known.state, known.message, known.model, known.device, queue)

    def name(self) -> str:
        """A name for a new job."""
        return f"j{next(self._numbers)}"

    def wake(self) -> None:
        """Start the worker before there is work."""
        self._pump()

    async def run(
        self,
        task: Task,
        *,
        document: str,
        place: object,
        moment: Callable[[Moment], None] | None = None,
        details: Callable[[Details], None] | None = None,
    ) -> Finished | Checkable:
        """Do a task, in its turn. One for the same place of the same document is cancelled.

        Raises JobError; CancelledError where it was cancelled, which may also be done by
        cancelling whoever awaits it.
        """
        if self._closed:
            raise JobError("the server is shutting down", "server")
        for other in self._all(document):
            if other.place == place:
                self._cancel(other)
        answer = asyncio.get_running_loop().create_future()
        job = Job(task, document, place, answer, moment, details)
        self._waiting.setdefault(document, deque()).append(job)
        self._pump()
        try:
            return await answer
        except asyncio.CancelledError:
            self._cancel(job)
            raise

    def cancel(self, document: str | None = None, job: str | None = None) -> int:
        """Cancel jobs: of a document, one by name, or all. Returns how many."""
        chosen = [one for one in self._all(document) if job is None or one.task.job == job]
        for one in chosen:
            self._cancel(one)
        return len(chosen)

    async def close(self) -> None:
        """Cancel everything and end the worker."""
        self._closed = True
        self.cancel()
        if self._child is not None:
            await self._child.stop()

    def _all(self, document: str | None) -> list[Job]:
        rows = [row for uri, row in self._waiting.items() if document in {None, uri}]
        found = [job for row in rows for job in row]
        if (now := self._current) is not None and document in {None, now.document}:
            found.append(now)
        return [job for job in found if not job.answer.done()]

    def _cancel(self, job: Job) -> None:
        """Silence at once; the worker stops within a step, or is ended."""
        job.answer.cancel()
        if (row := self._waiting.get(job.document)) and job in row:
            row.remove(job)
        if job is self._current and self._child is not None:
            self._child.tell(Cancel(job.task.job))
            if self._watchdog is None:
                loop = asyncio.get_running_loop()
                self._watchdog = loop.call_later(PATIENCE, self._kill)
        self._say()

    def _kill(self) -> None:
        """End a worker that does not heed a cancel: nothing is wrong with those that wait."""
        if self._child is not None:
            self._killed = True
            self._child.kill()

    def _pump(self) -> None:
        """Give the worker the next job, if it has none."""
        if self._closed or self._current is not None:
            return
        if self._child is None:
            self._spawn()
            return
        if self._known.state in {"starting", "loading"}:
            return
        for document in sorted(self._waiting, key=lambda uri: uri == self._served):
            row = self._waiting.pop(document)
            if row:
                self._current, self._served = row.popleft(), document
                if row:
                    self._waiting[document] = row  # its next turn comes after the others'
                self._child.tell(self._current.task)
                self._known.state = "working"
                break
        self._say()

    def _spawn(self) -> None:
        child = Child(self.arguments, self._told, self._ended)
        self._child, self._known.state = child, "loading"
        self._say()
        task = asyncio.create_task(self._start(child))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self, child: Child) -> None:
        try:
            await child.start()
        except (OSError, ValueError) as error:  # as of a name with a NUL in it
            log.exception("the worker cannot be started")
            self._child = None
            self._fail_all(f"the worker cannot be started: {error}")

    def _told(self, message: Message) -> None:
        known, now = self._known, self._current
        match message:
            case Loaded():
                known.state, known.message = "idle" if now is None else "working", ""
                known.model, known.device = message.model, message.device
            case Unloadable():
                known.state, known.message = "failed", message.message
                if now is None:  # what waits would only hear the same
                    self._fail_all(message.message)
            case Moment():
                if now and now.task.job == message.job and now.moment and not now.answer.done():
                    now.moment(message)
                return
            case Details():
                done = self._detailed
                if done and done.task.job == message.job and done.details:
                    done.details(message)
                return
            case Finished() | Checkable() | Failed():
                self._answered(message)
            case _:
                log.warning("a worker does not say %s", type(message).__name__)
        self._pump()
        self._say()

    def _answered(self, message: Finished | Checkable | Failed) -> None:
        now = self._current
        if now is None or now.task.job != message.job:
            log.warning("an answer to %s, which nobody waits for", message.job)
            return
        self._current, self._detailed, self._known.deaths = None, now, 0
        if self._known.state == "working":
            self._known.state = "idle"
        self._unwatch()
        if now.answer.done():
            return
        if not isinstance(message, Failed):
            now.answer.set_result(message)
        elif message.error == "cancelled":
            now.answer.cancel()
        else:
            now.answer.set_exception(JobError(message.message, message.error))

    def _ended(self, status: int) -> None:
        """The worker is gone: its job fails, the next one starts another."""
        self._child = None
        self._unwatch()
        now, self._current = self._current, None
        if self._closed:
            return
        known = self._known
        if self._killed:
            self._killed, known.state, known.message = False, "starting", ""
            if now is not None and not now.answer.done():  # it was told while the worker ended
                self._waiting.setdefault(now.document, deque()).appendleft(now)
            self._pump()
            return
        known.deaths += 1
        reason = f"signal {-status}" if status < 0 else f"exit status {status}"
        known.state, known.message = "failed", f"the worker ended ({reason}); it is started again"
        log.error("the worker ended (%s)", reason)
        if now is not None and not now.answer.done():
            hint = "it may have run out of memory" if status < 0 else "see the server's log"
            now.answer.set_exception(JobError(f"the worker ended ({reason}); {hint}", "worker"))
        if known.deaths >= 3:  # noqa: PLR2004 - a worker that cannot live is not started for ever
            known.deaths = 0
            self._fail_all(f"the worker ended ({reason}) three times in a row; see the log")
            return
        if any(self._waiting.values()):
            self._pump()
        self._say()

    def _fail_all(self, message: str) -> None:
        """Nothing that waits can be done."""
        self._known.state, self._known.message = "failed", message
        waiting, self._waiting = self._waiting, {}
        for row in waiting.values():
            for job in row:
                if not job.answer.done():
                    job.answer.set_exception(JobError(message, "worker"))
        self._say()

    def _unwatch(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _say(self) -> None:
        if not self._closed:
            self._changed(self.status)
