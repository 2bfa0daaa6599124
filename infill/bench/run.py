"""Runs a table: items times methods times seeds, one line of JSON for each, resumable.

Items go one after the other, each through all methods, so that a run that time cuts short still
compares all methods on the same items. A file of rows can be gone on with, with more items, seeds
or methods too: what is asked for first stays the same. Another seed or model is refused.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from infill.bench.outcome import Method
from infill.bench.tables import Table
from infill.errors import InputError
from infill.models.counted import Counted
from infill.models.denoiser import Denoiser

SCHEMA = 1
SAME = ("table", "model", "seed")
"""What of a header may not differ between the runs that share a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run.

    seed     items are drawn with it, and methods draw with numbers that follow from it
    items    how many; fewer where there are not as many
    seeds    how many times a method that draws is run on each item
    """

    seed: int
    items: int = 200
    seeds: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one method made of one item with one seed.

    forwards   canvases that the model scored for it
    checks     how often a checker was asked
    ms         of processor time, all threads of this process
    """

    item: str
    method: str
    seed: int
    forwards: int
    checks: int
    ms: float
    failed: str = ""
    fills: tuple[str, ...] = ()
    metrics: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def key(self) -> tuple[str, str, int]:
        """What a run has one row of."""
        return self.item, self.method, self.seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A table's rows, as far as they were made, and what they were made with."""

    header: dict[str, Any]
    rows: tuple[Row, ...]


def run(  # noqa: PLR0913 - what to run, with what, where to, and how long
    table: Table[Any],
    plan: Plan,
    denoiser: Denoiser,
    path: Path,
    *,
    seconds: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> Run:
    """Make the rows that `path` lacks, and return all; stops at an item's end after `seconds`.

    Raises InputError where `path` has the rows of another run.
    """
    items = table.draw(plan.items, np.random.default_rng(plan.seed))
    header = _header(table, plan, denoiser, len(items))
    rows = _read(path, header) if path.is_file() else []
    done = {row.key for row in rows}
    begun = time.monotonic()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(line) + "\n" for line in (header, *map(asdict, rows)))
        for index, item in enumerate(items):
            if progress is not None:
                progress(f"{table.name}: {index} of {len(items)}")
            if seconds is not None and time.monotonic() - begun > seconds:
                break
            for method, seed in _jobs(table, plan):
                if (item.id, method.name, seed) not in done:
                    rows.append(_row(table, method, denoiser, item, seed))
                    out.write(json.dumps(asdict(rows[-1])) + "\n")
                    out.flush()
    return Run(header=header, rows=tuple(rows))


def read(path: Path) -> Run:
    """The run that a file holds. Raises InputError for a file that holds none."""
    header, *rows = _lines(path)
    if header.get("schema") != SCHEMA or "seed" not in header:
        raise InputError(
            "not a run of the bench", where=str(path), expected=f'a header with "schema": {SCHEMA}'
        )
    return Run(header=header, rows=tuple(_parsed(row) for row in rows))


def _jobs(table: Table[Any], plan: Plan) -> Iterator[tuple[Method[Any], int]]:
    for method in table.methods:
        for index in range(plan.seeds if method.draws else 1):
            yield method, plan.seed + index


def _row(table: Table[Any], method: Method[Any], denoiser: Denoiser, item: Any, seed: int) -> Row:  # noqa: ANN401 - each table has items of its own kind
    counted = Counted(denoiser)
    begun = time.process_time()
    outcome = method.run(counted, item, seed)
    ms = 1e3 * (time.process_time() - begun)
    return Row(
        item=item.id,
        method=method.name,
        seed=seed,
        forwards=counted.forwards + outcome.forwards,
        checks=outcome.checks,
        ms=round(ms, 1),
        failed=outcome.failed,
        fills=outcome.fills,
        metrics=table.judge(item, outcome),
    )


def _header(table: Table[Any], plan: Plan, denoiser: Denoiser, items: int) -> dict[str, Any]:
    model = denoiser.capabilities
    return {
        "schema": SCHEMA,
        "table": table.name,
        "model": {"name": model.name, "digest": model.digest},
        "beside": dict(table.beside),
        "methods": [method.name for method in table.methods],
        **asdict(plan),
        "items": items,
    }


def _read(path: Path, header: dict[str, Any]) -> list[Row]:
    found = read(path)
    beside: dict[str, str] = found.header.get("beside", {})
    pairs = [(name, header[name], found.header.get(name)) for name in SAME]
    pairs += [(name, new, beside.get(name, new)) for name, new in header["beside"].items()]
    for name, expected, got in pairs:
        if got != expected:
            raise InputError(
                "the file has the rows of another run",
                where=str(path),
                expected=f"{name} {expected}",
                got=f"{name} {got}",
                hint="choose another folder with --out, or ask for the same run",
            )
    header["beside"] = beside | header["beside"]
    return list(found.rows)


def _lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file, the last one left out where a run was killed while it wrote it."""
    *whole, _ = path.read_text(encoding="utf-8").split("\n")
    try:
        return [json.loads(line) for line in whole] or [{}]
    except json.JSONDecodeError as error:
        raise InputError("not a run of the bench", where=str(path), got=str(error)) from error


def _parsed(row: dict[str, Any]) -> Row:
    fills = tuple(str(fill) for fill in row.pop("fills"))
    return Row(**row, fills=fills)
