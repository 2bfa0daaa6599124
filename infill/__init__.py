"""infill: constrained decoding and code editing with diffusion infilling.

Public names load on first use: `import infill` imports neither torch nor numpy.

>>> import infill
>>> infill.Hole(start=4, stop=13).max_tokens is None
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infill._lazy import loader

if TYPE_CHECKING:
    from infill.constrain.grammar import Grammar
    from infill.edit.front import fill
    from infill.edit.holes import Hole
    from infill.edit.proposal import Proposal
    from infill.edit.settings import Settings
    from infill.edit.workbench import Workbench
    from infill.errors import InfillError
    from infill.models.catalogue import load

_HOMES = {
    "Grammar": "infill.constrain.grammar",
    "Hole": "infill.edit.holes",
    "InfillError": "infill.errors",
    "Proposal": "infill.edit.proposal",
    "Settings": "infill.edit.settings",
    "Workbench": "infill.edit.workbench",
    "fill": "infill.edit.front",
    "load": "infill.models.catalogue",
}
__all__ = ["Grammar", "Hole", "InfillError", "Proposal", "Settings", "Workbench", "fill", "load"]

__getattr__ = loader(__name__, _HOMES)
