"""Programs that a model wrote can do no harm: hostile ones are run here."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infill.bench import jail, sandbox
from infill.bench.sandbox import passes

ON_LINUX = sys.platform == "linux" and os.uname().machine == "x86_64"
needs_kernel = pytest.mark.skipif(not ON_LINUX, reason="the kernel's wall is for Linux on x86-64")

HARMLESS = """
import collections, datetime, decimal, functools, hashlib, itertools, json, math, random, re, string
import threading
assert math.sqrt(4) == 2 and hashlib.md5(b"x").hexdigest()
ran = []
thread = threading.Thread(target=ran.append, args=(1,))
thread.start()
thread.join()
assert ran == [1] and random.random() < 1 and open(math.__file__ or __name__, "rb")
"""
HOSTILE = {
    "leaves": "import sys; sys.exit(0)",
    "leaves at once": "import os; os._exit(0)",
    "leaves as if it had failed": "raise SystemExit",
    "does not parse": "def",
    "forks": "import os\nwhile True: os.fork()",
    "starts a process": "import subprocess; subprocess.run(['true'])",
    "starts a shell": "import os; os.system('true')",
    "takes all memory": "rows = []\nwhile True: rows.append(bytearray(1 << 24))",
    "kills its parent": "import os; os.kill(os.getppid(), 9)",
    "kills all": "import os; os.kill(-1, 9)",
    "connects": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "makes a socket": "import socket; socket.socket()",
    "calls the C library": "import ctypes; ctypes.CDLL(None).getpid()",
    "lifts its limits": "import resource; resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))",
}
ENDLESS = {
    "waits": "import time; time.sleep(60)",
    "goes on": "while True: pass",
    "goes on whatever it is told": (
        "import threading\nwhile True:\n    try:\n        while True: pass\n    except: pass"
    ),
    "prints for ever": "while True: print('x' * 4096)",
    "talks to who ran it": "import os, sys\nwhile True: os.write(int(sys.argv[1]), b'x')",
}


def test_what_computes_runs():
    assert passes(HARMLESS)


def test_what_is_wrong_does_not_pass():
    assert not passes("assert 1 + 1 == 3")


@pytest.mark.parametrize("deed", HOSTILE)
def test_a_hostile_program_does_not_pass(deed):
    assert not passes(HOSTILE[deed])


@pytest.mark.parametrize("deed", ENDLESS)
def test_an_endless_program_is_ended(deed):
    begun = time.monotonic()
    assert not passes(ENDLESS[deed], patience=0.5)
    assert time.monotonic() - begun < 0.5 * sandbox.PATIENCE


def test_processor_time_is_bounded():
    code = f"{jail_of('SECONDS = 1; jail.bound()')}\nwhile True: pass"
    done = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)  # noqa: S603
    assert done.returncode < 0  # killed


@pytest.mark.parametrize(
    "deed",
    [
        "open({path!r}, 'w')",
        "open({path!r}, 'ab')",
        "open({path!r}, 'r+')",
        "import os; os.open({path!r}, os.O_WRONLY | os.O_TRUNC)",
        "import pathlib; pathlib.Path({path!r}).write_text('')",
        "import os; os.remove({path!r})",
        "import os; os.rename({path!r}, {path!r} + '2')",
        "import os; os.truncate({path!r}, 0)",
        "import os; os.chmod({path!r}, 0)",
        "import os; os.mkdir({path!r} + '2')",
        "import os; os.symlink({path!r}, {path!r} + '2')",
        "import shutil; shutil.rmtree({folder!r})",
        "import tempfile; tempfile.mkstemp(dir={folder!r})",
        "import sqlite3; sqlite3.connect({path!r} + '2').execute('create table a (b)')",
        "open('here', 'w')",
    ],
)
def test_no_file_is_written_or_changed(tmp_path, deed):
    path = tmp_path / "victim"
    path.write_text("whole")
    assert not passes(deed.format(path=str(path), folder=str(tmp_path)))
    assert [path] == list(tmp_path.iterdir())
    assert "whole" == path.read_text()


def test_the_folder_it_ran_in_is_gone(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert passes("import os; assert os.listdir() == []")
    assert [] == list(tmp_path.iterdir())


def test_nothing_of_the_environment_is_told(monkeypatch):
    monkeypatch.setenv("INFILL_SECRET", "1")
    assert passes("import os; assert 'INFILL_SECRET' not in os.environ")


def test_no_library_but_pythons_own_is_there():
    assert not passes("import numpy")


@needs_kernel
@pytest.mark.parametrize(
    "deed",
    [
        "open({path!r}, 'w')",
        "import os; os.mkfifo({path!r})",
        "import os; os.fork()",
        "import os; os.kill(os.getppid(), 0)",
        "import os; os.kill(os.getpid(), 0)",
        "import socket; socket.socket()",
        "import _posixsubprocess, subprocess; subprocess.run(['true'])",
        "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSTI, b'x')",
        "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))",
    ],
)
def test_the_kernel_alone_refuses_as_well(tmp_path, deed):
    deed = deed.format(path=str(tmp_path / "new"))
    told = "except (PermissionError, ValueError):\n    print('no')"
    code = f"{jail_of('seal()')}\ntry:\n    exec({deed!r})\n{told}"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert "no\n" == done.stdout, done.stderr
    assert [] == list(tmp_path.iterdir())


@needs_kernel
def test_who_takes_the_hook_apart_meets_the_kernel(tmp_path):
    path = tmp_path / "new"
    program = f"import builtins\nbuiltins.isinstance = lambda *_: False\nopen({str(path)!r}, 'w')"
    assert not passes(program)
    assert not path.exists()


def jail_of(door: str) -> str:
    """A program that shuts one door of the jail and is in it."""
    folder = Path(jail.__file__).parent
    return f"import sys; sys.path.insert(0, {str(folder)!r}); import jail; jail.{door}"
