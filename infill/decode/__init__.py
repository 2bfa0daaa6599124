"""Decoding: one loop; policy, schedule and search are its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infill._lazy import loader

if TYPE_CHECKING:
    from infill.decode.branching import Branching
    from infill.decode.candidates import Candidates, Row, Sampling, Scores, TopK, Wishes
    from infill.decode.hypothesis import Hypothesis
    from infill.decode.lanes import BestOf, Remasking
    from infill.decode.lengthening import Lengthening
    from infill.decode.locating import Doubts, LeaveOneOut, Locator, Partition, Shadow, Visible
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
    from infill.decode.remdm import P2, ReMDMCap, ReMDMConf, ReMDMLoop, ReMDMRescale
    from infill.decode.rescoring import LookAhead, OrderToken, PseudoLikelihood, Rescorer
    from infill.decode.revision import (
        ConstraintRevision,
        PartitionRevision,
        Revision,
        ThresholdRevision,
    )
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
    "ConstraintRevision": "infill.decode.revision",
    "Cosine": "infill.decode.schedule",
    "Doubts": "infill.decode.locating",
    "Entropy": "infill.decode.policy",
    "EntropyBounded": "infill.decode.policy",
    "Factor": "infill.decode.policy",
    "Hypothesis": "infill.decode.hypothesis",
    "LeaveOneOut": "infill.decode.locating",
    "LeftToRight": "infill.decode.policy",
    "Lengthening": "infill.decode.lengthening",
    "Linear": "infill.decode.schedule",
    "Locator": "infill.decode.locating",
    "LookAhead": "infill.decode.rescoring",
    "Margin": "infill.decode.policy",
    "OrderToken": "infill.decode.rescoring",
    "P2": "infill.decode.remdm",
    "Particles": "infill.decode.particles",
    "Partition": "infill.decode.locating",
    "PartitionRevision": "infill.decode.revision",
    "Policy": "infill.decode.policy",
    "PseudoLikelihood": "infill.decode.rescoring",
    "ReMDMCap": "infill.decode.remdm",
    "ReMDMConf": "infill.decode.remdm",
    "ReMDMLoop": "infill.decode.remdm",
    "ReMDMRescale": "infill.decode.remdm",
    "Remasking": "infill.decode.lanes",
    "Rescorer": "infill.decode.rescoring",
    "Revision": "infill.decode.revision",
    "Row": "infill.decode.candidates",
    "Sampling": "infill.decode.candidates",
    "Schedule": "infill.decode.schedule",
    "Scores": "infill.decode.candidates",
    "Search": "infill.decode.search",
    "Shadow": "infill.decode.locating",
    "Streams": "infill.decode.loop",
    "Threshold": "infill.decode.policy",
    "ThresholdRevision": "infill.decode.revision",
    "Tick": "infill.decode.schedule",
    "TopK": "infill.decode.candidates",
    "Trace": "infill.decode.trace",
    "Visible": "infill.decode.locating",
    "Wishes": "infill.decode.candidates",
    "denoise": "infill.decode.loop",
}
__all__ = [  # noqa: RUF022 - by letters; P2 is no constant
    "Beam",
    "BestOf",
    "Blockwise",
    "Branching",
    "Candidates",
    "CanvasGoal",
    "Confidence",
    "ConstraintRevision",
    "Cosine",
    "Doubts",
    "Entropy",
    "EntropyBounded",
    "Factor",
    "Hypothesis",
    "LeaveOneOut",
    "LeftToRight",
    "Lengthening",
    "Linear",
    "Locator",
    "LookAhead",
    "Margin",
    "OrderToken",
    "P2",
    "Particles",
    "Partition",
    "PartitionRevision",
    "Policy",
    "PseudoLikelihood",
    "ReMDMCap",
    "ReMDMConf",
    "ReMDMLoop",
    "ReMDMRescale",
    "Remasking",
    "Rescorer",
    "Revision",
    "Row",
    "Sampling",
    "Schedule",
    "Scores",
    "Search",
    "Shadow",
    "Streams",
    "Threshold",
    "ThresholdRevision",
    "Tick",
    "TopK",
    "Trace",
    "Visible",
    "Wishes",
    "denoise",
]

__getattr__ = loader(__name__, _HOMES)
