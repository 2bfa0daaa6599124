"""`kill -9` at random moments, and then resume or undo: byte by byte as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from contextlib import suppress

import pytest

TEXTS = {f"f{n}.py": f"x{n} = <FILL_ME>\ny = {n:_>{n}}0, <FILL_ME>\n".encode() for n in range(20)}
REPORT = ("fill", "--write", "--format", "json", ".")
SLOW = {"ACTING_PAUSE": "0.004", "ACTING_SYNC": "0.003"}
OWN = ("run", "ms", "seconds", "forwards_per_second")
"""What is another for each run."""


def killed(commands, work, after, *arguments, **environment):
    """Start, and kill after so many seconds; whether that was in time."""
    pid = commands.start(work.folder, *arguments, **environment)
    time.sleep(after)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return commands.wait()[0] == -signal.SIGKILL


class Work:
    """A folder of files with holes."""

    def __init__(self, base, texts):
        self.folder = base / "files"
        self.folder.mkdir(parents=True)
        for name, data in texts.items():
            (self.folder / name).write_bytes(data)

    def contents(self):
        return {entry.name: entry.read_bytes() for entry in self.folder.iterdir()}


def without_own(found):
    """A report without what is another for each run."""
    if isinstance(found, dict):
        return {name: without_own(value) for name, value in found.items() if name not in OWN}
    return [without_own(one) for one in found] if isinstance(found, list) else found


def half_written(contents, expected):
    """Files that are neither as before nor as they should be; what is written beside is neither."""
    return [
        name
        for name, data in contents.items()
        if not name.startswith(".infill-") and data not in {TEXTS[name], expected[name]}
    ]


@pytest.fixture(scope="module")
def whole(commands, bases):
    """What a run makes that nobody interrupts: files, report, seconds."""
    work = Work(next(bases), TEXTS)
    began = time.monotonic()
    code, out, err = commands.run(work.folder, *REPORT, **SLOW)
    took = time.monotonic() - began
    assert (code, err.count("working")) == (0, 20)
    return work.contents(), without_own(json.loads(out)), took


@pytest.mark.parametrize("together", [False, True])
def test_killed_at_any_moment_and_resumed(commands, whole, bases, together):
    files, report, took = whole
    chance, early, late, between = random.Random(7 + together), 0, 0, 0  # noqa: S311 - moments
    arguments = (*REPORT, "--all-or-nothing") if together else REPORT
    for _ in range(10):
        work = Work(next(bases), TEXTS)
        in_time = killed(commands, work, took * chance.random(), *arguments, **SLOW)
        found = work.contents()
        assert not half_written(found, files)
        late += not in_time
        between += 0 < sum(found[name] == files[name] for name in TEXTS) < len(TEXTS)
        code, out, err = commands.run(work.folder, "resume", "last")
        if code:  # it had no journal yet
            assert (code, found) == (3, TEXTS), err
            assert "no run was started in this folder" in err
            early += 1
            code, out, err = commands.run(work.folder, *arguments)
        assert code == 0, err
        assert work.contents() == files
        assert without_own(json.loads(out)) == report
        assert commands.run(work.folder, "undo", "last")[0] == 0
        assert work.contents() == TEXTS
    assert early < 5
    assert late < 9
    assert together or between


def test_killed_while_undoing_and_undone(commands, whole, bases):
    files, _, _ = whole
    chance, between = random.Random(3), 0  # noqa: S311 - moments
    for _ in range(6):
        work = Work(next(bases), TEXTS)
        assert commands.run(work.folder, *REPORT)[0] == 0
        pid = commands.start(work.folder, "undo", "last", ACTING_SYNC="0.004")
        while work.contents() == files:
            time.sleep(0.001)
        time.sleep(0.04 * chance.random())
        os.kill(pid, signal.SIGKILL)
        commands.wait()
        found = work.contents()
        assert not half_written(found, files)
        between += 0 < sum(found[name] == files[name] for name in TEXTS) < len(TEXTS)
        code, _, err = commands.run(work.folder, "undo", "last")
        assert code == 0, err
        assert work.contents() == TEXTS
        code, _, err = commands.run(work.folder, "resume", "last")
        assert (code, work.contents()) == (3, TEXTS)
        assert "the run was undone" in err
    assert between >= 1


def test_killed_while_all_or_nothing_is_delivered_and_undone(commands, whole, bases):
    files, _, _ = whole
    for moment in range(4):
        work = Work(next(bases), TEXTS)
        pid = commands.start(work.folder, *REPORT, "--all-or-nothing", ACTING_SYNC="0.004")
        while (work.folder / "f0.py").read_bytes() == TEXTS["f0.py"]:
            time.sleep(0.001)
        time.sleep(0.003 * moment)
        os.kill(pid, signal.SIGKILL)
        assert commands.wait()[0] == -signal.SIGKILL
        found = work.contents()
        assert not half_written(found, files)
        assert 0 < sum(found[name] == files[name] for name in TEXTS) < len(TEXTS)
        assert commands.run(work.folder, "undo", "last")[0] == 0
        assert work.contents() == TEXTS
