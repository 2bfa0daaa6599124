r"""Blocks: the top-level statements of a text around some places, also where it does not parse.

What is far from a hole may be broken, or be too long to be read at every step: a block is a text
of its language by itself. The look is a simple one, and needs no whole text: a block begins at a
line that begins in its first column, and not in a string.

>>> source = Source.of("x = (\n\n@cached\ndef f():\n    return <FILL_ME>\n\n\ny = 1\n")
>>> block_around(source, "python", [Span(36, 45)])
Span(start=7, stop=47)
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence

from infill.edit.holes import STRINGS
from infill.text import Source, Span

REACH = 1 << 17
"""Bytes before a place that are read to tell what is in a string; before that, a line that begins
as definitions do is taken for one."""

STATEMENT = re.compile(rb"^(?!(?:elif|else|except|finally)\b)[^\s#)\]}]", re.MULTILINE)
DEFINITION = re.compile(rb"^(?:@|(?:async|class|def|from|import)\b)", re.MULTILINE)
TRIPLE = (b'"""', b"'''")
WORD = re.compile(rb"\w")


def block_around(source: Source, language: str | None, spans: Sequence[Span]) -> Span:
    """The top-level block or blocks of a Python text that hold all of the spans, one or more.

    From a line that begins a statement in the first column, its decorators included, to the next
    such line after the spans. Of other languages it is the whole text; never the byte order mark.
    """
    data = source.data
    mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    if language != "python":
        return Span(mark, len(data))
    at, stop = min(span.start for span in spans), max(span.stop for span in spans)
    last = max(at, stop - 1)  # a byte of the last line
    first = mark
    for start in _statements(data, _sure(data, at) or mark):
        if start <= at:
            first = start
        elif start >= stop and start > last:
            return Span(first, start)
    return Span(first, len(data))


def _sure(data: bytes, at: int) -> int:
    """A line's start, not far before `at`, that is in no string; 0 where none is known."""
    if at <= REACH:
        return 0
    begin = data.rfind(b"\n", 0, at - REACH) + 1
    found = DEFINITION.search(data, begin, at) or STATEMENT.search(data, begin, at)
    return 0 if found is None else found.start()


def _statements(data: bytes, at: int) -> Iterator[int]:
    """The lines after `at`, which is in no string, that begin a block."""
    strings = _long_strings(data, at)
    string, first = next(strings, None), len(codecs.BOM_UTF8)
    decorated = at == first and data.startswith(codecs.BOM_UTF8 + b"@")
    for found in STATEMENT.finditer(data, at):
        start = found.start()
        while string is not None and string.stop <= start:
            string = next(strings, None)
        continued = data.endswith((b"\\\n", b"\\\r\n"), max(0, start - 3), start)
        if continued or (string is not None and string.start < start):
            continue
        if not decorated:
            yield start
        decorated = found[0] == b"@"


def _long_strings(data: bytes, at: int) -> Iterator[Span]:
    """The strings from `at` on that may take several lines.

    Where letters follow at once, it was not the end of a string but the beginning of the next
    one: the string in front of it was never finished, and is passed over.
    """
    pattern = STRINGS["python"]
    while (found := pattern.search(data, at)) is not None:
        start, at = found.span()
        if data.startswith(TRIPLE, start):
            if WORD.match(data, at):
                at = start + len(TRIPLE[0])
                continue
            yield Span(start, at)
