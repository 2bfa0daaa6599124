"""A text, and where its places are: by character, by UTF-8 byte, by line and column as LSP counts.

A text is measured in blocks, and a change measures anew only the blocks that it touches: in a
text of megabytes no question and no key stroke costs a walk over it. Knows nothing of documents.

>>> text = Text("😀 = 1\\r\\ny = 2")
>>> text.offset(types.Position(line=0, character=2), "utf-16")
1
>>> text.position(8, "utf-16")
1:1
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, islice
from typing import NamedTuple

from lsprotocol import types

from infill.errors import OptionError

BLOCK = 4096  # characters: the longest walk is over two of them
# LSP's line ends and no others: str.splitlines also ends lines at form feeds, U+2028, …
LINE_END = re.compile(r"\r\n?|\n")
# half a surrogate pair from a client must not stop anything: Python counts it as one character
LENIENT = "surrogatepass"


@dataclass(frozen=True, slots=True)
class Change:
    """Put `new` for the characters `start` to `stop` of the text before it."""

    start: int
    stop: int
    new: str

    @property
    def growth(self) -> int:
        """By how many characters the text gets longer."""
        return len(self.new) - (self.stop - self.start)

    def applied(self, text: str) -> str:
        """The text after it."""
        return text[: self.start] + self.new + text[self.stop :]


def smallest(text: str, start: int, stop: int, new: str) -> Change | None:
    """The change from `text[start:stop]` to `new`, without what both begin or end with.

    None where nothing changes.
    """
    old = text[start:stop]
    if old == new:
        return None
    ahead = _common(old, new)
    behind = _common(old[ahead:], new[ahead:], backwards=True)
    return Change(start + ahead, stop - behind, new[ahead : len(new) - behind])


def _common(a: str, b: str, *, backwards: bool = False) -> int:
    """How many characters two texts share at their beginning, or end; by halving, in C."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if backwards:
            same = a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]
        else:
            same = a[low:middle] == b[low:middle]
        low, high = (middle, high) if same else (low, middle - 1)
    return low


class Measure(NamedTuple):
    """How much stands in a block of text."""

    chars: int
    utf8: int  # bytes
    utf16: int  # code units
    ends: int  # of lines


CHARS, UTF8, UTF16, ENDS = range(4)  # the fields of a Measure
UNITS = {
    types.PositionEncodingKind.Utf8: UTF8,
    types.PositionEncodingKind.Utf16: UTF16,
    types.PositionEncodingKind.Utf32: CHARS,
}


def units_of(encoding: str) -> int:
    """The field of a Measure that columns are counted in; OptionError for what LSP has not."""
    try:
        return UNITS[types.PositionEncodingKind(encoding)]
    except ValueError as error:
        raise OptionError(
            "an unknown encoding of positions",
            expected="utf-8, utf-16 or utf-32",
            got=encoding,
            hint="offer one of these when the connection is initialized",
        ) from error


def count(piece: str, unit: int) -> int:
    """The length of a piece of text in a unit, a field of a Measure."""
    if unit == ENDS:
        return piece.count("\n") + piece.count("\r") - piece.count("\r\n")
    if unit == CHARS or piece.isascii():
        return len(piece)
    if unit == UTF8:
        return len(piece.encode("utf-8", LENIENT))
    return len(piece.encode("utf-16-le", LENIENT)) // 2


def measured(text: str, start: int, stop: int) -> Iterator[Measure]:
    """The blocks of `text[start:stop]`; none ends inside a "\\r\\n"."""
    while start < stop:
        # the last may be up to twice as long, or each key stroke in a full one would split it
        end = stop if stop - start <= 2 * BLOCK else start + BLOCK
        if end < stop and text[end - 1 : end + 1] == "\r\n":
            end += 1
        piece = text[start:end]
        yield Measure(*(count(piece, unit) for unit in range(4)))
        start = end


@dataclass(frozen=True)
class Text:
    """A text of a client; offsets count characters (code points) unless said otherwise.

    An offset past the end is the end. `known` is for `replaced` alone.
    """

    text: str = field(repr=False)  # somebody's code does not belong into a log
    known: tuple[Measure, ...] | None = field(default=None, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.text)

    @cached_property
    def blocks(self) -> tuple[Measure, ...]:
        """What stands in each block."""
        return tuple(measured(self.text, 0, len(self.text))) if self.known is None else self.known

    @cached_property
    def sums(self) -> list[list[int]]:
        """For each unit how much stands before each block, and at last in all of them."""
        columns = zip(Measure(0, 0, 0, 0), *self.blocks, strict=True)
        return [list(accumulate(column)) for column in columns]

    def replaced(self, change: Change) -> Text:
        """The text after a change; only the blocks around it are measured again."""
        text, chars = change.applied(self.text), self.sums[CHARS]
        # with a character that stays on either side: so no "\r\n" arises over a block's edge
        first = max(bisect_right(chars, change.start - 1) - 1, 0)
        last = min(bisect_right(chars, change.stop), len(self.blocks))
        anew = measured(text, chars[first], chars[last] + change.growth)
        return Text(text, (*self.blocks[:first], *anew, *self.blocks[last:]))

    def offset(self, position: types.Position, encoding: str) -> int:
        """The character at a position, as lenient as LSP asks.

        A column behind its line is the line's end, before what ends it; a line behind the last
        is the end of the text; a column inside a character is where the character begins.
        """
        unit = units_of(encoding)
        start = self._line_start(position.line)
        column = self._before(start, unit) + position.character
        return min(self._at(column, unit), self._line_stop(start))

    def position(self, offset: int, encoding: str) -> types.Position:
        """Where a character is; between "\\r" and "\\n", no place in LSP, before both."""
        unit = units_of(encoding)
        offset = min(offset, len(self.text))
        if offset and self.text[offset - 1 : offset + 1] == "\r\n":
            offset -= 1
        start = self.text.rfind("\n", 0, offset) + 1
        start = max(start, self.text.rfind("\r", start, offset) + 1)
        column = self._before(offset, unit) - self._before(start, unit)
        return types.Position(line=self._before(offset, ENDS), character=column)

    def range(self, start: int, stop: int, encoding: str) -> types.Range:
        """The range of the characters `start` to `stop`."""
        return types.Range(self.position(start, encoding), self.position(stop, encoding))

    def span(self, range_: types.Range, encoding: str) -> tuple[int, int]:
        """The characters of a range; one that runs backwards is turned round."""
        ends = (self.offset(place, encoding) for place in (range_.start, range_.end))
        start, stop = sorted(ends)
        return start, stop

    def byte(self, offset: int) -> int:
        """The UTF-8 offset of a character; half a surrogate pair takes three bytes."""
        return self._before(offset, UTF8)

    def char(self, byte: int) -> int:
        """The character that a UTF-8 offset is in."""
        return self._at(byte, UTF8)

    def _before(self, offset: int, unit: int) -> int:
        """How much stands before a character."""
        block = bisect_right(self.sums[CHARS], offset) - 1
        return self.sums[unit][block] + count(self.text[self.sums[CHARS][block] : offset], unit)

    def _at(self, amount: int, unit: int) -> int:
        """The character that has `amount` units before it, or is the one they end in."""
        block = bisect_right(self.sums[unit], amount) - 1
        start = self.sums[CHARS][block]
        if block == len(self.blocks):
            return start
        ahead = amount - self.sums[unit][block]
        if self.blocks[block][unit] == self.blocks[block].chars:
            return start + ahead
        # not by decoding: two halves of a pair that came one by one would become one character
        offsets = range(start, start + self.blocks[block].chars)
        return (
            start
            + bisect_right(offsets, ahead, key=lambda offset: count(self.text[start:offset], unit))
            - 1
        )

    def _line_start(self, line: int) -> int:
        """Where a line begins, or the end of the text."""
        ends, chars = self.sums[ENDS], self.sums[CHARS]
        if not 0 < line <= ends[-1]:
            return len(self.text) if line else 0
        block = bisect_left(ends, line) - 1
        found = LINE_END.finditer(self.text, chars[block], chars[block + 1])
        return next(islice(found, line - ends[block] - 1, None)).end()

    def _line_stop(self, start: int) -> int:
        """Where a line stops that begins at `start`, before what ends it."""
        stop = self.text.find("\n", start)
        stop = len(self.text) if stop < 0 else stop
        early = self.text.find("\r", start, stop)
        return stop if early < 0 else early
