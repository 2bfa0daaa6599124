"""How good a hypothesis is, beyond what its tokens were written at. For searches to choose by.

A rescorer asks the model again; each canvas that it shows the model is one forward more. Where
several hypotheses are rated they share batches. Likelihood is a poor judge of code: a goal is
better where there is one (`benchmarks/LOG.md`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np

from infill.canvas import Canvas, Positions, Slot, Write
from infill.decode.candidates import Candidates, Row, Sampling
from infill.decode.hypothesis import Hypothesis
from infill.decode.likelihood import boundary, masked, pseudo_likelihood
from infill.errors import OptionError
from infill.models.denoiser import Denoiser


class Rescorer(Protocol):
    """Rates hypotheses that have equally many open slots."""

    def __call__(self, hypotheses: Sequence[Hypothesis], denoiser: Denoiser) -> list[float]:
        """One number each; more is better."""
        ...


@final
@dataclass(frozen=True, slots=True)
class OrderToken:
    """What the last step wrote, given the model's guess at all that is open (arXiv:2601.20339).

    The open slots get their likeliest tokens at once; what each step wrote is then hidden and
    asked for. So a token is judged by the future that it leads to. The rating is the mean over
    all tokens written so far: two forwards for each hypothesis.
    """

    def __call__(self, hypotheses: Sequence[Hypothesis], denoiser: Denoiser) -> list[float]:
        """The mean log-probability of the written tokens, each step's given its future (nats)."""
        scores = denoiser([h.canvas for h in hypotheses])
        guesses = [_guess(h.canvas, scores[row]) for row, h in enumerate(hypotheses)]
        written = [_written(h) for h in hypotheses]
        looks = denoiser([masked(c, at) for c, at in zip(guesses, written, strict=True)])
        ratings = list[float]()
        for row, (h, at) in enumerate(zip(hypotheses, written, strict=True)):
            logps = [looks.logp(row, slot, int(h.canvas.ids[slot])) for slot in at.tolist()]
            before = 0.0
            if h.parent is not None and h.parent.rating is not None:
                before = h.parent.rating * _filled(h.parent.canvas)
            ratings.append((before + sum(logps)) / max(1, _filled(h.canvas)))
        return ratings


@final
@dataclass(frozen=True, slots=True)
class PseudoLikelihood:
    """What the model makes of the written tokens, a part of them hidden at a time.

    parts   forwards for each hypothesis (`likelihood.pseudo_likelihood`); None hides one by one
    beside  score the tokens beside each hole too: only so do lengths compare
    """

    parts: int | None = 4
    beside: bool = False

    def __post_init__(self) -> None:
        if self.parts is not None and self.parts < 1:
            expected = "1 or more, or None"
            raise OptionError("parts is out of range", expected=expected, got=str(self.parts))

    def __call__(self, hypotheses: Sequence[Hypothesis], denoiser: Denoiser) -> list[float]:
        """The mean log-probability (nats)."""
        blank = denoiser.vocab.blank
        return [
            pseudo_likelihood(
                denoiser, h.canvas, self._scored(h.canvas, blank).tolist(), parts=self.parts
            ).mean
            for h in hypotheses
        ]

    def _scored(self, canvas: Canvas, blank: int) -> Positions:
        if not self.beside:
            return np.flatnonzero((canvas.slots == Slot.FILLED) & (canvas.ids != blank))
        edges = [boundary(canvas, start, stop, blank) for start, stop in canvas.regions()]
        return np.unique(np.concatenate(edges)) if edges else np.empty(0, np.int64)


@final
@dataclass(frozen=True, slots=True)
class LookAhead:
    """How sure the model is of what is still open: one forward for each hypothesis.

    The mean negative entropy of the open slots (LookUM, arXiv:2511.05563). It says nothing
    about a canvas that is done, so those are left to their log-probability.
    """

    def __call__(self, hypotheses: Sequence[Hypothesis], denoiser: Denoiser) -> list[float]:
        """The mean negative entropy (nats); 0 where nothing is open."""
        open_ = [h for h in hypotheses if not h.done]
        if not open_:
            return [0.0] * len(hypotheses)
        scores = denoiser([h.canvas for h in open_])
        found = {
            id(h): -float(_likeliest(scores[row], h.canvas.holes).entropies.mean())
            for row, h in enumerate(open_)
        }
        return [found.get(id(h), 0.0) for h in hypotheses]


def _likeliest(row: Row, holes: Positions) -> Candidates:
    return row.candidates(holes, sampling=Sampling(), uniforms=np.zeros(len(holes)))


def _guess(canvas: Canvas, row: Row) -> Canvas:
    """The canvas with the likeliest token in every open slot."""
    if not len(canvas.holes):
        return canvas
    drawn = _likeliest(row, canvas.holes)
    writes = zip(drawn.at.tolist(), drawn.tokens.tolist(), strict=True)
    return canvas.apply(Write(at, token, 0.0) for at, token in writes)


def _written(hypothesis: Hypothesis) -> Positions:
    """int64 [N] Where the last step wrote what still stands there."""
    canvas = hypothesis.canvas
    moves = hypothesis.step
    if not all(isinstance(move, Write) for move in moves):
        return np.flatnonzero(canvas.slots == Slot.FILLED)  # slots have moved or were taken back
    return np.array(sorted(move.at for move in moves), dtype=np.int64)


def _filled(canvas: Canvas) -> int:
    return int((canvas.slots == Slot.FILLED).sum())
