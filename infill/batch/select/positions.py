"""Places by line and column, both from 1, a column in characters.

>>> text = Source.of("a = é + 1\\nb = 2\\n")
>>> [text.data[s.start : s.stop].decode() for s in at("1:5-1:6")(text, None)]
['é']
"""

from __future__ import annotations

import re
from collections.abc import Callable

from infill.edit.allowed import line_spans
from infill.errors import HoleError, OptionError
from infill.text import Source, Span

PLACE = re.compile(r"(\d+)(?::(\d+))?(?:-(\d+)(?::(\d+))?)?")


def at(text: str, part: str | None = None) -> Callable[[Source, str | None], list[Span]]:
    """Finds `LINE`, `LINE-LINE` or `LINE:COLUMN-LINE:COLUMN`; the last is where it ends.

    Lines go without the last one's end. Raises OptionError for no such place and, when it looks,
    HoleError for one that a text does not have.
    """
    found = PLACE.fullmatch(text)
    first, column, last, until = (None if n is None else int(n) for n in _numbers(found))
    given = column is None, until is None
    if (
        part is not None
        or first is None
        or 0 in {first, column, last, until}
        or len({*given}) > 1
        or (last or first) < first
    ):
        raise OptionError(
            "this is no place" if part is None else "a place has no parts",
            where="--select" if part is None else "--part",
            expected="LINE, LINE-LINE or LINE:COLUMN-LINE:COLUMN, counted from 1",
            got=text if part is None else part,
        )

    def find(source: Source, _: str | None) -> list[Span]:
        if column is None or until is None:
            return list(line_spans(source, [(first, last or first)]))
        start, stop = _offset(source, first, column), _offset(source, last or first, until)
        if stop < start:
            raise HoleError("the place ends before it begins", where=f"{source.name}, {text}")
        return [Span(start, stop)]

    return find


def _numbers(found: re.Match[str] | None) -> tuple[str | None, ...]:
    return (None,) * 4 if found is None else found.groups()


def _line(source: Source, number: int) -> Span:
    """A line without its end."""
    starts = source.line_starts
    if number > len(starts):
        raise HoleError(
            "there is no such line",
            where=source.name,
            expected=f"up to line {len(starts)}",
            got=f"line {number}",
        )
    start = starts[number - 1]
    stop = starts[number] if number < len(starts) else len(source.data)
    return Span(start, start + len(source.data[start:stop].rstrip(b"\r\n")))


def _offset(source: Source, number: int, column: int) -> int:
    line = _line(source, number)
    text = source.data[line.start : line.stop].decode()
    if column > len(text) + 1:
        raise HoleError(
            "there is no such column",
            where=f"{source.name}, line {number}",
            expected=f"up to column {len(text) + 1}, the end of the line",
            got=f"column {column}",
        )
    return line.start + len(text[: column - 1].encode())
