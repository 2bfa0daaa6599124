"""Several real processes: what they find is what is found here, and none outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest

import infill
from infill.batch.engines.inline import Inline
from infill.batch.engines.processes import Processes
from infill.batch.task import Outcome, Task
from infill.edit.recipe import Recipe
from infill.errors import ModelError
from infill.models.catalogue import use_threads

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and /proc")
RECIPE = Recipe(max_tokens=3, length="2", tries=3)
TEXTS = [
    "def first(values):\n    return <FILL_ME>\n",
    "import os\n\nhome = os.path.<FILL_ME>\n",
    "total = 0\nfor x in range(10):\n    total += <FILL_ME>\n",
    "def area(w, h):\n    <FILL_ME> = w * h\n    return size\n",
    "no hole is here\n",
]
PARENT = """
import sys, time
from infill.batch.engines.processes import Processes
engine = Processes(jobs=2)
try:
    engine._dispatch._staff()
    print(*engine.pids(), flush=True)
    time.sleep(60)
finally:
    engine.close()
"""


def tasks() -> list[Task]:
    return [
        Task(name=f"{index}.py", data=text.encode(), language="python", recipe=RECIPE)
        for index, text in enumerate(TEXTS)
    ]


@contextmanager
def one_thread() -> Generator[None]:
    import torch  # noqa: PLC0415

    before = torch.get_num_threads()
    use_threads(1)
    yield
    use_threads(before)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pids: list[int], seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until and any(map(lives, pids)):
        time.sleep(0.02)
    return not any(map(lives, pids))


def test_two_processes_one_of_them_killed_find_what_is_found_here():
    with one_thread():
        expected = dict(Inline(infill.load()).perform(enumerate(tasks())))
    assert "NoHoleError" == expected[4].failure.kind
    with Processes(jobs=2, width=2) as engine:
        assert infill.load().capabilities.digest == engine.digest
        assert ", 2 processes of " in engine.describe()
        pids = engine.pids()
        for pid in pids:
            os.kill(pid, signal.SIGINT)  # the parent decides
        found = list[tuple[int, Outcome]]()
        for done in engine.perform(enumerate([*tasks(), *tasks()])):
            if not found:
                os.kill(pids[0], signal.SIGKILL)
            found.append(done)
        assert pids[0] not in engine.pids()
        assert pids[1] in engine.pids()
    assert list(range(10)) == sorted(number for number, _ in found)
    for number, outcome in found:
        same = expected[number % len(TEXTS)]
        assert (same.edits, same.pieces, same.failure) == (
            outcome.edits,
            outcome.pieces,
            outcome.failure,
        )
    assert gone([*pids, *engine.pids()])


def test_a_model_that_is_not_there_is_said():
    with Processes("no-such-model", jobs=1) as engine, pytest.raises(ModelError, match="no model"):
        _ = engine.digest


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent_however_it_ends(how):
    parent = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert parent.stdout is not None
    with parent.stdout:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert 2 == len(pids)
        assert all(map(lives, pids))
        os.kill(parent.pid, how)
        parent.wait(20)
    assert gone(pids)


def test_the_parent_needs_no_numpy():
    code = "import sys, infill.batch.engines.processes; print('numpy' in sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "False" == done.stdout.strip()
