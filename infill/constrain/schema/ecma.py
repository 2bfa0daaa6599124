"""Regular expressions of ECMA-262, as JSON Schema's `pattern` has them, read into a tree.

A pattern is *searched* in a string, so the tree says what a whole string looks like: `^a` becomes
"an a, then anything". ECMA-262 and Python disagree about `\\d`, `\\w`, `\\s` and `.` beyond ASCII;
a `strict` reading means what both admit, a `loose` one what either admits. Knows nothing of how
a JSON text spells a string. Refused by name: looking around, back-references, `\\b`, `\\p{…}`,
anchors in the middle.

>>> parse("^[ab]{2}$")
Seq(items=(Repeat(item=Chars(ranges=((97, 98),)), low=2, high=2),))
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

from infill.errors import GrammarError

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Code points: inclusive ranges, sorted, apart from each other, no surrogates."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One code point out of `ranges`."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Seq:
    """One item after another; none is the empty string."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """Any one of the items; none is the empty language."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`item`, from `low` to `high` times (None: without end)."""

    item: Node
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Anchor:
    """`^` or `$`; none is left in what `parse` gives."""

    end: bool


Node: TypeAlias = Chars | Seq | Alt | Repeat | Anchor

EMPTY: Final = Seq(())
SURROGATES: Final[Ranges] = ((0xD800, 0xDFFF),)


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The code points of all `ranges`, put in order and joined.

    >>> union([(5, 9), (1, 2), (3, 6)])
    ((1, 9),)
    """
    joined: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def complement(ranges: Ranges) -> Ranges:
    """Every code point that a JSON text can hold and `ranges` do not (so no surrogate)."""
    gaps: list[tuple[int, int]] = []
    at = 0
    for low, high in (*union((*ranges, *SURROGATES)), (sys.maxunicode + 1, 0)):
        if at < low:
            gaps.append((at, low - 1))
        at = high + 1
    return tuple(gaps)


def intersection(one: Ranges, other: Ranges) -> Ranges:
    """The code points in both."""
    return complement(union((*complement(one), *complement(other))))


def literal(text: str) -> Seq:
    """Exactly `text`."""
    return Seq(tuple(Chars(((ord(char), ord(char)),)) for char in text))


ANY: Final = Chars(complement(()))
ANYTHING: Final = Repeat(ANY, 0, None)


@cache
def _python(escape: str) -> Ranges:
    """What `re` takes an escape such as `\\d` to mean, over all of Unicode."""
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    found = re.finditer(rf"\{escape}+", every)
    return intersection(union((one.start(), one.end() - 1) for one in found), ANY.ranges)


_SPACES: Final = union(
    (ord(char), ord(char))
    for char in "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"
    + "".join(map(chr, range(0x2000, 0x200B)))
)
_ECMA: Final[dict[str, Ranges]] = {
    "d": ((0x30, 0x39),),
    "w": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
    "s": _SPACES,
}
_LINE_ENDS: Final[Ranges] = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
_CONTROLS: Final = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "0": "\0"}
_QUANTIFIER: Final = re.compile(r"(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})([?+*]?)")
_CODE: Final = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}")


def _escaped_class(letter: str, *, loose: bool) -> Ranges:
    """The code points of `\\d`, `\\D`, …; a negated one swaps strict and loose."""
    if letter.isupper():
        return complement(_escaped_class(letter.lower(), loose=not loose))
    either = _python(letter)
    if loose:
        return union((*either, *_ECMA[letter]))
    return intersection(either, _ECMA[letter])


class _Parser:
    """Recursive descent over one pattern."""

    def __init__(self, pattern: str, *, where: str, loose: bool) -> None:
        self.pattern, self.where, self.loose, self.at = pattern, where, loose, 0

    def refuse(self, what: str, hint: str = "say it without") -> GrammarError:
        return GrammarError(
            f"a pattern with {what} cannot be carried",
            where=self.where,
            expected="a regular expression of ECMA-262",
            got=self.pattern,
            hint=hint,
        )

    def peek(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def take(self) -> str:
        if self.at >= len(self.pattern):
            raise self.refuse("an unfinished end", "close what was opened")
        self.at += 1
        return self.pattern[self.at - 1]

    def whole(self) -> Node:
        node = self.alternation()
        if self.at < len(self.pattern):
            raise self.refuse("an unmatched )", "balance the parentheses")
        return node

    def alternation(self) -> Node:
        options = [self.sequence()]
        while self.peek("|"):
            self.at += 1
            options.append(self.sequence())
        return options[0] if len(options) == 1 else Alt(tuple(options))

    def sequence(self) -> Node:
        items: list[Node] = []
        while self.at < len(self.pattern) and not self.peek("|") and not self.peek(")"):
            items.append(self.quantified(self.atom()))
        return Seq(tuple(items))

    def quantified(self, item: Node) -> Node:
        found = _QUANTIFIER.match(self.pattern, self.at)
        if found is None:
            if self.peek("{,"):
                raise self.refuse("{,", "write {0,")
            return item
        self.at = found.end()
        sign, low, comma, high, more = found.groups()
        if more in {"+", "*"} or isinstance(item, Anchor):
            raise self.refuse("a quantifier that repeats nothing", "put it in a group")
        if sign:
            return Repeat(item, int(sign == "+"), 1 if sign == "?" else None)
        most = int(low) if not comma else int(high) if high else None
        if most is not None and most < int(low):
            raise self.refuse(found.group(), "put the smaller number first")
        return Repeat(item, int(low), most)

    def atom(self) -> Node:
        match char := self.take():
            case "(":
                return self.group()
            case "[":
                return Chars(self.bracket())
            case "^" | "$":
                return Anchor(end=char == "$")
            case ".":
                ends = ((0x0A, 0x0A),) if self.loose else _LINE_ENDS
                return Chars(complement(ends))
            case "*" | "+" | "?":
                raise self.refuse("a quantifier that repeats nothing", "escape it")
            case "\\":
                return Chars(self.escape())
            case _:
                return literal(char).items[0]

    def group(self) -> Node:
        if self.peek("?"):
            named = re.compile(r"\?(?::|<[A-Za-z_]\w*>)").match(self.pattern, self.at)
            if named is None:
                found = self.pattern[self.at - 1 : self.at + 3]
                raise self.refuse(f"the group {found}", "say what it looks like, not what around")
            self.at = named.end()
        node = self.alternation()
        if self.take() != ")":
            raise self.refuse("an unclosed (", "balance the parentheses")
        return node

    def escape(self) -> Ranges:
        code = _CODE.match(self.pattern, self.at)
        if code is not None:
            self.at = code.end()
            return self.point(int(next(filter(None, code.groups())), 16))
        letter = self.take()
        if letter in "dwsDWS":
            return _escaped_class(letter, loose=self.loose)
        if letter == "c" and re.match("[A-Za-z]", self.pattern[self.at :]):
            return self.point(ord(self.take()) % 32)
        if letter == "0" and re.match("[0-9]", self.pattern[self.at :]):
            raise self.refuse("an octal escape", r"write \xHH")
        if letter in _CONTROLS:
            return self.point(ord(_CONTROLS[letter]))
        if letter.isalnum():
            raise self.refuse(f"\\{letter}")
        return self.point(ord(letter))

    def point(self, code: int) -> Ranges:
        if any(low <= code <= high for low, high in SURROGATES) or code > sys.maxunicode:
            raise self.refuse("half a surrogate pair", r"write \u{…}")
        return ((code, code),)

    def bracket(self) -> Ranges:
        negated = self.peek("^")
        self.at += negated
        # what is negated must be read the other way round to stay on the safe side
        self.loose ^= negated
        if self.peek("]"):
            raise self.refuse("an empty class", "ECMA-262 and Python read it differently")
        parts: list[tuple[int, int]] = []
        while not self.peek("]"):
            low = self.member()
            if self.peek("-") and not self.peek("-]"):
                self.at += 1
                parts.extend(self.between(low, self.member()))
            else:
                parts.extend(low)
        self.at += 1
        self.loose ^= negated
        ranges = intersection(union(parts), ANY.ranges)
        return complement(ranges) if negated else ranges

    def member(self) -> Ranges:
        char = self.take()
        if char != "\\":
            return self.point(ord(char))
        if self.peek("b"):
            self.at += 1
            return self.point(8)
        return self.escape()

    def between(self, low: Ranges, high: Ranges) -> Ranges:
        if any(len(part) != 1 or part[0][0] != part[0][1] for part in (low, high)):
            return union((*low, (0x2D, 0x2D), *high))  # [\w-.]: the hyphen is itself
        if low[0][0] > high[0][0]:
            raise self.refuse("a range that runs backwards", "put the smaller first")
        return ((low[0][0], high[0][0]),)


def _anchored(node: Node) -> bool:
    match node:
        case Anchor():
            return True
        case Seq(items) | Alt(items):
            return any(map(_anchored, items))
        case Repeat(item):
            return _anchored(item)
        case Chars():
            return False


def _flat(node: Node, parser: _Parser) -> list[tuple[Node, ...]]:
    """The alternatives of `node`, far enough apart that no anchor is inside a group."""
    if not _anchored(node):
        return [(node,)]
    match node:
        case Alt(items):
            return [branch for item in items for branch in _flat(item, parser)]
        case Seq(items):
            product = itertools.product(*(_flat(item, parser) for item in items))
            return [tuple(itertools.chain(*branch)) for branch in product]
        case Repeat():
            raise parser.refuse("a repeated anchor", "put the anchor outside")
        case Chars() | Anchor():
            return [(node,)]


def _whole(branch: tuple[Node, ...], parser: _Parser) -> Node:
    """What a string looks like in which `branch` is found."""
    items = [item for item in branch if item != EMPTY]
    starts = list(itertools.takewhile(lambda item: item == Anchor(end=False), items))
    tail = items[len(starts) :]
    ends = list(itertools.takewhile(lambda item: item == Anchor(end=True), reversed(tail)))
    middle = tail[: len(tail) - len(ends)]
    if any(isinstance(item, Anchor) for item in middle):
        raise parser.refuse("an anchor in the middle", "anchor the whole pattern")
    inner = [part for item in middle for part in (item.items if isinstance(item, Seq) else [item])]
    before = [] if starts else [ANYTHING]
    # `re` lets `$` stand before a last newline, ECMA-262 does not
    newline = [Repeat(Chars(((0x0A, 0x0A),)), 0, 1)] if parser.loose else []
    return Seq((*before, *inner, *(newline if ends else [ANYTHING])))


def parse(pattern: str, *, where: str = "", loose: bool = False) -> Node:
    """What a whole string looks like in which `pattern` is found.

    strict (the default)    only strings that ECMA-262 and Python's `re` both match
    loose                   every string that one of them matches

    Raises `GrammarError`, with `where` as its place, for what is no such pattern or cannot be
    carried. Source: ECMA-262, 22.2; JSON Schema Validation 2020-12, 6.3.3.
    """
    parser = _Parser(pattern, where=where, loose=loose)
    branches = [_whole(branch, parser) for branch in _flat(parser.whole(), parser)]
    return branches[0] if len(branches) == 1 else Alt(tuple(branches))
