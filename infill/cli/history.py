"""What `infill runs` prints."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from infill.batch.conductor import data_of
from infill.batch.journal import Journal, Row
from infill.batch.patch import patch_of
from infill.batch.shelf import forget, journals, runs_folder
from infill.cli.output import console_for, wants_color, write_diff, write_result
from infill.errors import InfillError, JournalError

DAY = 86_400


def listed(*, form: str) -> None:
    """All runs, the latest last."""
    folder = runs_folder()
    facts = list(_facts())
    if form == "json":
        write_result("".join(f"{json.dumps(one)}\n" for one in facts).encode())
        return
    if not facts:
        console_for(sys.stderr, "auto").print(f"no run is kept in {folder}")
        return
    from rich.table import Table  # noqa: PLC0415 - 20 ms

    table = Table(box=None, pad_edge=False)
    for name in ("run", "when", "command", "texts"):
        table.add_column(name, no_wrap=True)
    table.add_column("folder", overflow="fold")
    for one in facts:
        counts = ", ".join(f"{number} {state}" for state, number in one["texts"].items() if number)
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one["created"]))
        table.add_row(one["id"], when, one["command"], counts, one["root"])
    console_for(sys.stdout, "auto").print(table)


def shown(run: str, *, diff: bool, form: str, color: str) -> None:
    """The texts of a run. Raises JournalError where there is none."""
    with Journal.open(runs_folder(), run, write=False) as journal:
        with suppress(OSError):  # names are relative to where the run was asked for
            os.chdir(journal.facts["root"])
        for row in map(journal.row, journal.numbers()):
            if diff:
                _changes(journal, row, color)
            elif form == "json":
                write_result(f"{json.dumps(_record(row))}\n".encode())
            else:
                reason = f": {row.failure.what}" if row.failure else ""
                write_result(
                    f"{row.state:8} {row.name}{reason}\n".encode("utf-8", "surrogateescape")
                )


def forgotten(days: int) -> int:
    """Remove the journals that are older, and say how many; one that is going on stays."""
    folder, count = runs_folder(), 0
    for one in list(_facts()):
        if time.time() - float(one["created"]) >= days * DAY:
            count += forget(folder, one["id"])
    return count


def _facts() -> Iterator[dict[str, Any]]:
    folder = runs_folder()
    for name in journals(folder):
        try:
            with Journal.open(folder, name, write=False) as journal:
                facts = journal.facts
                counts = {state: journal.count(state) for state in STATES}
        except JournalError:
            continue  # of another version, or not wholly made
        yield {name: facts[name] for name in ("id", "created", "command", "root", "state")} | {
            "texts": counts
        }


STATES = ("planned", "done", "failed", "writing", "written", "undone")


def _record(row: Row) -> dict[str, Any]:
    outcome = row.outcome
    return {
        "id": row.id,
        "path": row.name,
        "state": row.state,
        "before": row.digest,
        "after": row.after,
        "error": row.failure.what if row.failure else None,
        "holes": [edit.new.decode() for edit in outcome.edits] if outcome else [],
    }


def _changes(journal: Journal, row: Row, color: str) -> None:
    """The diff of a text that was changed, or would be, if its text can still be had."""
    if row.outcome is None or not row.outcome.edits or row.state == "failed":
        return
    try:
        before = data_of(journal, row)
    except InfillError:
        return
    edits = row.outcome.edits
    diff = patch_of(before, row.outcome.result(before), row.name, edits)
    colored = wants_color(color, terminal=sys.stdout.isatty())
    write_diff(diff.decode("utf-8", "surrogateescape"), color=colored)
