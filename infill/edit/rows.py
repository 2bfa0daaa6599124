"""Lines as arrays: what many places are compared by at once. Pure text, no language's parser.

>>> rows = Rows.of("def f(x):\\n\\n    return x\\n")
>>> rows.lines, rows.numbers.tolist(), rows.indents.tolist()
(('def f(x):', 'return x'), [1, 3], [0, 4])
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

DEPTH = 4  # neighbouring lines that are compared on each side

WORDS = frozenset(
    """
    and as assert async await break case class const continue def del elif else except export
    extends finally for from function global if import in interface is lambda let new nonlocal
    not of or pass raise return static switch throw try type typeof var void while with yield
    False None True false null self cls super this true undefined
    """.split()  # noqa: SIM905 - a list of 60 is no easier to read
)
"""What a shape keeps: words that are no names, in the languages that we fill."""

TOKEN = re.compile(
    r"""[^\W\d]\w*|\d[\w.]*|"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|`[^`]*`|\s+|.""", re.DOTALL
)
HEADER = re.compile(r"(?:async\s+)?(?:def|class|function|func|fn)\s+\w+")
"""What opens a definition, up to its name."""

Keys = NDArray[np.uint64]
Ints = NDArray[np.int32]


@lru_cache(maxsize=1 << 17)
def key(text: str) -> int:
    """64 bits for a text, the same in every process."""
    return int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=8).digest(), "little")


@lru_cache(maxsize=1 << 15)
def tokens(line: str) -> tuple[str, ...]:
    """The lexical tokens of a line, white space among them."""
    return tuple(TOKEN.findall(line))


def is_name(token: str) -> bool:
    """Whether a token is an identifier."""
    return token[:1].isidentifier() and token not in WORDS


def shape(line: str) -> str:
    """A line with its names, numbers and strings made alike.

    >>> shape("self.x = f(1, 'a')"), shape("self.y  = g(2, 'b')")
    ('self.n=n(0,s)', 'self.n=n(0,s)')
    """
    return "".join(map(_kind, tokens(line)))


def _kind(token: str) -> str:
    first = token[0]
    if first.isidentifier():
        return token if token in WORDS else "n"
    if first.isdigit():
        return "0"
    if first in "\"'`" and len(token) > 1:
        return "s"
    return "" if first.isspace() else token


@dataclass(frozen=True, eq=False)
class Rows:
    """The lines of a text that are not blank: N rows.

    lines    stripped
    numbers  [N] of the lines in the text, from 1
    indents  [N] columns of white space before each
    exact    [N] a key of the stripped line
    shapes   [N] a key of its shape
    heads    [N] a key of its first and last token's shapes
    scopes   [N] a key of what names the definition that it stands in; 0 in none
    """

    lines: tuple[str, ...]
    numbers: Ints
    indents: Ints
    exact: Keys
    shapes: Keys
    heads: Keys
    scopes: Keys

    @classmethod
    def of(cls, text: str, first: int = 1, before: Rows | None = None) -> Rows:
        """The rows of a text whose first line has the number `first`.

        before   rows whose definitions may reach into the text
        """
        found = [
            (number, stripped, columns(line))
            for number, line in enumerate(text.split("\n"), first)
            if (stripped := line.strip())
        ]
        lines = tuple(stripped for _, stripped, _ in found)
        indents = [indent for *_, indent in found]
        triples = {line: _keys(line) for line in set(lines)}
        exact, shapes, heads = np.array(
            [triples[line] for line in lines] or np.zeros((0, 3)), np.uint64
        ).T.copy()
        return cls(
            lines=lines,
            numbers=np.array([number for number, *_ in found], np.int32),
            indents=np.array(indents, np.int32),
            exact=exact,
            shapes=shapes,
            heads=heads,
            scopes=np.array(_scopes(lines, indents, before), np.uint64),
        )


def columns(line: str) -> int:
    """Columns of white space that a line begins with.

    >>> columns("\\tx"), columns("  ")
    (4, 2)
    """
    return len(line[: len(line) - len(line.lstrip())].expandtabs(4))


def _keys(line: str) -> tuple[int, int, int]:
    kinds = list(filter(None, map(_kind, tokens(line))))
    return key(line), key("".join(kinds)), key(f"{kinds[0]} {kinds[-1]}")


def _scopes(lines: Sequence[str], indents: Sequence[int], before: Rows | None) -> list[int]:
    """Per line a key of the innermost definition that holds it, by indentation."""
    old = [] if before is None else list(zip(before.lines, before.indents.tolist(), strict=True))
    stack: list[tuple[int, int]] = []
    found: list[int] = []
    for line, indent in [*old, *zip(lines, indents, strict=True)]:
        while stack and stack[-1][0] >= indent and not line.startswith((")", "]", "}")):
            stack.pop()
        found.append(stack[-1][1] if stack else 0)
        if header := HEADER.match(line):
            stack.append((indent, key(header[0])))
    return found[len(old) :]


@dataclass(frozen=True)
class Around:
    """The text around a hole.

    name     of the text; what the workspace has under it is not looked at
    pieces   the text between its holes, which are in none of them; lines end in "\\n"
    hole     which of the holes: it is between pieces[hole] and pieces[hole + 1]
    firsts   the number of each piece's first line
    """

    name: str
    pieces: tuple[str, ...]
    hole: int = 0
    firsts: tuple[int, ...] = ()

    @property
    def prefix(self) -> str:
        """What the hole's line has before it."""
        return self.pieces[self.hole].rpartition("\n")[2]

    @property
    def suffix(self) -> str:
        """What the hole's line has after it."""
        return self.pieces[self.hole + 1].partition("\n")[0]

    @cached_property
    def rows(self) -> tuple[Rows, ...]:
        """The whole lines of each piece."""
        found: list[Rows] = []
        for index, text in enumerate(self.pieces):
            whole = text if index == len(self.pieces) - 1 else text.rpartition("\n")[0]
            whole = "".join(whole.partition("\n")[1:]) if index else whole
            first = self.firsts[index] if self.firsts else 1
            found.append(Rows.of(whole, first, found[-1] if found else None))
        return tuple(found)

    @property
    def left(self) -> Rows:
        """The lines before the hole, to the next hole."""
        return self.rows[self.hole]

    @property
    def right(self) -> Rows:
        """The lines after the hole, to the next hole."""
        return self.rows[self.hole + 1]


@dataclass(frozen=True, eq=False)
class Table:
    """Several texts as R rows, `DEPTH` empty ones before, between and after them.

    names    whose `text` says which it is
    rows     of each text
    starts   the row at which each begins
    text     [R] which text a row is of; -1 is none
    The others are as in `Rows`, 0 at an empty row.
    """

    names: tuple[str, ...]
    rows: tuple[Rows, ...]
    starts: tuple[int, ...]
    text: Ints
    indents: Ints
    exact: Keys
    shapes: Keys
    heads: Keys
    scopes: Keys

    @classmethod
    def of(cls, texts: Sequence[tuple[str, Rows]]) -> Table:
        """The table of named texts, in their order."""
        size = DEPTH + sum(len(rows.lines) + DEPTH for _, rows in texts)
        text, indents = np.full(size, -1, np.int32), np.zeros(size, np.int32)
        exact, shapes, heads, scopes = np.zeros((4, size), np.uint64)
        starts, at = list[int](), DEPTH
        for number, (_, rows) in enumerate(texts):
            span = slice(at, at + len(rows.lines))
            text[span], indents[span], exact[span] = number, rows.indents, rows.exact
            shapes[span], heads[span], scopes[span] = rows.shapes, rows.heads, rows.scopes
            starts.append(at)
            at = span.stop + DEPTH
        names, every = tuple(name for name, _ in texts), tuple(rows for _, rows in texts)
        return cls(names, every, tuple(starts), text, indents, exact, shapes, heads, scopes)

    def with_own(self, name: str, pieces: Sequence[Rows]) -> Table:
        """The table with the pieces of a text at its end, in place of what has its name."""
        kept = self._without(name)
        own = Table.of([(name, rows) for rows in pieces])
        count, size = len(kept.names), len(kept.text)
        text = np.where(own.text < 0, -1, own.text + np.int32(count)).astype(np.int32)
        return Table(
            kept.names + own.names,
            kept.rows + own.rows,
            kept.starts + tuple(start + size for start in own.starts),
            np.concatenate([kept.text, text]),
            np.concatenate([kept.indents, own.indents]),
            np.concatenate([kept.exact, own.exact]),
            np.concatenate([kept.shapes, own.shapes]),
            np.concatenate([kept.heads, own.heads]),
            np.concatenate([kept.scopes, own.scopes]),
        )

    def _without(self, name: str) -> Table:
        if name not in self.names:
            return self
        return Table.of(
            [pair for pair in zip(self.names, self.rows, strict=True) if pair[0] != name]
        )

    def line(self, row: int) -> str:
        """The stripped line of a row that is not empty."""
        text = int(self.text[row])
        return self.rows[text].lines[row - self.starts[text]]

    def origin(self, row: int) -> str:
        """Where a row that is not empty is from: "path:line"."""
        text = int(self.text[row])
        return f"{self.names[text]}:{self.rows[text].numbers[row - self.starts[text]]}"
