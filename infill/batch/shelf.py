"""Where journals are kept: their files, names and locks.

A run's name begins with the second it was made in and goes on with a fraction of it, so that the
last by name is the last that was made.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from infill.config.places import state_folder
from infill.errors import JournalError

SUFFIX = ".sqlite"
MOST_KEPT = 500
"""Runs that are kept, the latest."""
NEW = ".new"
"""What a journal ends with until it is whole."""
LOCK = ".lock"
BESIDE = (SUFFIX, f"{SUFFIX}-wal", f"{SUFFIX}-shm", NEW, f"{NEW}-journal", LOCK)
"""What a run has in the folder; the lock goes last, so that nobody takes its name before."""


def runs_folder() -> Path:
    """Where journals are kept."""
    return state_folder() / "runs"


def journals(folder: Path) -> list[str]:
    """The ids of the runs that are kept, the latest last."""
    return sorted(path.stem for path in folder.glob(f"*{SUFFIX}") if path.stem[:1].isdigit())


@contextmanager
def kept(where: str, what: str = "the journal cannot be kept") -> Generator[None]:
    """Trouble of the database as a JournalError."""
    try:
        yield
    except (sqlite3.Error, OSError, zlib.error) as error:
        raise JournalError(
            what,
            where=where,
            got=str(error),
            hint="files are untouched or wholly written; free some space, or set INFILL_STATE "
            "to another folder",
        ) from error


def begun(folder: Path) -> tuple[Path, int]:
    """A new name for a run, and its lock. Raises JournalError where the folder is of no use."""
    with kept(str(folder)):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # it has users' texts
        for old in journals(folder)[: 1 - MOST_KEPT]:
            forget(folder, old)
        while True:
            now = time.time()
            second = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
            path = folder / f"{second}-{int(now % 1 * 0x10000):04x}{SUFFIX}"
            try:
                lock = os.open(path.with_suffix(LOCK), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                time.sleep(0.001)  # another run began in this very moment
                continue
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return path, lock


def locked(path: Path) -> int:
    """A lock on a run that ends with the process, however that ends.

    Raises JournalError where another process has it.
    """
    with kept(str(path)):
        descriptor = os.open(path.with_suffix(LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise JournalError(
            "the run is still going on",
            where=path.stem,
            expected="a run that has ended or was interrupted",
            hint="wait for it, or end it with Ctrl-C",
        ) from error
    return descriptor


def found(folder: Path, name: str) -> Path:
    """A run by its id, the beginning of one, or `last`: the last that was started in this folder.

    Raises JournalError for none or several.
    """
    known = journals(folder)
    if name == "last":
        return _last(folder, known)
    matching = [one for one in known if one.startswith(name)]
    if len(matching) == 1:
        return folder / f"{matching[0]}{SUFFIX}"
    raise JournalError(
        "there is no such run" if not matching else "several runs begin like that",
        where=str(folder),
        expected="an id as `infill runs` lists it, the beginning of one, or last",
        got=name if not matching else ", ".join(matching),
    )


def _last(folder: Path, known: Sequence[str]) -> Path:
    here = str(Path.cwd())
    for one in reversed(known):
        path = folder / f"{one}{SUFFIX}"
        if _root(path) in {here, None}:  # one that cannot be read is not passed over
            return path
    raise JournalError(
        "no run was started in this folder",
        where=here,
        got=f"{len(known)} of other folders" if known else "no run at all",
        hint="infill runs lists all of them, and takes an id",
    )


def _root(path: Path) -> str | None:
    """The folder that a run was started in; None for a journal that cannot be read."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            line = db.execute("SELECT value FROM run WHERE name = 'root'").fetchone()
            return None if line is None else str(json.loads(line[0]))
    except (sqlite3.Error, ValueError):
        return None


def connected(path: Path) -> sqlite3.Connection:
    """The database of a run. Raises sqlite3.Error."""
    db = sqlite3.connect(path, timeout=30.0, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")  # a row must be there before its file is replaced
    except BaseException:
        db.close()
        raise
    return db


def forget(folder: Path, name: str) -> bool:
    """Remove a journal; False for one that is going on, which stays."""
    path = folder / f"{name}{SUFFIX}"
    try:
        lock = locked(path)
    except JournalError:
        return False
    removed(path)
    os.close(lock)
    return True


def removed(path: Path) -> None:
    """Forget a run; whoever removes it holds its lock. Raises JournalError where that fails."""
    with kept(str(path)):
        for suffix in BESIDE:
            path.with_suffix(suffix).unlink(missing_ok=True)
