"""infill: constrained decoding and code editing with diffusion infilling.

Public names load on first use (PEP 562): `import infill` imports neither torch nor numpy.

>>> import infill
>>> infill.Hole(start=4, stop=13).max_tokens is None
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infill.edit.front import fill
    from infill.edit.holes import Hole
    from infill.edit.proposal import Proposal
    from infill.edit.settings import Settings
    from infill.edit.workbench import Workbench
    from infill.errors import InfillError
    from infill.models.load import load

_HOMES = {
    "Hole": "infill.edit.holes",
    "InfillError": "infill.errors",
    "Proposal": "infill.edit.proposal",
    "Settings": "infill.edit.settings",
    "Workbench": "infill.edit.workbench",
    "fill": "infill.edit.front",
    "load": "infill.models.load",
}
__all__ = ["Hole", "InfillError", "Proposal", "Settings", "Workbench", "fill", "load"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'infill' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
