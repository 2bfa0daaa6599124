"""The fills of one text that pass their checks, and which of them is best.

By the goal first, then by how much likelier right than the model's own a line of the workspace
is, then by one of two measures; a fill's own likelihood is none, since it cannot be compared
between lengths.

boundary    pseudo-likelihood of the fill and the tokens beside it: what the model makes of it
agreement   how like the other fills it is, by edit similarity: the choice of least expected loss
            when each is taken to be as likely (minimum Bayes risk, Kumar and Byrne 2004)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from statistics import fmean

import numpy as np

from infill.decode.likelihood import boundary, pseudo_likelihood
from infill.edit.attempt import Denoised
from infill.edit.proposal import HoleFill
from infill.edit.settings import Settings
from infill.edit.verify import Check
from infill.errors import BudgetError
from infill.models.denoiser import Denoiser
from infill.text import Source, TextEdit, apply_edits

PARTS = 4
"""Forwards for one fill's boundary pseudo-likelihood."""


@dataclass(frozen=True, eq=False)
class Filled:
    """One fill of all holes.

    windows   per group of holes that the model filled
    witnessed whether the grammar completed what the model had no time for
    goal      the goal's score of the text, where there is a goal
    margin    how much likelier it is right than what the model wrote first, a difference of
              probabilities; 0 for what the model wrote
    """

    source: Source
    edits: tuple[TextEdit, ...]
    holes: tuple[HoleFill, ...]
    check: Check
    windows: tuple[Denoised, ...]
    witnessed: bool = False
    goal: float | None = None
    margin: float = 0.0

    @property
    def written(self) -> bool:
        """Whether all of it is the model's."""
        return all(hole.origin == "model" for hole in self.holes)

    @property
    def data(self) -> bytes:
        """The whole text."""
        return apply_edits(self.source.data, self.edits)


class Pool:
    """Distinct fills in the order in which they were found."""

    def __init__(self, denoiser: Denoiser, settings: Settings) -> None:
        self.denoiser, self.settings = denoiser, settings
        self._found: dict[bytes, Filled] = {}
        self._reached = False

    def __len__(self) -> int:
        """Fills that the model wrote."""
        return len(self._written)

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def _written(self) -> list[Filled]:
        return [filled for filled in self._found.values() if filled.written]

    @property
    def enough(self) -> bool:
        """Whether the goal is reached, or there are as many fills as were asked for."""
        if self.settings.goal is not None:
            return self._reached
        return len(self) >= self.wanted

    @property
    def wanted(self) -> int:
        """Fills that were asked for, where no goal says when it is enough."""
        return max(self.settings.candidates, 1 + self.settings.alternatives)

    def add(self, filled: Filled) -> None:
        """Take a fill in; where its text is there already, only what speaks for it."""
        data, goal = filled.data, self.settings.goal
        if (known := self._found.get(data)) is not None:
            self._found[data] = replace(known, margin=max(known.margin, filled.margin))
            return
        if goal is not None:
            text = data.decode("utf-8-sig")
            filled = replace(filled, goal=goal.score(text))
            self._reached |= goal.reached(text)
        self._found[data] = filled

    def ranked(self) -> list[Filled]:
        """The fills, the best first; by their goals only where the budget allows no look."""
        found = list(self._found.values())
        measure = self._agreement if self.settings.rank_by == "agreement" else self._boundary
        try:
            looks = [measure(one) if one.written and len(self) > 1 else 0.0 for one in found]
        except BudgetError:
            looks = [0.0] * len(found)
        keys = [
            (-(filled.goal or 0.0), -filled.margin, -look)
            for filled, look in zip(found, looks, strict=True)
        ]
        return [found[index] for index in sorted(range(len(found)), key=keys.__getitem__)]

    def _agreement(self, filled: Filled) -> float:
        """Mean edit similarity to the other fills, from 0 to 1, hole by hole."""
        others = [other for other in self._found.values() if other is not filled]
        return fmean(
            SequenceMatcher(None, mine.text, its.text, autojunk=False).ratio()
            for other in others
            for mine, its in zip(filled.holes, other.holes, strict=True)
        )

    def _boundary(self, filled: Filled) -> float:
        """Mean over the tokens of all fills and beside them (nats)."""
        logps = list[float]()
        for one in filled.windows:
            canvas, blank = one.canvas, self.denoiser.vocab.blank
            ranges = [canvas.between(anchor) for anchor in one.window.anchors]
            at = np.unique(np.concatenate([boundary(canvas, *span, blank) for span in ranges]))
            scored = pseudo_likelihood(self.denoiser, canvas, at.tolist(), parts=PARTS)
            logps += scored.logps.tolist()
        return float(np.mean(logps)) if logps else 0.0
