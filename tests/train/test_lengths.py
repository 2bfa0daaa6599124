"""The laws of slots too many and too few (DreamOn)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.train.corrupt import Mixture, corrupt
from infill.train.lengths import mend, pairs, places
from infill.train.stream import draw
from infill.train.tokenizer import Special, is_special

laws = settings(max_examples=60, deadline=None)
seeds = st.integers(0, 2**32 - 1)
NOTHING = np.empty(0, dtype=np.int64)


@st.composite
def wrong(draw_from):
    """A row, what it hides, what follows, one of its spans, and a generator."""
    T = draw_from(st.integers(4, 40))
    hide = np.array(draw_from(st.lists(st.booleans(), min_size=T, max_size=T)))
    start = draw_from(st.integers(0, T - 1))
    stop = draw_from(st.integers(start + 1, T))
    row, after = np.arange(100, 100 + T), np.arange(900, 900 + draw_from(st.integers(0, 16)))
    return row, hide, after, (start, stop), np.random.default_rng(draw_from(seeds))


def restored(targets, original):
    """The row with `<del>` taken out and both tokens in the place of each `<expand>`."""
    text = []
    for token in targets.tolist():
        if token == Special.EXPAND:
            text += original[len(text) : len(text) + 2]
        elif token != Special.DEL:
            text.append(token)
    return text


@laws
@given(case=wrong(), count=st.integers(0, 24), chance=st.floats(0, 1))
def test_deleting_and_expanding_gives_the_row_that_was(case, count, chance):
    row, hide, after, span, rng = case
    extra, merged = places(hide, span, count, rng), pairs(hide, chance, rng)
    mended = mend(row, hide, after, extra, merged)
    assert len(row) == len(mended.ids) == len(mended.targets) == len(mended.weights)
    original = [*row.tolist(), *after.tolist()]
    text = restored(mended.targets, original)
    assert text == original[: len(text)]


@laws
@given(case=wrong(), count=st.integers(1, 24), chance=st.floats(0, 1))
def test_what_is_wrong_in_length_is_always_masked_and_deletions_count_as_one(case, count, chance):
    row, hide, after, span, rng = case
    extra, merged = places(hide, span, count, rng), pairs(hide, chance, rng)
    mended = mend(row, hide, after, extra, merged)
    asked = np.isin(mended.targets, (Special.DEL, Special.EXPAND))
    assert (mended.ids[asked] == Special.MASK).all()
    assert np.array_equal(mended.ids == Special.MASK, mended.weights > 0)
    deleted = mended.targets == Special.DEL
    if deleted.any():
        assert mended.weights[deleted].sum() == pytest.approx(1.0)
    assert (mended.weights[(mended.weights > 0) & ~deleted] == 1).all()


@laws
@given(case=wrong(), chance=st.floats(0, 1))
def test_pairs_are_hidden_neighbours_and_do_not_overlap(case, chance):
    _, hide, _, _, rng = case
    found = pairs(hide, chance, rng)
    assert hide[found].all()
    assert hide[found + 1].all()
    assert (np.diff(found) >= 2).all()


@laws
@given(case=wrong(), count=st.integers(1, 24))
def test_slots_too_many_stand_beside_hidden_tokens_of_their_span(case, count):
    _, hide, _, (start, stop), rng = case
    found = places(hide, (start, stop), count, rng)
    assert len(found) == (count if hide[start:stop].any() else 0)
    for at in found.tolist():
        assert start <= at <= stop
        assert hide[max(start, at - 1) : min(at + 1, stop)].any()


def test_a_slots_place_does_not_say_whether_it_is_too_many():
    rng, hide = np.random.default_rng(0), np.ones(8, dtype=bool)
    shares = np.zeros(12)
    for _ in range(2000):
        mended = mend(np.arange(50, 58), hide, np.arange(16), NOTHING, NOTHING)
        assert (mended.targets != Special.DEL).all()
        extra = places(hide, (0, 8), 4, rng)
        wide = np.concatenate([np.arange(50, 58), np.zeros(4, dtype=np.int64)])
        shown = np.concatenate([hide, np.zeros(4, dtype=bool)])
        shares += mend(wide, shown, NOTHING, extra, NOTHING).targets == Special.DEL
    assert np.abs(shares / 2000 - 4 / 12).max() < 0.12


@laws
@given(seed=seeds)
def test_a_batch_has_both_and_keeps_what_it_does_not_hide(stream, codec, seed):
    mixture = Mixture(shares=(0.0, 1.0, 0.0, 0.0), deletions=1.0, expansions=1.0)
    rng = np.random.default_rng(seed)
    windows = draw(stream, rng, B=8, T=96)
    batch = corrupt(windows, codec, mixture, rng)
    for row, after, targets in zip(windows.ids, windows.after, batch.targets, strict=True):
        original = [*row.tolist(), *after.tolist()]
        text = restored(targets, original)
        assert text == original[: len(text)]
    asked = batch.targets[batch.weights > 0]
    assert (asked == Special.DEL).any()
    assert not is_special(asked[~np.isin(asked, (Special.DEL, Special.EXPAND))]).any()


def test_pairs_are_merged_at_half_of_what_is_not_masked(stream, codec):
    mixture = Mixture(
        shares=(0.0, 1.0, 0.0, 0.0), deletions=0.0, expansions=1.0, whole=1.0, span=16
    )
    shares = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        batch = corrupt(draw(stream, rng, B=8, T=96), codec, mixture, rng)
        asked = batch.targets[batch.weights > 0]
        shares.append(float((asked == Special.EXPAND).mean()))
    # wholly masked spans: none in the dynamic half of the batches, many in the static half
    assert 8 < sum(share == 0.0 for share in shares) < 32
    assert max(shares) > 0.25
