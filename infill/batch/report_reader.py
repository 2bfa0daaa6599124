"""Read the changes of a report, as JSON or JSON lines: edits of a text that is known by its digest.

>>> is_report(b'{"infill_report": 1, "files": []}'), is_report(b"--- a/x")
(True, False)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from infill.batch.patch_reader import inside, read_patch
from infill.errors import HoleError, InputError, PathError, StaleError
from infill.text import Span, TextEdit, apply_edits

TAKEN = ("changed", "written", "undone")
"""The statuses of texts that have a result."""
KINDS = {"path": str, "status": str, "before": str, "after": str, "holes": list}
HOLE = {"start": int, "stop": int, "text": str}


@dataclass(frozen=True, slots=True)
class Reported:
    """A file's change: edits of one text alone, and what it then is.

    before, after   sha256
    diff            the same change as a patch, which can be reversed
    back            whether it is to be taken back
    """

    path: str
    before: str
    after: str
    edits: tuple[TextEdit, ...]
    diff: bytes
    place: str
    back: bool = False

    def applied(self, before: bytes) -> bytes:
        """The changed text. Raises StaleError for another one than was reported on."""
        here, there = (self.after, self.before) if self.back else (self.before, self.after)
        if (got := _digest(before)) != here:
            raise StaleError(
                "the file is not the one that the report is about",
                where=f"{self.path} ({self.place})",
                expected=f"sha256 {here[:16]}…",
                got=f"sha256 {got[:16]}…",
                hint="make the report again from the file as it is now",
            )
        after = self._taken_back(before) if self.back else self._edited(before)
        if _digest(after) != there:
            raise self._torn("its edits do not make the text that it says")
        return after

    def done(self, data: bytes) -> bool:
        """Whether a text is the result."""
        return _digest(data) == (self.before if self.back else self.after)

    def reversed(self) -> Reported:
        """The change back."""
        return replace(self, back=not self.back)

    def _edited(self, data: bytes) -> bytes:
        try:
            return apply_edits(data, self.edits)
        except HoleError as error:
            raise self._torn(error.what) from error

    def _taken_back(self, data: bytes) -> bytes:
        if not self.diff:
            raise self._torn("it has no diff to take back")
        patches = read_patch(self.diff, f"{self.place}, diff")
        if len(patches) != 1:
            raise self._torn("its diff is of several files")
        return patches[0].reversed().applied(data)

    def _torn(self, why: str) -> InputError:
        where = f"{self.place}: {self.path}"
        return InputError(f"the report contradicts itself: {why}", where=where)


def is_report(data: bytes) -> bool:
    """Whether this is JSON, which no patch begins as."""
    return data.lstrip()[:1] == b"{"


def read_report(data: bytes, name: str = "<report>") -> tuple[Reported, ...]:
    """The changes of the texts of a report that have a result.

    name   what errors call the report

    Raises InputError, which names the line or the entry, and PathError.
    """
    found: list[Reported] = []
    seen: set[str] = set()
    for place, entry in _entries(data, name):
        if not isinstance(entry, dict) or not isinstance(entry.get("status"), str):
            raise _unreadable(place, "an object with a status", entry)
        if entry["status"] not in TAKEN or not entry.get("holes"):
            continue
        reported = _reported(entry, place)
        if reported.path in seen:
            raise PathError("the report has a file twice", where=f"{place}: {reported.path}")
        seen.add(reported.path)
        found.append(reported)
    return tuple(found)


def _entries(data: bytes, name: str) -> Iterator[tuple[str, Any]]:
    """Every text's entry, with its place."""
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        whole = None  # not one document: JSON lines, or broken
    if isinstance(whole, dict) and "infill_report" in whole:
        files = whole.get("files")
        if whole["infill_report"] != 1 or not isinstance(files, list):
            raise _unreadable(name, '"infill_report": 1 and a list "files"', whole["infill_report"])
        for number, entry in enumerate(files, 1):
            yield f"{name}, entry {number}", entry
        return
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        place = f"{name}, line {number}"
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(
                "the report cannot be read",
                where=place,
                expected="an object of JSON on each line, or one document",
                got=str(error),
            ) from error
        yield place, entry


def _reported(entry: dict[str, Any], place: str) -> Reported:
    for key, kind in KINDS.items():
        if not isinstance(entry.get(key), kind):
            raise _unreadable(place, f"{key!r}, a {kind.__name__}", entry.get(key))
    diff = entry.get("diff", "")
    if not isinstance(diff, str):
        raise _unreadable(place, "'diff', a str", diff)
    edits: list[TextEdit] = []
    for hole in entry["holes"]:
        for key, kind in HOLE.items():
            if not isinstance(hole, dict) or type(hole.get(key)) is not kind:
                raise _unreadable(place, f"a hole with {key!r}, a {kind.__name__}", hole)
        if not 0 <= hole["start"] <= hole["stop"]:
            raise _unreadable(place, "a hole with 0 <= start <= stop", hole)
        span = Span(hole["start"], hole["stop"])
        edits.append(TextEdit(span, _bytes(hole["text"], place)))
    path = inside(entry["path"], place)
    before, after = entry["before"], entry["after"]
    return Reported(path, before, after, tuple(edits), _bytes(diff, place), place)


def _bytes(text: str, place: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise _unreadable(place, "text without half a surrogate pair", text[:40]) from error


def _unreadable(place: str, expected: str, got: object) -> InputError:
    return InputError(
        "the report cannot be read", where=place, expected=expected, got=repr(got)[:80]
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
