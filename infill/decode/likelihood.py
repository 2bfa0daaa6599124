"""How likely a model finds what stands in some slots: three measures, which are never mixed.

path likelihood        exact: positions are chosen by a fixed rule before their tokens are looked
                       at, so there is one path per text and Σ log p along it is a likelihood
                       (DUEL, arXiv:2603.01367). One forward per slot.
pseudo-likelihood      each token given all others (leave-one-out), or given those of the other
                       parts of a partition. It measures agreement; it is no likelihood.
path log-probability   what a sampler wrote down on its way (`Canvas.logps`); of one path only.

Slots are scored where they are GIVEN or FILLED; nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Canvas, Positions, Slot
from infill.decode.candidates import Row, Sampling
from infill.errors import OptionError
from infill.models.denoiser import Denoiser

Kind = Literal["path likelihood", "pseudo-likelihood", "path log-probability"]
Order = Literal["confidence", "entropy", "left to right"]

BATCH = 16
"""Canvases in one forward; more only cost memory."""

LEFT, RIGHT = 2, 4
"""Tokens beside a fill that are scored with it: a wrong length shows there."""


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Log-probabilities of the tokens in some slots.

    kind       which of the three measures
    at         int64 [N] the slots
    logps      float64 [N] nats
    forwards   canvases that were scored for it
    """

    kind: Kind
    at: Positions
    logps: NDArray[np.float64]
    forwards: int

    @property
    def total(self) -> float:
        """Their sum (nats)."""
        return float(self.logps.sum())

    @property
    def mean(self) -> float:
        """Per token (nats); 0 where there is none."""
        return float(self.logps.mean()) if len(self.logps) else 0.0


def masked(canvas: Canvas, at: Iterable[int]) -> Canvas:
    """The canvas with some of its slots hidden, given ones too: for looking, not for filling."""
    slots = canvas.slots.copy()
    slots[list(at)] = Slot.HOLE
    return Canvas(canvas.ids, slots, canvas.logps)


def path_likelihood(
    denoiser: Denoiser, canvas: Canvas, at: Sequence[int], *, order: Order = "confidence"
) -> Likelihood:
    """The exact likelihood of what stands in `at`, given the other slots: N forwards.

    order   which slot is next: of the surest distribution (largest probability, or least entropy),
            or the leftmost; never by the token that stands there
    """
    where = np.array(sorted(at), dtype=np.int64)
    logps, left = np.zeros(len(where)), list(range(len(where)))
    while left:
        row = denoiser([masked(canvas, where[left])])[0]
        chosen = left[_next(row, where[left], order)]
        logps[chosen] = row.logp(int(where[chosen]), int(canvas.ids[where[chosen]]))
        left.remove(chosen)
    return Likelihood("path likelihood", where, logps, len(where))


def _next(row: Row, holes: Positions, order: Order) -> int:
    if order == "left to right":
        return 0
    drawn = row.candidates(holes, sampling=Sampling(), uniforms=np.zeros(len(holes)))
    if order == "confidence":
        return int(np.argmax(drawn.logps))
    if order == "entropy":
        return int(np.argmin(drawn.entropies))
    expected = "confidence, entropy, left to right"
    raise OptionError("there is no such order", expected=expected, got=repr(order))


def partition(at: Sequence[int], parts: int | None) -> list[Positions]:
    """The slots in so many parts, neighbours apart; each by itself where `parts` is None.

    >>> [part.tolist() for part in partition([4, 5, 6, 9, 10], 2)]
    [[4, 6, 10], [5, 9]]
    """
    where = np.array(sorted(at), dtype=np.int64)
    if parts is not None and parts < 1:
        raise OptionError("parts is out of range", expected="1 or more", got=str(parts))
    count = len(where) if parts is None else min(parts, len(where))
    return [where[part::count] for part in range(count)]


def pseudo_likelihood(
    denoiser: Denoiser, canvas: Canvas, at: Sequence[int], *, parts: int | None = None
) -> Likelihood:
    """Each token of `at` given all others; with `parts`, given those of the other parts.

    One forward per token, or per part. For 4 parts the places with the worst tokens come out as
    with one forward per token.
    """
    where = np.array(sorted(at), dtype=np.int64)
    groups, logps = partition(at, parts), np.zeros(len(where))
    looks = [masked(canvas, group) for group in groups]
    for first in range(0, len(looks), BATCH):
        scores = denoiser(looks[first : first + BATCH])
        for row, group in enumerate(groups[first : first + BATCH]):
            for slot in group.tolist():
                place = int(np.searchsorted(where, slot))
                logps[place] = scores.logp(row, slot, int(canvas.ids[slot]))
    return Likelihood("pseudo-likelihood", where, logps, len(groups))


def boundary(canvas: Canvas, start: int, stop: int, blank: int) -> Positions:
    """int64 [N] The slots of a fill and those beside it, without blanks.

    p(fill | context) cannot be compared between lengths; p(context | fill) can.
    """
    around = np.arange(max(0, start - LEFT), min(len(canvas), stop + RIGHT))
    shown = (canvas.slots[around] != Slot.HOLE) & (canvas.ids[around] != blank)
    return around[shown]


def path_logp(canvas: Canvas, at: Sequence[int]) -> Likelihood:
    """What a sampler noted when it wrote the slots; it costs no forward."""
    where = np.array(sorted(at), dtype=np.int64)
    return Likelihood("path log-probability", where, canvas.logps[where].astype(np.float64), 0)
