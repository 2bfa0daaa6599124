"""Each policy, schedule and sampling against a plain reading of its paper, in Python floats."""

from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from infill.canvas import Canvas, Slot
from infill.decode.candidates import Sampling
from infill.decode.policy import (
    Blockwise,
    Confidence,
    Entropy,
    EntropyBounded,
    LeftToRight,
    Margin,
    Threshold,
)
from infill.decode.schedule import Cosine, Linear, ticks
from infill.decode.scores import FIRST_LOOK, LogitScores
from infill.errors import OptionError
from infill.models.scripted import Scripted, byte_vocab, noise
from infill.vocab import Vocab, pack

LETTERS = b"abcdefghij"
VOCAB = Vocab([b"", *(bytes([letter]) for letter in LETTERS)], mask=0)
BLANK = VOCAB.blank

SEEDS = st.integers(0, 2**32 - 1)


class Reference:
    """Random logits of H holes on a canvas with given slots between them, and their softmax."""

    def __init__(self, seed: int, holes: int) -> None:
        rng = np.random.default_rng(seed)
        slots = [Slot.HOLE] * holes + [Slot.GIVEN] * int(rng.integers(0, holes + 1))
        rng.shuffle(slots)
        self.canvas = Canvas([1] * len(slots), slots)
        self.at = self.canvas.holes.tolist()
        table = torch.tensor(3 * rng.standard_normal((len(slots), VOCAB.model_size))).float()
        self.scores = LogitScores(VOCAB, [self.canvas], lambda _, at: table[at])
        self.probabilities = []
        for at in self.at:
            shares = [math.exp(logit) for logit in table[at].tolist()[1:]]
            self.probabilities.append([share / sum(shares) for share in shares])

    def drawn(self, sampling: Sampling | None = None):
        return self.scores[0].candidates(
            self.canvas.holes,
            sampling=sampling or Sampling(),
            uniforms=np.random.default_rng(1).random(len(self.at)),
        )

    def best(self, hole: int) -> float:
        return max(self.probabilities[hole])

    def entropy(self, hole: int) -> float:
        return -sum(p * math.log(p) for p in self.probabilities[hole])

    def margin(self, hole: int) -> float:
        one, other = sorted(self.probabilities[hole], reverse=True)[:2]
        return one - other

    def order(self, key) -> list[int]:
        return sorted(range(len(self.at)), key=key)


@given(seed=SEEDS, holes=st.integers(1, 12))
def test_candidates_report_the_likeliest_token_its_probability_margin_and_entropy(seed, holes):
    reference = Reference(seed, holes)
    drawn = reference.drawn()
    rows = range(holes)
    assert reference.at == drawn.at.tolist()
    assert [1 + int(np.argmax(reference.probabilities[i])) for i in rows] == drawn.tokens.tolist()
    assert [reference.best(i) for i in rows] == pytest.approx(np.exp(drawn.logps), abs=1e-5)
    assert [reference.margin(i) for i in rows] == pytest.approx(drawn.margins, abs=1e-5)
    assert [reference.entropy(i) for i in rows] == pytest.approx(drawn.entropies, abs=1e-5)


@given(seed=SEEDS, holes=st.integers(1, 12), quota=st.integers(1, 14))
def test_the_fixed_policies_choose_as_their_definitions_say(seed, holes, quota):
    reference = Reference(seed, holes)
    drawn = reference.drawn()
    for policy, order in (
        (LeftToRight(), list(range(holes))),
        (Confidence(), reference.order(lambda i: -reference.best(i))),
        (Entropy(), reference.order(reference.entropy)),
        (Margin(), reference.order(lambda i: -reference.margin(i))),
    ):
        assert order[:quota] == policy.choose(drawn, quota=quota).tolist()


@given(seed=SEEDS, holes=st.integers(1, 12), quota=st.integers(1, 5), at_least=st.floats(0.05, 1.0))
def test_threshold_takes_all_that_reach_it_and_never_fewer_than_the_quota(
    seed, holes, quota, at_least
):
    reference = Reference(seed, holes)
    order = reference.order(lambda i: -reference.best(i))
    sure = [i for i in order if reference.best(i) >= at_least]
    expected = sure if len(sure) > quota else order[:quota]
    got = Threshold(at_least=at_least).choose(reference.drawn(), quota=quota)
    assert expected == got.tolist()


@given(seed=SEEDS, holes=st.integers(1, 12), quota=st.integers(1, 5), gamma=st.floats(0, 6))
def test_entropy_bounded_takes_the_largest_set_within_the_bound(seed, holes, quota, gamma):
    reference = Reference(seed, holes)
    order = reference.order(reference.entropy)
    rising = [reference.entropy(i) for i in order]
    fits = [k for k in range(1, holes + 1) if sum(rising[:k]) - max(rising[:k]) <= gamma]
    expected = order[: max(*fits, quota)]
    assert expected == EntropyBounded(gamma=gamma).choose(reference.drawn(), quota=quota).tolist()


@given(seed=SEEDS, holes=st.integers(1, 12), quota=st.integers(1, 14), size=st.integers(1, 6))
def test_blockwise_finishes_a_block_before_the_next(seed, holes, quota, size):
    reference = Reference(seed, holes)
    expected: list[int] = []
    for block in sorted({at // size for at in reference.at}):
        inside = [i for i, at in enumerate(reference.at) if at // size == block]
        ranked = sorted(inside, key=lambda i: -reference.best(i))
        expected += ranked[: quota - len(expected)]
    got = Blockwise(inner=Confidence(), size=size).choose(reference.drawn(), quota=quota)
    assert expected == got.tolist()


@given(seed=SEEDS, holes=st.integers(1, 12), quota=st.integers(1, 5))
def test_blockwise_of_threshold_takes_the_sure_of_the_first_open_blocks(seed, holes, quota):
    reference = Reference(seed, holes)
    expected: list[int] = []
    for block in sorted({at // 3 for at in reference.at}):
        if len(expected) >= quota:
            break
        inside = [i for i, at in enumerate(reference.at) if at // 3 == block]
        ranked = sorted(inside, key=lambda i: -reference.best(i))
        sure = sum(reference.best(i) >= 0.5 for i in inside)
        expected += ranked[: max(sure, quota - len(expected))]
    policy = Blockwise(inner=Threshold(at_least=0.5), size=3)
    assert expected == policy.choose(reference.drawn(), quota=quota).tolist()


def test_blockwise_refuses_a_sampling_that_would_be_ignored():
    with pytest.raises(OptionError, match="inner"):
        Blockwise(inner=Confidence(sampling=Sampling(temperature=1.0)))


@given(slots=st.integers(1, 300), steps=st.integers(1, 300))
def test_linear_is_the_quota_of_llada(slots, steps):
    steps = min(steps, slots)
    expected = [slots // steps + (t < slots % steps) for t in range(steps)]
    assert expected == quotas(Linear(steps=steps), slots)


@given(slots=st.integers(1, 300), steps=st.integers(1, 300))
def test_cosine_is_the_schedule_of_maskgit(slots, steps):
    steps, unknown, expected = min(steps, slots), slots, []
    for step in range(steps):  # as in MaskGIT's parallel_decode.py, all that is left at last
        ratio = (step + 1) / steps
        keep = math.floor(round(slots * math.cos(math.pi / 2 * ratio), 8))
        keep = min(max(keep, 1), unknown - 1) if step < steps - 1 else 0
        expected.append(unknown - keep)
        unknown = keep
    assert expected == quotas(Cosine(steps=steps), slots)


def quotas(schedule, slots: int) -> list[int]:
    left, taken = slots, []
    for tick in ticks(schedule, slots=slots, limit=10_000):
        if not left:
            break
        taken.append(tick.quota(left))
        left -= taken[-1]
    return taken


@given(slots=st.integers(0, 50), steps=st.one_of(st.none(), st.integers(1, 60)))
def test_a_schedule_takes_no_more_ticks_than_steps_or_slots(slots, steps):
    for kind in (Linear, Cosine):
        taken = quotas(kind(steps=steps), slots)
        assert sum(taken) == slots
        assert len(taken) <= min(slots, steps or slots)
        assert min(taken, default=1) >= 1


def softened(logits: list[float], temperature: float) -> list[float]:
    weights = [math.exp(logit / temperature) for logit in logits]
    return [weight / sum(weights) for weight in weights]


def kept(logits: list[float], sampling: Sampling) -> dict[int, float]:
    """The tokens that may be drawn, and how likely, by the usual definitions."""
    probabilities = softened(logits, sampling.temperature)
    order = sorted(range(len(logits)), key=lambda t: -probabilities[t])
    if sampling.top_k:
        order = order[: sampling.top_k]
    whole = sum(probabilities[t] for t in order)
    nucleus, mass = [], 0.0
    for token in order:
        if mass >= sampling.top_p:
            break
        nucleus.append(token)
        mass += probabilities[token] / whole
    total = sum(probabilities[t] for t in nucleus)
    return {token: probabilities[token] / total for token in nucleus}


def draws(logits: list[float], sampling: Sampling, count: int, seed: int) -> np.ndarray:
    """How often each token is drawn, in `count` slots that have the same logits."""
    vocab = Vocab([b"", *(b"%d" % i for i in range(len(logits)))], mask=0)
    canvas = Canvas([0] * count, [Slot.HOLE] * count)
    row = torch.tensor([50.0, *logits])  # the mask token is the model's favourite
    scores = LogitScores(vocab, [canvas], lambda _, at: row.repeat(len(at), 1))
    drawn = scores[0].candidates(
        canvas.holes, sampling=sampling, uniforms=np.random.default_rng(seed).random(count)
    )
    return np.bincount(drawn.tokens, minlength=len(vocab))


SAMPLINGS = [
    Sampling(temperature=1.0),
    Sampling(temperature=0.5),
    Sampling(temperature=2.0),
    Sampling(temperature=1.0, top_k=3),
    Sampling(temperature=1.0, top_p=0.7),
    Sampling(temperature=0.8, top_k=6, top_p=0.8),
]


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_frequencies_of_many_draws_are_the_softmax(sampling):
    logits = (2 * np.random.default_rng(5).standard_normal(9)).round(3).tolist()
    count = 4_000
    counts = draws(logits, sampling, count, seed=11)
    expected = kept(logits, sampling)
    assert counts[0] == counts[-1] == 0  # neither the mask nor the virtual blank
    for token in range(len(logits)):
        share = expected.get(token, 0.0)
        spread = math.sqrt(share * (1 - share) / count)
        assert abs(counts[token + 1] / count - share) <= 4.5 * spread


@given(
    seed=SEEDS,
    size=st.integers(2, 40),
    temperature=st.floats(0.3, 3),
    top_p=st.floats(0.05, 1),
    top_k=st.integers(0, 12),
)
def test_only_tokens_of_the_nucleus_and_the_best_k_are_drawn(seed, size, temperature, top_p, top_k):
    logits = np.random.default_rng(seed).standard_normal(size).round(4).tolist()
    sampling = Sampling(temperature=temperature, top_p=top_p, top_k=top_k)
    counts = draws(logits, sampling, 300, seed)
    support = {token - 1 for token in np.flatnonzero(counts).tolist()}
    assert support <= set(kept(logits, sampling))


def test_a_nucleus_wider_than_the_first_look_is_whole():
    size = 3 * FIRST_LOOK
    counts = draws([0.0] * size, Sampling(temperature=1.0, top_p=0.9), 4_000, seed=3)
    assert (counts > 0).sum() > 1.5 * FIRST_LOOK


@given(seed=SEEDS, size=st.integers(1, 40), top_k=st.integers(0, 3), top_p=st.floats(0.1, 1))
def test_temperature_zero_takes_the_likeliest_whatever_else_is_set(seed, size, top_k, top_p):
    logits = np.random.default_rng(seed).standard_normal(size).tolist()
    sampling = Sampling(temperature=0.0, top_k=top_k, top_p=top_p)
    counts = draws(logits, sampling, 20, seed)
    assert counts[1 + int(np.argmax(np.float32(logits)))] == 20


@given(
    seed=SEEDS,
    size=st.integers(3, 700),
    few=st.booleans(),
    sampling=st.sampled_from([Sampling(), *SAMPLINGS]),
)
def test_a_mask_restricts_what_is_drawn_and_renormalises_what_is_reported(
    seed, size, few, sampling
):
    rng = np.random.default_rng(seed)
    vocab = Vocab([b"", *(b"%d" % i for i in range(size))], mask=0)
    logits = rng.standard_normal((4, size + 1))
    forbidden = rng.random((4, len(vocab))) < (0.005 if few else 0.7)
    forbidden[np.arange(4), rng.integers(1, size, 4)] = False
    canvas = Canvas([0] * 4, [Slot.HOLE] * 4)
    table = torch.tensor(logits).float()
    scores = LogitScores(vocab, [canvas], lambda _, at: table[at])
    masks = np.stack([pack(~row) for row in forbidden])
    uniforms = rng.random(4)
    drawn = scores[0].candidates(canvas.holes, sampling=sampling, uniforms=uniforms, allowed=masks)
    for at in range(4):
        able = [t for t in range(1, size + 1) if not forbidden[at, t]]
        total = math.log(sum(math.exp(logits[at, t]) for t in able))
        token = int(drawn.tokens[at])
        assert token in able
        assert logits[at, token] - total == pytest.approx(drawn.logps[at], abs=1e-4)
        if not sampling.temperature:
            assert max(able, key=lambda t, at=at: logits[at, t]) == token
        best = sorted(able, key=lambda t, at=at: -logits[at, t])[:3]
        assert best == scores[0].top(at, 3, masks[at]).tokens.tolist()
    before = scores[0].candidates(canvas.holes, sampling=Sampling(), uniforms=uniforms)
    assert (1 + logits[:, 1:].argmax(-1)).tolist() == before.tokens.tolist()


def test_draws_follow_the_uniforms_through_the_cumulative_distribution():
    logits = [math.log(0.5), math.log(0.3), math.log(0.2)]
    vocab = Vocab([b"", b"a", b"b", b"c"], mask=0)
    canvas = Canvas([0] * 6, [Slot.HOLE] * 6)
    row = torch.tensor([0.0, *logits])
    scores = LogitScores(vocab, [canvas], lambda _, at: row.repeat(len(at), 1))
    drawn = scores[0].candidates(
        canvas.holes,
        sampling=Sampling(temperature=1.0),
        uniforms=np.array([0.0, 0.49, 0.51, 0.79, 0.81, 1 - 2**-53]),
    )
    assert [1, 1, 2, 2, 3, 3] == drawn.tokens.tolist()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("top_p", float("nan")),
        ("top_k", -1),
    ],
)
def test_an_impossible_sampling_is_refused(name, value):
    with pytest.raises(OptionError, match=f"{name} is out of range"):
        Sampling(**{name: value})


@pytest.mark.parametrize(
    "make",
    [
        lambda: Threshold(at_least=0),
        lambda: Threshold(at_least=1.5),
        lambda: EntropyBounded(gamma=-1),
        lambda: EntropyBounded(gamma=float("nan")),
        lambda: Blockwise(size=0),
        lambda: Linear(steps=0),
        lambda: Cosine(steps=-3),
    ],
)
def test_an_impossible_policy_or_schedule_is_refused(make):
    with pytest.raises(OptionError, match="out of range"):
        make()


@given(SEEDS, st.lists(st.sampled_from([Slot.GIVEN, Slot.HOLE]), min_size=1, max_size=8))
def test_scores_made_of_their_own_logits_are_the_same(seed, slots):
    vocab = byte_vocab(lengths=True)
    canvas = Canvas([1] * len(slots), slots)
    scores = Scripted(vocab, noise(vocab, seed))([canvas])
    again = LogitScores(
        vocab, [canvas], lambda _, at: torch.from_numpy(scores.logits(0, at.numpy()))
    )
    everywhere = np.arange(len(canvas))
    assert np.array_equal(scores.logits(0, everywhere), again.logits(0, everywhere))
    for at in everywhere.tolist():
        assert np.array_equal(scores[0].top(at, k=300).logps, again[0].top(at, k=300).logps)
    assert len(canvas.holes) == 0 or all(
        np.array_equal(one, other)
        for one, other in zip(
            astuple(scores[0].wishes(canvas.holes)),
            astuple(again[0].wishes(canvas.holes)),
            strict=True,
        )
    )
    given_logits = scores[0].logits(everywhere)
    given_logits[:] = 0.0  # it is the caller's own
    assert np.array_equal(scores.logits(0, everywhere), again.logits(0, everywhere))
