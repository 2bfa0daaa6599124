"""On which line of a TOML text a key is set: for messages, so that a wrong answer is never given.

>>> line_of('a = 1\\n[lsp]\\nlive = true\\n', ("lsp", "live"))
3
>>> line_of('a = 1\\n', ("b",)) is None
True
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any, cast

CANDIDATES, LONGEST = 50, 200_000
"""Lines to look at closely, and characters of a text: each line costs a reading of all above it."""


def line_of(text: str, key: Sequence[str]) -> int | None:
    """The line, from 1; None where it cannot be said.

    A line is taken that names the key, above which all is whole (it is in no string of several
    lines) and the key is not yet there.
    """
    if len(text) > LONGEST:
        return None
    lines = re.split(r"\r?\n", text)
    last = re.compile(rf"(?<![\w-]){re.escape(key[-1])}[\"']?\s*[=.\]]")
    candidates = [number for number, line in enumerate(lines, 1) if last.search(line)]
    for number in candidates[:CANDIDATES]:
        if _has(lines[: number - 1], key) is False and _has(lines[:number], key) is not False:
            return number
    return None


def _has(lines: Sequence[str], key: Sequence[str]) -> bool | None:
    """Whether lines set a key; None where they are no whole TOML."""
    try:
        place: Any = tomllib.loads("\n".join(lines))
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    for part in key:
        if not isinstance(place, dict) or part not in place:
            return False
        place = cast("dict[str, Any]", place)[part]
    return True
