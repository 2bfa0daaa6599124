"""Bytes, spans, edits, and where a line is. Knows nothing of files, tokens or models.

Offsets are byte offsets into UTF-8, half-open. Text is never normalised here: a carriage
return, a byte-order mark or a missing final newline is the user's, and stays.

>>> apply_edits(b"a = 1\\r\\n", [TextEdit(Span(4, 5), b"22")])
b'a = 22\\r\\n'
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from infill.errors import EncodingError, HoleError


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The bytes `start` to `stop`, `stop` not included."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop:
            raise HoleError(
                "a span runs forward from a byte offset that is not negative",
                expected="0 <= start <= stop",
                got=f"start={self.start}, stop={self.stop}",
                hint="give half-open byte offsets",
            )

    def __len__(self) -> int:
        return self.stop - self.start

    def overlaps(self, other: Span) -> bool:
        """Whether the two share a byte, are the same empty place, or one is a place inside."""
        return self == other or (self.start < other.stop and other.start < self.stop)


@dataclass(frozen=True, slots=True, order=True)
class TextEdit:
    """Replace the bytes of `span` by `new`."""

    span: Span
    new: bytes


class Position(NamedTuple):
    """A place as a person reads it: line and column from 1, the column in characters."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


def apply_edits(data: bytes, edits: Iterable[TextEdit]) -> bytes:
    """The text with the edits made; the edits may come in any order but may not overlap.

    Raises HoleError when two edits overlap or one reaches past the end.
    """
    ordered = sorted(edits)
    for before, after in pairwise(ordered):
        if before.span.overlaps(after.span):
            raise HoleError(
                "two edits overlap",
                where=f"bytes {after.span.start} to {min(before.span.stop, after.span.stop)}",
                hint="merge them into one",
            )
    if ordered and ordered[-1].span.stop > len(data):
        raise HoleError(
            "an edit reaches past the end of the text",
            expected=f"stop <= {len(data)}",
            got=f"stop={ordered[-1].span.stop}",
        )
    parts: list[bytes] = []
    done = 0
    for edit in ordered:
        parts += [data[done : edit.span.start], edit.new]
        done = edit.span.stop
    return b"".join([*parts, data[done:]])


@dataclass(frozen=True)
class Source:
    """A text to work on, with the name that errors should give it.

    >>> source = Source.of("x = 1\\ny = 2\\n", name="a.py")
    >>> str(source.position(8))
    'line 2, column 3'
    """

    data: bytes
    name: str = "<text>"

    @classmethod
    def of(cls, text: str | bytes, name: str = "<text>") -> Source:
        """Take `text` as it is, and refuse what is not UTF-8 text (EncodingError)."""
        if isinstance(text, str):
            try:
                text = text.encode()
            except UnicodeEncodeError as error:
                raise EncodingError(
                    "the text holds half of a surrogate pair",
                    where=f"{name}, character {error.start}",
                    hint="decode the original bytes as UTF-8 without 'surrogateescape'",
                ) from error
        source = cls(text, name)
        if (at := text.find(b"\0")) >= 0:
            raise EncodingError(
                "this looks like a binary file",
                where=f"{name}, byte {at}",
                expected="text in UTF-8",
                got="a NUL byte",
                hint="leave it out of the list of files",
            )
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise EncodingError(
                "the text is not UTF-8",
                where=f"{name}, byte {error.start} ({source.position(error.start)})",
                expected="UTF-8",
                got=f"the byte 0x{text[error.start]:02x}",
                hint="convert it first, for instance with iconv -f latin1 -t utf-8",
            ) from error
        return source

    @property
    def text(self) -> str:
        """The text as a string; a byte-order mark stays as U+FEFF."""
        return self.data.decode()

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """The byte offset of each line's first byte; "\\n" ends a line."""
        starts, at = [0], self.data.find(b"\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.data.find(b"\n", at + 1)
        return tuple(starts)

    @cached_property
    def has_tabs(self) -> bool:
        """Whether a line but the first is indented with tabs."""
        return b"\n\t" in self.data

    def position(self, offset: int) -> Position:
        """Line and column of a byte offset."""
        line = bisect_right(self.line_starts, offset) - 1
        before = self.data[self.line_starts[line] : offset]
        return Position(line + 1, len(before.decode(errors="replace")) + 1)

    def newline_at(self, offset: int) -> bytes:
        """How lines end around `offset`: the ending before it, else the one after, else "\\n"."""
        at = self.data.rfind(b"\n", 0, offset)
        if at < 0:
            at = self.data.find(b"\n", offset)
        return b"\r\n" if at > 0 and self.data[at - 1 : at] == b"\r" else b"\n"

    def is_boundary(self, offset: int) -> bool:
        """Whether `offset` lies between two characters, and not inside one or in a "\\r\\n"."""
        if not 0 < offset < len(self.data):
            return 0 <= offset <= len(self.data)
        inside_character = self.data[offset] & 0xC0 == 0x80  # noqa: PLR2004 - UTF-8 continuation
        return not inside_character and self.data[offset - 1 : offset + 1] != b"\r\n"
