"""How long a fill should be: candidates, ranked by one look at each.

For every length the model predicts the hole *and* the user's tokens next to it, which are
hidden for that look; a wrong length shows in those (scoring the fill alone chooses badly:
arXiv:2602.07546 and our own trials). One forward for all lengths, no denoising.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from statistics import fmean

from infill.canvas import Canvas, Slot
from infill.decode.candidates import Row
from infill.decode.likelihood import BATCH
from infill.edit.holes import Hole
from infill.edit.settings import Settings
from infill.edit.window import Framing, Window
from infill.errors import OptionError
from infill.models.denoiser import Denoiser
from infill.text import Source

TYPICAL = 6  # tokens that other holes of the window are given meanwhile
NEIGHBOURS = 8  # given tokens right of a hole that are hidden for the look
LINE, INLINE = (8.0, 0.3), (4.0, 0.5)
"""Typical length of a fill, in tokens, and the spread of its logarithm: where a hole begins a line
and where it does not. A length costs by how far it is from it, as under Student's distribution
with no more than two nats for one token: a model that is sure is believed.

One look of a small model hardly tells lengths apart, and without a cost long repetitions win
(`benchmarks/LOG.md`).
"""

FINE, COARSE = 0.25, 1.0
"""By how much of itself a length grows in a ladder.

A coarse one has half as many looks. With the embedded model, which hardly tells lengths apart, its
fills are as good (`benchmarks/LOG.md`); with a model that does, it misses the lengths between.
"""


def ladder(shortest: int, longest: int, growth: float = FINE) -> list[int]:
    """The lengths worth trying: each longer than the one before by a share of it, one at least.

    >>> ladder(0, 24)
    [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 22, 24]
    >>> ladder(0, 24, COARSE)
    [1, 2, 4, 8, 16, 24]
    """
    lengths = [max(shortest, min(1, longest))]
    while lengths[-1] < longest:
        lengths.append(min(longest, lengths[-1] + max(1, int(growth * lengths[-1]))))
    return lengths


def choices(hole: Hole, settings: Settings, source: Source) -> list[int]:
    """The lengths that a hole may be given, in rising order.

    Raises OptionError when the settings' length and the hole's bounds leave none.
    """
    longest = settings.max_tokens if hole.max_tokens is None else hole.max_tokens
    longest = max(longest, hole.min_tokens)
    if isinstance(settings.length, str):
        growth = FINE if settings.length == "auto" else COARSE
        return ladder(hole.min_tokens, longest, growth)
    low, high = hole.min_tokens, math.inf if hole.max_tokens is None else longest
    found = _between(settings.length, low, high)
    if not found:
        raise OptionError(
            "a hole cannot have the wanted length",
            where=f"{source.name}, {source.position(hole.start)}",
            expected=f"length from {low} to {longest} tokens, as the hole has it",
            got=repr(settings.length),
        )
    return found


def _between(wanted: int | Sequence[int], low: int, high: float) -> list[int]:
    """The wanted lengths from `low` to `high`, in rising order; those outside are not gone over."""
    if isinstance(wanted, range):
        rising = wanted if wanted.step > 0 else wanted[::-1]
        return list(rising[bisect_left(rising, low) : bisect_right(rising, high)])
    numbers = wanted if isinstance(wanted, Collection) else [wanted]
    return sorted({int(n) for n in numbers if low <= n <= high})


def ranked(
    framing: Framing,
    group: range,
    fills: Sequence[bytes | None],
    ladders: Sequence[Sequence[int]],
) -> list[list[int]]:
    """Per hole of the group, its candidate lengths, the most promising first.

    `ladders` has the lengths of each hole of the group, in rising order.
    """
    if all(len(row) == 1 for row in ladders):
        return [list(row) for row in ladders]
    typical = [min(max(TYPICAL, row[0]), row[-1]) for row in ladders]
    windows = [
        (hole, length, framing.window(group, _with(typical, hole, length), fills))
        for hole, lengths in enumerate(ladders)
        for length in lengths
    ]
    looks = [_hidden(window, hole) for hole, _, window in windows]
    scores = [
        _score(row, window, hole)
        for (hole, _, window), row in zip(windows, _rows(framing.denoiser, looks), strict=True)
    ]
    ranks: list[list[tuple[float, int]]] = [[] for _ in ladders]
    for (hole, length, _), score in zip(windows, scores, strict=True):
        ranks[hole].append((-score, length))
    return [[length for _, length in sorted(rank)] for rank in ranks]


def _with(lengths: Sequence[int], hole: int, length: int) -> list[int]:
    return [length if index == hole else other for index, other in enumerate(lengths)]


def _rows(denoiser: Denoiser, canvases: Sequence[Canvas]) -> Iterator[Row]:
    for first in range(0, len(canvases), BATCH):
        batch = canvases[first : first + BATCH]
        scores = denoiser(batch)
        yield from (scores[row] for row in range(len(batch)))


def _beside(window: Window, hole: int) -> list[int]:
    """The given slots right of the hole."""
    _, stop = window.canvas.between(window.anchors[hole])
    near = range(stop, min(stop + NEIGHBOURS, len(window.canvas)))
    return [at for at in near if window.canvas.slots[at] == Slot.GIVEN]


def _hidden(window: Window, hole: int) -> Canvas:
    """The canvas with the tokens right of the hole hidden too."""
    slots = window.canvas.slots.copy()
    slots[_beside(window, hole)] = Slot.HOLE
    return Canvas(window.canvas.ids, slots)


def _score(row: Row, window: Window, hole: int) -> float:
    """Mean log-probability (nats) of what is written, and of what stands beside it, less the cost.

    The two are means of their own: a long fill must not outweigh its neighbours.
    """
    canvas = window.canvas
    start, stop = canvas.between(window.anchors[hole])
    before, after = window.healed[hole]
    if not window.vocab.decode(before).strip():  # a space is no token of its own
        before = ()
    known = dict(enumerate(before, start)) | dict(enumerate(after, stop - len(after)))
    own = [
        row.logp(at, known[at]) if at in known else _best(row, at, window.vocab.blank)
        for at in range(start, stop)
    ]
    beside = [row.logp(at, int(canvas.ids[at])) for at in _beside(window, hole)]
    line = window.vocab.decode(canvas.ids[:start].tolist()).rpartition(b"\n")[2]
    typical, spread = INLINE if line.strip() else LINE
    away = math.log(max(1, stop - start) / typical) / spread
    return sum(fmean(logps) for logps in (own, beside) if logps) - math.log1p(away * away) / 2


def _best(row: Row, at: int, blank: int) -> float:
    """Log-probability of a slot's likeliest token; a blank says that the slot is too many."""
    top = row.top(at, k=2)
    return max(
        (float(logp) for token, logp in zip(top.tokens, top.logps, strict=True) if token != blank),
        default=-math.inf,
    )
