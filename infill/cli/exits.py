"""Exit codes, and the one place where errors become messages.

    0    done
    1    something would change (--check, --diff), was found (`infill check`) or was not begun; a
         question was answered with no (`infill grammar check`)
    2    usage or bad input: an unknown option, no hole, a directory, a binary file, …
    3    some files failed while others were done, or a file could not be written
    4    no fill was found that parses
    5    the model or its weights cannot be used
    6    a file changed meanwhile, or has uncommitted changes; it was left alone
    130  interrupted (Ctrl-C); files are untouched or wholly written, never in between
    143  the same, where the process was told to end (SIGTERM)
    141  whoever read standard output went away

>>> code_of(StaleError("the file changed")).name
'STALE'
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import IntEnum
from types import FrameType
from typing import NoReturn, ParamSpec

import click

from infill.cli.output import wants_color
from infill.errors import (
    FillError,
    InfillError,
    InputError,
    ModelError,
    OptionError,
    StaleError,
    TraceError,
    WriteError,
)

P = ParamSpec("P")


class Exit(IntEnum):
    """What the process tells its caller."""

    DONE = 0
    NO = 1
    INPUT = 2
    FAILED = 3
    UNVERIFIED = 4
    MODEL = 5
    STALE = 6
    INTERRUPTED = 130
    PIPE = 141
    TERMINATED = 143


KINDS: tuple[tuple[type[InfillError], Exit], ...] = (
    (InputError, Exit.INPUT),
    (OptionError, Exit.INPUT),
    (TraceError, Exit.INPUT),
    (FillError, Exit.UNVERIFIED),
    (ModelError, Exit.MODEL),
    (StaleError, Exit.STALE),
)


def code_of(error: InfillError) -> Exit:
    """The exit code of a kind of error."""
    return next((code for kind, code in KINDS if isinstance(error, kind)), Exit.FAILED)


def tell(error: InfillError, *, color: str = "auto") -> None:
    """Print an error on stderr."""
    colored = wants_color(color, terminal=sys.stderr.isatty())
    prefix = click.style("error:", fg="red", bold=True) if colored else "error:"
    click.echo(f"{prefix} {error}", err=True, color=colored)


class Report:
    """Counts what was done and what failed, and owns the exit code of a run over files."""

    def __init__(self, *, color: str = "auto") -> None:
        self.done = 0
        self._failures: list[Exit] = []
        self._color, self._told = color, ""

    @contextmanager
    def catching(self) -> Generator[None]:
        """Tell and count an InfillError that is raised inside; nothing else is held back."""
        try:
            yield
        except InfillError as error:
            self.fail(error)

    def fail(self, error: InfillError) -> Exit:
        """Tell an error, and count it; one that is told by the last one's words is told once."""
        if str(error) != self._told:
            tell(error, color=self._color)
        self._told = str(error)
        self._failures.append(code_of(error))
        return self._failures[-1]

    @property
    def failures(self) -> int:
        """How many there are."""
        return len(self._failures)

    @property
    def code(self) -> Exit:
        """The kind of failure if there was one kind and no success, else FAILED or DONE."""
        kinds = set(self._failures)
        if not kinds:
            return Exit.DONE
        return kinds.pop() if len(kinds) == 1 and not self.done else Exit.FAILED


def _close_output() -> None:
    """Python flushes stdout once more at exit, which must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Terminated(KeyboardInterrupt):
    """SIGTERM came: what is done is kept and cleaned up as after Ctrl-C."""


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    del signum, frame
    raise Terminated


@contextmanager
def _terminable() -> Generator[None]:
    """Turn SIGTERM into `Terminated`, unless somebody else has a use for it."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def guarded(command: Callable[P, Exit | None]) -> Callable[P, None]:
    """A command whose errors become a message and an exit code; a user never sees a traceback."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with _terminable():
                code = command(*args, **kwargs) or Exit.DONE
                sys.stdout.flush()
        except InfillError as error:
            tell(error)
            code = code_of(error)
        except Terminated:
            click.echo("terminated", err=True)
            code = Exit.TERMINATED
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            code = Exit.INTERRUPTED
        except BrokenPipeError:
            _close_output()
            code = Exit.PIPE
        except OSError as error:  # what concerns a file was caught where the file was known
            _close_output()
            tell(WriteError("the output cannot be written", got=error.strerror or str(error)))
            code = Exit.FAILED
        sys.exit(code)

    return wrapper
