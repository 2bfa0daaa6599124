"""Law 12 to the bit: where one thread computes, a row's scores do not depend on its neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import infill
from infill.canvas import Canvas, Slot
from infill.decode import Sampling

LONGEST = 100  # slots: three padded lengths, and the rows stay quick


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def drawn(seed: int, size: int, holes: int) -> Canvas:
    """A canvas of random tokens, some of them holes, some filled, some of those with the blank."""
    rng = np.random.default_rng(seed)
    ids, slots = rng.integers(40, 3_000, size), np.full(size, Slot.GIVEN)
    filled = rng.random(size) < rng.random() / 4
    slots[filled] = Slot.FILLED
    ids[filled & (rng.random(size) < 0.5)] = infill.load().vocab.blank
    slots[rng.choice(size, min(size, holes), replace=False)] = Slot.HOLE
    return Canvas(ids, slots)


def said(scores, row: int, canvas: Canvas) -> tuple[bytes, ...]:
    """All that a row says of its holes, and what is said of two given slots."""
    best = scores.candidates(
        row, canvas.holes, sampling=Sampling(), uniforms=np.zeros(len(canvas.holes))
    )
    given_slots = np.flatnonzero(canvas.slots == Slot.GIVEN)[:2]
    tops = [scores.top(row, int(at), 5) for at in canvas.holes[:2]]
    return (
        best.tokens.tobytes(),
        best.logps.tobytes(),
        best.entropies.tobytes(),
        *(top.logps.tobytes() for top in tops),
        np.array([scores.logp(row, int(at), 77) for at in given_slots]).tobytes(),
    )


@settings(max_examples=12, deadline=None)
@given(
    shapes=st.lists(
        st.tuples(st.integers(0, 999), st.integers(1, LONGEST), st.integers(1, 12))
        | st.tuples(st.integers(0, 999), st.integers(1, 40), st.just(40)),
        min_size=2,
        max_size=9,
    ),
    data=st.data(),
)
def test_any_grouping_gives_every_row_the_same_bits(shapes, data):
    model = infill.load()
    canvases = [drawn(*shape) for shape in shapes]
    alone = [said(model([canvas]), 0, canvas) for canvas in canvases]
    left = data.draw(st.permutations(range(len(canvases))))
    while left:
        count = data.draw(st.integers(1, len(left)))
        batch, left = left[:count], left[count:]
        scores = model([canvases[index] for index in batch])
        for row, index in enumerate(batch):
            assert alone[index] == said(scores, row, canvases[index])
