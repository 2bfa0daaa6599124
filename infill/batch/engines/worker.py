"""A worker: tasks come in, and are performed side by side, outcomes go out.

    python -P -m infill.batch.engines.worker

Pickled messages come on standard input, `Setup` first, and answers go out on standard output;
whatever a library prints goes to standard error. When nobody talks to it any more it ends at once;
an interrupt it leaves to its parent.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from infill.batch.engines.dispatch import Finished, Ready, Said, Setup, Unloadable
from infill.batch.engines.protocol import Numbered, broken, failed, side_by_side
from infill.batch.task import Failure
from infill.errors import InfillError, ModelError


class Inbox:
    """Tasks that were given and not begun yet."""

    def __init__(self) -> None:
        self._tasks = queue.SimpleQueue[Numbered]()
        self.busy = 0

    def put(self, task: Numbered) -> None:
        """From any thread."""
        self._tasks.put(task)

    def tasks(self) -> Iterator[Numbered | None]:
        """What is there; None for nothing at the moment, if there is something to do meanwhile."""
        while True:
            try:
                task = self._tasks.get(block=not self.busy)
            except queue.Empty:
                yield None
            else:
                self.busy += 1
                yield task


def work(setup: Setup, inbox: Inbox, say: Callable[[Said], None]) -> None:
    """Load the model, say that it is ready, and perform what comes, for ever.

    Says that it is unloadable and returns where there is no model.
    """
    try:
        from infill.batch.engines.abreast import abreast  # noqa: PLC0415 - heavy
        from infill.edit.workspace import Workspace  # noqa: PLC0415 - numpy
        from infill.models.catalogue import load, use_threads  # noqa: PLC0415 - heavy

        if setup.threads:
            use_threads(setup.threads)
        denoiser, workspace = load(setup.model), Workspace.of(setup.around)
    except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits is told
        say(Unloadable(Failure.of(_unloadable(error))))
        return
    has = denoiser.capabilities
    texts, canvases = side_by_side(has.device)
    width, rows = setup.width or texts, setup.rows or canvases
    say(Ready(has.digest, has.name, has.device, width))
    for ticket, outcome in abreast(
        inbox.tasks(),
        denoiser,
        workspace,
        width=width,
        rows=rows,
        traces=setup.traces,
    ):
        inbox.busy -= 1
        say(Finished(ticket, outcome))


def _unloadable(error: Exception) -> InfillError:
    if isinstance(error, InfillError):
        return error
    return ModelError("the model cannot be loaded", got=f"{type(error).__name__}: {error}")


class _Line:
    """The line to the parent; where it is cut, the process ends."""

    def __init__(self, source: BinaryIO, out: BinaryIO) -> None:
        self._source, self._out = source, out

    def hear(self) -> object:
        """The next message."""
        try:
            return pickle.load(self._source)  # noqa: S301 - our own parent wrote it
        except (EOFError, OSError):
            os._exit(0)

    def say(self, message: Said) -> None:
        """Send a message."""
        try:
            data = pickle.dumps(message)
        except Exception as error:
            if not isinstance(message, Finished):
                raise
            data = pickle.dumps(Finished(message.ticket, failed(broken(error, ""))))
        try:
            self._out.write(data)
            self._out.flush()
        except OSError:
            os._exit(0)

    def listen(self, inbox: Inbox) -> None:
        """Take in tasks until the parent is gone."""
        try:
            while True:
                inbox.put(cast("Numbered", self.hear()))
        finally:
            os._exit(1)  # deaf, as where memory is short; it must not seem to work


def main() -> None:
    """Work until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    line, inbox = _Line(sys.stdin.buffer, out), Inbox()
    setup = cast("Setup", line.hear())
    threading.Thread(target=line.listen, args=(inbox,), daemon=True).start()
    try:
        work(setup, inbox, line.say)
    except BaseException:  # noqa: BLE001 - the thread that listens must not outlive this one
        import traceback  # noqa: PLC0415 - rare

        traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    main()
