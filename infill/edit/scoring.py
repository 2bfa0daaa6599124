"""How likely a model finds spans of a text, by a measure that is named (`decode/likelihood.py`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from infill.canvas import Canvas, Positions, Slot
from infill.decode.likelihood import Likelihood, path_likelihood, pseudo_likelihood
from infill.edit.view import View
from infill.errors import HoleError, OptionError
from infill.limits import DEFAULT
from infill.models.catalogue import load
from infill.models.denoiser import Denoiser
from infill.text import Source, Span

Measure = Literal["path likelihood", "pseudo-likelihood"]


def score(  # noqa: PLR0913 - the text, the spans, and how
    text: str | bytes,
    spans: Iterable[Span | tuple[int, int]],
    *,
    measure: Measure = "path likelihood",
    parts: int | None = None,
    language: str | None = None,
    model: str | Denoiser = "embedded",
) -> Likelihood:
    """The log-probabilities (nats) of the tokens that spans of bytes touch, given all other text.

    measure   "path likelihood": exact, one forward per token; "pseudo-likelihood": each token
              given all others, one forward per token, or per part where `parts` says how many
    language  which prologue the model is shown

    The slots of the result count the tokens of the text, from 0. Raises HoleError for a span that
    is empty or out of bounds, OptionError for a measure that there is not, or for spans that lie
    further apart than the model can see.
    """
    denoiser = load(model) if isinstance(model, str) else model
    source = Source.of(text, "<text>")
    vocab = denoiser.vocab
    ids = vocab.encode(View.of(source, 0).show(source.data))
    at = _touched(
        source,
        [Span(*span) if isinstance(span, tuple) else span for span in spans],
        [len(vocab.token_bytes(token)) for token in ids],
    )
    first, stop, prologue = _shown(at, len(ids), denoiser, language)
    shown = [*prologue, *ids[first:stop]]
    canvas, shift = Canvas(shown, [Slot.GIVEN] * len(shown)), len(prologue) - first
    if measure == "path likelihood":
        found = path_likelihood(denoiser, canvas, (at + shift).tolist())
    elif measure == "pseudo-likelihood":
        found = pseudo_likelihood(denoiser, canvas, (at + shift).tolist(), parts=parts)
    else:
        expected = "path likelihood, pseudo-likelihood"
        raise OptionError("there is no such measure", expected=expected, got=repr(measure))
    return Likelihood(found.kind, found.at - shift, found.logps, found.forwards)


def _touched(source: Source, spans: list[Span], sizes: list[int]) -> Positions:
    """int64 [N] The tokens, of so many bytes each, that share a byte with a span."""
    stops = np.cumsum(sizes, dtype=np.int64)
    starts = stops - np.array(sizes, dtype=np.int64)
    touched = np.zeros(len(sizes), dtype=bool)
    for span in spans:
        if not 0 <= span.start < span.stop <= len(source.data):
            raise HoleError(
                "a span to score is empty or out of bounds",
                where=source.name,
                expected=f"0 <= start < stop <= {len(source.data)} (bytes)",
                got=f"{span.start} to {span.stop}",
            )
        touched |= (starts < span.stop) & (stops > span.start)
    if not touched.any():
        raise HoleError("no span to score", where=source.name, expected="one or more")
    return np.flatnonzero(touched)


def _shown(
    at: Positions, count: int, denoiser: Denoiser, language: str | None
) -> tuple[int, int, tuple[int, ...]]:
    """The tokens from where to where that fit the model's context, around those to score."""
    prologue = denoiser.capabilities.prologue(language)
    room = min(denoiser.capabilities.context, DEFAULT.context) - len(prologue)
    first, last = int(at[0]), int(at[-1])
    if last - first >= room:
        raise OptionError(
            "the spans lie further apart than the model can see",
            expected=f"within {room} tokens",
            got=f"{last - first + 1} tokens from the first to the last",
            hint="score them one by one",
        )
    start = max(0, min(first - (room - (last + 1 - first)) // 2, count - room))
    return start, min(count, start + room), prologue
