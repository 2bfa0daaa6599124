"""Noise: which tokens a training row hides, which it spoils, and what it must say there.

The mixture of the training notes, §6.5: uniform masking with stratified ratio (the ELBO part),
spans (lines, syntax nodes, runs of tokens), occurrences of one name (that is what a rename asks),
and spoilt visible tokens (for rewriting). Half of the spoilt positions keep their token, so that a
model's confidence in a visible token means something. Spans also come at a wrong length, with slots
too many or too few; that is `lengths.py`'s.

Everything is drawn from the generator that is passed in; the rows passed in are not changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from infill.train.lengths import mend, pairs, places
from infill.train.stream import Windows
from infill.train.tokenizer import Codec, Kind, Special, is_special

Row = NDArray[np.int64]
Marks = NDArray[np.bool_]
Span = tuple[int, int]


class Noise(IntEnum):
    """How a row is corrupted; the order of `Mixture.shares`."""

    UNIFORM = 0
    SPANS = 1
    NAMES = 2
    SPOILT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """What noise is made of; all but the last four are probabilities.

    shares      of rows, for each `Noise`; they sum to 1
    lines       of spans that are whole lines; `nodes` that are syntax nodes; the rest are runs
    one_line    of line spans that are a single line, the others being two to eight
    whole       of spans that are hidden altogether, the others at a ratio drawn from 0…1
    deletions   of span rows that get `<del>` slots
    expansions  of span rows in which pairs of masked tokens become `<expand>` slots
    keep_one    of hidden names of which one occurrence stays visible
    replaced    of spoilt positions that show another token, the others showing their own
    foreign     of replacements drawn from the vocabulary, the others from the row itself
    ratio       largest ratio of uniform rows
    span        longest span, in tokens
    run         mean length of runs, in tokens
    blanks      most `<del>` slots in a row
    """

    shares: tuple[float, float, float, float] = (0.4, 0.4, 0.1, 0.1)
    lines: float = 0.5
    nodes: float = 0.25
    one_line: float = 0.6
    whole: float = 0.5
    deletions: float = 0.3
    expansions: float = 0.3
    keep_one: float = 0.7
    replaced: float = 0.5
    foreign: float = 0.25
    ratio: float = 1.0
    span: int = 64
    run: int = 8
    blanks: int = 24


EARLY = Mixture(ratio=0.5, span=10, deletions=0.0, expansions=0.0)
FULL = Mixture()


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What the model sees, and what it must say.

    ids       int64 [B, T], corrupted
    targets   int64 [B, T]; what stands there; `<del>` for one slot too many, `<expand>` for two
    weights   float32 [B, T]; 0 where nothing is asked, a row's `<del>` slots sum to 1, else 1
    """

    ids: Row
    targets: Row
    weights: NDArray[np.float32]


def corrupt(windows: Windows, codec: Codec, mixture: Mixture, rng: np.random.Generator) -> Batch:
    """Corrupt each row in one way. Specials in a row stay as they are, visible and unasked."""
    B, T = windows.ids.shape
    even = (np.arange(B) + rng.random()) / B
    kinds = rng.permutation(np.searchsorted(np.cumsum(mixture.shares[:-1]), even))
    ratios = _stratified(B, mixture.ratio, rng)
    dynamic = rng.random() < 0.5  # noqa: PLR2004 - half of the batches
    ids, targets = windows.ids.copy(), windows.ids.copy()
    weights = np.zeros((B, T), dtype=np.float32)
    for b, kind in enumerate(kinds):
        row = windows.ids[b]
        match Noise(kind):
            case Noise.SPANS:
                hide, spans = span_marks(row, windows.nodes[b], codec, mixture, rng)
                wrong = _wrong_lengths(hide, spans, mixture, rng, dynamic=dynamic)
                mended = mend(row, hide, windows.after[b], *wrong)
                ids[b], targets[b], weights[b] = mended.ids, mended.targets, mended.weights
                continue
            case Noise.SPOILT:
                ids[b], asked = spoil(row, codec, rng, mixture)
                weights[b, asked] = 1.0
                continue
            case Noise.NAMES:
                hide = name_marks(row, codec, rng, mixture)
            case Noise.UNIFORM:
                hide = rng.random(T) < ratios[b]
        hide &= ~is_special(row)
        ids[b, hide] = Special.MASK
        weights[b, hide] = 1.0
    return Batch(ids, targets, weights)


def span_marks(
    row: Row, nodes: NDArray[np.int32], codec: Codec, mixture: Mixture, rng: np.random.Generator
) -> tuple[Marks, list[Span]]:
    """Spans of one row, about one per 64 tokens: what to hide, bool [T], and the spans."""
    T = len(row)
    hide = np.zeros(T, dtype=np.bool_)
    spans = [pick_span(row, nodes, codec, mixture, rng) for _ in range(max(1, T // 64))]
    for start, stop in spans:
        inner = np.ones(stop - start, dtype=np.bool_)
        if rng.random() >= mixture.whole:
            inner = rng.random(stop - start) < rng.random()
        hide[start:stop] |= inner
    return hide & ~is_special(row), spans


def _wrong_lengths(
    hide: Marks, spans: list[Span], mixture: Mixture, rng: np.random.Generator, *, dynamic: bool
) -> tuple[Row, Row]:
    """What `mend` takes: where one of the spans gets slots too many, and which pairs become one."""
    none = np.empty(0, dtype=np.int64)
    extra, merged = none, none
    if rng.random() < mixture.deletions:
        count = int(rng.integers(1, mixture.blanks + 1))
        extra = places(hide, spans[-1], count, rng)
    if rng.random() < mixture.expansions:
        inside = np.zeros(len(hide), dtype=np.bool_)
        for start, stop in spans:
            inside[start:stop] = True
        share = float(hide[inside].mean()) if dynamic else 0.0
        merged = pairs(hide, 0.5 * (1.0 - share), rng)
    return extra, merged


def name_marks(row: Row, codec: Codec, rng: np.random.Generator, mixture: Mixture = FULL) -> Marks:
    """Occurrences of up to three names that occur twice or more, all or all but one; bool [T]."""
    places: dict[bytes, list[Span]] = {}
    for start, stop in name_spans(row, codec):
        name = b"".join(codec.token_bytes[i] for i in row[start:stop]).strip()
        places.setdefault(name, []).append((start, stop))
    often = [spans for name, spans in places.items() if len(spans) > 1 and name not in _KEYWORDS]
    hide = np.zeros(len(row), dtype=np.bool_)
    for choice in rng.permutation(len(often))[: int(rng.integers(1, 4))]:
        spans = often[choice]
        kept = int(rng.integers(len(spans))) if rng.random() < mixture.keep_one else -1
        for i, (start, stop) in enumerate(spans):
            hide[start:stop] |= i != kept
    return hide


def name_spans(row: Row, codec: Codec) -> list[Span]:
    """Token spans of the names in a row: a word, then words and digits without a space between.

    Names in comments and strings count too; a model may learn from them all the same.
    """
    spans: list[Span] = []
    kinds = codec.kinds[row]
    for at in np.flatnonzero((kinds == Kind.WORD) | (kinds == Kind.DIGIT)):
        glued = not codec.token_bytes[row[at]].startswith(b" ")
        if glued and spans and spans[-1][1] == at:
            spans[-1] = (spans[-1][0], int(at) + 1)
        elif kinds[at] == Kind.WORD:
            spans.append((int(at), int(at) + 1))
    return spans


def spoil(
    row: Row, codec: Codec, rng: np.random.Generator, mixture: Mixture = FULL
) -> tuple[Row, Marks]:
    """Ask 4 to 30 % of a row's visible tokens, half of them replaced by another of their kind.

    Replacements come from the row itself (a wrong name is usually one in scope) or from the
    vocabulary; a replacement may happen to be the token itself. Up to 30 % of the other tokens
    are masked and asked as well. Returns ids [T] and what is asked, bool [T].
    """
    kinds = codec.kinds[row]
    free = kinds != Kind.SPECIAL
    asked = free & (rng.random(len(row)) < rng.uniform(0.04, 0.3))
    everything = np.arange(len(codec.kinds))
    ids = row.copy()
    for at in np.flatnonzero(asked & (rng.random(len(row)) < mixture.replaced)):
        pool, its = (everything, codec.kinds) if rng.random() < mixture.foreign else (row, kinds)
        ids[at] = rng.choice(pool[its == kinds[at]])
    masked = free & ~asked & (rng.random(len(row)) < rng.uniform(0.0, 0.3))
    ids[masked] = Special.MASK
    return ids, asked | masked


def _stratified(n: int, most: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """`n` ratios spread evenly over 0.02…most, shuffled."""
    even = (np.arange(n) + rng.random()) / n
    return rng.permutation(0.02 + (most - 0.02) * even)


def pick_span(
    row: Row, nodes: NDArray[np.int32], codec: Codec, mixture: Mixture, rng: np.random.Generator
) -> Span:
    """One span [start, stop): lines, a syntax node or a run of tokens, cut to `mixture.span`."""
    draw = rng.random()
    if draw < mixture.lines:
        start, stop = _lines(row, codec, mixture, rng)
    elif draw < mixture.lines + mixture.nodes and len(nodes):
        start, stop = (int(edge) for edge in nodes[rng.integers(len(nodes))])
    else:
        start = int(rng.integers(2, len(row)))
        stop = min(start + int(rng.geometric(1 / mixture.run)), len(row))
    if stop - start > mixture.span:
        start += int(rng.integers(0, stop - start - mixture.span + 1))
        stop = start + mixture.span
    return start, stop


def _lines(row: Row, codec: Codec, mixture: Mixture, rng: np.random.Generator) -> Span:
    """One line or two to eight, without the newlines around them."""
    breaks = np.flatnonzero(codec.kinds[row] == Kind.NEWLINE)
    if len(breaks) <= 1:
        return 2, len(row)
    count = 1 if rng.random() < mixture.one_line else int(rng.integers(2, 9))
    first = int(rng.integers(len(breaks) - 1))
    last = min(first + count, len(breaks) - 1)
    start, stop = int(breaks[first]) + 1, int(breaks[last])
    return (start, stop) if stop > start else (start - 1, start)


_KEYWORDS = frozenset(
    b"and as assert async await break class continue def del elif else except finally for from "
    b"global if import in is lambda nonlocal not or pass raise return try while with yield None "
    b"True False self".split()
)
