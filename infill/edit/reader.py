"""How likely a model finds texts and changes to them. Knows nothing of what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infill.decode.locating import Partition
from infill.edit.reading import Reading
from infill.models.denoiser import Denoiser
from infill.text import Source, Span, TextEdit

SHOWN = 96
"""Tokens shown to the model when a change is scored: enough around it, and half the price."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads versions of one text; `context` tokens are shown at most."""

    denoiser: Denoiser
    context: int
    language: str | None
    name: str

    def reading(self, data: bytes, shown: int | None = None) -> Reading:
        """A version as the model reads it."""
        context = self.context if shown is None else min(shown, self.context)
        return Reading(self.denoiser, Source(data, self.name), self.language, context)

    def likelihood(self, data: bytes, spans: Sequence[Span]) -> float:
        """Mean log-probability of the tokens of spans, each given others (nats)."""
        reading = self.reading(data)
        tokens = reading.inside(spans)
        return float(reading.doubts(tokens, Partition()).current.mean()) if tokens else 0.0

    def support(self, data: bytes, span: Span) -> float:
        """Σ log-probability of a span and its neighbours, each given others (nats)."""
        reading = self.reading(data, SHOWN)
        tokens = list(reading.around(span))
        return float(reading.doubts(tokens, Partition()).current.sum())

    def alike(self, data: bytes, edit: TextEdit, after: bytes) -> bool:
        """Whether as many tokens stand there: a rare name of four is no worse than a short word."""
        new = Span(edit.span.start, edit.span.start + len(edit.new))
        old, now = (
            len(self.reading(text).tokens(span)) for text, span in ((data, edit.span), (after, new))
        )
        return old == now
