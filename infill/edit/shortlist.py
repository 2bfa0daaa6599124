"""Which of several texts a model would rather have in one place, for few forwards.

The place is hidden whole, and each text is read off: those of as many tokens share a forward. It
is a rough order, for what is then scored with care; means per token compare texts of different
lengths badly, and sums worse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from infill.canvas import Canvas, Positions
from infill.decode.likelihood import BATCH
from infill.edit.reading import Reading
from infill.models.denoiser import Denoiser
from infill.text import Span, TextEdit, apply_edits


def shortlist(  # noqa: PLR0913, PLR0917 - the texts, where they would stand, and who judges
    texts: Sequence[bytes],
    span: Span,
    data: bytes,
    read: Callable[[bytes], Reading],
    denoiser: Denoiser,
    keep: int,
) -> list[bytes]:
    """The empty text, where it is among them, and the `keep` likeliest of the others.

    read   a text as the model reads it
    """
    if len(texts) <= keep:
        return list(texts)
    looks: dict[Canvas, list[tuple[bytes, Positions, list[int]]]] = {}
    for text in filter(None, texts):
        reading = read(apply_edits(data, [TextEdit(span, text)]))
        canvas, at, ids = reading.hidden(Span(span.start, span.start + len(text)))
        looks.setdefault(canvas, []).append((text, at, ids))
    canvases, means = list(looks), dict[bytes, float]()
    for first in range(0, len(canvases), BATCH):
        batch = canvases[first : first + BATCH]
        scores = denoiser(batch)
        for row, canvas in enumerate(batch):
            for text, at, ids in looks[canvas]:
                pairs = zip(at.tolist(), ids, strict=True)
                means[text] = float(np.mean([scores.logp(row, *pair) for pair in pairs]))
    order = sorted(means, key=lambda text: -means[text])
    return [text for text in texts if not text] + order[:keep]
