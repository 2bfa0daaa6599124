"""Decoding: one loop; policy, schedule and search are its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infill._lazy import loader

if TYPE_CHECKING:
    from infill.decode.branching import Branching
    from infill.decode.candidates import Candidates, Row, Sampling, Scores, TopK
    from infill.decode.hypothesis import Hypothesis
    from infill.decode.lanes import BestOf, Remasking
    from infill.decode.loop import Streams, denoise
    from infill.decode.particles import Particles
    from infill.decode.policy import (
        Blockwise,
        Confidence,
        Entropy,
        EntropyBounded,
        Factor,
        LeftToRight,
        Margin,
        Policy,
        Threshold,
    )
    from infill.decode.rescoring import LookAhead, OrderToken, PseudoLikelihood, Rescorer
    from infill.decode.schedule import Cosine, Linear, Schedule, Tick
    from infill.decode.search import Beam, CanvasGoal, Search
    from infill.decode.trace import Trace

_HOMES = {
    "Beam": "infill.decode.search",
    "BestOf": "infill.decode.lanes",
    "Blockwise": "infill.decode.policy",
    "Branching": "infill.decode.branching",
    "Candidates": "infill.decode.candidates",
    "CanvasGoal": "infill.decode.search",
    "Confidence": "infill.decode.policy",
    "Cosine": "infill.decode.schedule",
    "Entropy": "infill.decode.policy",
    "EntropyBounded": "infill.decode.policy",
    "Factor": "infill.decode.policy",
    "Hypothesis": "infill.decode.hypothesis",
    "LeftToRight": "infill.decode.policy",
    "Linear": "infill.decode.schedule",
    "LookAhead": "infill.decode.rescoring",
    "Margin": "infill.decode.policy",
    "OrderToken": "infill.decode.rescoring",
    "Particles": "infill.decode.particles",
    "Policy": "infill.decode.policy",
    "PseudoLikelihood": "infill.decode.rescoring",
    "Remasking": "infill.decode.lanes",
    "Rescorer": "infill.decode.rescoring",
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
    "BestOf",
    "Blockwise",
    "Branching",
    "Candidates",
    "CanvasGoal",
    "Confidence",
    "Cosine",
    "Entropy",
    "EntropyBounded",
    "Factor",
    "Hypothesis",
    "LeftToRight",
    "Linear",
    "LookAhead",
    "Margin",
    "OrderToken",
    "Particles",
    "Policy",
    "PseudoLikelihood",
    "Remasking",
    "Rescorer",
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
