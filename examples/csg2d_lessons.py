"""What a proposer of edits for the toy of `csg2d.py` can learn from: programs and their targets.

As in Tree Diffusion (arXiv:2405.20519, §3.3) a target is mutated, and what is learned is not the
last mutation undone but a step on the way that the difference of the two trees shows. It is often
shorter, and there is one from any program to any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from csg2d import QUAD, RANDOM_EDITS, SUBTREES, TREES, TWO_SHAPES, all_matter

from infill.trees import Edit, Parsed, Tree, edited
from infill.trees.tree import Path


def steps(now: Parsed, wanted: Parsed) -> list[Edit]:
    """The edits that could come next on the way from one program to another; none if equal.

    No edit brings more than one new shape. Where both trees have a pair, its parts are compared.
    Where only the wanted one has, its first shape is put in, and then a pair of that and the first
    shape of its other half. Where only the other has, one shape replaces it, or its largest part if
    it has more than sigma leaves.
    """
    return list(_steps(now, (0,), now.tree.children[0], wanted, wanted.tree.children[0]))


def _steps(now: Parsed, path: Path, old: Tree, wanted: Parsed, new: Tree) -> Iterator[Edit]:
    [mine], [theirs] = old.children, new.children
    parts = [
        (index, part, other)
        for index, (part, other) in enumerate(zip(mine.children, theirs.children, strict=False))
        if mine.symbol == theirs.symbol and now.text_of(part) != wanted.text_of(other)
    ]
    if mine.symbol == "pair" == theirs.symbol or len(parts) == 1:
        for index, part, other in parts:
            below = (*path, 0, index)
            if part.symbol == "shape":
                yield from _steps(now, below, part, wanted, other)
            else:
                yield Edit(below, part.span, wanted.text_of(other))
    elif theirs.symbol == "pair":
        op, *halves = theirs.children
        first, second = (_first(half) for half in halves)
        if now.text_of(old) != wanted.text_of(first):
            yield from _steps(now, path, old, wanted, first)
        else:
            pair = " ".join(wanted.text_of(part) for part in (op, first, second))
            yield Edit(path, old.span, pair)
    elif mine.symbol != theirs.symbol or parts:
        while old.leaves > TWO_SHAPES:
            index = max((1, 2), key=lambda at: old.children[0].children[at].leaves)
            path, old = (*path, 0, index), old.children[0].children[index]
        yield Edit(path, old.span, wanted.text_of(new))


def _first(shape: Tree) -> Tree:
    """The first circle or rectangle of a shape: in a difference, the one that is drawn."""
    while shape.children[0].symbol == "pair":
        shape = shape.children[0].children[1]
    return shape


def random_target(rng: np.random.Generator) -> Parsed:
    """A random program of two or three shapes that can all be seen."""
    while True:
        program = TREES.read(_joined(int(rng.integers(2, 4)), rng))
        if program is not None and all_matter(program):
            return program


def _joined(shapes: int, rng: np.random.Generator) -> str:
    if shapes == 1:
        return SUBTREES.draw("shape", QUAD, rng) or ""
    left = int(rng.integers(1, shapes))
    return f"{rng.choice(['+', '-'])} {_joined(left, rng)} {_joined(shapes - left, rng)}"


def mutated(program: Parsed, rng: np.random.Generator) -> Parsed:
    """The program with one random edit."""
    while True:
        after = edited(TREES, program, RANDOM_EDITS.propose(program, 1, rng)[0])
        if after is not None:
            return after


def way(now: Parsed, wanted: Parsed, rng: np.random.Generator) -> Iterator[tuple[Parsed, Edit]]:
    """The programs on a way from one to another, each with its next edit: one of its `steps`."""
    while possible := steps(now, wanted):
        step = possible[rng.integers(len(possible))]
        yield now, step
        after = edited(TREES, now, step)
        assert after is not None, step  # noqa: S101 - a law of `steps`
        now = after


def lessons(rng: np.random.Generator, mutations: int = 3) -> Iterator[tuple[Parsed, Parsed, Edit]]:
    """Programs, their targets and a step towards them.

    For each target, the first steps back after 1 to `mutations` mutations, and all the way from a
    random program, as searches start with one.
    """
    while True:
        target = now = random_target(rng)
        for _ in range(mutations):
            now = mutated(now, rng)
            for state, step in islice(way(now, target, rng), 1):
                yield state, target, step
        start = TREES.read(SUBTREES.draw("start", TWO_SHAPES, rng) or "")
        for state, step in way(start, target, rng) if start else ():
            yield state, target, step
