import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.train.plan import (
    AUTOREGRESSIVE,
    DIFFUSION,
    Outlook,
    critical_compute,
    effective,
)

sizes, counts = st.floats(1e3, 1e12), st.floats(0.01, 1e4)


@given(unique=sizes, epochs=counts, half=st.floats(1, 1000))
def test_repeated_tokens_are_worth_no_more_than_fresh_ones(unique, epochs, half):
    worth = effective(unique, epochs, half)
    assert 0 < worth <= unique * epochs * (1 + 1e-9)
    assert worth <= unique * (1 + half) * (1 + 1e-9)
    assert effective(unique, epochs * 2, half) >= worth


@given(unique=sizes, epochs=st.floats(1, 1e4))
def test_repetition_costs_diffusion_less(unique, epochs):
    fresh = effective(unique, epochs, DIFFUSION)
    assert fresh >= effective(unique, epochs, AUTOREGRESSIVE) * (1 - 1e-9)


@pytest.mark.parametrize(
    ("unique", "epochs", "share"), [(10e6, 140, 0.87), (35e6, 40, 0.96), (70e6, 20, 0.98)]
)
def test_the_notes_figures_come_out(unique, epochs, share):
    assert effective(unique, epochs, DIFFUSION) / (unique * epochs) == pytest.approx(
        share, abs=0.005
    )


def test_both_published_forms_of_the_critical_compute_agree():
    for unique in (10e6, 100e6):
        other = 0.460 * math.log10(critical_compute(unique)) - 7.052
        assert 10**other == pytest.approx(unique / 1e6, rel=0.07)
    assert critical_compute(100e6) == pytest.approx(4.7e19, rel=0.05)


def test_an_outlook_adds_up():
    outlook = Outlook(unique=1_000_000, parameters=5_000_000, epochs=10, pace=2000)
    assert (outlook.tokens, outlook.compute) == (1e7, 3e14)
    assert outlook.hours == pytest.approx(1e7 / 2000 / 3600)
    assert outlook.worth(DIFFUSION) == pytest.approx(0.99, abs=0.01)
    assert Outlook(unique=10, parameters=1, epochs=1).hours is None
