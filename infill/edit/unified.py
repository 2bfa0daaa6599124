"""Unified diffs of bytes, as git and `patch` take them; all of a text but its "\\n" is content.

Where the edits are known only their lines are compared, so a large file costs no more than being
split into lines.

>>> print(unified(b"a\\nb\\n", b"a\\nc\\n", "x.py").decode(), end="")
--- a/x.py
+++ b/x.py
@@ -1,2 +1,2 @@
 a
-b
+c
>>> named("b/", 'naïve "x".py').decode()
'"b/naïve \\\\"x\\\\".py"'
"""

from __future__ import annotations

import io
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import accumulate, groupby
from typing import NamedTuple

from infill.text import TextEdit

CONTEXT = 3
NO_NEWLINE = b"\n\\ No newline at end of file\n"
ESCAPES = {7: b"a", 8: b"b", 9: b"t", 10: b"n", 11: b"v", 12: b"f", 13: b"r", 34: b'"', 92: b"\\"}
"""Bytes that git's names in quotes give a letter; other control characters are octal."""


class Lines(NamedTuple):
    """Lines `old` to `old_stop` of one text that are `new` to `new_stop` of the other, from 0."""

    old: int
    old_stop: int
    new: int
    new_stop: int


def lines_of(data: bytes) -> list[bytes]:
    """The lines with their "\\n", and at nothing else split; the last one may be without."""
    return io.BytesIO(data).readlines()


def unified(
    before: bytes, after: bytes, name: str, edits: Iterable[TextEdit] | None = None
) -> bytes:
    """A unified diff with three lines around each change; b"" where nothing changes.

    edits   what made `after` of `before`, where that is known: it is then not searched for
    """
    if before == after:
        return b""
    head = [b"--- %s\n" % _field("a/", name), b"+++ %s\n" % _field("b/", name)]
    return b"".join([*head, *hunks(before, after, edits)])


def hunks(before: bytes, after: bytes, edits: Iterable[TextEdit] | None = None) -> Iterator[bytes]:
    """The lines of a unified diff's hunks, each with its newline."""
    old, new = lines_of(before), lines_of(after)
    for group in _grouped(changed_lines(old, new, edits)):
        yield from _hunk(old, new, group)


def changed_lines(
    old: Sequence[bytes], new: Sequence[bytes], edits: Iterable[TextEdit] | None = None
) -> list[Lines]:
    """The lines that differ, in order and apart."""
    whole = [Lines(0, len(old), 0, len(new))]
    regions = whole if edits is None else _regions(old, new, sorted(edits))
    return [lines for region in regions for lines in _compared(old, new, region)]


def named(prefix: str, name: str) -> bytes:
    """A path as git writes it: in quotes where it has a quote, a backslash or a control character.

    And where it is not UTF-8, so that the line always is.
    """
    data = prefix.encode() + name.encode("utf-8", "surrogateescape")
    try:
        data.decode()
        least = 0x100  # no byte from here on is escaped
    except UnicodeDecodeError:
        least = 0x80
    quoted = b"".join(_escaped(byte, least) for byte in data)
    # `patch` takes off a blank at the end of what is not in quotes
    return data if quoted == data and not data.endswith(b" ") else b'"%s"' % quoted


def _escaped(byte: int, least: int) -> bytes:
    if byte in ESCAPES:
        return b"\\" + ESCAPES[byte]
    plain = 0x20 <= byte < least and byte != 0x7F  # noqa: PLR2004 - blank and delete
    return bytes([byte]) if plain else b"\\%03o" % byte


def _field(prefix: str, name: str) -> bytes:
    """A name in a header; a tab ends one with blanks, or they would be read as its end."""
    written = named(prefix, name)
    return written + b"\t" if b" " in written and not written.startswith(b'"') else written


def _regions(
    old: Sequence[bytes], new: Sequence[bytes], edits: Sequence[TextEdit]
) -> Iterator[Lines]:
    """The lines that the edits are in; neighbours are one region."""
    starts = [0, *accumulate(map(len, old))]
    ends = [0, *accumulate(map(len, new))]
    region, shift = None, 0
    for edit in edits:
        first, last = edit.span.start, edit.span.stop
        begin, new_begin = _line(old, starts, first), _line(new, ends, first + shift)
        shift += len(edit.new) - len(edit.span)
        stop, new_stop = _after(starts, ends, last, last + shift)
        if region is not None and begin <= region.old_stop:  # touching edits always are
            begin, new_begin = region.old, region.new
        elif region is not None:
            yield region
        region = Lines(begin, stop, new_begin, new_stop)
    if region is not None:
        yield region


def _line(lines: Sequence[bytes], starts: Sequence[int], offset: int) -> int:
    """The line that an offset is in; behind the last where that one is finished."""
    line = bisect_right(starts, offset) - 1
    unfinished = line == len(lines) and lines and not lines[-1].endswith(b"\n")
    return line - 1 if unfinished else line


def _after(old: Sequence[int], new: Sequence[int], last: int, there: int) -> tuple[int, int]:
    """The lines behind an edit that ends at `last` and `there`; what follows is the same."""
    at = bisect_left(old, last), bisect_left(new, there)
    if old[at[0]] == last and new[at[1]] == there:
        return at
    return min(bisect_right(old, last), len(old) - 1), min(bisect_right(new, there), len(new) - 1)


def _compared(old: Sequence[bytes], new: Sequence[bytes], region: Lines) -> Iterator[Lines]:
    """What differs in a region; what is alike at its ends is not searched."""
    first, last, new_first, new_last = region
    while first < last and new_first < new_last and old[first] == new[new_first]:
        first, new_first = first + 1, new_first + 1
    while first < last and new_first < new_last and old[last - 1] == new[new_last - 1]:
        last, new_last = last - 1, new_last - 1
    if first == last or new_first == new_last:
        if (first, new_first) != (last, new_last):
            yield Lines(first, last, new_first, new_last)
        return
    matcher = SequenceMatcher(None, old[first:last], new[new_first:new_last])
    for kind, *(a, b, c, d) in matcher.get_opcodes():
        if kind != "equal":
            yield Lines(first + a, first + b, new_first + c, new_first + d)


def _grouped(changes: Iterable[Lines]) -> Iterator[list[Lines]]:
    """Changes so near that the lines around them meet are one hunk."""
    number, last = 0, 0

    def place(change: Lines) -> int:
        nonlocal number, last
        number += change.old - last > 2 * CONTEXT
        last = change.old_stop
        return number

    for _, group in groupby(changes, key=place):
        yield list(group)


def _hunk(old: Sequence[bytes], new: Sequence[bytes], group: Sequence[Lines]) -> Iterator[bytes]:
    around = min(CONTEXT, group[0].old)
    at, start = group[0].old - around, group[0].new - around
    stop = min(group[-1].old_stop + CONTEXT, len(old))
    growth = group[-1].new_stop - group[-1].old_stop
    yield b"@@ -%s +%s @@\n" % (_range(at, stop), _range(start, stop + growth))
    for change in group:
        yield from (_marked(b" ", line) for line in old[at : change.old])
        yield from (_marked(b"-", line) for line in old[change.old : change.old_stop])
        yield from (_marked(b"+", line) for line in new[change.new : change.new_stop])
        at = change.old_stop
    yield from (_marked(b" ", line) for line in old[at:stop])


def _range(start: int, stop: int) -> bytes:
    """Lines as a hunk's head says them: from 1, and for none the one before."""
    match stop - start:
        case 1:
            return b"%d" % (start + 1)
        case 0:
            return b"%d,0" % start
        case count:
            return b"%d,%d" % (start + 1, count)


def _marked(sign: bytes, line: bytes) -> bytes:
    return sign + (line if line.endswith(b"\n") else line + NO_NEWLINE)
