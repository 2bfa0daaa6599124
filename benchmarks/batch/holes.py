"""Take one expression out of each of many real files, and say afterwards how many came back.

    python benchmarks/batch/holes.py make networkx COPY --files 240 --seed 0
    infill fill COPY -w --format json --jobs 2 > report.json
    python benchmarks/batch/holes.py judge COPY report.json

`make` copies an installed package and writes what it took, and from where, beside the copy
(COPY.gold.json). The same arguments make the same copy. `judge` compares a report with that: an
exact match is the very text that was taken, an equal one is the same tree in other words.
"""

from __future__ import annotations

import argparse
import ast
import collections
import json
import random
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

MARKER = "<FILL_ME>"
SHORTEST, LONGEST = 4, 40
"""Bytes of an expression that is taken."""
SMALLEST, LARGEST = 800, 60_000
"""Bytes of a file that one is taken from."""


def package(name: str) -> Path:
    """Where an installed package is."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"there is no package {name}")
    return Path(next(iter(spec.submodule_search_locations)))


def expressions(data: bytes) -> list[tuple[int, int]]:
    """The byte spans of values that are assigned or returned, each on one line."""
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return []
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = list[tuple[int, int]]()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign | ast.Return):
            continue
        value = node.value
        if value is None or isinstance(value, ast.Constant) or value.lineno != value.end_lineno:
            continue
        start = starts[value.lineno - 1] + value.col_offset
        stop = starts[value.lineno - 1] + (value.end_col_offset or 0)
        if SHORTEST <= stop - start <= LONGEST:
            found.append((start, stop))
    return sorted(found)


def without_one(data: bytes, rng: random.Random) -> tuple[bytes, int, bytes] | None:
    """A text with a marker for one of its expressions: also where, and what stood there."""
    if not SMALLEST <= len(data) <= LARGEST or b"\r" in data or MARKER.encode() in data:
        return None
    if not (spans := expressions(data)):
        return None
    start, stop = rng.choice(spans)
    return data[:start] + MARKER.encode() + data[stop:], start, data[start:stop]


def make(name: str, copy: Path, *, files: int, seed: int) -> list[dict[str, Any]]:
    """Copy the package, take an expression from each of so many files; returns what was taken."""
    shutil.copytree(package(name), copy, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    rng, gold = random.Random(seed), list[dict[str, Any]]()  # noqa: S311 - a sample
    paths = sorted(copy.rglob("*.py"))
    rng.shuffle(paths)
    for path in paths:
        if (cut := without_one(path.read_bytes(), rng)) is None:
            continue
        data, start, taken = cut
        path.write_bytes(data)
        name = path.relative_to(copy).as_posix()
        gold.append({"path": name, "start": start, "text": taken.decode()})
        if len(gold) == files:
            break
    gold.sort(key=lambda one: one["path"])
    copy.with_name(f"{copy.name}.gold.json").write_text(json.dumps(gold, indent=1))
    return gold


def judge(copy: Path, report: dict[str, Any]) -> dict[str, Any]:
    """Counts over what was taken: filled, exact, equal, and why others were not."""
    gold = json.loads(copy.with_name(f"{copy.name}.gold.json").read_text())
    entries = {(copy.parent / one["path"]).resolve(): one for one in report["files"]}
    counts, reasons = collections.Counter[str](), collections.Counter[str]()
    for one in gold:
        entry = entries.get((copy / one["path"]).resolve())
        if entry is None:
            reasons["not in the report"] += 1
            continue
        counts[entry["status"]] += 1
        if entry["error"] is not None:
            reasons[f"{entry['error']['kind']}: {entry['error']['what']}"] += 1
        for hole in entry["holes"]:
            counts["exact"] += hole["text"] == one["text"]
            counts["equal"] += _dumped(hole["text"]) == _dumped(one["text"])
            counts["misplaced"] += hole["start"] != one["start"]
    return {"files": len(gold), **counts, "failures": dict(reasons)}


def _dumped(text: str) -> str:
    try:
        return ast.dump(ast.parse(text.strip(), mode="eval"))
    except SyntaxError:
        return text


def main() -> None:
    """Make a copy, or judge a report of one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # pyright: ignore[reportOptionalMemberAccess]
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("package")
    making.add_argument("copy", type=Path)
    making.add_argument("--files", type=int, default=240)
    making.add_argument("--seed", type=int, default=0)
    judging = commands.add_parser("judge")
    judging.add_argument("copy", type=Path)
    judging.add_argument("report", type=Path)
    given = parser.parse_args()
    if given.command == "make":
        gold = make(given.package, given.copy, files=given.files, seed=given.seed)
        print(f"{len(gold)} files with a hole in {given.copy}")
    else:
        print(json.dumps(judge(given.copy, json.loads(given.report.read_text())), indent=1))


if __name__ == "__main__":
    main()
