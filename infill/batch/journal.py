"""The journal of one run: what is to be done with each text, what came of it, what was written.

One sqlite file a run. A row is committed before anybody acts on it, so after a crash the journal
and the files together say all: a text is

    planned    to be worked on
    done       there is an outcome, perhaps one that changes nothing
    failed     there is none, and why
    writing    its file is being replaced: it is the old or the new one, as its digest says
    written    replaced; `before` has the bytes that were there
    undone     put back

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     with Journal.create(Path(folder), {"command": "fill"}) as journal:
...         journal.plan([Row(0, "a.py", None, "0" * 64, "{}", text=b"x")])
...         journal.count("planned"), journal.text(0)
(1, b'x')
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

from infill.batch.codec import outcome_from, outcome_to
from infill.batch.shelf import NEW, SUFFIX, begun, connected, found, kept, locked, removed
from infill.batch.task import Failure, Outcome, Piece
from infill.errors import JournalError
from infill.text import Span, TextEdit

FORMAT = 2
AGAIN = ("JournalError", "ModelError", "WeightsError", "WorkerError", "WriteError")
"""Failures that are none of a text's own."""

SKIPPED = "skipped"

State = Literal["planned", "done", "failed", "writing", "written", "undone"]

_TABLES = """
CREATE TABLE run (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE texts (
    n INTEGER PRIMARY KEY,
    id TEXT,                  -- what a list of jobs calls it
    name BLOB NOT NULL,       -- as the user named it; a file's name may be any bytes
    path BLOB,                -- the file, every link resolved; null for a text that is in none
    digest TEXT NOT NULL,     -- sha256 of what was read
    task TEXT NOT NULL,
    text BLOB,                -- of what is in no file
    state TEXT NOT NULL,
    key TEXT,
    cached INTEGER NOT NULL DEFAULT 0,
    outcome TEXT,             -- without its edits, which are the holes' rows
    before BLOB,              -- what was replaced
    after TEXT                -- sha256 of what replaced it
) STRICT;
CREATE TABLE around (name BLOB PRIMARY KEY, text BLOB NOT NULL) STRICT;
CREATE INDEX by_state ON texts (state);
CREATE TABLE holes (
    n INTEGER NOT NULL,
    k INTEGER NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    text TEXT NOT NULL,
    score REAL,
    alternatives TEXT NOT NULL,
    PRIMARY KEY (n, k)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A text of a run; `failure` where it was refused before any work."""

    n: int
    name: str
    path: str | None
    digest: str
    task: str
    state: State = "planned"
    text: bytes | None = None
    failure: Failure | None = None
    outcome: Outcome | None = None
    cached: bool = False
    after: str | None = None
    id: str | None = None

    @property
    def operation(self) -> str:
        """What is done with it; "" where it was refused before that was known."""
        return str(json.loads(self.task).get("operation", ""))


class Journal:
    """One run; a context manager. All methods raise JournalError where the file fails."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: int | None) -> None:
        self.path, self._db, self._lock = path, connection, lock

    @classmethod
    def create(cls, folder: Path, facts: Mapping[str, Any]) -> Self:
        """A new run. `facts` are JSON values: what command, where, how."""
        path, lock = begun(folder)
        created = {"format": FORMAT, "id": path.stem, "created": time.time(), "state": "running"}
        try:
            with kept(str(path)):
                new = path.with_suffix(NEW)
                with closing(sqlite3.connect(new)) as db:
                    _furnish(db, {**created, **facts})
                new.replace(path)  # a journal that is there is whole
                db = connected(path)
        except JournalError:
            os.close(lock)
            removed(path)
            raise
        return cls(path, db, lock)

    @classmethod
    def unkept(cls, facts: Mapping[str, Any]) -> Self:
        """A run that is forgotten with the process."""
        db = sqlite3.connect(":memory:", check_same_thread=False)
        _furnish(
            db, {"format": FORMAT, "id": "", "created": time.time(), "state": "running", **facts}
        )
        return cls(Path("unkept"), db, None)

    @classmethod
    def open(cls, folder: Path, name: str, *, write: bool = True) -> Self:
        """A run by its id, or by the beginning of one, or `last`.

        Raises JournalError where there is none or several, or where it is going on and is to be
        written to.
        """
        path = found(folder, name)
        lock = locked(path) if write else None
        try:
            with kept(str(path), "the journal cannot be read"):
                db = connected(path)
                _require_ours(db, path)
        except JournalError:
            if lock is not None:
                os.close(lock)
            raise
        return cls(path, db, lock)

    def discard(self) -> None:
        """Close it, and forget the run."""
        self._db.close()
        if self.id:
            removed(self.path)
        self.close()

    def close(self) -> None:
        """Let others open it."""
        self._db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def id(self) -> str:
        """The run's name; "" for one that is not kept."""
        return self.path.stem if self.path.suffix == SUFFIX else ""

    @property
    def facts(self) -> dict[str, Any]:
        """What was noted of the whole run."""
        with kept(str(self.path)):
            rows = self._db.execute("SELECT name, value FROM run").fetchall()
        return {name: json.loads(value) for name, value in rows}

    def note(self, **facts: Any) -> None:  # noqa: ANN401 - JSON values
        """Note facts of the whole run."""
        rows = [(name, json.dumps(value)) for name, value in facts.items()]
        with kept(str(self.path)), self._db:
            self._db.executemany("INSERT OR REPLACE INTO run VALUES (?, ?)", rows)

    def plan(
        self, rows: Iterable[Row], *, skipped: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        """Take texts in, all or none; a planning that raises leaves nothing.

        skipped   files that were left out, by reason, once all rows are taken; the fact `SKIPPED`,
                  without which a run was not planned to its end
        """

        def values() -> Iterator[tuple[object, ...]]:
            for row in rows:
                outcome = None if row.failure is None else Outcome(failure=row.failure)
                text = None if row.text is None else zlib.compress(row.text, 1)
                line = None if outcome is None else outcome_to(outcome)
                state = row.state if outcome is None else "failed"
                name, path = os.fsencode(row.name), row.path and os.fsencode(row.path)
                yield row.n, row.id, name, path, row.digest, row.task, text, state, line

        with kept(str(self.path)), self._db:
            self._db.executemany(
                "INSERT INTO texts (n, id, name, path, digest, task, text, state, outcome)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values(),
            )
            fact = (SKIPPED, json.dumps(dict(skipped)))
            self._db.execute("INSERT OR REPLACE INTO run VALUES (?, ?)", fact)

    def surround(self, texts: Mapping[str, bytes]) -> None:
        """Take in what lies around the texts, as it is now, for a run that is resumed."""
        rows = [(os.fsencode(name), zlib.compress(data, 1)) for name, data in texts.items()]
        with kept(str(self.path)), self._db:
            self._db.executemany("INSERT OR REPLACE INTO around VALUES (?, ?)", rows)

    def around(self) -> dict[str, bytes]:
        """What lies around the texts, as it was when they were planned."""
        with kept(str(self.path)):
            rows = self._db.execute("SELECT name, text FROM around ORDER BY rowid").fetchall()
        return {os.fsdecode(name): zlib.decompress(data) for name, data in rows}

    def count(self, *states: State) -> int:
        """How many texts are in these states; of none, all."""
        chosen = ",".join("?" * len(states))
        where = f" WHERE state IN ({chosen})" if states else ""
        with kept(str(self.path)):
            query = f"SELECT count(*) FROM texts{where}"  # noqa: S608 - question marks
            return int(self._db.execute(query, states).fetchone()[0])

    def numbers(self, *states: State) -> list[int]:
        """The texts in these states, in order; of none, all."""
        chosen = ",".join("?" * len(states))
        where = f" WHERE state IN ({chosen})" if states else ""
        with kept(str(self.path)):
            query = f"SELECT n FROM texts{where} ORDER BY n"  # noqa: S608 - question marks
            return [n for (n,) in self._db.execute(query, states)]

    def row(self, n: int) -> Row:
        """One text, with its outcome."""
        with kept(str(self.path)):
            found = self._db.execute(
                "SELECT id, name, path, digest, task, state, cached, outcome, after"
                " FROM texts WHERE n = ?",
                (n,),
            ).fetchone()
            holes = self._db.execute(
                "SELECT start, stop, text, score, alternatives FROM holes WHERE n = ? ORDER BY k",
                (n,),
            ).fetchall()
        own, name, path, digest, task, state, cached, line, after = found
        outcome = None if line is None else _with_holes(line, holes)
        return Row(
            n,
            os.fsdecode(name),
            path and os.fsdecode(path),
            digest,
            task,
            state,
            outcome=outcome,
            failure=None if outcome is None else outcome.failure,
            cached=bool(cached),
            after=after,
            id=own,
        )

    def text(self, n: int) -> bytes | None:
        """The text that is in no file."""
        return self._blob("text", n)

    def before(self, n: int) -> bytes | None:
        """What a text's file had before it was replaced."""
        return self._blob("before", n)

    def finish(self, n: int, outcome: Outcome, *, key: str | None, cached: bool = False) -> None:
        """Take in an outcome, its holes and all, in one transaction."""
        state = "done" if outcome.failure is None else "failed"
        pairs = zip(outcome.edits, outcome.pieces, strict=True)
        holes = [
            (n, k, e.span.start, e.span.stop, e.new.decode(), p.score, _shown(p))
            for k, (e, p) in enumerate(pairs)
        ]
        with kept(str(self.path)), self._db:
            self._db.execute("DELETE FROM holes WHERE n = ?", (n,))
            self._db.executemany("INSERT INTO holes VALUES (?, ?, ?, ?, ?, ?, ?)", holes)
            self._db.execute(
                "UPDATE texts SET state = ?, outcome = ?, key = ?, cached = ? WHERE n = ?",
                (state, _without_holes(outcome), key, cached, n),
            )

    def writing(self, n: int, before: bytes, after: str) -> None:
        """Note that a file is about to be replaced, and by what."""
        with kept(str(self.path)), self._db:
            self._db.execute(
                "UPDATE texts SET state = 'writing', before = ?, after = ? WHERE n = ?",
                (zlib.compress(before, 1), after, n),
            )

    def plan_again(self) -> None:
        """Plan what failed for no fault of the text's own (`AGAIN`) once more."""
        for n in self.numbers("failed"):
            failure = self.row(n).failure
            if failure is not None and failure.kind in AGAIN:
                self.mark(n, "planned")

    def mark(self, n: int, state: State) -> None:
        """Note another state."""
        with kept(str(self.path)), self._db:
            self._db.execute("UPDATE texts SET state = ? WHERE n = ?", (state, n))

    def _blob(self, column: Literal["text", "before"], n: int) -> bytes | None:
        with kept(str(self.path)):
            query = f"SELECT {column} FROM texts WHERE n = ?"  # noqa: S608 - one of two names
            (found,) = self._db.execute(query, (n,)).fetchone()
            return None if found is None else zlib.decompress(found)


def _furnish(db: sqlite3.Connection, facts: Mapping[str, Any]) -> None:
    """Make the tables and note facts."""
    rows = [(name, json.dumps(value)) for name, value in facts.items()]
    with db:
        db.execute("BEGIN")
        for statement in _TABLES.split(";\n"):
            db.execute(statement)
        db.executemany("INSERT INTO run VALUES (?, ?)", rows)


def _require_ours(db: sqlite3.Connection, path: Path) -> None:
    """Close it and raise JournalError where it is none of this version."""
    try:
        facts = dict(db.execute("SELECT name, value FROM run").fetchall())
        if facts.get("format") != str(FORMAT):
            raise JournalError(
                "the journal is of another version of infill",
                where=str(path),
                expected=f"format {FORMAT}",
                got=facts.get("format", "no format"),
                hint="use the version that made it",
            )
    except BaseException:
        db.close()
        raise


def _shown(piece: Piece) -> str:
    return json.dumps([piece.text, *piece.alternatives])


def _without_holes(outcome: Outcome) -> str:
    return outcome_to(replace(outcome, edits=(), pieces=()))


def _with_holes(line: str, holes: Iterable[tuple[Any, ...]]) -> Outcome:
    edits, pieces = list[TextEdit](), list[Piece]()
    for start, stop, new, score, shown in holes:
        text, *others = json.loads(shown)
        edits.append(TextEdit(Span(start, stop), new.encode()))
        pieces.append(Piece(text, score, tuple(others)))
    return replace(outcome_from(line), edits=tuple(edits), pieces=tuple(pieces))
