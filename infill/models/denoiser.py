"""What a model must be, to be used here: canvases go in, scores come out.

The protocol belongs to the loop that calls it; models implement it and see nothing above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from infill.canvas import Canvas
from infill.decode.candidates import Scores
from infill.vocab import Vocab


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a model can do, so that callers need not ask its name.

    name            how a person calls it
    digest          sha256 of the weights, or a name for what stands in for them
    context         tokens it was trained to see at once
    sees_suffix     whether text right of a hole reaches the prediction
    revises_visible whether its confidence in a visible token means anything (it was trained on
                    corrupted visible tokens)
    languages       the languages its `prologue` knows
    """

    name: str
    digest: str
    context: int
    sees_suffix: bool = True
    revises_visible: bool = False
    languages: tuple[str, ...] = ()


class Denoiser(Protocol):
    """A model of the tokens at holes, given everything else on the canvas."""

    @property
    def vocab(self) -> Vocab:
        """The tokens it writes."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def prologue(self, language: str | None) -> tuple[int, ...]:
        """The ids that open a text for this model: a bos, a language tag, or nothing."""
        ...

    def __call__(self, canvases: Sequence[Canvas]) -> Scores:
        """Score canvases of any lengths in one batched forward; rows do not see each other."""
        ...
