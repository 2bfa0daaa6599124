"""Decoding: one loop; policy, schedule and search are its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infill._lazy import loader

if TYPE_CHECKING:
    from infill.decode.candidates import Candidates, Row, Sampling, Scores, TopK
    from infill.decode.hypothesis import Hypothesis
    from infill.decode.loop import Streams, denoise
    from infill.decode.policy import (
        Blockwise,
        Confidence,
        Entropy,
        EntropyBounded,
        LeftToRight,
        Margin,
        Policy,
        Threshold,
    )
    from infill.decode.schedule import Cosine, Linear, Schedule, Tick
    from infill.decode.search import Beam, Search
    from infill.decode.trace import Trace

_HOMES = {
    "Beam": "infill.decode.search",
    "Blockwise": "infill.decode.policy",
    "Candidates": "infill.decode.candidates",
    "Confidence": "infill.decode.policy",
    "Cosine": "infill.decode.schedule",
    "Entropy": "infill.decode.policy",
    "EntropyBounded": "infill.decode.policy",
    "Hypothesis": "infill.decode.hypothesis",
    "LeftToRight": "infill.decode.policy",
    "Linear": "infill.decode.schedule",
    "Margin": "infill.decode.policy",
    "Policy": "infill.decode.policy",
    "Row": "infill.decode.candidates",
    "Sampling": "infill.decode.candidates",
    "Schedule": "infill.decode.schedule",
    "Scores": "infill.decode.candidates",
    "Search": "infill.decode.search",
    "Streams": "infill.decode.loop",
    "Threshold": "infill.decode.policy",
    "Tick": "infill.decode.schedule",
    "TopK": "infill.decode.candidates",
    "Trace": "infill.decode.trace",
    "denoise": "infill.decode.loop",
}
__all__ = [
    "Beam",
    "Blockwise",
    "Candidates",
    "Confidence",
    "Cosine",
    "Entropy",
    "EntropyBounded",
    "Hypothesis",
    "LeftToRight",
    "Linear",
    "Margin",
    "Policy",
    "Row",
    "Sampling",
    "Schedule",
    "Scores",
    "Search",
    "Streams",
    "Threshold",
    "Tick",
    "TopK",
    "Trace",
    "denoise",
]

__getattr__ = loader(__name__, _HOMES)
