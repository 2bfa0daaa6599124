"""Spans that a user allows to change: checked once, before anything is read or written.

>>> allowed(Source.of("a = 1\\n"), [Span(4, 5)])
(Span(start=4, stop=5),)
>>> allowed(Source.of("a = 1\\n"), [Span(2, 2)])
Traceback (most recent call last):
infill.errors.HoleError: an allowed span is empty
  where: <text>, byte 2 (line 1, column 3)
  expected: start < stop
  try: allow the text that may change; a place to insert at is a Hole for infill.fill
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from infill.errors import HoleError
from infill.text import Source, Span


def allowed(source: Source, spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans in order. Raises HoleError for none, an empty, overlapping or impossible one."""
    ordered = tuple(sorted(spans))
    if not ordered:
        raise HoleError("no spans were given", where=source.name, hint="give at least one Span")
    for span in ordered:
        _check(source, span)
    for left, right in pairwise(ordered):
        if left.stop > right.start:
            raise HoleError(
                "two allowed spans overlap",
                where=f"{source.name}, bytes {right.start} to {min(left.stop, right.stop)} "
                f"({source.position(right.start)})",
                expected="spans that share no byte",
                hint="make them one span",
            )
    return ordered


def line_spans(source: Source, ranges: Iterable[tuple[int, int]]) -> tuple[Span, ...]:
    """The bytes of ranges of lines (from 1, the last one included), without the last line end.

    Raises HoleError for lines that are not there, are empty or overlap; none are none.
    """
    spans: list[Span] = []
    starts = source.line_starts
    for first, last in ranges:
        if last > len(starts):
            raise HoleError(
                "there are not so many lines",
                where=source.name,
                expected=f"lines up to {len(starts)}",
                got=f"{first}-{last}",
            )
        stop = starts[last] if last < len(starts) else len(source.data)
        text = source.data[starts[first - 1] : stop].removesuffix(b"\n").removesuffix(b"\r")
        spans.append(Span(starts[first - 1], starts[first - 1] + len(text)))
    return allowed(source, spans) if spans else ()


def _check(source: Source, span: Span) -> None:
    if span.stop > len(source.data):
        raise HoleError(
            "an allowed span reaches past the end",
            where=f"{source.name}, bytes {span.start} to {span.stop}",
            expected=f"stop <= {len(source.data)}",
        )
    if not len(span):
        raise HoleError(
            "an allowed span is empty",
            where=f"{source.name}, byte {span.start} ({source.position(span.start)})",
            expected="start < stop",
            hint="allow the text that may change; a place to insert at is a Hole for infill.fill",
        )
    for offset in (span.start, span.stop):
        if not source.is_boundary(offset):
            raise HoleError(
                "an allowed span begins or ends inside a character or a line ending",
                where=f"{source.name}, byte {offset}",
                hint="offsets count UTF-8 bytes, not characters: use len(text[:i].encode())",
            )
