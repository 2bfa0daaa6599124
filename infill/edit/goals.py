"""Goals over texts: a function, a count of problems, a command's tests. Cached by text.

>>> short = Function(lambda text: -len(text), enough=-2)
>>> short.score("abc"), short.reached("abc"), short.reached("ab")
(-3.0, False, True)
>>> broken = Problems(lambda text: text.count("?"))
>>> broken.score("a?b?"), broken.reached("ab")
(-2.0, True)
"""

from __future__ import annotations

import math
import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infill.canvas import Canvas
from infill.edit.running import COPY, Ran, as_argument, copy_folder, filled_in, put_into, run
from infill.edit.verify import verify
from infill.errors import GoalError, OptionError
from infill.goal import Goal

SECONDS = 60.0
"""What one judgement may take, where a goal does not say."""

PASSED = re.compile(r"(\d+) (?:passed|passing)\b")
FAILED = re.compile(r"(\d+) (?:failed|failing|errors?)\b")
RAN = re.compile(r"^Ran (\d+) tests? in", re.MULTILINE)
UNITTEST = re.compile(r"\b(?:failures|errors|unexpected successes)=(\d+)")
TAP = re.compile(r"^(not )?ok\b", re.MULTILINE)


def share_of_tests(ran: Ran) -> float:
    """1 where the command succeeded, else the share of its tests that did; 0 if it names none.

    Reads what pytest, unittest, cargo, jest, mocha and TAP print.

    >>> share_of_tests(Ran(1, "== 1 failed, 3 passed in 0.1s ==")), share_of_tests(Ran(0, ""))
    (0.75, 1.0)
    """
    if ran.status == 0:
        return 1.0
    passed, failed = _tests(ran.output)
    failed = max(1, failed)  # a failure that no test owns up to is one all the same
    return passed / (passed + failed)


def _tests(output: str) -> tuple[int, int]:
    if ran := RAN.findall(output):
        failed = sum(map(int, UNITTEST.findall(output)))
        return max(0, int(ran[-1]) - failed), failed
    passed, failed = (sum(map(int, found.findall(output))) for found in (PASSED, FAILED))
    if passed + failed:
        return passed, failed
    lines = TAP.findall(output)
    return lines.count(""), len(lines) - lines.count("")


def lines_counted(pattern: str = r"^.+?:\d+(?::\d+)?: ") -> Callable[[Ran], float]:
    """Less the number of output lines that match: the findings of a linter or type checker.

    >>> lines_counted()(Ran(1, "a.py:1:2: E1 bad\\na.py:3:1: E2 worse\\nFound 2 errors."))
    -2.0
    """
    found = re.compile(pattern, re.MULTILINE)
    return lambda ran: -float(len(found.findall(ran.output)))


def parses(language: str) -> Callable[[str], int]:
    """0 where the language's own parser takes the text, else 1."""
    return lambda text: int(not verify(text.encode(), language).ok)


@dataclass(frozen=True, kw_only=True)
class _Cached:
    """What all goals share: each text is judged once.

    seconds  what one judgement may take
    """

    seconds: float = SECONDS
    known: dict[str, float] = field(default_factory=dict[str, float], repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            got = repr(self.seconds)
            raise OptionError("seconds is out of range", expected="above 0", got=got)

    def judged(self, text: str, judge: Callable[[], float]) -> float:
        """The score of a text, asked for once. Raises GoalError where it is not a number."""
        if text not in self.known:
            score = judge()
            if not isinstance(score, int | float) or math.isnan(score):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise GoalError("a goal gave no score", expected="a number", got=repr(score))
            self.known[text] = float(score)
        return self.known[text]


@dataclass(frozen=True)
class Function(_Cached):
    """A Python function of the text.

    It runs in a thread of this process, and is waited for no longer than `seconds`. Python cannot
    stop it: what may run for ever, or reaches for files, belongs in a `Command`.

    function  the score; more is better
    enough    the score at which a search may stop; None goes on to its end
    """

    function: Callable[[str], float]
    enough: float | None = None

    def score(self, text: str) -> float:
        """What the function says. Raises GoalError where it raises, or does not come back."""
        return self.judged(text, lambda: _called(self.function, text, self.seconds))

    def reached(self, text: str) -> bool:
        """Whether the score is enough."""
        return self.enough is not None and self.score(text) >= self.enough


@dataclass(frozen=True)
class Problems(_Cached):
    """As few problems as possible: of a parser (`parses`), or of any function that counts them.

    count  the problems of a text; it runs as `Function`'s does
    """

    count: Callable[[str], float]

    def score(self, text: str) -> float:
        """Less the number of problems. Raises GoalError as `Function` does."""
        return self.judged(text, lambda: -_called(self.count, text, self.seconds))

    def reached(self, text: str) -> bool:
        """Whether there is none."""
        return self.score(text) >= 0


def _called(function: Callable[[str], float], text: str, seconds: float) -> float:
    """What the function returns. Raises GoalError where it raises or takes too long."""
    results, errors = list[float](), list[Exception]()

    def run() -> None:
        try:
            results.append(function(text))
        except Exception as error:  # noqa: BLE001 - whatever it raises is told to the user
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True, name="goal")
    thread.start()
    thread.join(seconds)
    if errors:
        raise GoalError(
            "a goal raised an error",
            where=_name(function),
            expected="a number for every text",
            got=f"{type(errors[0]).__name__}: {errors[0]}",
        ) from errors[0]
    if not results:
        raise GoalError(
            "a goal did not come back",
            where=_name(function),
            expected=f"an answer within {seconds:g} s (seconds)",
            hint="give it more seconds, or use a Command, which is stopped",
        )
    return results[0]


def _name(function: Callable[[str], float]) -> str:
    return getattr(function, "__qualname__", repr(function))


@dataclass(frozen=True, kw_only=True)
class Command(_Cached):
    """What a command makes of the text, in a temporary copy of a folder.

    The copy is made for each text and thrown away; the folder itself is never written to. The
    command gets a new process group and an environment of its own (PATH, a home inside the copy,
    nothing else but `environment`); it and its children are killed when it ends or is late.

    argv         the command; "{path}" stands for the text's path, "{python}" for this Python
    path         where the text goes, relative to the folder
    folder       what is copied, without .git, virtual environments and caches; None is empty
    measure      a score of how it ended: `share_of_tests`, or `lines_counted()` for a linter
    enough       the score at which a search may stop
    late         the score of a text that takes longer than `seconds`; None makes that an error
    environment  further variables
    """

    argv: Sequence[str]
    path: str
    folder: str | Path | None = None
    measure: Callable[[Ran], float] = share_of_tests
    enough: float = 1.0
    late: float | None = None
    environment: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.argv, str) or not self.argv:
            expected = 'words, as in ("pytest", "-q")'
            raise OptionError(
                "a command is a list of words", expected=expected, got=repr(self.argv)
            )
        inside = Path(self.path)
        if inside.is_absolute() or ".." in inside.parts or not inside.parts:
            raise OptionError(
                "the text must lie inside the command's folder",
                expected="a relative path without ..",
                got=self.path,
            )
        if self.folder is not None and not Path(self.folder).is_dir():
            raise OptionError("the command's folder is not there", got=str(self.folder))

    def score(self, text: str) -> float:
        """The measure of one run. Raises GoalError where it cannot be run, or is late."""
        return self.judged(text, lambda: self._run(text))

    def reached(self, text: str) -> bool:
        """Whether the score is enough."""
        return self.score(text) >= self.enough

    def _run(self, text: str) -> float:
        with tempfile.TemporaryDirectory(prefix=COPY, ignore_cleanup_errors=True) as name:
            copy = Path(name) / "copy"
            if self.folder is None:
                copy.mkdir()
            else:
                copy_folder(Path(self.folder), copy)
            put_into(copy, self.path, text.encode())
            ran = self._ended(copy, Path(name))
        if ran is None:
            assert self.late is not None  # noqa: S101 - else it was an error
            return self.late
        try:
            return self.measure(ran)
        except Exception as error:
            raise GoalError(
                "a command's measure raised an error",
                where=_name(self.measure),  # pyright: ignore[reportArgumentType]
                got=f"{type(error).__name__}: {error}",
            ) from error

    def _ended(self, copy: Path, outside: Path) -> Ran | None:
        """How the command ended; None where it was late and that has a score."""
        named = {"{path}": as_argument(self.path), "{python}": sys.executable}
        words = filled_in(self.argv, named)
        try:
            ran = run(
                words, folder=copy, environment=self._environment(outside), seconds=self.seconds
            )
        except OSError as error:
            raise GoalError(
                "a goal's command cannot be run",
                where=words[0],
                got=str(error),
                hint="give its full path, or put its folder into `environment` as PATH",
            ) from error
        if ran is None and self.late is None:
            raise GoalError(
                "a goal's command did not come back",
                where=" ".join(words),
                expected=f"an end within {self.seconds:g} s (seconds)",
                hint="give it more seconds, or say with `late` what such a text is worth",
            )
        return ran

    def _environment(self, home: Path) -> dict[str, str]:
        own = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "TMPDIR": str(home),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if os.name == "nt":
            own["SYSTEMROOT"] = os.environ.get("SYSTEMROOT", "")
        return own | dict(self.environment)


@dataclass(frozen=True)
class OnCanvases:
    """A goal over texts, asked about complete canvases: what a search in `infill.decode` takes.

    goal  judges the text
    text  the whole text that a complete canvas makes
    """

    goal: Goal
    text: Callable[[Canvas], str]

    def score(self, canvas: Canvas) -> float:
        """The goal's score of the canvas's text."""
        return self.goal.score(self.text(canvas))

    def reached(self, canvas: Canvas) -> bool:
        """Whether the goal is reached by the canvas's text."""
        return self.goal.reached(self.text(canvas))
