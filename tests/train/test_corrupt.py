"""The laws of the noise."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.train.corrupt import (
    EARLY,
    FULL,
    Mixture,
    Noise,
    corrupt,
    name_marks,
    name_spans,
    span_marks,
    spoil,
)
from infill.train.stream import draw
from infill.train.tokenizer import Special, is_special

ALONE = {noise: Mixture(shares=tuple(float(noise == n) for n in Noise)) for noise in Noise}
seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=40, deadline=None)


def corrupted(stream, codec, seed, mixture, rows=6):
    rng = np.random.default_rng(seed)
    windows = draw(stream, rng, B=rows, T=96)
    return windows, corrupt(windows, codec, mixture, rng)


@laws
@given(seed=seeds, mixture=st.sampled_from([EARLY, FULL, *ALONE.values()]))
def test_what_is_not_asked_is_shown_as_it_stands(stream, codec, seed, mixture):
    _, batch = corrupted(stream, codec, seed, mixture)
    unasked = batch.weights == 0
    assert np.array_equal(batch.ids[unasked], batch.targets[unasked])


@laws
@given(seed=seeds, mixture=st.sampled_from([EARLY, ALONE[Noise.UNIFORM], ALONE[Noise.NAMES]]))
def test_masking_hides_tokens_and_targets_are_the_originals(stream, codec, seed, mixture):
    windows, batch = corrupted(stream, codec, seed, mixture)
    assert np.array_equal(batch.targets, windows.ids)
    if mixture is not EARLY:
        assert np.array_equal(batch.ids == Special.MASK, batch.weights > 0)


@laws
@given(seed=seeds)
def test_spoilt_rows_are_asked_for_what_stood_there(stream, codec, seed):
    windows, batch = corrupted(stream, codec, seed, ALONE[Noise.SPOILT])
    assert np.array_equal(batch.targets, windows.ids)
    assert (batch.weights[batch.ids != windows.ids] == 1).all()
    shown = batch.ids != Special.MASK
    kinds = codec.kinds
    assert np.array_equal(kinds[batch.ids[shown]], kinds[windows.ids[shown]])


@laws
@given(seed=seeds, mixture=st.sampled_from([EARLY, FULL, *ALONE.values()]))
def test_specials_of_a_row_are_never_hidden_nor_asked(stream, codec, seed, mixture):
    _, batch = corrupted(stream, codec, seed, mixture)
    asked = batch.targets[batch.weights > 0]
    assert not is_special(asked[~np.isin(asked, (Special.DEL, Special.EXPAND))]).any()


@laws
@given(seed=seeds)
def test_no_span_of_the_early_mixture_is_longer_than_it_allows(stream, codec, seed):
    rng = np.random.default_rng(seed)
    windows = draw(stream, rng, B=1, T=64)  # one span in 64 tokens
    hide, _ = span_marks(windows.ids[0], windows.nodes[0], codec, EARLY, rng)
    assert hide.sum() <= EARLY.span


@laws
@given(seed=seeds)
def test_a_hidden_name_is_hidden_wherever_it_stands_but_once(stream, codec, seed):
    rng = np.random.default_rng(seed)
    row = draw(stream, rng, B=1, T=128).ids[0]
    hide = name_marks(row, codec, rng)
    places = {}
    for start, stop in name_spans(row, codec):
        places.setdefault(codec.decode(row[start:stop]).strip(), []).append(hide[start:stop])
    for marks in places.values():
        assert all(mark.all() or not mark.any() for mark in marks)
        hidden = sum(bool(mark.all()) for mark in marks)
        assert hidden == 0 or hidden >= max(1, len(marks) - 1)


def test_names_are_whole_words_with_their_underscores_and_digits(codec):
    row = np.array(codec.encode("read_pins2(pin) + x"))
    names = [codec.decode(row[start:stop]).strip() for start, stop in name_spans(row, codec)]
    assert names == ["read_pins2", "pin", "x"]


@laws
@given(seed=seeds)
def test_the_same_seed_gives_the_same_noise(stream, codec, seed):
    _, first = corrupted(stream, codec, seed, FULL)
    _, second = corrupted(stream, codec, seed, FULL)
    assert np.array_equal(first.ids, second.ids)
    assert np.array_equal(first.weights, second.weights)


@laws
@given(seed=seeds)
def test_the_rows_passed_in_are_not_changed(stream, codec, seed):
    windows = draw(stream, np.random.default_rng(seed), B=4, T=96)
    before = windows.ids.copy()
    corrupt(windows, codec, FULL, np.random.default_rng(seed))
    spoil(windows.ids[0], codec, np.random.default_rng(seed))
    assert np.array_equal(windows.ids, before)


def test_uniform_ratios_are_spread_over_the_batch(stream, codec):
    _, batch = corrupted(stream, codec, 0, ALONE[Noise.UNIFORM], rows=64)
    shares = np.sort((batch.weights > 0).mean(axis=1))
    assert np.abs(shares - np.linspace(0.03, 0.98, 64)).max() < 0.15


def test_the_curriculum_starts_short_and_at_right_lengths():
    assert (EARLY.deletions, EARLY.expansions, EARLY.ratio, EARLY.span) == (0.0, 0.0, 0.5, 10)
