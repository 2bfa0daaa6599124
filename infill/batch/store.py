"""Outcomes by key over all runs: what was sampled once is not sampled again.

It is only ever a help: what cannot be read is sampled anew, what is read is checked like any other
outcome, and what fails is not kept.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Self

from infill.batch.codec import outcome_from, outcome_to
from infill.batch.task import Outcome

FILE = "fills.sqlite"
MOST = 100_000
"""Outcomes that are kept, the latest."""

_TABLE = """CREATE TABLE IF NOT EXISTS fills (
    key TEXT PRIMARY KEY, outcome BLOB NOT NULL, made REAL NOT NULL) STRICT"""


class Store:
    """Outcomes by key; a context manager. Several processes may use one at once."""

    def __init__(self, folder: Path | None) -> None:
        self._db = None
        if folder is not None:
            with suppress(sqlite3.Error, OSError):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._db = sqlite3.connect(folder / FILE, timeout=10.0)
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = NORMAL")
                self._db.execute(_TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._db is not None:
            with suppress(sqlite3.Error), self._db:
                self._db.execute(
                    "DELETE FROM fills WHERE made <= "
                    "(SELECT made FROM fills ORDER BY made DESC LIMIT 1 OFFSET ?)",
                    (MOST,),
                )
            self._db.close()

    def get(self, key: str) -> Outcome | None:
        """What came of a task of this key."""
        if self._db is None:
            return None
        with suppress(sqlite3.Error, zlib.error, ValueError, KeyError, TypeError):
            found = self._db.execute("SELECT outcome FROM fills WHERE key = ?", (key,)).fetchone()
            return None if found is None else outcome_from(zlib.decompress(found[0]).decode())
        return None

    def put(self, key: str, outcome: Outcome) -> None:
        """Keep what came of a task; a failure or what a clock cut short is not kept."""
        if self._db is None or outcome.failure is not None or outcome.stopped == "time_limit":
            return
        with suppress(sqlite3.Error), self._db:
            line = zlib.compress(outcome_to(outcome).encode(), 1)
            row = (key, line, time.time())
            self._db.execute("INSERT OR REPLACE INTO fills VALUES (?, ?, ?)", row)
