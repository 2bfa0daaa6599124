"""Tree edits: what ranking by the goal is worth, and a model, at the same number of nodes.

The toy is `examples/csg2d.py`; its solved targets are counts, the same on every machine. What a
network solves that is trained for it (`examples/csg2d_learned.py`), and what the embedded model
repairs (`examples/repair_by_tests.py`), depends on last bits, and is reported.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

import pytest
import torch

import infill
from infill.bench.metrics import bootstrap
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
lessons, learning = example("csg2d_lessons"), example("csg2d_learned")  # they import csg2d


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


CONTROL = "beam 16 x 12, by goal"  # with random edits
METHODS = {
    CONTROL: edits(Beam(nodes=NODES)),
    "beam 64 x 3, by goal": edits(Beam(width=64, children=3, nodes=NODES)),
    "hill climbing 1 x 24": edits(Beam(width=1, children=24, nodes=NODES)),
    "beam 16 x 12, at random": edits(Beam(rank=at_random, nodes=NODES)),
    "whole programs at random": fresh,
}


def learned(policy):
    return lambda target: learning.LearnedEdits(policy, csg2d.drawn(target))


def mixed(policy):
    return lambda target: learning.Mixed(learned(policy)(target), csg2d.RANDOM_EDITS)


PROPOSERS = {
    "beam 16 x 12, learned edits": learned,
    "beam 16 x 12, half learned": mixed,
}


@pytest.fixture(scope="module")
def policy():
    """What was trained, and the seconds of a core that it took."""
    torch.set_num_threads(1)  # the tensors are small
    before = time.process_time()
    return learning.train(learning.FULL), time.process_time() - before


@pytest.fixture(scope="module")
def searched():
    """What a method finds for each target, by shapes and its name; it searches once."""
    known = {}

    def search_all(shapes, name, method):
        if (shapes, name) not in known:
            before = time.process_time()
            targets = csg2d.targets(shapes, TARGETS, seed=0)
            found = [method(target, seed) for seed, target in enumerate(targets)]
            known[shapes, name] = found, (time.process_time() - before) / TARGETS
        return known[shapes, name]

    return search_all


def shown(found, seconds):
    """Solved and mean best score with 95 % intervals over targets, and what they cost."""
    solved, score = (bootstrap([getattr(one, x) for one in found]) for x in ("reached", "score"))
    nodes, looks = (sum(getattr(one, x) for one in found) / TARGETS for x in ("nodes", "forwards"))
    return (
        f"{solved.mean:.2f} [{solved.low:.2f}, {solved.high:.2f}] solved, "
        f"{score.mean:.3f} [{score.low:.3f}, {score.high:.3f}] mean best IoU; "
        f"{nodes:.0f} nodes, {looks:.0f} programs looked at, {seconds:.1f} s a target"
    )


@pytest.mark.parametrize("shapes", [2, 3])
def test_a_beam_ranked_by_the_goal_solves_more_than_climbing_and_chance(
    shapes, figure, counted, searched
):
    solved = dict[str, int]()
    for name, method in METHODS.items():
        found, seconds = searched(shapes, name, method)
        assert all(one.nodes <= NODES for one in found)
        solved[name] = sum(one.reached for one in found)
        figure(f"{shapes} shapes, {name}", shown(found, seconds))
    beam, _, climb, *chance = solved.values()
    assert beam >= climb >= max(chance)
    assert beam > max(chance)
    counted(f"tree_edits_{shapes}", solved)


@pytest.mark.parametrize("shapes", [2, 3])
@pytest.mark.parametrize("name", PROPOSERS)
def test_what_a_learned_proposer_adds(shapes, name, policy, figure, searched):
    network, trained = policy
    figure("training of the learned proposer", f"{trained:.0f} s of one core")
    propose = PROPOSERS[name](network)

    def method(target: str, seed: int):
        return csg2d.solve(target, beam=Beam(nodes=NODES), seed=seed, proposer=propose(target))

    found, seconds = searched(shapes, name, method)
    assert all(one.nodes <= NODES for one in found)
    figure(f"{shapes} shapes, {name}", shown(found, seconds))
    random, _ = searched(shapes, CONTROL, METHODS[CONTROL])
    more = bootstrap([one.reached - two.reached for one, two in zip(found, random, strict=True)])
    figure(
        f"  more solved than {CONTROL} ({shapes}, {name.split(', ')[1]})",
        f"{more.mean:+.2f} [{more.low:+.2f}, {more.high:+.2f}]",
    )


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
