"""Searches: which hypotheses to keep. Knows nothing of where they come from.

Greedy decoding is `Beam(1)`; there is no other special case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from infill.canvas import Canvas
from infill.decode.hypothesis import Hypothesis
from infill.errors import OptionError

Frontier = list[Hypothesis]


class Search(Protocol):
    """Chooses the next frontier, the best first."""

    def __call__(self, hypotheses: Iterable[Hypothesis]) -> Frontier:
        """The hypotheses to go on with."""
        ...


@dataclass(frozen=True, slots=True)
class Beam:
    """The `width` best by open holes, then by mean log-probability of what was written.

    Equal canvases are one hypothesis, in whatever order their tokens came.
    """

    width: int = 1

    def __post_init__(self) -> None:
        if self.width < 1:
            raise OptionError("width is out of range", expected="1 or more", got=str(self.width))

    def __call__(self, hypotheses: Iterable[Hypothesis]) -> Frontier:
        """Merge equal canvases, keeping the better score, then take the best."""
        ranked = sorted(hypotheses, key=lambda h: (len(h.canvas.holes), -h.canvas.mean_score))
        best: dict[Canvas, Hypothesis] = {}
        for hypothesis in ranked:
            best.setdefault(hypothesis.canvas, hypothesis)
        return list(best.values())[: self.width]
