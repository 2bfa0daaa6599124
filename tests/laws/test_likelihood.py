"""Laws of scores on a model that can be enumerated: three slots, four tokens, given as a table."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from infill.canvas import Canvas, Slot
from infill.decode.likelihood import (
    boundary,
    masked,
    partition,
    path_likelihood,
    path_logp,
    pseudo_likelihood,
)
from infill.errors import BudgetError, OptionError
from infill.models.counted import Counted
from infill.models.scripted import Scripted, noise
from infill.vocab import Vocab

TOKENS, SIZE = (1, 2, 3, 4), 3
VOCAB = Vocab([b"", b"a", b"b", b"c", b"d"], mask=0)
TEXTS = list(itertools.product(TOKENS, repeat=SIZE))


def joint(seed: int) -> np.ndarray:
    """A joint distribution over all texts, [4, 4, 4]."""
    weights = np.random.default_rng(seed).gamma(0.5, size=(4,) * SIZE)
    return weights / weights.sum()


def exact(table: np.ndarray) -> Scripted:
    """The model that has the table's conditionals: what stands is known, holes are summed out."""

    def script(canvas: Canvas) -> torch.Tensor:
        rows = np.zeros((SIZE, 5))
        for at in range(SIZE):
            known = tuple(
                slice(None) if slot == Slot.HOLE or place == at else int(token) - 1
                for place, (token, slot) in enumerate(zip(canvas.ids, canvas.slots, strict=True))
            )
            part = table[known]
            axis = sum(isinstance(k, slice) for k in known[:at])
            others = tuple(a for a in range(part.ndim) if a != axis)
            rows[at, 1:] = np.log(part.sum(axis=others) + 1e-300)
        return torch.from_numpy(rows)

    return Scripted(VOCAB, script)


def filled(text: tuple[int, ...]) -> Canvas:
    return Canvas(text, [Slot.FILLED] * len(text))


@given(st.integers(0, 2**32), st.sampled_from(["confidence", "entropy", "left to right"]))
def test_path_likelihoods_of_all_texts_sum_to_one_whatever_the_model(seed, order):
    model = Scripted(VOCAB, noise(VOCAB, seed))
    totals = [path_likelihood(model, filled(t), range(SIZE), order=order).total for t in TEXTS]
    assert np.exp(totals).sum() == pytest.approx(1, abs=1e-5)


@given(st.integers(0, 2**32), st.sampled_from(["confidence", "entropy", "left to right"]))
def test_the_path_likelihood_of_a_consistent_model_is_its_probability(seed, order):
    table = joint(seed)
    for text in TEXTS[::7]:
        found = path_likelihood(exact(table), filled(text), range(SIZE), order=order)
        wanted = np.log(table[tuple(t - 1 for t in text)] + 1e-300)
        assert found.total == pytest.approx(wanted, abs=1e-3)
        assert (found.kind, found.forwards) == ("path likelihood", SIZE)


@given(st.integers(0, 2**32), st.sampled_from(TEXTS))
def test_pseudo_likelihoods_are_the_conditionals(seed, text):
    table, canvas = joint(seed), filled(text)
    found = pseudo_likelihood(exact(table), canvas, range(SIZE))
    for at in range(SIZE):
        row = table[tuple(slice(None) if p == at else t - 1 for p, t in enumerate(text))]
        wanted = np.log(row[text[at] - 1] + 1e-300) - np.log(row.sum() + 4e-300)
        assert found.logps[at] == pytest.approx(wanted, abs=1e-3)
    assert found.forwards == SIZE
    halves = pseudo_likelihood(exact(table), canvas, range(SIZE), parts=2)
    assert halves.forwards == 2
    assert halves.logps[1] == pytest.approx(found.logps[1], abs=1e-3)  # alone in its part


@given(st.sets(st.integers(0, 40), max_size=20), st.one_of(st.none(), st.integers(1, 9)))
def test_a_partition_has_every_slot_once_and_keeps_neighbours_apart(at, parts):
    found = partition(sorted(at), parts)
    assert sorted(itertools.chain(*(part.tolist() for part in found))) == sorted(at)
    assert all(len(part) for part in found)
    if parts is None or parts > 1:
        ranks = {slot: rank for rank, slot in enumerate(sorted(at))}
        for part in found:
            places = [ranks[slot] for slot in part.tolist()]
            assert all(b - a > 1 for a, b in itertools.pairwise(places))


def test_looking_changes_nothing():
    canvas = Canvas([1, 2, 3], [Slot.GIVEN, Slot.FILLED, Slot.HOLE], [0.0, -1.0, 0.0])
    assert masked(canvas, [0, 1]).holes.tolist() == [0, 1, 2]
    assert canvas.slots.tolist() == [Slot.GIVEN, Slot.FILLED, Slot.HOLE]
    assert path_logp(canvas, [1]).total == -1.0
    assert boundary(canvas, 1, 2, blank=4).tolist() == [0, 1]


def test_what_is_out_of_range_is_refused():
    model = Scripted(VOCAB, noise(VOCAB))
    with pytest.raises(OptionError, match="parts is out of range"):
        pseudo_likelihood(model, filled((1, 2, 3)), [0], parts=0)
    with pytest.raises(OptionError, match="no such order"):
        path_likelihood(model, filled((1, 2, 3)), [0], order="random")


@given(st.integers(0, 9), st.lists(st.integers(1, 4), max_size=6))
def test_a_budget_is_never_overspent(budget, batches):
    model = Counted(Scripted(VOCAB, noise(VOCAB)), nfe_budget=budget)
    asked = 0
    for size in batches:
        if asked + size > budget:
            with pytest.raises(BudgetError) as caught:
                model([filled((1, 2, 3))] * size)
            assert caught.value.reason == "nfe_budget"
        else:
            model([filled((1, 2, 3))] * size)
            asked += size
    assert model.forwards == asked <= budget


def test_time_and_a_wish_to_stop_end_the_work_too():
    inner = Scripted(VOCAB, noise(VOCAB))
    for options, reason in (
        ({"time_limit": 0.0}, "time_limit"),
        ({"cancelled": lambda: True}, "cancelled"),
    ):
        with pytest.raises(BudgetError) as caught:
            Counted(inner, **options)([filled((1, 2, 3))])
        assert caught.value.reason == reason
