"""The worker process: jobs come in on standard input, answers go out on standard output.

    python -m infill_lsp.worker --model embedded [--threads N] [--judge]

A judge has no model, and only says whether texts can be completed. Whatever a library prints goes
to standard error: the real standard output is put aside before anything else is imported.
"""

from __future__ import annotations

import argparse
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from infill_lsp.messages import Cancel, Failed, Loaded, Message, Task, Unloadable, decode, encode

if TYPE_CHECKING:
    from infill_lsp.worker_tasks import Bench

WARM_UP = "def first(values):\n    return <FILL_ME>\n"
"""Filled once before the worker says that it is ready: grammars are compiled, pages are touched."""


@dataclass
class Line:
    """The line to the server: what was cancelled is known at once, the rest waits for its turn."""

    out: BinaryIO
    tasks: queue.SimpleQueue[Task] = field(default_factory=queue.SimpleQueue[Task])
    cancelled: set[str] = field(default_factory=set[str])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, message: Message) -> None:
        """Send a message. Where nobody hears it any more, the process ends."""
        with self._lock:
            try:
                self.out.write(encode(message))
                self.out.flush()
            except OSError:
                os._exit(0)

    def listen(self, source: BinaryIO) -> None:
        """Take in messages until the server is gone; then nothing is left to do."""
        status = 1  # a worker that has gone deaf, as where memory is short, must not seem to work
        try:
            for line in source:
                match decode(line):
                    case Cancel(job):
                        self.cancelled.add(job)
                    case Task() as task:
                        self.tasks.put(task)
                    case other:
                        raise AssertionError(f"a server does not say {type(other).__name__}")
            status = 0
        except BaseException:  # noqa: BLE001 - whatever it was, nobody listens any more
            import traceback  # noqa: PLC0415 - rare

            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(status)


def main(arguments: Sequence[str] | None = None) -> None:
    """Work until the server is gone."""
    parser = argparse.ArgumentParser(prog="infill_lsp.worker")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--judge", action="store_true")
    chosen = parser.parse_args(arguments)
    line = Line(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    threading.Thread(target=line.listen, args=(sys.stdin.buffer,), daemon=True).start()
    try:
        if chosen.judge:
            judge(line)
        else:
            work(line, chosen.model, chosen.threads)
    except BaseException:  # noqa: BLE001 - the thread that listens must not outlive this one
        import traceback  # noqa: PLC0415 - rare

        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def judge(line: Line) -> None:
    """Say of each text whether it can be completed."""
    from infill_lsp.worker_tasks import checked  # noqa: PLC0415 - heavy

    line.say(Loaded(model="", device="", ms=0.0))
    while True:
        answer(line, line.tasks.get(), checked)


def work(line: Line, model: str, threads: int) -> None:
    """Load the model, and do task after task; a model that cannot be loaded is tried again."""
    bench = loaded(line, model, threads)
    while True:
        task = line.tasks.get()
        if bench is not None or (bench := loaded(line, model, threads, task)) is not None:
            answer(line, task, bench.answer)


def loaded(line: Line, model: str, threads: int, task: Task | None = None) -> Bench | None:
    """The model; None where it cannot be had, which the server is told, and whoever waits."""
    begun = time.perf_counter()
    try:
        from infill.edit.front import fill  # noqa: PLC0415 - heavy
        from infill.models.catalogue import load, use_threads  # noqa: PLC0415 - heavy
        from infill_lsp.worker_tasks import Bench  # noqa: PLC0415 - heavy

        if threads:
            use_threads(threads)
        denoiser = load(model)
        fill(WARM_UP, language="python", model=denoiser)
    except Exception as error:  # noqa: BLE001 - whatever it is, the server goes on without
        message = str(error) or type(error).__name__
        line.say(Unloadable(message))
        if task is not None:
            line.say(Failed(job=task.job, error=type(error).__name__, message=message))
        return None
    ms = 1e3 * (time.perf_counter() - begun)
    line.say(Loaded(model=denoiser.capabilities.name, device=denoiser.capabilities.device, ms=ms))
    return Bench(denoiser, line.say, line.cancelled)


def answer(line: Line, task: Task, do: Callable[[Task], Iterator[Message]]) -> None:
    """Do a task, and say how it went: whatever goes wrong concerns this task alone."""
    from infill.errors import BudgetError, InfillError  # noqa: PLC0415 - beside the others

    try:
        if task.job in line.cancelled:
            line.say(Failed(job=task.job, error="cancelled", message="it was cancelled"))
        else:
            for message in do(task):
                line.say(message)
    except InfillError as error:
        cancelled = isinstance(error, BudgetError) and error.reason == "cancelled"
        name = "cancelled" if cancelled else type(error).__name__
        line.say(Failed(job=task.job, error=name, message=str(error)))
    except MemoryError:
        line.say(Failed(job=task.job, error="MemoryError", message="there is not enough memory"))
    except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the worker
        import traceback  # noqa: PLC0415 - rare

        traceback.print_exc()
        text = f"a mistake in infill: {type(error).__name__}: {error}; see the server's log"
        line.say(Failed(job=task.job, error=type(error).__name__, message=text))
    finally:
        line.cancelled.discard(task.job)


if __name__ == "__main__":
    main()
