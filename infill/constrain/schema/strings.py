"""Strings of JSON: which are admitted, and the pattern of how a text spells them.

A string is counted and matched as what it *means* (code points after the escapes are read). A
string without conditions may use every escape of RFC 8259. One with conditions is written as
`json.dumps(…, ensure_ascii=False)` writes it, or with `\\/` for a slash: other code points by
themselves, so that each string has few spellings and each spelling one meaning.

Knows nothing of schemas or grammars.

>>> Text(low=1, high=2, patterns=("^[a-z]+$",)).pattern()
'"[a-z]{1,2}"'
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from infill.constrain.schema.ecma import (
    ANYTHING,
    Alt,
    Anchor,
    Chars,
    Node,
    Ranges,
    Repeat,
    Seq,
    complement,
    intersection,
    literal,
    parse,
    union,
)
from infill.constrain.schema.formats import FORMATS
from infill.constrain.schema.wordset import combine
from infill.errors import GrammarError

STRING: Final = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"'
"""Any string of RFC 8259."""

_RAW: Final = complement(((0x00, 0x1F), (0x22, 0x22), (0x5C, 0x5C)))
_SHORT: Final = {8: "b", 9: "t", 10: "n", 12: "f", 13: "r", 0x22: '"', 0x2F: "/", 0x5C: "\\\\"}
_SAFE: Final = frozenset(map(ord, " !#%&',/:;<=>@_`~"))
_LATIN: Final = 0xFF


def _point(code: int) -> str:
    """One code point in a pattern, inside brackets or outside."""
    char = chr(code)
    if code in _SAFE or (char.isascii() and char.isalnum()):
        return char
    return f"\\x{code:02x}" if code <= _LATIN else f"\\U{code:08x}"


def _bracket(ranges: Ranges) -> str:
    parts = (
        _point(low) if low == high else f"{_point(low)}-{_point(high)}" for low, high in ranges
    )
    return "".join(parts)


def _raw(ranges: Ranges) -> str:
    """The pattern of one of `ranges`, standing for itself; the shorter of `[…]` and `[^…]`."""
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _point(ranges[0][0])
    inside, outside = f"[{_bracket(ranges)}]", f"[^{_bracket(complement(ranges))}]"
    return outside if len(outside) < len(inside) else inside


def _digits(digits: Iterable[str]) -> str:
    both = [ord(case) for digit in digits for case in {digit, digit.upper()}]
    return _raw(union((code, code) for code in both))


@cache
def spell(ranges: Ranges) -> str:
    """The pattern of every spelling of one code point out of `ranges`; an atom."""
    raw = intersection(ranges, _RAW)
    within = {code for low, high in ranges for code in range(low, min(high, 0x5C) + 1)}
    short = "".join(_SHORT[code] for code in sorted(_SHORT.keys() & within))
    escapes = [f"[{short}]" if len(short.strip("\\")) > 1 else short] if short else []
    for high in "01":
        controls = [f"{code:02x}" for code in within - _SHORT.keys()]
        digits = [code[1] for code in controls if code[0] == high]
        escapes += [f"u00{high}{_digits(digits)}"] if digits else []
    options = [_raw(raw)] if raw else []
    if escapes:
        options.append("\\\\" + (escapes[0] if len(escapes) == 1 else f"(?:{'|'.join(escapes)})"))
    return options[0] if options and not escapes else f"(?:{'|'.join(options)})"


def render(node: Node) -> str:
    """The pattern of every spelling of what `node` means, without the quotes.

    >>> render(literal('a"'))
    'a(?:\\\\\\\\")'
    """
    match node:
        case Chars(ranges):
            return spell(ranges)
        case Seq(items):
            return "".join(
                f"(?:{render(item)})" if isinstance(item, Alt) else render(item) for item in items
            )
        case Alt(items):
            return "|".join(map(render, items))
        case Repeat(item, low, high):
            inner = render(item) if isinstance(item, Chars) else f"(?:{render(item)})"
            return inner + _times(low, high)
        case Anchor():
            raise AssertionError("parse leaves no anchor")


def _times(low: int, high: int | None) -> str:
    if high is None:
        return "*" if low == 0 else "+" if low == 1 else f"{{{low},}}"
    if (low, high) == (0, 1):
        return "?"
    return f"{{{low}}}" if low == high else f"{{{low},{high}}}"


def pruned(node: Node) -> Node | None:
    """`node` without the parts that no string matches; None where nothing is left."""
    match node:
        case Chars(ranges):
            return node if ranges else None
        case Seq(items):
            kept = [pruned(item) for item in items]
            parts = tuple(item for item in kept if item is not None)
            return Seq(parts) if len(parts) == len(items) else None
        case Alt(items):
            parts = tuple(item for item in map(pruned, items) if item is not None)
            return Alt(parts) if parts else None
        case Repeat(item, low, high):
            inner = pruned(item)
            if inner is None:
                return Seq(()) if low == 0 else None
            return Repeat(inner, low, high)
        case Anchor():
            return None


def widths(node: Node) -> tuple[int, int | None]:
    """The least and most code points that `node` matches."""
    match node:
        case Chars():
            return 1, 1
        case Seq(items) | Alt(items):
            each = [widths(item) for item in items]
            highs = [high for _, high in each if high is not None]
            add, most = (sum, sum) if isinstance(node, Seq) else (min, max)
            return add(low for low, _ in each), None if len(highs) < len(each) else most(highs)
        case Repeat(item, low, high):
            least, most = widths(item)
            if most == 0 or high == 0:
                return 0, 0
            return least * low, None if most is None or high is None else most * high
        case Anchor():
            return 0, 0


def fit(node: Node, low: int, high: int | None) -> Node | None:
    """`node` held to `low` to `high` code points by its counts alone; None where that fails."""
    least, most = widths(node)
    if least >= low and (high is None or (most is not None and most <= high)):
        return node
    match node:
        case Alt(items):
            kept = [fit(item, low, high) for item in items]
            parts = tuple(item for item in kept if item is not None)
            return Alt(parts) if len(parts) == len(items) else None
        case Repeat():
            return fit(Seq((node,)), low, high)
        case Seq(items):
            return _fit_one(items, low, high)
        case _:
            return None


def _fit_one(items: tuple[Node, ...], low: int, high: int | None) -> Node | None:
    """Where one item alone varies in width, it takes up what the others leave."""
    flat = [part for item in items for part in (item.items if isinstance(item, Seq) else [item])]
    spans = [widths(item) for item in flat]
    free = [at for at, (least, most) in enumerate(spans) if least != most]
    if len(free) != 1 or not isinstance(item := flat[free[0]], Repeat):
        return None
    width, most = widths(item.item)
    if width != most:
        return None
    fixed = sum(least for at, (least, _) in enumerate(spans) if at != free[0])
    bottom = max(item.low, -(-(low - fixed) // width))
    tops = [item.high] if item.high is not None else []
    tops += [(high - fixed) // width] if high is not None else []
    if tops and min(tops) < bottom:
        return None
    flat[free[0]] = Repeat(item.item, bottom, min(tops) if tops else None)
    return Seq(tuple(flat))


@cache
def _matcher(pattern: str, *, loose: bool) -> re.Pattern[str]:
    node = pruned(parse(pattern, loose=loose))
    return re.compile("(?!)" if node is None else render(node))


def matches(pattern: str, text: str, *, loose: bool = False) -> bool:
    """Whether `pattern` is found in `text`, read strictly or loosely (see `ecma`).

    >>> matches("^[a-z]+$", "abc"), matches("^[a-z]+$", "abc1")
    (True, False)
    """
    spelled = json.dumps(text, ensure_ascii=False)[1:-1]
    return _matcher(pattern, loose=loose).fullmatch(spelled) is not None


@dataclass(frozen=True, slots=True)
class Text:
    """The strings that meet every condition.

    low, high   code points (None: without end)
    patterns    each is found in the string (ECMA-262)
    without     none is found in it
    formats     it has each of these (names in `formats`)
    values      it is one of these; None: any
    excluded    it is none of these
    """

    low: int = 0
    high: int | None = None
    patterns: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    values: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    formats: tuple[str, ...] = ()

    def meet(self, other: Text) -> Text:
        """The strings of both."""
        highs = [high for high in (self.high, other.high) if high is not None]
        values = self.values if other.values is None else other.values
        if self.values is not None and other.values is not None:
            values = self.values & other.values
        return Text(
            max(self.low, other.low),
            min(highs, default=None),
            tuple(sorted({*self.patterns, *other.patterns})),
            tuple(sorted({*self.without, *other.without})),
            values,
            self.excluded | other.excluded,
            tuple(sorted({*self.formats, *other.formats})),
        )

    @property
    def found(self) -> tuple[str, ...]:
        """Every pattern that must be found, those of the formats too."""
        return (*self.patterns, *(FORMATS[name] for name in self.formats))

    def admits(self, text: str) -> bool:
        """Whether `text` (as meant, not as spelled) surely meets every condition."""
        return (
            self.low <= len(text) <= (len(text) if self.high is None else self.high)
            and (self.values is None or text in self.values)
            and text not in self.excluded
            and all(matches(pattern, text) for pattern in self.found)
            and not any(matches(pattern, text, loose=True) for pattern in self.without)
        )

    def decides(self, text: str) -> bool:
        """Whether `text` meets every condition, however the patterns are read.

        Raises `GrammarError` where that depends on the reading.
        """
        if self.admits(text):
            return True
        bare = replace(self, patterns=(), without=(), formats=())
        if (
            not bare.admits(text)
            or any(matches(pattern, text) for pattern in self.without)
            or not all(matches(pattern, text, loose=True) for pattern in self.patterns)
        ):
            return False
        raise GrammarError(
            "whether a name matches a pattern or format depends on who reads it",
            expected="a name that ECMA-262 and Python see alike",
            got=repr(text),
            hint="write the pattern with explicit classes such as [0-9]",
        )

    def conflict(self) -> str:
        """Why surely no string can meet the conditions; "" where one may."""
        if self.high is not None and self.low > self.high:
            return f"minLength {self.low} is above maxLength {self.high}"
        if self.values is None:
            return ""
        counted = replace(self, patterns=(), without=(), formats=())
        possible = filter(counted.admits, self.values)
        if any(all(matches(p, text, loose=True) for p in self.patterns) for text in possible):
            return ""
        return f"no string out of {len(self.values)} meets the other conditions"

    def pattern(self) -> str | None:
        """Every spelling, quotes included, as a regular expression of Python; None: no string.

        Raises `LimitError` where patterns, lengths and exclusions are too much together.
        """
        if self == Text():
            return STRING
        node = self._node()
        kept = None if node is None else pruned(node)
        if kept is None:
            return None
        body = render(kept)
        return f'"(?:{body})"' if isinstance(kept, Alt) else f'"{body}"'

    def _node(self) -> Node | None:
        if self.values is not None:
            words = tuple(literal(value) for value in sorted(self.values) if self.admits(value))
            return words[0] if len(words) == 1 else Alt(words)
        whole = replace(self, excluded=frozenset())
        excluded = sorted(filter(whole.admits, self.excluded))
        if not self.without and not excluded and len(self.found) <= 1:
            node = parse(self.found[0]) if self.found else ANYTHING
            held = fit(pruned(node) or Alt(()), self.low, self.high)
            if held is not None:
                return held
        if not (self.without or self.found or self.low or self.high is not None):
            return other_than(excluded)
        never = [parse(pattern, loose=True) for pattern in self.without]
        if excluded:
            never.append(Alt(tuple(map(literal, excluded))))
        must = [parse(pattern) for pattern in self.found]
        return combine(must, never, low=self.low, high=self.high)


def other_than(words: Iterable[str]) -> Node:
    """Every string but these: it leaves what they begin with, or ends before one does.

    >>> pattern = re.compile(render(other_than(["a", "abc"])))
    >>> [bool(pattern.fullmatch(word)) for word in ("", "a", "ab", "abc", "abcd", "b")]
    [True, False, True, False, True, True]
    """
    known = set(words)
    after: dict[str, set[str]] = {}
    for word in sorted(known):
        for at, char in enumerate(word):
            after.setdefault(word[:at], set()).add(char)
        after.setdefault(word, set())
    leave = [
        Seq((*literal(begun).items, Chars(complement(union((ord(c), ord(c)) for c in chars)))))
        for begun, chars in after.items()
    ]
    ends = [literal(begun) for begun in after if begun not in known]
    return Alt((Seq((Alt(tuple(leave)), ANYTHING)), *ends))
