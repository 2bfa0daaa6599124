"""Sets of code points, those that nothing tells apart, and their UTF-8.

Which characters a class like `[^\\W\\d]` or a letter under IGNORECASE stands for is asked of
`re` itself. Surrogates belong to no set: no UTF-8 text holds one. Knows nothing of automata.

>>> matching(r"[b-d]", 0), matching("k", 2)
(((98, 100),), ((75, 75), (107, 107), (8490, 8490)))
>>> classes = Classes([matching(r"[a-f]", 0), matching(r"[d-z]", 0)])
>>> [classes.of(character) for character in "aefz€"]
[1, 2, 2, 3, 0]
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache, cached_property, lru_cache

import numpy as np

Ranges = tuple[tuple[int, int], ...]
"""Code points in ascending, disjoint, inclusive ranges."""

EVERY: Ranges = ((0, 0xD7FF), (0xE000, 0x10FFFF))
Run = tuple[int, int, int]
"""Code points from the first to the second, of a class."""

_LENGTHS = ((0, 0x7F), (0x80, 0x7FF), (0x800, 0xFFFF), (0x10000, 0x10FFFF))
_LEADS = (0x00, 0xC0, 0xE0, 0xF0)
_DIGIT = 64  # a continuation byte carries six bits
_CONTINUATION = 0x80


@cache
def _all_text() -> str:
    points = [np.arange(low, high + 1, dtype="<u4") for low, high in EVERY]
    return np.concatenate(points).tobytes().decode("utf-32-le")


@lru_cache(maxsize=1024)
def matching(pattern: str, flags: int) -> Ranges:
    """The code points that a pattern of one character matches, by `re` on each of them."""
    run = re.compile(f"(?:{pattern})+", flags)
    text = _all_text()
    found = [(ord(text[m.start()]), ord(text[m.end() - 1])) for m in run.finditer(text)]
    return without_surrogates(tuple(found))


def without_surrogates(ranges: Ranges) -> Ranges:
    """The same set with U+D800 to U+DFFF cut out."""
    kept = [
        (max(low, first), min(high, last))
        for low, high in ranges
        for first, last in EVERY
        if max(low, first) <= min(high, last)
    ]
    return tuple(kept)


def complement(ranges: Ranges) -> Ranges:
    """Every code point that is not in a set."""
    gaps, at = list[tuple[int, int]](), 0
    for low, high in ranges:
        if at < low:
            gaps.append((at, low - 1))
        at = high + 1
    if at <= EVERY[-1][1]:
        gaps.append((at, EVERY[-1][1]))
    return without_surrogates(tuple(gaps))


def union(*sets: Ranges) -> Ranges:
    """The code points of any of the sets; the ranges may come in any order."""
    merged = list[tuple[int, int]]()
    for low, high in sorted(pair for ranges in sets for pair in ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


class Classes:
    """The coarsest partition of the code points that every one of some sets is a union of.

    starts[i], numbers[i]   the i-th run of code points begins here and is of this class, -1 for
                            surrogates
    members[set]            the classes in a set
    samples[class]          one of its code points
    """

    def __init__(self, sets: Iterable[Ranges]) -> None:
        distinct = list(dict.fromkeys((EVERY, *sets)))
        changes: dict[int, int] = defaultdict(int)  # code point → the sets it enters or leaves
        for bit, ranges in enumerate(distinct):
            for low, high in ranges:
                changes[low] ^= 1 << bit
                changes[high + 1] ^= 1 << bit
        kinds: dict[int, int] = {0: -1}
        self.starts, self.numbers, self.samples = list[int](), list[int](), list[int]()
        inside = 0
        for point in sorted(changes):
            inside ^= changes[point]
            if inside not in kinds:
                kinds[inside] = len(self.samples)
                self.samples.append(point)
            self.starts.append(point)
            self.numbers.append(kinds[inside])
        self.members = {
            ranges: frozenset(number for mask, number in kinds.items() if mask >> bit & 1)
            for bit, ranges in enumerate(distinct)
        }

    def of(self, character: str) -> int:
        """The class of one character."""
        return self.numbers[bisect_right(self.starts, ord(character)) - 1]

    def __len__(self) -> int:
        return len(self.samples)

    @cached_property
    def utf8(self) -> Utf8:
        """How the classes are told from each other byte by byte."""
        return Utf8(self)


class Utf8:
    """The classes as a graph of bytes, equal parts shared.

    nodes[n]    byte → class ≥ 0, or -1 - n' to go on at node n'; other bytes are malformed
    below[n]    the classes that can be reached from node n
    plain[n]    the first node that reads the same bytes, into whatever classes
    root        where a character begins
    """

    def __init__(self, classes: Classes) -> None:
        self.nodes: list[dict[int, int]] = []
        self.below: list[tuple[int, ...]] = []
        self.plain: list[int] = []
        self._shapes: dict[tuple[tuple[int, int], ...], int] = {}
        self._known: dict[tuple[tuple[int, int], ...], int] = {}
        self._inside: dict[tuple[tuple[Run, ...], int], int] = {}
        ends = [*classes.starts[1:], EVERY[-1][1] + 1]
        runs = [
            (start, end - 1, number)
            for start, end, number in zip(classes.starts, ends, classes.numbers, strict=True)
            if number >= 0
        ]
        moves: dict[int, int] = {}
        for more, (first, last) in enumerate(_LENGTHS):
            part = [
                (max(low, first), min(high, last), number)
                for low, high, number in runs
                if max(low, first) <= min(high, last)
            ]
            moves.update(self._split(part, more, _LEADS[more]))
        self.root = self._node(moves)

    def _split(self, runs: Sequence[Run], more: int, lead: int) -> dict[int, int]:
        """The moves on the leading base-64 digit of numbers with `more` digits after it."""
        size, moves = _DIGIT**more, dict[int, int]()
        rests: dict[int, list[Run]] = defaultdict(list)
        for low, high, number in runs:
            for digit in range(low // size, high // size + 1):
                base = digit * size
                rests[digit].append((max(low - base, 0), min(high - base, size - 1), number))
        for digit, rest in rests.items():
            moves[lead + digit] = self._inner(tuple(rest), more) if more else rest[0][2]
        return moves

    def _inner(self, runs: tuple[Run, ...], more: int) -> int:
        key = runs, more
        if key not in self._inside:
            self._inside[key] = -1 - self._node(self._split(runs, more - 1, _CONTINUATION))
        return self._inside[key]

    def _node(self, moves: dict[int, int]) -> int:
        key = tuple(sorted(moves.items()))
        if key not in self._known:
            self._known[key] = len(self.nodes)
            self.nodes.append(moves)
            kinds = [(to,) if to >= 0 else self.below[-1 - to] for to in moves.values()]
            shape = tuple((byte, 0 if to >= 0 else -1 - self.plain[-1 - to]) for byte, to in key)
            self.plain.append(self._shapes.setdefault(shape, len(self.plain)))
            self.below.append(tuple(sorted({kind for part in kinds for kind in part})))
        return self._known[key]
