"""Commands of the user, run in a copy of a folder: bounded, and gone with all that they started.

>>> filled_in(["ruff", "{path}"], {"{path}": "a.py"})
['ruff', 'a.py']
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

OUTPUT = 1_000_000
"""Bytes of a command's output that are read, from its end."""

ASKED = 0.2
"""Seconds after which it is asked whether a command is to go on."""
COPY = "infill-copy-"
"""How temporary folders begin that have copies; one may be in the folder that is copied."""
UNTOUCHED = (".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", f"{COPY}*")
"""What a copy of a folder leaves out: large, and no part of what a text is tested by."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: its exit status, and what it wrote to both outputs together."""

    status: int
    output: str


def as_argument(path: str) -> str:
    """A path below a folder as a command's word; no name of a file is an option.

    >>> as_argument("a.py"), as_argument("-c.py")
    ('a.py', './-c.py')
    """
    return f"./{path}" if path.startswith("-") else path


def filled_in(words: Sequence[str], named: Mapping[str, str]) -> list[str]:
    """The words of a command, with names like "{path}" replaced."""
    found = list(words)
    for name, value in named.items():
        found = [word.replace(name, value) for word in found]
    return found


def copy_folder(folder: Path, to: Path) -> None:
    """Copy a folder, but for `UNTOUCHED`. Raises OSError (shutil.Error)."""
    ignore = shutil.ignore_patterns(*UNTOUCHED)
    shutil.copytree(folder, to, symlinks=True, ignore=ignore)


def put_into(copy: Path, path: str, data: bytes) -> None:
    """Put a file into a copy; a link there must not lead it out."""
    target = copy / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.write_bytes(data)


def run(
    words: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    seconds: float,
    cancelled: Callable[[], bool] = lambda: False,
) -> Ran | None:
    """Run a command in a process group of its own; None where it took longer than `seconds`.

    `cancelled` is asked now and then, and ends it too. Whatever it started is killed when it ends
    or is late. Raises OSError where it cannot be run.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S603 - the user's own command
            words,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if (status := _waited(process, seconds, cancelled)) is None:
                return None
        finally:
            _kill(process)
        output.seek(max(0, output.seek(0, os.SEEK_END) - OUTPUT))
        return Ran(status, output.read().decode(errors="replace"))


def _waited(
    process: subprocess.Popen[bytes], seconds: float, cancelled: Callable[[], bool]
) -> int | None:
    """The exit status; None where it does not end in time, or is not to be waited for."""
    end = time.monotonic() + seconds
    while not cancelled() and (left := end - time.monotonic()) > 0:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(min(left, ASKED))
    return None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started; one that has ended may have left children."""
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
