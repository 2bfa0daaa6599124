"""Names around a hole: which are known there, which a line should bind. By words, not by parsing.

>>> around = Around("a.py", ("def f(x):\\n    ", "\\n    return total\\n"))
>>> names = Names.of(around)
>>> sorted(names.wanted), names.traits("total = sum(x)")["binds wanted"]
(['total'], 1.0)
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable
from dataclasses import dataclass

from infill.edit.rows import HEADER, Around, columns, is_name, tokens

NEAR = 25  # lines on each side whose names count as near
REACH = 200  # lines on each side that a definition is followed for

PLAIN = re.compile(r"(?<![.\w])[^\W\d]\w*(?!\w|\s*=[^=])")
"""A name that is no attribute, and that nothing is assigned to."""

TARGET = re.compile(
    r"(?:async )?for (.+?) in |(?:async )?with .* as (\w+)|(?:from \S+ )?import (.+)"
    r"|(?:const|let|var) (\w+)|([^\W\d]\w*(?:, ?[^\W\d]\w*)*)\s*(?::[^=]+)?=[^=]"
)
BUILTINS = frozenset(dir(builtins))


def names_of(lines: Iterable[str]) -> set[str]:
    """All identifiers."""
    return {token for line in lines for token in tokens(line) if is_name(token)}


def read_in(lines: Iterable[str]) -> set[str]:
    """The identifiers that are read, attributes apart."""
    return {found[0] for line in lines for found in PLAIN.finditer(line) if is_name(found[0])}


def targets(line: str) -> set[str]:
    """The names that a line binds.

    >>> sorted(targets("for i, x in pairs:")), sorted(targets("x.y = 1"))
    (['i', 'x'], [])
    """
    found = TARGET.match(line)
    return set() if found is None else names_of(group for group in found.groups() if group)


@dataclass(frozen=True, slots=True)
class Names:
    """What is known of names at a hole.

    own      of its text
    near     of the lines about it
    beside   of the lines next to it
    block    of the definition that it is in
    known    read in the definition above it, or bound or read at the text's outer level
    later    read in the definition below it
    wanted   of these, what nothing binds
    """

    own: set[str]
    near: set[str]
    beside: set[str]
    block: set[str]
    known: set[str]
    later: set[str]
    wanted: set[str]

    @classmethod
    def of(cls, around: Around) -> Names:
        """The names at a hole."""
        left, right, indent = around.left, around.right, columns(around.prefix)
        start, top = max(0, len(left.lines) - REACH), 0
        for row in range(len(left.lines) - 1, start - 1, -1):
            if left.indents[row] < indent and HEADER.match(left.lines[row]):
                start, top = row, int(left.indents[row])
                break
        stop = next(
            (row for row, other in enumerate(right.indents[:REACH]) if other <= top),
            min(REACH, len(right.lines)),
        )
        above, below = left.lines[start:], right.lines[:stop]
        outer = (
            line
            for rows in around.rows
            for line, other in zip(rows.lines, rows.indents.tolist(), strict=True)
            if not other
        )
        known = names_of(outer) | names_of(above)
        later = read_in(below)
        bound = set[str]().union(*map(targets, below))
        return cls(
            own=names_of(line for rows in around.rows for line in rows.lines),
            near=names_of((*left.lines[-NEAR:], *right.lines[:NEAR])),
            beside=names_of((*left.lines[-1:], *right.lines[:1])),
            block=names_of((*above, *below)),
            known=known,
            later=later,
            wanted=later - known - bound - BUILTINS,
        )

    def traits(self, line: str) -> dict[str, float]:
        """How the names of a line that would stand in the hole go with these."""
        its = [token for token in tokens(line) if is_name(token)]
        count, binds = max(1, len(its)), targets(line)
        return {
            "unknown names": float(sum(name not in self.own for name in its)),
            "near names": sum(name in self.near for name in its) / count,
            "block names": sum(name in self.block for name in its) / count,
            "beside names": sum(name in self.beside for name in its) / count,
            "new names": float(len(read_in([line]) - binds - self.known - BUILTINS)),
            "binds wanted": float(bool(binds & self.wanted)),
            "binds unused": float(bool(binds) and not binds & self.later),
            "wanted unbound": float(bool(self.wanted) and not binds & self.wanted),
        }
