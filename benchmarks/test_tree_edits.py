"""Tree edits: what ranking by the goal is worth, and a model, at the same number of nodes.

The toy is `examples/csg2d.py`; its solved targets are counts, the same on every machine. What the
embedded model repairs (`examples/repair_by_tests.py`) depends on its last bits, and is reported.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import infill
from infill.trees import Beam, Donated, Fresh, ModelEdits, RandomEdits, at_random, search

EXAMPLES = Path(__file__).parent.parent / "examples"
NODES, TARGETS = 5_000, 12
TRIED, SIGMA = 30, 6  # programs tried for a repair, leaves of the largest node replaced


def example(name: str):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


csg2d, repairs = example("csg2d"), example("repair_by_tests")


def edits(beam: Beam):
    return lambda target, seed: csg2d.solve(target, beam=beam, seed=seed)


def fresh(target: str, seed: int):
    """Whole programs drawn at random, at most as large as the largest target."""
    return search(
        ["c 1 1 1"],
        reader=csg2d.TREES,
        proposer=Fresh(subtrees=csg2d.SUBTREES, most=3 * csg2d.QUAD + 2),
        goal=csg2d.SamePicture(target),
        beam=Beam(width=1, children=24, nodes=NODES),
        seed=seed,
    )


METHODS = {
    "beam 16 x 12, by goal": edits(Beam(nodes=NODES)),
    "beam 64 x 3, by goal": edits(Beam(width=64, children=3, nodes=NODES)),
    "hill climbing 1 x 24": edits(Beam(width=1, children=24, nodes=NODES)),
    "beam 16 x 12, at random": edits(Beam(rank=at_random, nodes=NODES)),
    "whole programs at random": fresh,
}


@pytest.mark.parametrize("shapes", [2, 3])
def test_a_beam_ranked_by_the_goal_solves_more_than_climbing_and_chance(shapes, figure, counted):
    solved, means = dict[str, int](), dict[str, float]()
    targets = csg2d.targets(shapes, TARGETS, seed=0)
    for name, method in METHODS.items():
        found = [method(target, seed) for seed, target in enumerate(targets)]
        assert all(one.nodes <= NODES for one in found)
        solved[name] = sum(one.reached for one in found)
        means[name] = float(np.mean([one.score for one in found]))
        figure(
            f"{shapes} shapes, {name}",
            f"{solved[name] / TARGETS:.2f} solved, {means[name]:.3f} mean best IoU",
        )
    beam, _, climb, *chance = solved.values()
    assert beam >= climb >= max(chance)
    assert beam > max(chance)
    counted(f"tree_edits_{shapes}", solved)


def by_model(temperature: float):
    model = infill.load()
    return lambda: ModelEdits(
        denoiser=model, language="python", sigma=SIGMA, below=repairs.BODY, temperature=temperature
    )


def by_donation():
    donors = [repairs.PYTHON.read(broken.text) for broken in repairs.BROKEN]
    return lambda: RandomEdits(subtrees=Donated(donors), sigma=SIGMA, below=repairs.BODY)


@pytest.mark.parametrize(
    ("name", "proposer"),
    [
        ("subtrees of the other functions", by_donation),
        ("model, node by gap", lambda: by_model(1.0)),
        ("model, any node", lambda: by_model(float("inf"))),
    ],
)
def test_repairs_of_small_functions(name, proposer, figure):
    make = proposer()
    found = [repairs.repair(broken, make(), nodes=TRIED) for broken in repairs.BROKEN]
    assert all(one.nodes <= TRIED for one in found)
    assert all(repairs.PYTHON.read(one.text) for one in found)
    forwards = sum(one.forwards for one in found)
    solved = sum(one.reached for one in found)
    figure(f"repairs, {name}", f"{solved} of {len(found)}, {forwards} canvases scored")
