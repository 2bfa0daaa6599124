"""What people and programs see of a run: diffs, reports, remarks, progress, and an exit code."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Self

from infill.batch.conductor import data_of
from infill.batch.formats import document, jsonl, sarif_report
from infill.batch.journal import Journal, Row
from infill.batch.report import Entry, Status, Totals, diff_of
from infill.batch.task import Failure, Outcome, Piece
from infill.cli.exits import Exit, Report
from infill.cli.interactive import Chooser, require_terminal
from infill.cli.output import note, wants_color, write_diff, write_result
from infill.cli.progress import Unwatched, Watcher, progress, summary
from infill.cli.request import Request
from infill.edit.files import digest_of
from infill.errors import InfillError, JournalError, WriteError

FEW = 20
"""Texts that are remarked on one by one."""
STILL = "still: "
"""What remarks on trouble that is left begin with."""


class Showing:
    """Shows the texts of a run; a context manager that ends with the summary.

    skipped   files that were left out, by reason
    """

    def __init__(self, request: Request, journal: Journal, *, skipped: dict[str, int]) -> None:
        self.request, self.journal = request, journal
        self.totals = Totals(skipped=skipped)
        self.report, self.changes = Report(color=request.color), 0
        self._chooser = Chooser(color=request.color) if request.interactive else None
        if self._chooser is not None:
            require_terminal()
        self._watcher: Watcher = Unwatched()
        self._stack = ExitStack()
        self._patch: io.FileIO | None = None
        self._begun = time.perf_counter()
        self._texts = journal.count()
        self._row: Row
        self._colored = wants_color(request.color, terminal=sys.stdout.isatty())

    def __enter__(self) -> Self:
        many = self.journal.count("planned")
        live = self.request.shows_live and many > 1
        bar = progress(many, live=live, color=self.request.color)
        self._watcher = self._stack.enter_context(bar)
        if (path := self.request.patch) is not None:
            try:
                self._patch = self._stack.enter_context(Path(path).open("wb", buffering=0))
            except OSError as error:
                raise _unwritable(path, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._watcher = Unwatched()
        self.totals = replace(self.totals, seconds=time.perf_counter() - self._begun)
        if (
            self.request.all_or_nothing
            and self.request.writes
            and self.totals.statuses.get("changed")
        ):
            note(
                "nothing was written: --all-or-nothing, and not all is good",
                quiet=self.request.quiet,
            )
        if not self.request.quiet and (self.totals.texts > 1 or self.totals.skipped):
            run = self.journal.id if self.request.writes or self._unfinished else ""
            summary(self.totals, color=self.request.color, run=run)

    @property
    def _unfinished(self) -> bool:
        return self.journal.count("planned", "failed") > 0

    @property
    def code(self) -> Exit:
        """That of the failures, if there are some; else NO where something is still to be done."""
        if self.report.code is not Exit.DONE:
            return self.report.code
        asked = self.request.check or (bool(self.request.diff) and not self.request.writes)
        pending = self.totals.statuses.get("pending", 0)
        return Exit.NO if pending or (asked and self.changes) else Exit.DONE

    def done(self, n: int, outcome: Outcome) -> None:
        """An outcome has come; it may be shown much later."""
        del n
        self._watcher.advance(
            len(outcome.edits),
            failed=outcome.failure is not None,
            cached=False,
        )

    def all(self, rows: Iterable[Row]) -> None:
        """Show the texts in the form that was asked for."""
        entries = map(self._entry, rows)
        match self.request.format:
            case "json":
                facts = self.journal.facts
                pieces = document(
                    entries,
                    sources=self._source,
                    run=self.journal.id,
                    model=str(facts["model"]),
                    totals=lambda: replace(self.totals, seconds=time.perf_counter() - self._begun),
                )
            case "jsonl":
                pieces = jsonl(entries, sources=self._source)
            case "sarif":
                pieces = sarif_report(entries, sources=self._source)
            case "text":
                for entry in entries:
                    self._text(entry)
                return
        for piece in pieces:
            with self._watcher.aside():
                write_result(piece.encode())

    def choose(self, row: Row, data: bytes, outcome: Outcome) -> Outcome:
        """Ask a person which edits of a text to make."""
        if self._chooser is None:
            return outcome
        with self._watcher.aside():
            edits = self._chooser.chosen(row.name, data, outcome.edits, outcome.pieces)
        known = dict(zip(outcome.edits, outcome.pieces, strict=True))
        other = [known.get(edit, Piece(edit.new.decode(errors="replace"))) for edit in edits]
        return replace(outcome, edits=tuple(edits), pieces=tuple(other))

    def interrupted(self) -> None:
        """Say how to go on."""
        done = self.journal.count("done", "written", "failed")
        if self.journal.id and not self.request.quiet and done and self.journal.count("planned"):
            self._stack.close()
            note(f"what was done is kept: infill resume {self.journal.id}")

    def _entry(self, row: Row) -> Entry:
        """What is shown of a row; the totals and the exit code know it from here on."""
        self._row, outcome = row, row.outcome or Outcome()
        status = _status(row)
        after = row.after
        if status == "changed":
            try:
                after = digest_of(outcome.result(data_of(self.journal, row)))
            except InfillError as error:  # its file is another by now
                status, outcome = "failed", Outcome(failure=Failure.of(error))
        code = Exit.DONE
        if outcome.failure is not None:
            with self._watcher.aside():
                code = self.report.fail(outcome.failure.error())
        self.changes += status in {"changed", "written"}
        self.report.done += status in {"unchanged", "written"}
        self.report.done += status == "changed" and not self.request.writes
        operation = row.operation or self.request.operation
        path = _relative(row.name)
        entry = Entry(path, operation, status, row.digest, after, outcome, row.id, int(code))
        self.totals = self.totals.plus(entry, cached=row.cached)
        if self._patch is not None and status in {"changed", "written"}:
            self._write_patch(diff_of(entry, self._source(entry)))
        return entry

    def _write_patch(self, diff: bytes) -> None:
        """Put a diff into the patch, whole; one that is cut off must not be applied."""
        if self._patch is None:
            return
        at = self._patch.tell()
        try:
            rest = memoryview(diff)
            while rest:
                rest = rest[self._patch.write(rest) :]
        except OSError as error:
            with suppress(OSError):
                self._patch.truncate(at)
            raise _unwritable(str(self.request.patch), error) from error

    def _source(self, entry: Entry) -> bytes | None:
        """The text of the entry that was made last; None where it cannot be had any more."""
        if entry.status == "failed" or not entry.before:
            return None
        try:
            return data_of(self.journal, self._row)
        except JournalError:
            raise
        except InfillError:  # it was to stay as it is, and is another by now
            return None

    def _text(self, entry: Entry) -> None:
        """Show a text to a person, or hand the changed one on."""
        request, shown = self.request, entry.status in {"changed", "written"}
        if entry.status == "failed":
            return
        with self._watcher.aside():
            data = self._source(entry) or b""
            if request.shows_diff and shown:
                diff = diff_of(entry, data).decode("utf-8", "surrogateescape")
                write_diff(diff, color=self._colored)
            elif request.from_stdin and not request.check:
                write_result(entry.outcome.result(data))
            if not request.quiet:
                self._remark(entry)

    def _remark(self, entry: Entry) -> None:
        """A line of what was done; of many texts only their sum is told."""
        if entry.status == "pending" or self._texts > FEW:
            return
        outcome = entry.outcome
        scores = [piece.score for piece in outcome.pieces if piece.score is not None]
        noun = "change" if entry.operation == "revise" else "hole"
        # texts side by side take each other's time
        took = [f"{outcome.seconds:.1f} s"] if self._texts == 1 else []
        parts = (
            count(len(outcome.edits), noun),
            *(remark for remark in outcome.remarks if not remark.startswith(STILL)),
            *([count(outcome.attempts, "attempt")] if outcome.attempts else []),
            count(outcome.forwards, "forward"),
            *([f"mean logp {sum(scores) / len(scores):.2f}"] if scores else []),
            *([f"stopped by {outcome.stopped}"] if outcome.stopped else []),
            *(["known from before"] if self._row.cached else took),
        )
        verb = {"written": "wrote", "undone": "put back", "unchanged": "left"}.get(
            entry.status, _DONE[entry.operation]
        )
        note(f"{verb} {entry.path}: {', '.join(parts)}")
        for remark in outcome.remarks:
            if remark.startswith(STILL):
                note(f"  {remark}")
        for number, texts in enumerate(zip_longest(*(p.alternatives for p in outcome.pieces)), 2):
            note(f"  {number}. {' | '.join(repr(text or '') for text in texts)}")


def _unwritable(path: str, error: OSError) -> WriteError:
    return WriteError("the patch cannot be written", where=path, got=error.strerror or str(error))


_DONE = {"fill": "filled", "rewrite": "rewrote", "revise": "revised"}


def count(number: int, noun: str) -> str:
    """A number and what it counts."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _relative(name: str) -> str:
    """A name below the current directory, where it is: patches and reports are applied there."""
    if not Path(name).is_absolute():
        return name
    shown = os.path.relpath(name)
    return name if shown.startswith(os.pardir) else shown


def _status(row: Row) -> Status:
    """What a report calls the state of a row."""
    match row.state:
        case "planned":
            return "pending"
        case "failed" | "written" | "undone":
            return row.state
        case "done" | "writing":
            return "changed" if row.outcome is not None and row.outcome.edits else "unchanged"
