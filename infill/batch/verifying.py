"""`--verify-cmd`: the user's own command must not find more wrong with a text than before.

It runs in a temporary copy of the project, on the text as it was and on the changed one. A command
that names `{path}` judges one file at a time; one that does not judges all changes together.

What counts is the difference: a linter that complained before may go on complaining, a test that
failed may go on failing.

>>> found("a.py:3:1: E1 bad\\nFAILED t.py::x\\n2 failed in 0.3s\\n")
Counter({'a.py:#:#: E# bad': 1, 'FAILED t.py::x': 1})
"""

from __future__ import annotations

import os
import queue
import re
import shlex
import shutil
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from infill.edit.recipe import words_of
from infill.edit.running import COPY, Ran, as_argument, copy_folder, filled_in, put_into, run
from infill.errors import CommandError, OptionError

PATH = "{path}"

FINDING = re.compile(
    r"^\s*(?:\S.*?:\d+(?::\d+)?:? .+|(?:FAILED|ERROR|FAIL|not ok|error|warning)\b.*)$", re.MULTILINE
)
"""A line that says what is wrong: `path:line: …`, or a test runner's word for it."""


def found(output: str) -> Counter[str]:
    """What a command complains of, numbers left out: an edit moves the lines below it."""
    lines = (match[0].strip() for match in FINDING.finditer(output))
    return Counter(
        line if line.startswith("FAILED") else re.sub(r"\d+", "#", line) for line in lines
    )


class Verifier:
    """Runs the command; a context manager, whose copies of the project are gone at its end.

    command   the words, as a shell splits them; "{python}" is this Python
    root      the project, which is copied when it is first needed; files lie below it
    seconds   what one run may take
    """

    def __init__(self, command: str, root: Path, *, seconds: float) -> None:
        self.words = words_of(command, where="--verify-cmd")
        self.root, self.seconds = root.resolve(), seconds
        self.by_file = any(PATH in word for word in self.words)
        self._copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
        self._stack = ExitStack()
        self._cancelled = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def cancel(self) -> None:
        """End the commands that run; from then on each is refused."""
        self._cancelled.set()

    def place(self, path: Path) -> str:
        """Where a file lies in the project. Raises OptionError for one that lies elsewhere."""
        try:
            return str(path.resolve().relative_to(self.root))
        except ValueError as error:
            raise OptionError(
                "the command of --verify-cmd runs in a copy of the current directory",
                where=str(path),
                expected=f"a file below {self.root}",
                hint="change to its project's folder first",
            ) from error

    def check(self, place: str, before: bytes, after: bytes) -> None:
        """Judge one file, for a command that names it. May run in several threads at once.

        Raises CommandError where more is wrong with `after` than with `before`.
        """
        copy = self._taken()
        try:
            put_into(copy, place, before)
            was = self._ran(copy, place)
            put_into(copy, place, after)
            _compare(was, self._ran(copy, place), where=f"{place}, {shlex.join(self.words)}")
            put_into(copy, place, before)
        finally:
            self._copies.put(copy)

    def check_all(self, changes: Iterable[tuple[str, bytes]]) -> None:
        """Judge changed files together. Raises CommandError where more is wrong than before."""
        copy = self._taken()
        try:
            was = self._ran(copy, "")
            for place, after in changes:
                put_into(copy, place, after)
            _compare(was, self._ran(copy, ""), where=shlex.join(self.words))
        finally:
            shutil.rmtree(copy, ignore_errors=True)  # it holds the changes

    def _taken(self) -> Path:
        """A copy of the project that nobody uses now."""
        try:
            return self._copies.get_nowait()
        except queue.Empty:
            pass
        folder = tempfile.TemporaryDirectory(prefix=COPY, ignore_cleanup_errors=True)
        copy = Path(self._stack.enter_context(folder)) / self.root.name
        try:
            copy_folder(self.root, copy)
        except OSError as error:
            raise CommandError(
                "the project cannot be copied for --verify-cmd",
                where=str(self.root),
                got=str(error)[:500],
                hint="free some space in the temporary folder, or set TMPDIR",
            ) from error
        return copy

    def _ran(self, copy: Path, place: str) -> Ran:
        words = filled_in(self.words, {PATH: as_argument(place), "{python}": sys.executable})
        try:
            ran = run(
                words,
                folder=copy,
                environment=_environment(),
                seconds=self.seconds,
                cancelled=self._cancelled.is_set,
            )
        except OSError as error:
            raise CommandError(
                "the command of --verify-cmd cannot be run", where=words[0], got=str(error)
            ) from error
        if ran is None:
            raise CommandError(
                "the command of --verify-cmd did not come back",
                where=shlex.join(words),
                expected=f"an end within {self.seconds:g} s (--verify-timeout)",
                hint="it was ended with all that it started; give it more time",
            )
        clean = ran.output.replace(str(copy), ".")
        return Ran(ran.status, clean)


def _compare(before: Ran, after: Ran, *, where: str) -> None:
    """Raise CommandError where there is a finding that there was not."""
    if after.status == 0:
        return
    old, new = found(before.output), found(after.output)
    more = new - old
    if before.status != 0 and not more and (new or before.output == after.output):
        return  # as bad as it was
    shown = "\n       ".join([*more][:5]) or f"exit status {after.status}"
    tail = after.output.strip().splitlines()[-3:]
    raise CommandError(
        "the command of --verify-cmd finds more wrong than before",
        where=where,
        expected="nothing new" if before.status else "exit status 0, as before",
        got=shown if more else "\n       ".join([shown, *tail]),
    )


def _environment() -> Mapping[str, str]:
    """The user's own, but for what would write into the project's caches."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
