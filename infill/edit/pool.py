"""The fills of one text that pass their checks, and which of them is best.

By the goal first; then by boundary pseudo-likelihood, what the model makes of the fill and the
tokens beside it: a fill's own likelihood cannot be compared between lengths.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from infill.canvas import Canvas
from infill.decode.likelihood import boundary, pseudo_likelihood
from infill.edit.proposal import HoleFill
from infill.edit.settings import Settings
from infill.edit.verify import Check
from infill.edit.window import Window
from infill.errors import BudgetError
from infill.models.denoiser import Denoiser
from infill.text import Source, TextEdit, apply_edits

PARTS = 4
"""Forwards for one fill's boundary pseudo-likelihood."""


@dataclass(frozen=True, eq=False)
class Filled:
    """One fill of all holes.

    windows   per group of holes, its window and the complete canvas
    tried     per hole, which of its lengths it has
    fills     per hole its bytes, None where it is open
    goal      the goal's score of the text, where there is a goal
    """

    source: Source
    edits: tuple[TextEdit, ...]
    holes: tuple[HoleFill, ...]
    check: Check
    windows: tuple[tuple[Window, Canvas], ...]
    tried: tuple[int, ...]
    fills: tuple[bytes | None, ...]
    goal: float | None = None

    @property
    def data(self) -> bytes:
        """The whole text."""
        return apply_edits(self.source.data, self.edits)


class Pool:
    """Distinct fills in the order in which they were found."""

    def __init__(self, denoiser: Denoiser, settings: Settings) -> None:
        self.denoiser, self.settings = denoiser, settings
        self._found: dict[bytes, Filled] = {}
        self._reached, self._varied = False, 0

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def first(self) -> Filled:
        """What was found first."""
        return next(iter(self._found.values()))

    @property
    def enough(self) -> bool:
        """Whether the goal is reached, or there are as many fills as were asked for."""
        if self.settings.goal is not None:
            return self._reached
        wanted = max(self.settings.candidates, 1 + self.settings.alternatives)
        return len(self._found) >= wanted

    def add(self, filled: Filled) -> None:
        """Take a fill in, unless its text is there already."""
        data, goal = filled.data, self.settings.goal
        if data in self._found:
            return
        if goal is not None:
            text = data.decode("utf-8-sig")
            filled = replace(filled, goal=goal.score(text))
            self._reached |= goal.reached(text)
        self._found[data] = filled

    def variation(self, lengths: Sequence[Sequence[int]]) -> tuple[int, int] | None:
        """A hole and another of its lengths, best lengths of all holes first; None at the end."""
        first = self.first.tried
        others = [
            [(index, rank) for rank in range(len(row)) if rank != first[index]]
            for index, row in enumerate(lengths)
        ]
        turns = itertools.chain(*itertools.zip_longest(*others))
        order = [turn for turn in turns if turn is not None]
        self._varied += 1
        return order[self._varied - 1] if self._varied <= len(order) else None

    def ranked(self) -> list[Filled]:
        """The fills, the best first; by their goals only where the budget allows no look."""
        found = list(self._found.values())
        try:
            looks = [self._boundary(filled) for filled in found if len(found) > 1] or [0.0]
        except BudgetError:
            looks = [0.0] * len(found)
        keys = [(-(filled.goal or 0.0), -look) for filled, look in zip(found, looks, strict=True)]
        return [found[index] for index in sorted(range(len(found)), key=keys.__getitem__)]

    def _boundary(self, filled: Filled) -> float:
        """Mean over the tokens of all fills and beside them (nats)."""
        logps = list[float]()
        for window, canvas in filled.windows:
            blank = self.denoiser.vocab.blank
            ranges = [canvas.between(anchor) for anchor in window.anchors]
            at = np.unique(np.concatenate([boundary(canvas, *span, blank) for span in ranges]))
            scored = pseudo_likelihood(self.denoiser, canvas, at.tolist(), parts=PARTS)
            logps += scored.logps.tolist()
        return float(np.mean(logps)) if logps else 0.0
