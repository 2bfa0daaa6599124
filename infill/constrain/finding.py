"""How far to look for a completion: sweep after sweep until one finds some or all are dear."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Canvas
from infill.constrain.engine.search import COSTS, Chosen, Steps, Sweep
from infill.errors import LimitError

if TYPE_CHECKING:
    from infill.constrain.grammatical import Grammatical
    from infill.constrain.layout import Layout

DEAR = 0.35
"""Share of the memory that a sweep may take before no wider one is tried."""

QUICK, NOTICED = 3, 0.015
"""The same bounds of a quick search: width, and share of the memory."""

FREELY = 0.015
"""Share of the memory for a look at all texts at once; holes of a few slots need no more."""

ROOM = 0.7
"""Share of the memory that a sweep of full width has."""

ENOUGH = 8
"""Tokens side by side that suffice to complete most texts."""


@dataclass(frozen=True, eq=False)
class Filling:
    """One way to fill a canvas, good or bad: where a search begins.

    steps   what each place can be, this filling at no cost
    ids     int64 [T] its tokens
    """

    steps: Steps
    ids: NDArray[np.int64]


def find(
    constraint: Grammatical,
    layout: Layout,
    canvas: Canvas,
    fillings: Iterable[Filling],
    *,
    quick: bool = False,
) -> NDArray[np.int64] | Sweep | None:
    """The ids with open slots changed so that the text is one of the language; None if none is.

    `fillings` are what to begin with; if `quick`, the first one only. An exact sweep is not read
    before someone asks. Raises LimitError where none was found and there may be some, unless
    `quick`: then None is said.
    """
    others = iter(fillings)
    first = next(others)
    if constraint.exact:
        lattice = constraint.lattice
        swept = lattice.sweep(constraint.entry, first.steps, 0)
        done = swept.passed == len(first.steps) and lattice.ended(int(swept.layers[-1, 0]))
        return swept if done else None
    search = _Search(constraint)
    tries = search.quick(first) if quick else search.thorough(first, others)
    for filling, chosen in tries:
        if chosen is not None:
            return layout.filled(canvas, filling.ids, chosen)
        if search.effort > constraint.effort:
            break
    if quick or search.proven:
        return None
    raise LimitError(
        "no completion was found, and not all were looked at",
        expected=f"one within {constraint.changes} changes of a guess, at an effort of "
        f"{constraint.effort:g} (limits: changes, effort)",
        hint="use shorter holes, or fewer of them; fill some by hand; or raise the limits",
    )


Try = tuple[Filling, Chosen | None]


class _Search:
    """Sweeps, and what they cost.

    effort  how often they have filled the memory
    proven  whether all texts were looked at
    """

    def __init__(self, constraint: Grammatical) -> None:
        self.constraint, self.lattice = constraint, constraint.lattice
        self.effort, self.proven = 0.0, False
        self._last, self._cut = 0.0, False  # what the last one took; whether it was too much

    def quick(self, first: Filling) -> Iterator[Try]:
        """Narrow sweeps, as long as they take little."""
        for width, uneven in _widths(min(QUICK, self.constraint.changes)):
            yield first, self._sought(first.steps, width, uneven=uneven)
            if self._last > NOTICED and not uneven:
                return

    def thorough(self, first: Filling, others: Iterable[Filling]) -> Iterator[Try]:
        """Exactly, where that takes little; else wider and wider, then plain tokens for nothing."""
        yield from self.quick(first)
        free = _for_nothing(first.steps, 2, len(first.steps))
        yield first, self._sought(free, 0, room=FREELY)
        if not self._cut:
            self.proven = True
            return
        fillings, changes = [first, *others], self.constraint.changes
        everything = COSTS[-1] * np.count_nonzero(first.steps[:, -1] >= 0)
        dear: set[tuple[int, bool]] = set()
        for width, uneven in _widths(changes):
            for number, filling in enumerate(fillings):
                if (number, uneven) not in dear:
                    yield filling, self._sought(filling.steps, width, uneven=uneven)
                    if self._last > DEAR:  # a wider one takes three times as much
                        dear.add((number, uneven))
            self.proven = width >= everything and not (dear or uneven)
            if self.proven:
                return
        for number, uneven in sorted(dear):
            steps = fillings[number].steps
            yield fillings[number], self._sought(steps, changes, uneven=uneven, room=ROOM)
        yield from self._at_last(fillings[:2])

    def _at_last(self, fillings: list[Filling]) -> Iterator[Try]:
        """With plain tokens for nothing, then with any."""
        for filling in fillings:
            for choice in (1, 2):
                yield filling, self._sought(_for_nothing(filling.steps, choice, ENOUGH), 0)
                if self._last > DEAR:
                    break

    def _sought(
        self, steps: Steps, width: int, *, uneven: bool = False, room: float = 0.0
    ) -> Chosen | None:
        """What one sweep finds; with `room` it starts with all of the memory."""
        if room:
            self.lattice.reset()  # so that what is found does not hang on what was asked before
        else:
            self.lattice.tidy()
        lattice, entry, chosen = self.lattice, self.constraint.entry, None
        before = lattice.used
        try:
            chosen = lattice.read(lattice.sweep(entry, steps, width, uneven=uneven, room=room))
            self._last, self._cut = lattice.used - before, False
        except LimitError:
            lattice.reset()
            self._last, self._cut = 2 * room or 1.0, True
        self.effort += self._last
        return chosen


def _widths(widest: int) -> Iterator[tuple[int, bool]]:
    """The widths of sweeps, and whether they are uneven."""
    yield 0, False
    yield from itertools.product(range(1, widest + 1), (True, False))


def _for_nothing(steps: Steps, choice: int, most: int) -> Steps:
    """The steps with one of their choices at no cost in open slots, and nothing else there.

    Where a hole needs many tokens, that is cheaper than layers of what costs more and more. Of
    neighbouring slots the first `most`; the others stay as they are.
    """
    row = np.full_like(steps, -1)
    row[:, 0] = steps[:, 0]
    run = 0
    for at, piece in enumerate(steps[:, choice].tolist()):
        run = run + 1 if piece >= 0 else 0
        if 0 < run <= most:
            row[at, 0] = piece
    return row
