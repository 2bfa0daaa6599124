"""Reports for programs, written text by text: memory does not grow with their number.

All is ASCII, so that no terminal or pipe can spoil it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from infill.batch.findings import Finding
from infill.batch.report import STATUSES, Entry, Sources, Totals, diff_of
from infill.batch.sarif import written
from infill.batch.task import Failure, Piece
from infill.errors import InputError
from infill.text import Position, Source
from infill.version import VERSION

REPORT = 1
"""The version of the report's own form."""
PLACE = re.compile(r"line (\d+), column (\d+)")
"""As errors write a Position."""


def jsonl(entries: Iterable[Entry], *, sources: Sources) -> Iterator[str]:
    """One line of JSON for each text."""
    for entry in entries:
        yield f"{json.dumps(record(entry, sources(entry)))}\n"


def document(
    entries: Iterable[Entry],
    *,
    sources: Sources,
    run: str,
    model: str,
    totals: Callable[[], Totals],
) -> Iterator[str]:
    """One JSON document, in pieces; `totals` is asked when the last text is written."""
    head = {"infill_report": REPORT, "run": run, "version": VERSION, "model": model}
    yield f'{json.dumps(head)[:-1]}, "files": ['
    for number, entry in enumerate(entries):
        yield f"{',' * bool(number)}\n{json.dumps(record(entry, sources(entry)))}"
    yield f'\n], "totals": {json.dumps(summed(totals()))}}}\n'


def sarif_report(entries: Iterable[Entry], *, sources: Sources) -> Iterator[str]:
    """SARIF: what failed and so was left as it was, and what could be changed, with its fix."""
    found = ((finding, text) for entry in entries for finding, text in _found(entry, sources))
    return written(found)


def record(entry: Entry, before: bytes | None) -> dict[str, Any]:
    """What a report says of a text."""
    outcome = entry.outcome
    pieces: Iterable[Piece | None] = chain(outcome.pieces, iter(lambda: None, 0))
    said: dict[str, Any] = {} if entry.id is None else {"id": entry.id}
    return {
        **said,
        "path": entry.path,
        "operation": entry.operation,
        "status": entry.status,
        "holes": [
            {
                "start": edit.span.start,
                "stop": edit.span.stop,
                "text": edit.new.decode("utf-8", "surrogateescape"),
                "score": piece and piece.score,
                "alternatives": list(piece.alternatives) if piece else [],
            }
            for edit, piece in zip(outcome.edits, pieces, strict=False)
        ],
        "diff": diff_of(entry, before).decode("utf-8", "surrogateescape"),
        "error": outcome.failure and failure(outcome.failure),
        "before": entry.before,
        "after": entry.after,
        "checks": list(outcome.checks),
        "stopped": outcome.stopped,
        "remarks": list(outcome.remarks),
        "code": entry.code,
        "ms": round(1000 * outcome.seconds, 1),
        "forwards": outcome.forwards,
    }


def failure(failed: Failure) -> dict[str, str]:
    """Why a text was left as it was."""
    return {
        "kind": failed.kind,
        "what": failed.what,
        "where": failed.where,
        "expected": failed.expected,
        "got": failed.got,
        "try": failed.hint,
    }


def summed(totals: Totals) -> dict[str, Any]:
    """What a report says of all texts."""
    return {
        **{status: totals.statuses.get(status, 0) for status in STATUSES},
        "texts": totals.texts,
        "cached": totals.cached,
        "holes": totals.holes,
        "forwards": totals.forwards,
        "seconds": round(totals.seconds, 3),
        "forwards_per_second": round(totals.forwards_per_second, 3),
        "left_out": dict(totals.skipped),
    }


def _found(entry: Entry, sources: Sources) -> Iterator[tuple[Finding, bytes | None]]:
    """What a text's entry is in SARIF: a failure, or a change that waits to be made."""
    outcome = entry.outcome
    if (failed := outcome.failure) is not None:
        place = _place(failed)
        data = None if place == (1, 1) else sources(entry)
        details = (failed.where, failed.expected and f"expected {failed.expected}", failed.hint)
        message = "; ".join(filter(None, [failed.what, *details]))
        yield Finding(entry.path, failed.kind, "error", message, place, place), data
    elif entry.status == "changed" and outcome.edits:
        data = sources(entry)
        start = stop = Position(1, 1)
        if data is not None:
            source = Source(data, entry.path)
            start = source.position(outcome.edits[0].span.start)
            stop = source.position(outcome.edits[-1].span.stop)
        count = len(outcome.edits)
        message = f"{entry.operation}: {count} change{'s' * (count != 1)} can be made"
        fix = outcome.edits
        yield Finding(entry.path, entry.operation, "note", message, start, stop, fix), data


def _place(failed: Failure) -> Position:
    """Where a text is wrong, if it is the text as it was that is, and the error says it."""
    said = PLACE.search(failed.where) if isinstance(failed.error(), InputError) else None
    return Position(int(said[1]), int(said[2])) if said else Position(1, 1)
