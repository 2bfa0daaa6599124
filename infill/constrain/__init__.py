"""Constraints: what may still be written, so that the whole can be completed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infill._lazy import loader

if TYPE_CHECKING:
    from infill.constrain.affix import Affixed, Affixes
    from infill.constrain.combine import Anything
    from infill.constrain.grammar import Grammar
    from infill.constrain.protocol import Constraint, State

_HOMES = {
    "Affixed": "infill.constrain.affix",
    "Affixes": "infill.constrain.affix",
    "Anything": "infill.constrain.combine",
    "Constraint": "infill.constrain.protocol",
    "Grammar": "infill.constrain.grammar",
    "State": "infill.constrain.protocol",
}
__all__ = ["Affixed", "Affixes", "Anything", "Constraint", "Grammar", "State"]

__getattr__ = loader(__name__, _HOMES)
