"""The learned proposer of `examples/csg2d_learned.py`: what it learns from, sees and proposes."""

from __future__ import annotations

import importlib.util
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import infill
from infill.trees import Edit, edited

EXAMPLES = Path(infill.__file__).parent.parent / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up, and the next one imports it
    spec.loader.exec_module(module)
    return module


csg2d, lessons, learned = map(example, ("csg2d", "csg2d_lessons", "csg2d_learned"))
SIGMA = csg2d.TWO_SHAPES
seeds = st.integers(0, 2**32)


def program(seed, most=40):
    return csg2d.TREES.read(csg2d.SUBTREES.draw("start", most, np.random.default_rng(seed)))


programs = st.builds(program, seeds, st.integers(4, 60))


@pytest.fixture(scope="module")
def untrained():
    return learned.train(1, size=4)


@pytest.fixture(scope="module")
def trained():
    return learned.train(learned.QUICK, size=32)


def assert_typed(before, edit):
    """One node is replaced by one of its symbol, and neither has more than sigma leaves."""
    old, after = before.tree.at(edit.path), edited(csg2d.TREES, before, edit)
    assert old.span == edit.span
    assert before.text_of(old) != edit.new
    new = after.tree.at(edit.path)
    assert new.symbol == old.symbol
    assert after.text_of(new) == edit.new
    assert max(old.leaves, new.leaves) <= SIGMA
    return after


@given(programs, programs, seeds)
def test_there_is_a_way_of_typed_edits_from_any_program_to_any_other(now, target, seed):
    rng, most = np.random.default_rng(seed), now.tree.leaves + target.tree.leaves
    for _ in range(most):
        if not (possible := lessons.steps(now, target)):
            break
        now = assert_typed(now, possible[rng.integers(len(possible))])
    assert target.key == now.key


@pytest.mark.parametrize(
    ("now", "target", "path", "new"),
    [
        ("+ c 1 2 3 q 1 1 4 4", "+ c 1 2 3 q 1 1 4 5", (0, 0, 2, 0, 4), "5"),
        ("+ c 1 2 3 q 1 1 4 4", "+ c 1 2 3 c 1 1 4", (0, 0, 2), "c 1 1 4"),
        ("c 7 7 7", "- + c 1 1 1 c 2 2 2 c 3 3 3", (0,), "c 1 1 1"),
        ("c 1 1 1", "- + c 1 1 1 c 2 2 2 c 3 3 3", (0,), "- c 1 1 1 c 3 3 3"),
        ("- c 1 1 1 c 3 3 3", "- + c 1 1 1 c 2 2 2 c 3 3 3", (0, 0, 1), "+ c 1 1 1 c 2 2 2"),
        ("- + c 1 1 1 c 2 2 2 c 3 3 3", "c 3 3 3", (0, 0, 1), "c 3 3 3"),  # too large at once
        ("+ c 2 2 2 c 3 3 3", "c 3 3 3", (0,), "c 3 3 3"),
    ],
)
def test_a_step_brings_at_most_one_new_shape(now, target, path, new):
    [step] = lessons.steps(csg2d.TREES.read(now), csg2d.TREES.read(target))
    assert (path, new) == (step.path, step.new)


@settings(max_examples=25)
@given(programs, seeds)
def test_a_picture_is_drawn_where_a_shape_draws_and_it_decides(before, seed):
    rng = np.random.default_rng(seed)
    for place in learned.places(before):
        assert before.tree.at(place.path) is place.node
        new = csg2d.SUBTREES.draw("shape", SIGMA, rng)
        after = Edit(place.path, place.node.span, new).made(before.data).decode()
        expected = np.where(csg2d.drawn(new), place.full, place.empty)
        assert (csg2d.drawn(after) == expected).all()


@given(programs, programs)
def test_every_step_is_an_action_at_one_place(now, target):
    found = learned.places(now)
    for step in lessons.steps(now, target):
        [(place, answer)] = [(one, it) for one in found if (it := one.read(step)) is not None]
        assert answer[0] in place.actions
        assert step == place.edit(*answer)


@settings(max_examples=25)
@given(programs, programs, seeds, st.integers(1, 13))
def test_learned_edits_are_typed_and_repeat_by_seed(untrained, before, target, seed, k):
    wanted = csg2d.drawn(target.text)
    proposer = learned.LearnedEdits(untrained, wanted)
    edits = proposer.propose(before, k, np.random.default_rng(seed))
    assert len(edits) <= k
    assert len({(edit.path, edit.new) for edit in edits}) == len(edits)
    for edit in edits:
        assert_typed(before, edit)
        assert edit.logp < 0
    assert edits == proposer.propose(before, k, np.random.default_rng(seed))
    again = learned.LearnedEdits(untrained, wanted)
    assert edits == again.propose(before, k, np.random.default_rng(seed))
    assert proposer.forwards == again.forwards == 1
    mixed = learned.Mixed(again, csg2d.RANDOM_EDITS)
    some = mixed.propose(before, k, np.random.default_rng(seed))
    assert k - k // 2 <= len(some) <= k


def test_the_same_seed_trains_the_same_policy():
    first, second, other = (learned.train(2, seed=seed, size=8) for seed in (0, 0, 1))
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)
    assert not torch.equal(first.paint.weight, other.paint.weight)


def right(propose, states):
    """Of eight proposals for each state, how many lead straight to the target."""
    rng, hits = np.random.default_rng(0), 0
    for now, target in states:
        for edit in propose(target).propose(now, 8, rng):
            hits += edited(csg2d.TREES, now, edit).key == target.key
    return hits


def test_after_a_little_training_the_right_replacement_is_proposed_more_often(trained):
    held_out = lessons.lessons(np.random.default_rng(123), mutations=1)
    states = [(now, t) for now, t, _ in islice(held_out, 160) if len(lessons.steps(now, t)) == 1]
    chance = right(lambda _: csg2d.RANDOM_EDITS, states)
    found = right(lambda t: learned.LearnedEdits(trained, csg2d.drawn(t.text)), states)
    assert found > 3 * chance + 10


def test_the_example_runs(trained, monkeypatch, capsys):
    monkeypatch.setattr(learned, "train", lambda _: trained)
    learned.main()
    assert capsys.readouterr().out.count(" programs: ") == 6
