"""Constrained decoding and code editing with diffusion infilling.

Public names load on first use: `import infill` imports neither torch nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infill._lazy import loader

if TYPE_CHECKING:
    from infill.constrain.grammar import Grammar
    from infill.edit.front import fill
    from infill.edit.holes import Hole
    from infill.edit.proposal import Proposal
    from infill.edit.revise import revise
    from infill.edit.rewrite import rewrite
    from infill.edit.scoring import score
    from infill.edit.settings import Settings
    from infill.edit.workbench import Workbench
    from infill.edit.workspace import Workspace
    from infill.errors import InfillError
    from infill.models.catalogue import load

_HOMES = {
    "Grammar": "infill.constrain.grammar", "Hole": "infill.edit.holes",
    "InfillError": "infill.errors", "Proposal": "infill.edit.proposal",
    "Settings": "infill.edit.settings", "Workbench": "infill.edit.workbench",
    "Workspace": "infill.edit.workspace",
    "fill": "infill.edit.front", "load": "infill.models.catalogue",
    "revise": "infill.edit.revise", "rewrite": "infill.edit.rewrite",
    "score": "infill.edit.scoring",
}  # fmt: skip
__all__ = [
    "Grammar", "Hole", "InfillError", "Proposal", "Settings",
    "Workbench", "Workspace", "fill", "load", "revise", "rewrite", "score",
]  # fmt: skip
__getattr__ = loader(__name__, _HOMES)
