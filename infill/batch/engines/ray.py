"""The engine of a Ray cluster: the same workers, as actors.

A cluster must have infill installed, of this version, and the model: the one that ships with it,
or a folder at the same path on each of its machines. An actor that dies is replaced by a fresh one,
wherever there is room for it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, cast

from infill.batch.engines.dispatch import Dispatch, Finished, Gone, Said, Setup
from infill.batch.engines.protocol import Done, Engine, Numbered, without_place
from infill.batch.engines.worker import Inbox, work
from infill.batch.task import Task
from infill.errors import OptionError, WorkerError


class Ray(Engine):
    """Performs tasks on a cluster.

    address  of an existing one, "auto" to find it, "local" for one on this machine alone
    jobs     actors; None is one for each GPU, or where there is none for `threads` CPUs each
    threads  CPUs of an actor
    """

    def __init__(  # noqa: PLR0913 - a setup, where and how many
        self,
        model: str = "embedded",
        *,
        address: str = "auto",
        jobs: int | None = None,
        threads: int = 1,
        width: int | None = None,
        rows: int | None = None,
        traces: bool = False,
        around: Mapping[str, bytes] = MappingProxyType({}),
    ) -> None:
        ray = _imported()
        self._begun = not ray.is_initialized()
        if self._begun:
            _connect(ray, address)
        has = ray.cluster_resources()
        gpus = int(has.get("GPU", 0))
        self._jobs = jobs or gpus or max(1, int(has.get("CPU", 1)) // threads)
        setup = Setup(
            model=model, threads=threads, width=width, rows=rows, traces=traces, around=dict(around)
        )
        share = {"num_cpus": threads, "num_gpus": int(gpus > 0)}
        self._ray, self._crew = ray, _Actors(ray, setup, share)
        self._dispatch = Dispatch(self._crew, jobs=self._jobs)

    @property
    def digest(self) -> str:
        """See `Engine.digest`."""
        return self._dispatch.ready().digest

    def describe(self) -> str:
        """The model, and how many actors."""
        ready = self._dispatch.ready()
        return f"{ready.name} on {ready.device}, {self._jobs} actors of a Ray cluster"

    def perform(self, tasks: Iterator[Numbered]) -> Iterator[Done]:
        """See `Engine.perform`. A task with a goal fails: its folder is not there."""
        refused = list[Done]()

        def movable() -> Iterator[Numbered]:
            for number, task in tasks:
                outcome = without_place(task)
                if outcome is None:
                    yield number, task
                else:
                    refused.append((number, outcome))

        for done in self._dispatch.perform(movable()):
            while refused:
                yield refused.pop()
            yield done
        yield from refused

    def pids(self) -> list[int]:
        """The actors' processes, to look at them; of a cluster on this machine."""
        return self._crew.pids()

    def close(self) -> None:
        """End the actors, and leave the cluster if it was joined here."""
        self._dispatch.dismiss()
        if self._begun:
            self._ray.shutdown()
            self._begun = False


class Actor:
    """What runs on the cluster: a worker whose calls wait, each in a thread, for their outcome."""

    def __init__(self, setup: Setup) -> None:
        self._inbox, self._first = Inbox(), queue.SimpleQueue[Said]()
        self._waiting = dict[int, queue.SimpleQueue[Said]]()
        threading.Thread(target=self._work, args=(setup,), daemon=True).start()

    def _work(self, setup: Setup) -> None:
        try:
            work(setup, self._inbox, self._say)
        except BaseException as error:  # noqa: BLE001 - those that wait are told
            for waiting in list(self._waiting.values()):
                waiting.put(Gone(f"{type(error).__name__}: {error}"))

    def _say(self, said: Said) -> None:
        if isinstance(said, Finished):
            self._waiting.pop(said.ticket).put(said)
        else:
            self._first.put(said)

    def ready(self) -> Said:
        """Whether the model could be loaded."""
        return self._first.get()

    def pid(self) -> int:
        """The process."""
        import os  # noqa: PLC0415 - what is pickled by value brings only what it needs

        return os.getpid()

    def perform(self, ticket: int, task: Task) -> Said:
        """What came of a task, when it is done; others are side by side."""
        answer = self._waiting[ticket] = queue.SimpleQueue[Said]()
        self._inbox.put((ticket, task))
        return answer.get()


class _Actors:
    """A crew of actors. What they say are their calls' results."""

    def __init__(self, ray: Any, setup: Setup, share: dict[str, int]) -> None:  # noqa: ANN401 - ray has no types
        self._ray, self._setup, self._share = ray, setup, share
        self._living = dict[int, Any]()
        self._calls = dict[Any, int]()
        self._next = 0

    def hire(self) -> int:
        """Ask for an actor; the cluster starts it where there is room."""
        number, self._next = self._next, self._next + 1
        width = 64 if self._setup.width is None else self._setup.width
        make: Callable[..., Any] = (
            self._ray.remote(Actor)
            .options(**self._share, max_concurrency=width + 4, max_restarts=0, max_task_retries=0)
            .remote
        )
        actor = self._living[number] = make(self._setup)
        self._calls[actor.ready.remote()] = number
        return number

    def give(self, worker: int, ticket: int, task: Task) -> None:
        """Call its actor."""
        self._calls[self._living[worker].perform.remote(ticket, task)] = worker

    def hear(self) -> tuple[int, Said]:
        """Wait for the first call that is answered."""
        (call, *_), _ = self._ray.wait(list(self._calls), num_returns=1)
        worker = self._calls.pop(call)
        try:
            return worker, cast("Said", self._ray.get(call))
        except self._ray.exceptions.RayError as error:
            reason = str(error).strip().partition("\n")[0]
        actor = self._living.pop(worker)
        self._calls = {call: other for call, other in self._calls.items() if other != worker}
        self._ray.kill(actor)
        return worker, Gone(reason)

    def dismiss(self) -> None:
        """End all actors."""
        living, self._living, self._calls = self._living, {}, {}
        for actor in living.values():
            self._ray.kill(actor)

    def pids(self) -> list[int]:
        """Their processes."""
        return self._ray.get([actor.pid.remote() for actor in self._living.values()])


def _imported() -> Any:  # noqa: ANN401
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise OptionError(
            "Ray is not installed",
            where="--engine ray",
            hint="install infill-lm[ray], here and on the cluster",
        ) from error
    return ray


def _connect(ray: Any, address: str) -> None:  # noqa: ANN401
    """Join a cluster, or start one on this machine."""
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level="ERROR",
            **({"include_dashboard": False} if address == "local" else {}),
        )
    except (ConnectionError, ValueError, OSError, RuntimeError) as error:
        raise WorkerError(
            "the Ray cluster cannot be reached",
            where="--ray-address",
            expected="auto, local, or the address of a cluster that runs",
            got=f"{address}: {str(error).strip()}",
            hint="start one with `ray start --head`",
        ) from error
