"""Denoisers: models that score every slot of a canvas at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infill._lazy import loader

if TYPE_CHECKING:
    from infill.decode.candidates import Scores, TopK
    from infill.models.catalogue import load
    from infill.models.denoiser import Capabilities, Denoiser, Shadowing

_HOMES = {
    "Capabilities": "infill.models.denoiser",
    "Denoiser": "infill.models.denoiser",
    "Scores": "infill.decode.candidates",
    "Shadowing": "infill.models.denoiser",
    "TopK": "infill.decode.candidates",
    "load": "infill.models.catalogue",
}
__all__ = ["Capabilities", "Denoiser", "Scores", "Shadowing", "TopK", "load"]

__getattr__ = loader(__name__, _HOMES)
