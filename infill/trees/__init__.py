"""Tree edits: search over typed replacements of subtrees, with or without a model, for a goal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infill._lazy import loader

if TYPE_CHECKING:
    from infill.trees.beam import Beam, Found, at_random, by_goal, search
    from infill.trees.lark_trees import LarkTrees
    from infill.trees.model import ModelEdits
    from infill.trees.proposers import Fresh, Proposer, RandomEdits
    from infill.trees.sampling import Derived, Donated, Subtrees, words_of
    from infill.trees.sitter_trees import SitterTrees
    from infill.trees.tree import Edit, Parsed, Reader, Tree, edited

_HOMES = {
    "Beam": "infill.trees.beam",
    "Derived": "infill.trees.sampling",
    "Donated": "infill.trees.sampling",
    "Edit": "infill.trees.tree",
    "Found": "infill.trees.beam",
    "Fresh": "infill.trees.proposers",
    "LarkTrees": "infill.trees.lark_trees",
    "ModelEdits": "infill.trees.model",
    "Parsed": "infill.trees.tree",
    "Proposer": "infill.trees.proposers",
    "RandomEdits": "infill.trees.proposers",
    "Reader": "infill.trees.tree",
    "SitterTrees": "infill.trees.sitter_trees",
    "Subtrees": "infill.trees.sampling",
    "Tree": "infill.trees.tree",
    "at_random": "infill.trees.beam",
    "by_goal": "infill.trees.beam",
    "edited": "infill.trees.tree",
    "search": "infill.trees.beam",
    "words_of": "infill.trees.sampling",
}
__all__ = [
    "Beam",
    "Derived",
    "Donated",
    "Edit",
    "Found",
    "Fresh",
    "LarkTrees",
    "ModelEdits",
    "Parsed",
    "Proposer",
    "RandomEdits",
    "Reader",
    "SitterTrees",
    "Subtrees",
    "Tree",
    "at_random",
    "by_goal",
    "edited",
    "search",
    "words_of",
]

__getattr__ = loader(__name__, _HOMES)
