"""The real command line over an engine without a model, as processes to interrupt and to kill.

    python acting.py fill --write .
    python acting.py                 takes requests as lines of JSON, and forks a process for each

Every marker becomes the number of bytes of its text. Said by the environment, or by a request:
ACTING_PAUSE, seconds for a text, about; ACTING_SYNC, seconds for each fsync, which makes the
writing phase long.
"""

# ruff: noqa: T201
from __future__ import annotations

import json
import os
import random
import resource
import sys
import time
from dataclasses import replace

import infill.cli.running
import infill.config.files  # so that what is forked has it
from infill.batch.task import Failure, Outcome, Piece
from infill.cli import main
from infill.errors import FillError, ModelError
from infill.text import Span, TextEdit

MARKER = b"<FILL_ME>"


def answer(task):
    """The outcome of a text, the same whenever it is asked for; a text that says so fails."""
    if b"hopeless" in task.data:
        return Outcome(failure=Failure.of(FillError("no fill was found", where=task.name)))
    new, edits, at = str(len(task.data)), [], task.data.find(MARKER)
    while at >= 0:
        edits.append(TextEdit(Span(at, at + len(MARKER)), new.encode()))
        at = task.data.find(MARKER, at + 1)
    return Outcome(edits=tuple(edits), pieces=tuple(Piece(new, -0.5) for _ in edits), forwards=3)


class Acting:
    """An engine."""

    digest = "acting"

    def __init__(self, *, traces):
        self.traces = ('{"schema": "acting"}\n',) if traces else ()

    def perform(self, tasks):
        pause, chance = float(os.environ.get("ACTING_PAUSE", "0")), random.Random(1)  # noqa: S311
        for n, task in tasks:
            if pause:
                print(f"working on {task.name}", file=sys.stderr, flush=True)
                time.sleep(2 * pause * chance.random())
            yield n, replace(answer(task), traces=self.traces)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def engine_of(request, _jobs, _texts, _viewer, _around):
    if request.model == "broken":
        raise ModelError("the weights are broken")
    return Acting(traces=request.trace is not None)


def slow_sync(descriptor, fsync=os.fsync):
    time.sleep(float(os.environ.get("ACTING_SYNC", "0")))
    fsync(descriptor)


def serve():
    """Fork a process for each request; say its number, wait for it, say how it ended."""
    for line in sys.stdin:
        request = json.loads(line)
        if (pid := os.fork()) == 0:
            os.environ.update(request["environment"])
            os.chdir(request["folder"])
            for descriptor, path in ((1, request["out"]), (2, request["err"])):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
            if (limit := request["limit"]) is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            main(request["arguments"], prog_name="infill")
        print(pid, flush=True)
        _, status, usage = os.wait4(pid, 0)
        print(os.waitstatus_to_exitcode(status), usage.ru_maxrss, flush=True)


if __name__ == "__main__":
    infill.cli.running.engine_of = engine_of
    infill.cli.running.digest_of = lambda _: "acting"
    os.fsync = slow_sync
    if len(sys.argv) > 1:
        main(prog_name="infill")
    else:
        serve()
