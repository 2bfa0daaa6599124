"""What is reported: exact match, edit similarity, parsing, change; and how sure that is.

>>> bootstrap([0.0, 1.0, 1.0, 1.0]).mean
0.75
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from infill.edit.verify import verify

RESAMPLES, LEVEL = 2_000, 0.95
_PIECE = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\''
    r'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|\#[^\n]*'
    r"|[^\W\d]\w*|\d[\w.]*|\*\*=?|//=?|<<=?|>>=?|[-=!<>+*/%&|^@:]=|->|\S",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Piece:
    """A word or sign of a text, at characters `start` to `stop`."""

    start: int
    stop: int
    text: str


def bootstrap(values: Sequence[float], *, seed: int = 0) -> Interval:
    """The mean and its 95 % percentile interval over 2,000 resamples (Efron 1979).

    One value per item: the seeds of one item are averaged before, as they are not independent.
    """
    row = np.asarray(values, dtype=np.float64)
    if not len(row):
        return Interval(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    means = row[rng.integers(len(row), size=(RESAMPLES, len(row)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    mean = float(row.mean())  # rounding may put a mean of equal values outside of itself
    return Interval(mean, min(float(low), mean), max(float(high), mean))


def parses(text: str) -> bool:
    """Whether Python's own parser takes the text."""
    return verify(text.encode(), "python").ok


def similarity(left: str, right: str) -> float:
    """1 minus Levenshtein distance / the longer length.

    >>> similarity("x = 1", "x = 2"), similarity("", "")
    (0.8, 1.0)
    """
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return 1 - row[-1] / max(len(left), len(right), 1)


def pieces(text: str) -> list[Piece]:
    """The words and signs of a Python text, broken or not; white space is none.

    >>> [piece.text for piece in pieces("x = f(a]  # so")]
    ['x', '=', 'f', '(', 'a', ']', '# so']
    """
    return [Piece(*match.span(), match[0]) for match in _PIECE.finditer(text)]


def changed(before: str, after: str) -> tuple[frozenset[int], int]:
    """Which pieces of `before` are not in `after`, and how many pieces were put in besides.

    The fewest changes that make one of the other (Levenshtein): a piece that was replaced counts
    once, as changed; what is longer than what it replaced counts as put in.

    >>> changed("a = b", "a = c + d")
    (frozenset({2}), 2)
    """
    old, new = ([piece.text for piece in pieces(text)] for text in (before, after))
    costs = _costs(old, new)
    i, j = len(old), len(new)
    gone: set[int] = set()
    added = 0
    while i or j:
        same = i and j and old[i - 1] == new[j - 1]
        if i and j and costs[i][j] == costs[i - 1][j - 1] + (not same):
            i, j = i - 1, j - 1
            gone |= set() if same else {i}
        elif i and costs[i][j] == costs[i - 1][j] + 1:
            i -= 1
            gone.add(i)
        else:
            j -= 1
            added += 1
    return frozenset(gone), added


def _costs(old: Sequence[str], new: Sequence[str]) -> list[list[int]]:
    """The fewest changes from each beginning of `old` to each of `new`."""
    rows = [list(range(len(new) + 1))]
    for i, a in enumerate(old, 1):
        row, above = [i], rows[-1]
        for j, b in enumerate(new, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
        rows.append(row)
    return rows


def chance(count: int, wrong: Collection[int], first: int) -> float:
    """How likely `first` pieces drawn from `count` at random include one of the wrong ones."""
    return 1 - comb(count - len(wrong), first) / comb(count, first) if count >= first else 1.0
