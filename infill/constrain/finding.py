"""How far to look for a completion: sweep after sweep, until one finds some or costs too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Canvas
from infill.constrain.engine.search import Chosen, Steps, Sweep
from infill.errors import LimitError

if TYPE_CHECKING:
    from infill.constrain.grammatical import Grammatical
    from infill.constrain.layout import Layout

DEAR = 0.35
"""Share of the memory that a sweep may take before no wider one is tried."""

ENOUGH = 8
"""Tokens side by side that suffice to complete most texts."""

QUICK, NOTICED = 3, 0.015
"""The same bounds of a quick search: width, and share of the memory."""


def find(  # noqa: PLR0913 - the canvas, as three see it
    constraint: Grammatical,
    layout: Layout,
    canvas: Canvas,
    steps: Steps,
    ids: NDArray[np.int64],
    *,
    quick: bool = False,
) -> NDArray[np.int64] | Sweep | None:
    """The ids with open slots changed so that the text is one of the language; None if none is.

    Narrow sweeps come before wide ones, then plain tokens for nothing, then any; `quick` ends with
    the first sweep that costs much time. An exact one is not read before someone asks.
    """
    lattice, changes, share = constraint.lattice, constraint.changes, DEAR
    if constraint.exact:
        swept = lattice.sweep(constraint.entry, steps, 0)
        done = swept.passed == len(steps) and lattice.ended(int(swept.layers[-1, 0]))
        return swept if done else None
    if quick:
        changes, share = min(QUICK, changes), NOTICED
    widths = [(0, False), *((w, u) for w in range(1, changes + 1) for u in (True, False))]
    for width, uneven in widths:
        chosen, taken = _sought(constraint, steps, width, uneven=uneven)
        if chosen is not None:
            return layout.filled(canvas, ids, chosen)
        if taken > share and not uneven:  # a wider one takes three times as much
            break
    if quick:
        return None
    chosen, taken = _sought(constraint, _for_nothing(steps, 1), 0)
    if chosen is None and taken < DEAR:
        chosen, _ = _sought(constraint, _for_nothing(steps, 2), 0)
    return None if chosen is None else layout.filled(canvas, ids, chosen)


def _sought(
    constraint: Grammatical, steps: Steps, width: int, *, uneven: bool = False
) -> tuple[Chosen | None, float]:
    """What one sweep finds, and the share of the memory that it took."""
    lattice = constraint.lattice
    lattice.tidy()
    before = lattice.used
    try:
        chosen = lattice.read(lattice.sweep(constraint.entry, steps, width, uneven=uneven))
    except LimitError:
        lattice.reset()
        return None, 1.0
    return chosen, lattice.used - before


def _for_nothing(steps: Steps, choice: int) -> Steps:
    """The steps with one of their choices at no cost in open slots, and nothing else there.

    Where a hole needs many tokens, that is cheaper than layers of what costs more and more. Of
    neighbouring slots the first `ENOUGH`; the others stay as they are.
    """
    row = np.full_like(steps, -1)
    row[:, 0] = steps[:, 0]
    run = 0
    for at, piece in enumerate(steps[:, choice].tolist()):
        run = run + 1 if piece >= 0 else 0
        if 0 < run <= ENOUGH:
            row[at, 0] = piece
    return row
