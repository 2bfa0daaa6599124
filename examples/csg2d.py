"""Find the program that draws a picture: tree edits, with no model, towards a goal.

The toy of Tree Diffusion (arXiv:2405.20519): constructive solid geometry on 32 x 32 pixels.
`c` is a circle (radius, x, y), `q` a rectangle (x, y, width, height), `+` a union, `-` a
difference; a number is one octal digit and counts four pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from infill.constrain.lark import load
from infill.trees import (
    Beam,
    Derived,
    Edit,
    Found,
    LarkTrees,
    Parsed,
    Proposer,
    RandomEdits,
    search,
)

GRAMMAR = """
start: shape
shape: circle | quad | pair
circle: "c" N N N
quad: "q" N N N N
pair: op shape shape
op: "+" | "-"
N: /[0-7]/
%ignore " "
"""
DIGITS = "01234567"
SIDE, UNIT = 32, 4
SOLVED = 0.98  # intersection over union
CIRCLE, QUAD = 4, 5  # leaves

Image = NDArray[np.bool_]
down, across = np.mgrid[0:SIDE, 0:SIDE]
TREES = LarkTrees(GRAMMAR)
SUBTREES = Derived(load(GRAMMAR), {"N": DIGITS})
TWO_SHAPES = 1 + 2 * QUAD  # leaves of the largest pair of shapes: sigma = 2 in the paper's measure
RANDOM_EDITS = RandomEdits(subtrees=SUBTREES, sigma=TWO_SHAPES)


@lru_cache(maxsize=100_000)
def shape(kind: str, numbers: str) -> Image:
    """[32 32] One circle or rectangle."""
    values = [UNIT * DIGITS.index(number) for number in numbers]
    if kind == "c":
        radius, x, y = values
        return (across - x) ** 2 + (down - y) ** 2 <= radius**2
    x, y, width, height = values
    return (across >= x) & (across < x + width) & (down >= y) & (down < y + height)


@lru_cache(maxsize=1_000)
def drawn(program: str) -> Image:
    """[32 32] What a program of the grammar draws."""
    return _drawn(iter(program.replace(" ", "")))


def _drawn(lexemes: Iterator[str]) -> Image:
    head = next(lexemes)
    if head in "+-":
        left, right = _drawn(lexemes), _drawn(lexemes)
        return left | right if head == "+" else left & ~right
    return shape(head, "".join(next(lexemes) for _ in range(3 if head == "c" else 4)))


@dataclass(frozen=True)
class SamePicture:
    """A goal: to draw what `target` draws, by intersection over union."""

    target: str

    @cached_property
    def image(self) -> Image:
        """[32 32] The picture."""
        return drawn(self.target)

    def score(self, text: str) -> float:
        """Intersection over union, from 0 to 1."""
        image = drawn(text)
        union = np.count_nonzero(image | self.image)
        return float(np.count_nonzero(image & self.image) / union) if union else 1.0

    def reached(self, text: str) -> bool:
        """Whether hardly a pixel differs."""
        return self.score(text) >= SOLVED


def targets(shapes: int, count: int, seed: int) -> list[str]:
    """Random programs of exactly so many shapes, each of which can be seen in the picture."""
    rng = np.random.default_rng([seed, shapes])
    found = list[str]()
    while len(found) < count:
        program = SUBTREES.draw("start", shapes * QUAD + shapes - 1, rng) or ""
        parsed = TREES.read(program)
        if parsed is None:
            continue
        symbols = [node.symbol for _, node in parsed.tree.walk()]
        if symbols.count("shape") == 2 * shapes - 1 and all_matter(parsed):
            found.append(program)
    return found


def all_matter(parsed: Parsed) -> bool:
    """Whether the picture is not nearly empty or full, and leaving out any part changes it."""
    area = np.count_nonzero(drawn(parsed.text)) / SIDE**2
    goal = SamePicture(parsed.text)
    without = [
        Edit(path, pair.span, parsed.text_of(kept)).made(parsed.data).decode()
        for path, pair in parsed.tree.walk()
        if pair.symbol == "pair"
        for kept in pair.children[1:]
    ]
    visible = 0.05 < area < 0.9  # noqa: PLR2004 - what one can see
    return visible and not any(goal.reached(text) for text in without)


def solve(target: str, *, beam: Beam, seed: int = 0, proposer: Proposer = RANDOM_EDITS) -> Found:
    """Search for a program that draws what `target` draws, from one random shape on."""
    rng = np.random.default_rng(seed)
    start = SUBTREES.draw("start", TWO_SHAPES, rng) or ""
    return search(
        [start],
        reader=TREES,
        proposer=proposer,
        goal=SamePicture(target),
        beam=beam,
        seed=seed,
    )


def main() -> None:
    """Draw a target, and what was found for it, next to each other."""
    [target] = targets(2, 1, seed=0)
    found = solve(target, beam=Beam(nodes=2_000))
    print(f"wanted  {target}\nfound   {found.text}")
    print(f"intersection over union {found.score:.3f} after {found.nodes} programs")
    for edit in found.edits:
        print(f"  {'.'.join(map(str, edit.path)) or 'root':<10} -> {edit.new}")
    for rows in zip(drawn(target)[::2], drawn(found.text)[::2], strict=True):
        print("   ".join("".join(np.where(row, "#", ".")) for row in rows))


if __name__ == "__main__":
    main()
