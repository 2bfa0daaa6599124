"""Checks of a finished text by the real parser of its language. Fail closed.

>>> verify(b"x = (1,", "python").ok, verify(b"[1]", "json").ok
(False, True)
"""

from __future__ import annotations

import ast
import codecs
import json
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infill.errors import OptionError
from infill.text import TextEdit

SUFFIXES = {".py": "python", ".pyi": "python", ".pyw": "python", ".json": "json"}


@dataclass(frozen=True, slots=True)
class Check:
    """What one checker said: `reason` and `offset` (bytes) tell where a bad text fails."""

    name: str
    ok: bool
    reason: str = ""
    offset: int = 0


def line_starts(data: bytes) -> tuple[int, ...]:
    """The byte offset of each line's first byte as Python counts lines: a lone "\\r" ends one.

    >>> line_starts(b"a\\rb\\r\\nc\\n")
    (0, 2, 5, 7)
    """
    return (0, *(end.end() for end in re.finditer(rb"\r\n?|\n", data)))


def _python(data: bytes) -> Check:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a string is a warning, not an error
            ast.parse(data)
    except SyntaxError as error:
        line, column = max(error.lineno or 1, 1), max(error.offset or 1, 1)
        starts = line_starts(data)
        start = starts[min(line, len(starts)) - 1]
        before = data[start:].decode(errors="replace")[: column - 1]
        offset = min(start + len(before.encode()), len(data))
        place = f" (line {error.lineno}, column {error.offset})" if error.lineno else ""
        return Check("python", ok=False, reason=f"{error.msg}{place}", offset=offset)
    except (ValueError, RecursionError, MemoryError) as error:
        return Check("python", ok=False, reason=f"{type(error).__name__}: {error}")
    return Check("python", ok=True)


def _json(data: bytes) -> Check:
    text = data.decode("utf-8-sig", errors="replace")
    try:
        data.decode()
        json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        reason = f"{error.msg} (line {error.lineno}, column {error.colno})"
        skipped = len(data) - len(data.removeprefix(codecs.BOM_UTF8))
        offset = skipped + len(text[: error.pos].encode())
        return Check("json", ok=False, reason=reason, offset=offset)
    except (ValueError, RecursionError) as error:
        return Check("json", ok=False, reason=f"{type(error).__name__}: {error}")
    return Check("json", ok=True)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def verify_untouched(before: bytes, edits: Sequence[TextEdit], after: bytes) -> Check:
    """Whether `after` is UTF-8 and differs from `before` inside the edits' spans alone.

    It walks both texts itself and does not trust what made the edits.
    """
    old = new = 0
    for edit in sorted(edits):
        kept = edit.span.start - old
        if before[old : edit.span.start] != after[new : new + kept]:
            return Check("untouched", ok=False, reason="a byte outside the holes", offset=new)
        old, new = edit.span.stop, new + kept + len(edit.new)
    if before[old:] != after[new:]:
        return Check("untouched", ok=False, reason="a byte outside the holes", offset=new)
    try:
        after.decode()
    except UnicodeDecodeError as error:
        return Check("untouched", ok=False, reason=str(error), offset=error.start)
    return Check("untouched", ok=True)


CHECKERS: dict[str, Callable[[bytes], Check]] = {"python": _python, "json": _json}


def verify(data: bytes, language: str) -> Check:
    """Parse `data` with the language's own parser. Raises OptionError for a language without."""
    checker = CHECKERS.get(language)
    if checker is None:
        raise OptionError(
            f"there is no parser for {language!r}",
            expected=", ".join(sorted(CHECKERS)),
            got=language,
            hint="language=None fills without a check",
        )
    return checker(data)
