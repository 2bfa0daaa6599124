"""Real processes of the command line over `acting.py`, and the embedded model for commands here.

The processes are forked, so that each starts at once.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import infill

SCRIPT = Path(__file__).with_name("acting.py")


class Commands:
    """Starts processes of the command line, one at a time.

    Runs over a folder are kept beside it, in its name with `.state`.
    """

    def __init__(self, base):
        self.out, self.err, self.peak = base / "out", base / "err", 0
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, folder, *arguments, limit=None, **environment):
        """The number of a new process; `limit` is the most bytes of a file that it writes."""
        request = {
            "arguments": [str(argument) for argument in arguments],
            "folder": str(folder),
            "environment": {"INFILL_STATE": f"{folder}.state", **environment},
            "out": str(self.out),
            "err": str(self.err),
            "limit": limit,
        }
        self.err.unlink(missing_ok=True)
        self._process.stdin.write(f"{json.dumps(request)}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait(self):
        """How the process ended, and what it said; `peak` has the bytes of memory that it took."""
        code, peak = map(int, self._process.stdout.readline().split())
        self.peak = 1024 * peak
        err = self.err.read_text()
        assert "Traceback" not in err, err
        return code, self.out.read_text(), err

    def run(self, folder, *arguments, **options):
        """Start one, and wait for it."""
        self.start(folder, *arguments, **options)
        return self.wait()

    def wait_for(self, words):
        """Wait until the process has said something on standard error."""
        end = time.monotonic() + 60
        while not self.err.exists() or words not in self.err.read_text():
            assert time.monotonic() < end, words
            time.sleep(0.002)

    def close(self):
        with self._process:
            self._process.stdin.close()


@pytest.fixture(scope="session")
def bases():
    """New folders; in memory where there is such a place, for the moments count, not the disk."""
    memory = "/dev/shm"  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as base:
        found = (Path(base, str(number)) for number in itertools.count())
        yield (path for path in found if not path.mkdir())


@pytest.fixture(scope="session")
def commands(bases):
    commands = Commands(next(bases))
    commands.run(next(bases), "runs")  # it is up
    yield commands
    commands.close()


LONGEST = 4_090
"""Bytes of a path that the system takes, but not with the name of what is in it."""


@pytest.fixture(scope="session")
def dig():
    """Makes a folder whose path is about the longest, and in it what nobody can read: not root."""

    def digging(folder):
        left = LONGEST - len(str(Path(folder).resolve()))
        at = os.open(folder, os.O_RDONLY)
        while left > 0:
            name = "d" * min(200, left - 1)
            left -= len(name) + 1
            left -= left == 1  # a slash needs a name
            os.mkdir(name, dir_fd=at)
            above, at = at, os.open(name, os.O_RDONLY, dir_fd=at)
            os.close(above)
        os.mkdir("folder", dir_fd=at)
        with open(os.open("deep.py", os.O_WRONLY | os.O_CREAT, dir_fd=at), "w") as file:  # noqa: PTH123
            file.write("deep = <FILL_ME>\n")
        os.close(at)

    return digging


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch, tmp_path_factory, embedded) -> None:
    """Commands of this process take the session's model, and keep their runs apart."""
    monkeypatch.setenv("INFILL_STATE", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setattr(infill, "load", lambda _: embedded, raising=False)
