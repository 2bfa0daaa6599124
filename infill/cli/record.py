"""The file that `--trace` writes: traces as JSON lines, after each text that was worked on."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from infill.errors import PathError, WriteError

OPENING = b'{"schema": '


class Record:
    """Takes traces and appends them to a file, or forgets them where there is none."""

    def __init__(self, file: TextIO | None, path: str) -> None:
        self._file, self._path = file, path

    def add(self, lines: Iterable[str]) -> None:
        """Append the lines of traces. Raises WriteError, for instance on a full disk."""
        if self._file is None:
            return
        try:
            self._file.writelines(lines)
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _unwritable(self._path, error) from error


@contextmanager
def recording(path: str | None, *, inputs: Iterable[str], more: bool = False) -> Generator[Record]:
    """A record at `path`, or one that forgets.

    more   whether a record that is there is gone on with

    Raises PathError when the path is one of the inputs, or a file that holds no trace: a slip
    of the command line must not cost anybody a file.
    """
    if path is None:
        yield Record(None, "")
        return
    _refuse_treasures(path, inputs)
    try:
        if more:
            _end_line(Path(path))
        file = Path(path).open("a" if more else "w", encoding="ascii")  # noqa: SIM115 - closed below
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        yield Record(file, path)
    finally:
        with suppress(OSError):  # what could not be flushed was told when it was added
            file.close()


def _end_line(path: Path) -> None:
    """Cut off a last line that a crash left unfinished."""
    if not path.is_file():
        return
    with path.open("rb+") as file:
        at = file.seek(0, os.SEEK_END)
        while at and file.seek(at - 1) >= 0 and file.read(1) != b"\n":
            at -= 1
        file.truncate(at)


def _refuse_treasures(path: str, inputs: Iterable[str]) -> None:
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode) or not status.st_size:
            return
        with Path(path).open("rb") as file:
            is_trace = file.read(len(OPENING)) == OPENING
    except OSError:
        return  # it does not exist, or opening it for writing will say why not
    if not is_trace or any(os.path.realpath(path) == os.path.realpath(name) for name in inputs):
        raise PathError(
            "the trace would overwrite a file that holds no trace",
            where=path,
            hint="name another file after --trace, or remove this one first",
        )


def _unwritable(path: str, error: OSError) -> WriteError:
    return WriteError("the trace cannot be written", where=path, got=error.strerror or str(error))
