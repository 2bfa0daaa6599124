"""Noise: which tokens a training row hides, which it spoils, and what it must say there.

The mixture of the training notes, §6.5: uniform masking with stratified ratio (the ELBO part),
spans (lines, syntax nodes, runs of tokens), occurrences of one name (that is what a rename asks),
and spoilt visible tokens (for rewriting). `<del>` slots stand at the end of a masked span, are
always masked and together count as one token in the loss (DreamOn, arXiv:2602.01326). Half of the
spoilt positions keep their token, so that a model's confidence in a visible token means something.

Everything is drawn from the generator that is passed in; the rows passed in are not changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infill.train.stream import Windows
from infill.train.tokenizer import Codec, Kind, Special

Row = NDArray[np.int64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Shares of the noise kinds (they sum to 1) and their bounds.

    ratio       largest share masked in uniform rows
    span        longest masked span, in tokens
    deletions   share of span rows that get `<del>` slots
    """

    uniform: float = 0.4
    spans: float = 0.4
    names: float = 0.1
    spoilt: float = 0.1
    ratio: float = 1.0
    span: int = 64
    deletions: float = 0.3


EARLY = Mixture(ratio=0.5, span=10, deletions=0.0)
FULL = Mixture()


def mixture_at(progress: float) -> Mixture:
    """The curriculum: short and light for the first third of the run, then everything."""
    return EARLY if progress < 1 / 3 else FULL


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What the model sees, and what it must say.

    ids       int64 [B, T], corrupted
    targets   int64 [B, T]; what stands there, `<del>` for a slot too many
    weights   float32 [B, T]; 0 where nothing is asked, a row's `<del>` slots sum to 1, else 1
    """

    ids: Row
    targets: Row
    weights: NDArray[np.float32]


def corrupt(windows: Windows, codec: Codec, mixture: Mixture, rng: np.random.Generator) -> Batch:
    """Corrupt each row in one way. Specials in a row stay as they are, visible and unasked."""
    B, T = windows.ids.shape
    shares = np.array([mixture.uniform, mixture.spans, mixture.names, mixture.spoilt])
    kinds = rng.permutation(np.searchsorted(np.cumsum(shares), (np.arange(B) + rng.random()) / B))
    ratios = _stratified(int((kinds == 0).sum()), mixture.ratio, rng)
    ids, targets = windows.ids.copy(), windows.ids.copy()
    weights = np.zeros((B, T), dtype=np.float32)
    for b in range(B):
        row = windows.ids[b]
        if kinds[b] == 1:
            ids[b], targets[b], weights[b] = _span_row(row, windows.nodes[b], codec, mixture, rng)
            continue
        if kinds[b] == 3:
            ids[b], asked = spoil(row, codec, rng)
        else:
            hide = name_marks(row, codec, rng) if kinds[b] == 2 else None
            if hide is None or not hide.any():
                ratio = ratios.pop() if kinds[b] == 0 and ratios else mixture.ratio * rng.random()
                hide = rng.random(T) < ratio
            asked = hide & (row >= len(_SPECIAL_IDS))
            ids[b, asked] = Special.MASK
        weights[b, asked] = 1.0
    return Batch(ids, targets, weights)


_SPECIAL_IDS = range(32)


def _stratified(n: int, most: float, rng: np.random.Generator) -> list[float]:
    """`n` ratios spread evenly over 0.02…most, shuffled."""
    even = (np.arange(n) + rng.random()) / max(n, 1)
    return list(rng.permutation(0.02 + (most - 0.02) * even))


def _span_row(
    row: Row, nodes: NDArray[np.int32], codec: Codec, mixture: Mixture, rng: np.random.Generator
) -> tuple[Row, Row, NDArray[np.float32]]:
    """Mask spans of one row, about one per 64 tokens; perhaps append `<del>` slots to one."""
    T = len(row)
    hide = np.zeros(T, dtype=np.bool_)
    stop = 0
    for _ in range(max(1, T // 64)):
        start, stop = _pick_span(row, nodes, codec, mixture, rng)
        inner = np.ones(stop - start, dtype=np.bool_)
        if rng.random() < 0.5:
            inner = rng.random(stop - start) < rng.random()
        hide[start:stop] |= inner
    hide &= row >= len(_SPECIAL_IDS)
    if rng.random() < mixture.deletions and hide[stop - 1]:
        return append_deletions(row, hide, stop, int(rng.integers(1, 25)))
    return np.where(hide, Special.MASK, row), row, hide.astype(np.float32)


def append_deletions(
    row: Row, hide: Marks, at: int, count: int
) -> tuple[Row, Row, NDArray[np.float32]]:
    """Put `count` masked `<del>` slots before `at`; what no longer fits at the end is cut."""
    count = min(count, len(row) - at)
    marks = np.insert(hide, [at] * count, np.True_)[: len(row)]
    targets = np.insert(row, [at] * count, Special.DEL)[: len(row)]
    weights = marks.astype(np.float32)
    weights[at : at + count] = 1.0 / max(count, 1)
    return np.where(marks, Special.MASK, targets), targets, weights


def _pick_span(
    row: Row, nodes: NDArray[np.int32], codec: Codec, mixture: Mixture, rng: np.random.Generator
) -> tuple[int, int]:
    """One span [start, stop): lines half the time, else a syntax node or a run of tokens."""
    kind = rng.random()
    if kind < 0.5:
        start, stop = _lines(row, codec, rng)
    elif kind < 0.75 and len(nodes):
        start, stop = (int(edge) for edge in nodes[rng.integers(len(nodes))])
    else:
        start = int(rng.integers(2, len(row)))
        stop = start + int(rng.geometric(1 / 8))
    if stop - start > mixture.span:
        start += int(rng.integers(0, stop - start - mixture.span + 1))
        stop = start + mixture.span
    return start, min(stop, len(row))


def _lines(row: Row, codec: Codec, rng: np.random.Generator) -> tuple[int, int]:
    """One line (60 %) or two to eight, without the newlines around them."""
    breaks = np.flatnonzero(codec.kinds[row] == Kind.NEWLINE)
    if len(breaks) < 3:
        return 2, len(row)
    count = 1 if rng.random() < 0.6 else int(rng.integers(2, 9))
    first = int(rng.integers(len(breaks) - 1))
    last = min(first + count, len(breaks) - 1)
    start, stop = int(breaks[first]) + 1, int(breaks[last])
    return (start, stop) if stop > start else (start - 1, start)


def name_marks(row: Row, codec: Codec, rng: np.random.Generator) -> Marks:
    """Occurrences of up to three names: all of them (30 %), or all but one (70 %); bool [T]."""
    places: dict[bytes, list[tuple[int, int]]] = {}
    for start, stop in name_spans(row, codec):
        name = b"".join(codec.token_bytes[i] for i in row[start:stop]).strip()
        places.setdefault(name, []).append((start, stop))
    often = [spans for name, spans in places.items() if len(spans) > 1 and name not in _KEYWORDS]
    hide = np.zeros(len(row), dtype=np.bool_)
    for choice in rng.permutation(len(often))[: int(rng.integers(1, 4))]:
        spans = often[choice]
        kept = int(rng.integers(len(spans))) if rng.random() < 0.7 else -1
        for i, (start, stop) in enumerate(spans):
            hide[start:stop] |= i != kept
    return hide


def name_spans(row: Row, codec: Codec) -> list[tuple[int, int]]:
    """Token spans of the names in a row: a word, then words, digits, underscores without space.

    Names in comments and strings count too; a model may learn from them all the same.
    """
    spans: list[tuple[int, int]] = []
    kinds = codec.kinds[row]
    for at in np.flatnonzero((kinds == Kind.WORD) | (kinds == Kind.DIGIT)):
        glued = not codec.token_bytes[row[at]].startswith(b" ")
        if glued and spans and spans[-1][1] == at:
            spans[-1] = (spans[-1][0], int(at) + 1)
        elif kinds[at] == Kind.WORD:
            spans.append((int(at), int(at) + 1))
    return spans


def spoil(row: Row, codec: Codec, rng: np.random.Generator) -> tuple[Row, Marks]:
    """Ask 4–30 % of a row's visible tokens; half of those become another of their kind, in sight.

    Replacements come from the row itself (a wrong name is usually one in scope) and, a quarter of
    the time, from the whole vocabulary. Up to 30 % of the others are masked and asked as well.
    """
    kinds = codec.kinds[row]
    free = kinds != Kind.SPECIAL
    asked = free & (rng.random(len(row)) < rng.uniform(0.04, 0.3))
    ids = row.copy()
    for at in np.flatnonzero(asked & (rng.random(len(row)) < 0.5)):
        pool = codec.kinds if rng.random() < 0.25 else kinds
        same = np.flatnonzero(pool == kinds[at])
        pick = int(same[rng.integers(len(same))])
        ids[at] = pick if pool is codec.kinds else row[pick]
    masked = free & ~asked & (rng.random(len(row)) < rng.uniform(0.0, 0.3))
    ids[masked] = Special.MASK
    return ids, asked | masked


_KEYWORDS = frozenset(
    b"and as assert async await break class continue def del elif else except finally for from "
    b"global if import in is lambda nonlocal not or pass raise return try while with yield None "
    b"True False self".split()
)
