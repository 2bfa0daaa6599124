"""Models that know nothing, or only one text: what a method makes of them shows its mistakes.

A uniform model must give chance, and a copy model must never be led to an edit.
"""

from __future__ import annotations

from infill.models.denoiser import Denoiser
from infill.models.scripted import Scripted, even, recite


def uniform(denoiser: Denoiser) -> Denoiser:
    """Every token is as likely as any other, everywhere; tokens and context as the model's."""
    vocab = denoiser.vocab
    return Scripted(vocab, even(vocab), name="uniform", context=denoiser.capabilities.context)


def reciting(denoiser: Denoiser, *text: str) -> Denoiser:
    """Sure, wherever it is asked, of what stands there in a text; tokens as the model's.

    text   in one stretch, or in several, cut where its holes begin and end
    """
    vocab = denoiser.vocab
    script = recite(vocab, *(part.encode() for part in text))
    return Scripted(vocab, script, name="copy", context=denoiser.capabilities.context)
