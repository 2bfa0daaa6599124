"""Lines of a workspace that may be what a hole wants: those between like neighbours elsewhere.

A place is like the hole's where the lines before or after it are equal, or equal but for names,
numbers and strings (their shape), or where it is in a definition of the same name. A line between
neighbours of the same shape is also offered with the names of this place in it (*transferred*).
Nothing is learned and no model is asked here; what a proposal is worth is for `ranking`.

>>> lines = Lines.of({"a.py": "def f(x):\\n    x = int(x)\\n    return x\\n"})
>>> around = Around("b.py", ("def f(y):\\n    ", "\\n    return y\\n"))
>>> found = {one.text: one.origin for one in lines.proposals(around)}
>>> found["x = int(x)"], found["y = int(y)"]
('a.py:2', 'a.py:2')
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from infill.edit.bindings import Names
from infill.edit.rows import DEPTH, HEADER, Around, Keys, Rows, Table, columns, is_name, key, tokens

PLACES = 1000  # at most that are gone into, those with most in common
TRANSFERS = 60  # of these, places whose line is offered with other names too
CLOSE = 80  # rows on each side of the hole that are places, like or not
MOST_LINES = 4  # of a proposal
PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^A-Za-z\d]+")
LEAVING = ("return", "raise", "break", "continue")

ALIGNED = 2  # the steps of indentation to both neighbours are as at the hole
ENOUGH = 2  # neighbours that make a place like the hole's by shape alone

WAYS = ("above", "below", "both", "shapes", "heads", "scope", "transferred")
"""The ways in which a place may be like the hole's. Each place votes for its line."""

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A proposed fill of a hole.

    text     what the hole would hold; lines end in "\\n"
    origin   "path:line" of the place it is from, the one most like the hole's
    traits   what `ranking` weighs, by name
    """

    text: str
    origin: str
    traits: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Lines:
    """An index over the lines of a workspace; immutable."""

    texts: Mapping[str, Rows]

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Lines:
        """The index of texts by name."""
        return cls({name: Rows.of(text) for name, text in texts.items()})

    def updated(self, name: str, text: str | None) -> Lines:
        """With another text under a name, or none."""
        rest = {other: rows for other, rows in self.texts.items() if other != name}
        return Lines(rest if text is None else rest | {name: Rows.of(text)})

    @cached_property
    def _table(self) -> Table:
        return Table.of(sorted(self.texts.items(), key=lambda pair: pair[0]))

    def proposals(self, around: Around) -> list[Found]:
        """Fills for a hole, in no order that means anything."""
        return list(_Query(around, self._table.with_own(around.name, around.rows)).found())


@dataclass(slots=True)
class _Votes:
    """What speaks for one fill: a vote for each way, the place most like the hole's, its lines."""

    votes: Floats
    place: int
    lines: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class _Likeness:
    """N places (rows of a table), the likest first, and what each has in common with the hole's.

    same      [N, 4] neighbours in a row that are equal above and below, and that have equal shapes
    aligned   [N] steps of indentation to its neighbours that are as at the hole, from 0 to 2
    """

    at: Places
    same: NDArray[np.int64]
    aligned: NDArray[np.int64]


class _Query:
    """One hole's search through a table, whose last texts are the pieces about the hole."""

    def __init__(self, around: Around, table: Table) -> None:
        self.around, self.table = around, table
        left, right = around.left, around.right
        self.above, self.below = left.lines[::-1][:DEPTH], right.lines[:DEPTH]
        first, last = around.hole == 0, around.hole == len(around.pieces) - 2
        self.up = [
            _padded(keys[::-1], ends=first) for keys in (left.exact, left.shapes, left.heads)
        ]
        self.down = [_padded(keys, ends=last) for keys in (right.exact, right.shapes, right.heads)]
        self.before, self.after = around.prefix.lstrip(), around.suffix.rstrip()
        self.indent = columns(around.prefix)
        self.steps = (
            int(np.sign(self.indent - (left.indents[-1] if self.above else 0))),
            int(np.sign((right.indents[0] if self.below else 0) - self.indent)),
        )
        self.own = len(table.names) - len(around.pieces)
        self.middle = table.starts[self.own + around.hole] + len(left.lines)
        self.scope = np.uint64(self._scope())
        self.names = Names.of(around)
        self.counts = Counter(line for rows in around.rows for line in rows.lines)

    def found(self) -> Iterator[Found]:
        """Every fill that some place proposes."""
        likeness = self._likeness()
        ways = self._ways(likeness)
        every = self._single(likeness, ways)
        totals = np.append(ways.sum(0), 0.0)
        if not self.before and not self.after:
            self._several(likeness, every)
        totals[-1] = self._transfer(likeness, every)
        for fill, one in every.items():
            origin = self.table.origin(int(likeness.at[one.place]))
            yield Found(fill, origin, self._traits(fill, one, likeness, totals))

    def _scope(self) -> int:
        """The key of the definition that the hole is in; one that is nowhere, in none."""
        left = self.around.left
        for line, indent in zip(left.lines[::-1], left.indents[::-1].tolist(), strict=True):
            if indent < self.indent and (header := HEADER.match(line)):
                return key(header[0])
        return NOWHERE

    def _likeness(self) -> _Likeness:
        table, inner = self.table, slice(DEPTH, len(self.table.text) - DEPTH)
        at = np.arange(inner.start, inner.stop)
        own, scope = table.text[inner] >= self.own, table.scopes[inner] == self.scope
        close = np.abs(at - self.middle) < CLOSE
        up, ups, uph = (
            _beside(column, keys[0], -1)
            for column, keys in zip((table.exact, table.shapes, table.heads), self.up, strict=True)
        )
        down, downs, downh = (
            _beside(column, keys[0], 1)
            for column, keys in zip(
                (table.exact, table.shapes, table.heads), self.down, strict=True
            )
        )
        wanted = up | down | (uph & downh) | close | (ups & downs)
        wanted |= ups & (own | _beside(table.shapes, self.up[1][1], -2))
        wanted |= downs & (own | _beside(table.shapes, self.down[1][1], 2))
        wanted |= scope & (ups | downs | uph | downh)
        at = at[wanted & (table.text[inner] >= 0)]
        same = self._same(at)
        indents = table.indents
        aligned = (np.sign(indents[at] - indents[at - 1]) == self.steps[0]).astype(np.int64)
        aligned += np.sign(indents[at + 1] - indents[at]) == self.steps[1]
        score = same @ np.array([4, 4, 2, 2]) + 3 * (table.text[at] >= self.own) + 3 * aligned
        score += 3 * (table.scopes[at] == self.scope) + 2 * (np.abs(at - self.middle) < CLOSE)
        best = np.argsort(-score, kind="stable")[:PLACES]
        return _Likeness(at[best], same[best], aligned[best])

    def _same(self, at: Places) -> NDArray[np.int64]:
        table = self.table
        return np.stack(
            [
                _depth(table.exact, self.up[0], at, -1),
                _depth(table.exact, self.down[0], at, 1),
                _depth(table.shapes, self.up[1], at, -1),
                _depth(table.shapes, self.down[1], at, 1),
            ],
            axis=1,
        )

    def _ways(self, likeness: _Likeness) -> Floats:
        """[N, ways] In which ways each place is like the hole's, "transferred" apart."""
        up, down, ups, downs = likeness.same.T
        ways = [
            up >= 1,
            down >= 1,
            (up >= 1) & (down >= 1),
            (ups >= ENOUGH) | (downs >= ENOUGH),
            (up == 0) & (down == 0),
            self.table.scopes[likeness.at] == self.scope,
        ]
        aligned = likeness.aligned == ALIGNED
        return np.stack([way & aligned for way in ways], axis=1).astype(np.float64)

    def _single(self, likeness: _Likeness, ways: Floats) -> dict[str, _Votes]:
        """The lines at the places, as they are."""
        keys, place, inverse = np.unique(
            self.table.exact[likeness.at], return_index=True, return_inverse=True
        )
        votes = np.zeros((len(keys), len(WAYS)))
        for way, column in enumerate(ways.T):
            votes[:, way] = np.bincount(inverse, column, len(keys))
        every: dict[str, _Votes] = {}
        for row, first in enumerate(place.tolist()):  # the first is the likest
            fill = self._fitted(self.table.line(int(likeness.at[first])))
            if fill:
                every[fill] = _Votes(votes[row], first)
        return every

    def _fitted(self, line: str) -> str:
        """The fill that makes the hole's line this one; "" where none does."""
        start, stop = len(self.before), len(line) - len(self.after)
        if start < stop and line.startswith(self.before) and line.endswith(self.after):
            return line[start:stop]
        return ""

    def _several(self, likeness: _Likeness, every: dict[str, _Votes]) -> None:
        """The lines at a place up to one that is equal to the line below the hole."""
        table = self.table
        if not self.below:
            return
        for place in np.flatnonzero(likeness.same[:, 0] >= 1).tolist():
            row = int(likeness.at[place])
            for stop in range(row + 2, min(row + MOST_LINES + 1, len(table.text) - DEPTH)):
                if table.text[stop] != table.text[row]:
                    break
                if table.exact[stop] == np.uint64(self.down[0][0]):
                    lines = [
                        self.around.prefix + " " * int(table.indents[at] - table.indents[row])
                        + table.line(at)
                        for at in range(row, stop)
                    ]  # fmt: skip
                    fill = "\n".join(lines)[len(self.around.prefix) :]
                    one = every.setdefault(fill, _Votes(np.zeros(len(WAYS)), place, stop - row))
                    one.votes[[WAYS.index("above"), WAYS.index("both")]] += 1
                    break

    def _transfer(self, likeness: _Likeness, every: dict[str, _Votes]) -> int:
        """The lines at places of like shapes, with this place's names; how many those are."""
        up, down = likeness.same[:, 2], likeness.same[:, 3]
        fine = ((up >= 1) & (down >= 1)) | (up >= ENOUGH) | (down >= ENOUGH)
        count = 0
        for place in np.flatnonzero(fine & (likeness.aligned == ALIGNED))[:TRANSFERS].tolist():
            row = int(likeness.at[place])
            above, below = self.above[: up[place]], self.below[: down[place]]
            pairs = [(self.table.line(row - i), line) for i, line in enumerate(above, 1)]
            pairs += [(self.table.line(row + i), line) for i, line in enumerate(below, 1)]
            line = renamed(self.table.line(row), pairs)
            count += line is not None
            if line is not None and (fill := self._fitted(line)):
                one = every.setdefault(fill, _Votes(np.zeros(len(WAYS)), place))
                one.votes[WAYS.index("transferred")] += 1
        return count

    def _traits(
        self, fill: str, one: _Votes, likeness: _Likeness, totals: Floats
    ) -> dict[str, float]:
        line = f"{self.before}{fill}{self.after}"
        up, down, ups, downs = likeness.same[one.place].tolist()
        shares = one.votes / (totals + 1)
        return {
            **{f"share {way}": float(share) for way, share in zip(WAYS, shares, strict=True)},
            **{f"votes {way}": math.log1p(vote) for way, vote in zip(WAYS, one.votes, strict=True)},
            **self.names.traits(line),
            "depth": float(up + down),
            "shape depth": float(ups + downs),
            "frequent": math.log1p(self.counts[line]),
            "repeats": float(line in (*self.above[:1], *self.below[:1])),
            "lines": float(one.lines - 1),
            "length": math.log(len(tokens(fill))),
            "aligned": float(likeness.aligned[one.place] == ALIGNED),
            "opens": float(line.endswith((":", "{")) == (self.steps[1] > 0)),
            "leaves": float(line.startswith(LEAVING) == (self.steps[1] < 0)),
        }


NOWHERE = 1  # a key of nothing


def _padded(keys: Keys, *, ends: bool) -> list[int]:
    """The first `DEPTH` keys; beyond a text's end all are 0, beyond a hole nothing is known."""
    row = [int(one) for one in keys[:DEPTH]]
    return row + [0 if ends else NOWHERE] * (DEPTH - len(row))


def _beside(column: Keys, wanted: int, step: int) -> NDArray[np.bool_]:
    """Of each row but the first and last `DEPTH`, whether the one `step` away is as wanted."""
    return column[DEPTH + step : len(column) - DEPTH + step] == np.uint64(wanted)


def _depth(column: Keys, wanted: Sequence[int], at: Places, step: int) -> NDArray[np.int64]:
    """[N] How many neighbours in a row are as wanted, going up (-1) or down (1)."""
    same, count = np.ones(len(at), np.bool_), np.zeros(len(at), np.int64)
    for distance, one in enumerate(wanted, 1):
        same &= column[at + step * distance] == np.uint64(one)
        count += same
    return count


def renamed(line: str, pairs: Iterable[tuple[str, str]]) -> str | None:
    """A line with what the pairs of lines of one shape call otherwise; None where they disagree.

    >>> renamed("self.a_size = a", [("x = get_a(a)", "x = get_b(b)")])
    'self.b_size = b'
    """
    whole: dict[str, str] = {}
    parts: dict[str, str] = {}
    for theirs, ours in pairs:
        mine, its = ([one for one in tokens(text) if not one.isspace()] for text in (ours, theirs))
        if len(mine) != len(its):
            return None
        for old, new in zip(its, mine, strict=True):
            if whole.setdefault(old, new) != new:
                return None
            some, others = PART.findall(old), PART.findall(new)
            if len(some) == len(others):
                changed = ((a, b) for a, b in zip(some, others, strict=True) if a != b)
                parts = dict(changed) | parts
    return "".join(_renamed(token, whole, parts) for token in tokens(line))


def _renamed(token: str, whole: Mapping[str, str], parts: Mapping[str, str]) -> str:
    if token in whole:
        return whole[token]
    if is_name(token) or token[0] in "\"'`":
        return "".join(parts.get(part, part) for part in PART.findall(token))
    return token
