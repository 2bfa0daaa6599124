"""Proposers of edits: replace a random small node, or draw a whole text anew.

As in Tree Diffusion (arXiv:2405.20519): a node of at most sigma leaves is replaced by a random
subtree of its own symbol. Knows no goal and no model; `model.py` has the learned proposer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from infill.trees.sampling import Subtrees
from infill.trees.tree import Edit, Parsed, Path, Tree, is_below

TRIES = 100  # draws for one edit, until one differs from what stands there


class Proposer(Protocol):
    """Proposes edits of one text."""

    @property
    def forwards(self) -> int:
        """How many canvases it has had a model score so far; 0 where it has none."""
        ...

    def propose(self, parsed: Parsed, k: int, rng: np.random.Generator) -> list[Edit]:
        """Up to k edits, each of which changes the text; the same numbers, the same edits."""
        ...


@dataclass(frozen=True, kw_only=True)
class RandomEdits:
    """Replaces a node of at most `sigma` leaves by a random one of its symbol, as small.

    The number of leaves is chosen first and then a node that has as many, or nearly all edits
    would be of single lexemes. Where `below` is a node's path, only its descendants are offered.
    """

    subtrees: Subtrees
    sigma: int
    below: Path | None = None
    forwards: int = 0

    def propose(self, parsed: Parsed, k: int, rng: np.random.Generator) -> list[Edit]:
        """Up to k edits; fewer where draw after draw gives what stands there already."""
        classes: dict[int, list[tuple[Path, Tree]]] = {}
        for path, node in parsed.tree.walk():
            offered = self.below is None or is_below(path, self.below)
            if offered and 0 < node.leaves <= self.sigma:
                classes.setdefault(node.leaves, []).append((path, node))
        sizes, edits = sorted(classes), list[Edit]()
        for _ in range(TRIES * k if sizes else 0):
            nodes = classes[sizes[rng.integers(len(sizes))]]
            path, node = nodes[rng.integers(len(nodes))]
            new = self.subtrees.draw(node.symbol, self.sigma, rng)
            if new is not None and new != parsed.text_of(node):
                edits.append(Edit(path, node.span, new))
                if len(edits) == k:
                    break
        return edits


@dataclass(frozen=True, kw_only=True)
class Fresh:
    """Draws whole texts of at most `most` leaves, whatever stands there: the control."""

    subtrees: Subtrees
    most: int
    forwards: int = 0

    def propose(self, parsed: Parsed, k: int, rng: np.random.Generator) -> list[Edit]:
        """K texts (fewer where none is so small), equal ones among them."""
        root = parsed.tree
        drawn = [self.subtrees.draw(root.symbol, self.most, rng) for _ in range(k)]
        return [Edit((), root.span, new) for new in drawn if new is not None]
