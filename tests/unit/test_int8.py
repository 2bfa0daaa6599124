"""Matrix products in 8 bits: near to the exact ones, and each row by itself."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import infill
from infill.canvas import Canvas, Slot
from infill.errors import ModelError, OptionError
from infill.models.catalogue import EMBEDDED, digest_of, load
from infill.models.int8 import Int8Linear, quantised
from infill.models.layers import Linear
from infill.models.native import TinyDenoiser

SIZES = st.integers(1, 40)
TEXT = Path(infill.__file__).with_name("text.py").read_bytes()


@given(SIZES, SIZES, st.integers(0, 2**31), st.floats(1e-20, 1e20))
def test_a_row_is_off_by_half_a_step_at_most_and_its_largest_by_nothing(rows, wide, seed, size):
    x = size * torch.randn(rows, wide, generator=torch.Generator().manual_seed(seed))
    whole, scales = quantised(x)
    assert whole.abs().amax(1).eq(127).all()
    assert ((whole * scales - x).abs() <= scales * 0.5001).all()


def test_a_row_of_zeros_stays_one():
    layer = Int8Linear(Linear(8, 4))
    assert not layer(torch.zeros(2, 3, 8)).any()


@given(SIZES, st.integers(2, 40), SIZES, st.integers(0, 2**31))
def test_a_product_is_near_the_exact_one_and_does_not_depend_on_other_rows(rows, wide, out, seed):
    generator = torch.Generator().manual_seed(seed)
    exact = Linear(wide, out)
    exact.weight.data = torch.randn(out, wide, generator=generator)
    x = torch.randn(rows, wide, generator=generator)
    layer = Int8Linear(exact)
    with torch.no_grad():
        found, right = layer(x), exact(x)
        alone = torch.cat([layer(row[None]) for row in x])
        some = layer(x, slice(out // 2, None))
    # half a step of either factor for each of the summands
    largest = x.abs().amax(1, keepdim=True) * exact.weight.abs().amax(1)
    assert ((found - right).abs() <= largest * wide / 127 + 1e-5).all()
    assert torch.equal(found, alone)
    assert torch.equal(found[:, out // 2 :], some)


def test_a_product_that_comes_out_wrong_is_noticed(monkeypatch):
    monkeypatch.setattr(torch, "_int_mm", lambda left, right: left.int() @ right.int() + 1)
    with pytest.raises(ModelError, match="come out wrong on this machine"):
        Int8Linear(Linear(8, 4))


def test_the_embedded_model_in_8_bits_says_the_same_of_real_text():
    exact, model = load("embedded"), load("embedded:int8")
    ids = np.array(exact.vocab.encode(TEXT)[:250])
    slots = np.where(np.arange(len(ids)) % 7 == 3, Slot.HOLE, Slot.GIVEN)
    canvas = Canvas(ids, slots)
    pairs = [
        (exact([canvas])[0].top(at, k=1), model([canvas])[0].top(at, k=1)) for at in canvas.holes
    ]
    same = [a.tokens[0] == b.tokens[0] for a, b in pairs]
    off = [abs(a.logps[0] - b.logps[0]) for a, b in pairs]
    assert np.mean(same) > 0.9
    assert 0 < np.mean(off) < 0.05


def test_the_digest_tells_the_two_apart():
    model = load("embedded:int8")
    assert model.capabilities.digest == digest_of("embedded:int8") != digest_of("embedded")
    assert load(f"{EMBEDDED}:int8") is model


def test_other_precisions_and_devices_are_refused():
    with pytest.raises(ModelError, match="no model 'embedded:int4'"):
        load("embedded:int4")
    with pytest.raises(OptionError, match="for the CPU"):
        TinyDenoiser.from_folder(EMBEDDED, device="cuda", int8=True)
