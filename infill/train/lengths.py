"""Masked spans at a wrong length: slots too many, and slots that stand for two tokens (DreamOn).

A slot too many is a masked `<del>`. They are scattered over a masked span, each gap beside a hidden
token being as likely as any other, so that a slot's place does not say which it is; all of a row's
together count as one token in the loss. A slot too few is a pair of hidden neighbours with one
mask, whose target is `<expand>`: the second of them is dropped (DreamOn, arXiv:2602.01326).

Whoever takes the `<del>` slots out and puts the pairs back has the row that there was.

>>> row, after = np.array([40, 41, 42, 43]), np.array([44, 45])
>>> hide = np.array([False, True, True, False])
>>> mended = mend(row, hide, after, extra=np.array([1]), merged=np.array([], dtype=np.int64))
>>> mended.ids.tolist(), mended.targets.tolist()
([40, 1, 1, 1], [40, 2, 41, 42])
>>> mended = mend(row, hide, after, extra=np.array([], dtype=np.int64), merged=np.array([1]))
>>> mended.ids.tolist(), mended.targets.tolist()
([40, 1, 43, 44], [40, 3, 43, 44])
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infill.train.tokenizer import Special

Row = NDArray[np.int64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Mended:
    """A row of `T` slots: what is shown, what must be said, and how much each slot counts."""

    ids: Row
    targets: Row
    weights: NDArray[np.float32]


def places(hide: Marks, span: tuple[int, int], count: int, rng: np.random.Generator) -> Row:
    """`count` gaps of a span, with repeats, each beside a hidden token: before which index, [·].

    None where the span hides nothing.
    """
    start, stop = span
    gaps = np.arange(start, stop + 1)
    padded = np.concatenate([[False], hide[start:stop], [False]])
    beside = gaps[padded[:-1] | padded[1:]]
    return np.sort(rng.choice(beside, size=count)) if len(beside) else beside


def pairs(hide: Marks, chance: float, rng: np.random.Generator) -> Row:
    """Firsts of pairs of hidden neighbours, each taken with a chance, none overlapping; [·]."""
    found: list[int] = []
    lucky = rng.random(len(hide)) < chance
    for at in np.flatnonzero(hide[:-1] & hide[1:] & lucky[:-1]).tolist():
        if not found or at > found[-1] + 1:
            found.append(at)
    return np.array(found, dtype=np.int64)


def mend(row: Row, hide: Marks, after: Row, extra: Row, merged: Row) -> Mended:
    """Put `<del>` slots before the indices `extra`, and make one slot of each pair at `merged`.

    row     int64 [T]; hide bool [T] is what it hides
    after   what follows the row; it moves up where the row has become shorter, and its length
            bounds how many pairs are merged. What no longer fits at the end is cut.
    """
    T = len(row)
    merged = merged[: len(after)]
    targets, marks = np.concatenate([row, after]), np.zeros(T + len(after), dtype=np.bool_)
    marks[:T] = hide
    targets[merged] = Special.EXPAND
    kept = np.ones(len(targets), dtype=np.bool_)
    kept[merged + 1] = False
    targets = np.insert(targets, extra, Special.DEL)
    marks, kept = np.insert(marks, extra, np.True_), np.insert(kept, extra, np.True_)
    targets, marks = targets[kept][:T], marks[kept][:T]
    weights = marks.astype(np.float32)
    deleted = targets == Special.DEL
    weights[deleted] = 1.0 / max(int(deleted.sum()), 1)
    return Mended(np.where(marks, Special.MASK, targets), targets, weights)
