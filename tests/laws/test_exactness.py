"""Searches against enumeration: a model given as a table of three slots and four letters.

The table is a joint distribution, so that whatever is asked in whatever order has one right
answer, and all 64 texts can be listed.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.canvas import Canvas, Slot, Write
from infill.constrain.combine import Anything
from infill.decode.branching import Branching
from infill.decode.candidates import Row, Sampling
from infill.decode.hypothesis import Hypothesis
from infill.decode.lanes import BestOf, Remasking
from infill.decode.likelihood import path_likelihood
from infill.decode.loop import Streams, denoise
from infill.decode.particles import Particles, weights
from infill.decode.policy import Blockwise, Confidence, Entropy, LeftToRight, Margin
from infill.decode.schedule import Linear
from infill.decode.search import Beam
from infill.models.scripted import Scripted, noise
from infill.vocab import Vocab, pack

VOCAB = Vocab([b"", b"a", b"b", b"c", b"d"], mask=0)
SLOTS, LETTERS = 3, 4
TEXTS = list(product(range(1, LETTERS + 1), repeat=SLOTS))
DRAW = Sampling(temperature=1.0)
ORDERS = [LeftToRight, Confidence, Entropy, Margin]
SEEDS = st.integers(0, 10_000)


def joint(seed: int) -> np.ndarray:
    """[4, 4, 4] A distribution over texts in which slots depend on each other."""
    shares = np.random.default_rng(seed).gamma(0.5, size=(LETTERS,) * SLOTS) + 1e-4
    return shares / shares.sum()


def tabled(table: np.ndarray) -> Scripted:
    """The model whose predictions are the conditionals of a joint distribution."""

    @cache
    def script(canvas: Canvas) -> torch.Tensor:
        ours = np.flatnonzero(canvas.slots != Slot.GIVEN)
        known = tuple(
            slice(None) if canvas.slots[at] == Slot.HOLE else slice(token - 1, token)
            for at, token in zip(ours, canvas.ids[ours].tolist(), strict=True)
        )
        rest = table[known]
        logits = torch.full((len(canvas), VOCAB.model_size), -math.inf)
        for axis, at in enumerate(ours.tolist()):
            if canvas.slots[at] == Slot.HOLE:
                others = tuple(other for other in range(SLOTS) if other != axis)
                logits[at, 1:] = torch.tensor(np.log(rest.sum(axis=others)))
        return logits

    return Scripted(VOCAB, script)


@dataclass(frozen=True, eq=False)
class Listed:
    """Admits the texts of a list. Exact, by trying all."""

    texts: frozenset[tuple[int, ...]]
    exact: bool = True
    known: dict = field(default_factory=dict)

    def start(self, canvas: Canvas) -> ListedState | None:
        return ListedState(self, canvas) if self.left(canvas) else None

    def left(self, canvas: Canvas) -> list[tuple[int, ...]]:
        """The texts that the canvas can still become."""
        ids = text_of(canvas)
        if ids not in self.known:  # 0 at a hole
            fits = [all(i in {0, t} for i, t in zip(ids, x, strict=True)) for x in self.texts]
            self.known[ids] = sorted(
                text for text, fit in zip(self.texts, fits, strict=True) if fit
            )
        return self.known[ids]


@dataclass(frozen=True, eq=False)
class ListedState:
    constraint: Listed
    canvas: Canvas

    def after(self, move):
        return self.constraint.start(self.canvas.apply((move,)))

    def allowed(self, at: int):
        place = int((self.canvas.slots[:at] != Slot.GIVEN).sum())
        row = np.zeros(len(VOCAB), dtype=bool)
        row[[text[place] for text in self.constraint.left(self.canvas)]] = True
        return pack(row)

    def admits(self, at: int, token: int) -> bool:
        place = int((self.canvas.slots[:at] != Slot.GIVEN).sum())
        return any(text[place] == token for text in self.constraint.left(self.canvas))

    def witness(self) -> Canvas:
        tokens = dict(
            zip(
                np.flatnonzero(self.canvas.slots != 0),
                self.constraint.left(self.canvas)[0],
                strict=True,
            )
        )
        return self.canvas.apply(Write(int(at), tokens[at], 0.0) for at in self.canvas.holes)


BLANK_CANVAS = Canvas([0] * SLOTS, [Slot.HOLE] * SLOTS)
EVERYTHING = Listed(frozenset(TEXTS))


def some(seed: int, share: float = 0.3) -> Listed:
    rng = np.random.default_rng(seed)
    kept = [text for text in TEXTS if rng.random() < share]
    return Listed(frozenset(kept or TEXTS[:1]))


def last(  # noqa: PLR0913 - what a run varies
    model, search, *, policy=None, constraint=EVERYTHING, seed=0, canvas=BLANK_CANVAS
):
    """The last frontier."""
    *_, frontier = denoise(
        Hypothesis(canvas, constraint.start(canvas)),
        denoiser=model,
        policy=policy or Confidence(),
        schedule=Linear(),
        search=search,
        rng=Streams(seed),
    )
    return frontier


def text_of(canvas: Canvas) -> tuple[int, ...]:
    return tuple(canvas.ids[canvas.slots != Slot.GIVEN].tolist())


def probability(table: np.ndarray, text: tuple[int, ...]) -> float:
    return float(table[tuple(token - 1 for token in text)])


@pytest.mark.parametrize("order", ["confidence", "entropy", "left to right"])
@pytest.mark.parametrize("consistent", [True, False], ids=["a joint", "any logits"])
def test_path_likelihoods_of_all_texts_sum_to_one(order, consistent):
    table = joint(3)
    model = tabled(table) if consistent else Scripted(VOCAB, noise(VOCAB, 3))
    total = 0.0
    for text in TEXTS:
        found = path_likelihood(model, Canvas(text, [Slot.FILLED] * 3), range(3), order=order)
        total += math.exp(found.total)
        if consistent:
            assert math.exp(found.total) == pytest.approx(probability(table, text), rel=1e-4)
    assert 1 == pytest.approx(total, abs=1e-5)


@pytest.mark.parametrize("policy", ORDERS)
@settings(max_examples=5)
@given(seed=SEEDS, free=st.booleans())
def test_a_beam_of_full_width_finds_the_likeliest_text(policy, seed, free):
    table, constraint = joint(seed), EVERYTHING if free else some(seed)
    search = Beam(len(TEXTS), branching=Branching(positions=SLOTS, tokens=LETTERS))
    best = last(tabled(table), search, policy=policy(), constraint=constraint)[0].canvas
    expected = max(constraint.texts, key=lambda text: probability(table, text))
    assert expected == text_of(best)
    assert math.log(probability(table, expected)) == pytest.approx(best.score, abs=1e-4)


@settings(max_examples=5)
@given(seed=SEEDS)
def test_a_beam_of_full_width_holds_all_texts_at_their_probabilities(seed):
    table = joint(seed)
    search = Beam(len(TEXTS), branching=Branching(positions=SLOTS, tokens=LETTERS))
    found = {text_of(h.canvas): math.exp(h.canvas.score) for h in last(tabled(table), search)}
    assert set(TEXTS) == set(found)
    assert all(found[t] == pytest.approx(probability(table, t), rel=1e-3) for t in TEXTS)


def chi_square(counts: Counter, expected: dict, draws: int) -> float:
    """χ² of counts against probabilities; texts of which fewer than 5 are expected in one bin."""
    rare = [text for text, share in expected.items() if share * draws < 5]
    bins = [(counts[text], share * draws) for text, share in expected.items() if text not in rare]
    if rare:
        bins.append((sum(counts[t] for t in rare), sum(expected[t] for t in rare) * draws))
    freedom = len(bins) - 1
    value = sum((seen - hoped) ** 2 / hoped for seen, hoped in bins)
    # Wilson and Hilferty (1931): the cube root of χ²/freedom is nearly normal
    spread = 2 / (9 * freedom)
    return ((value / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)


def conditional(table: np.ndarray, constraint: Listed) -> dict[tuple[int, ...], float]:
    shares = {text: probability(table, text) for text in sorted(constraint.texts)}
    return {text: share / sum(shares.values()) for text, share in shares.items()}


def drawn(search, model, constraint, policy, runs: int) -> Counter:
    """One text of each run, by the weights that the run ends with."""
    counts: Counter = Counter()
    for seed in range(runs):
        particles = last(model, search, policy=policy, constraint=constraint, seed=seed)
        picked = np.random.default_rng(seed).choice(len(particles), p=weights(particles))
        counts[text_of(particles[picked].canvas)] += 1
    return counts


@pytest.mark.parametrize(("policy", "resample"), [(LeftToRight, 1.0), (Entropy, 0.7)])
def test_particles_stand_for_the_texts_of_a_grammar_as_often_as_they_are_likely(policy, resample):
    table, constraint, runs = joint(0), some(0, share=0.2), 100
    expected = conditional(table, constraint)
    search, order = Particles(10, resample=resample), policy(sampling=DRAW)
    counts = drawn(search, tabled(table), constraint, order, runs)
    assert set(counts) <= constraint.texts
    assert chi_square(counts, expected, runs) < 3.1  # one table in a thousand is further off


def test_the_same_draws_without_their_weights_are_far_from_it():
    table, constraint, runs = joint(0), some(0, share=0.2), 250
    policy = LeftToRight(sampling=DRAW)
    counts = drawn(BestOf(1), tabled(table), constraint, policy, runs)
    assert chi_square(counts, conditional(table, constraint), runs) > 6


@settings(max_examples=2)
@given(seed=SEEDS)
def test_the_mean_weight_estimates_what_the_model_gives_the_grammar_without_bias(seed):
    table, constraint = joint(seed), some(seed)
    model, search, policy = tabled(table), Particles(4, resample=0.9), Entropy(sampling=DRAW)
    runs = [last(model, search, policy=policy, constraint=constraint, seed=i) for i in range(60)]
    found = np.exp([search.log_evidence(particles) for particles in runs])
    expected = sum(probability(table, text) for text in constraint.texts)
    spread = max(found.std() / math.sqrt(len(found)), 1e-4)
    assert abs(found.mean() - expected) < 4.5 * spread


def test_without_a_grammar_all_particles_weigh_the_same():
    particles = last(tabled(joint(1)), Particles(8), policy=LeftToRight(sampling=DRAW))
    assert [0.0] * 8 == pytest.approx([h.log_weight for h in particles], abs=1e-5)


class Parted:
    """A model that is asked for at most `size` canvases at a time."""

    def __init__(self, inner, size: int) -> None:
        self.inner, self.size = inner, size
        self.vocab, self.capabilities = inner.vocab, inner.capabilities

    def __call__(self, canvases):
        starts = range(0, len(canvases), self.size)
        return PartedScores([self.inner(canvases[a : a + self.size]) for a in starts], self.size)


@dataclass(frozen=True)
class PartedScores:
    parts: list
    size: int

    def __getitem__(self, row: int) -> Row:
        return Row(self.parts[row // self.size], row % self.size)

    def logp(self, row: int, at: int, token: int) -> float:
        return self[row].logp(at, token)


SEARCHES = {
    "greedy": (Beam(), False),
    "beam": (Beam(3, branching=Branching(reopens=1)), False),
    "drawn beam": (Beam(3), True),
    "best of": (BestOf(5), True),
    "particles": (Particles(6), True),
    "remasking": (Remasking(3), True),
    "greedy remasking": (Remasking(3), False),
}
POLICIES = st.sampled_from([*ORDERS, lambda sampling: Blockwise(size=2, sampling=sampling)])


@pytest.mark.parametrize("name", SEARCHES)
@settings(max_examples=10)
@given(policy=POLICIES, seed=SEEDS, size=st.integers(1, 7))
def test_the_same_seed_gives_the_same_bytes_at_any_batch_size(name, policy, seed, size):
    search, draws = SEARCHES[name]
    policy = policy(sampling=DRAW if draws else Sampling())
    model, constraint = Scripted(VOCAB, noise(VOCAB, seed)), some(seed)
    runs = [
        [
            (h.canvas.ids.tobytes(), h.canvas.logps.tobytes(), h.lane)
            for h in last(asked, search, policy=policy, constraint=constraint, seed=seed)
        ]
        for asked in (model, model, Parted(model, size))
    ]
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.parametrize("name", SEARCHES)
@settings(max_examples=10)
@given(policy=POLICIES, seed=SEEDS, data=st.data())
def test_locked_bytes_are_identical_after_every_search(name, policy, seed, data):
    search, draws = SEARCHES[name]
    gaps = data.draw(st.lists(st.integers(0, 2), min_size=SLOTS + 1, max_size=SLOTS + 1))
    slots = [Slot.GIVEN] * gaps[0]
    for gap in gaps[1:]:
        slots += [Slot.HOLE, *[Slot.GIVEN] * gap]
    rng = np.random.default_rng(seed)
    canvas = Canvas(rng.integers(0, len(VOCAB), len(slots)), slots)  # specials, too, may be given
    policy = policy(sampling=DRAW if draws else Sampling())
    constraint = some(seed)
    for h in last(
        tabled(joint(seed)), search, policy=policy, constraint=constraint, seed=seed, canvas=canvas
    ):
        given_at = canvas.slots == Slot.GIVEN
        assert canvas.ids[given_at].tobytes() == h.canvas.ids[given_at].tobytes()
        assert canvas.slots[given_at].tobytes() == h.canvas.slots[given_at].tobytes()
        assert text_of(h.canvas) in constraint.texts


@settings(max_examples=20)
@given(seed=SEEDS, few=st.integers(1, 4), more=st.integers(0, 4))
def test_a_lane_does_not_depend_on_how_many_there_are(seed, few, more):
    model, policy = Scripted(VOCAB, noise(VOCAB, seed)), Confidence(sampling=DRAW)
    runs = [
        {h.canvas for h in last(model, BestOf(count), policy=policy, seed=seed)}
        for count in (few, few + more)
    ]
    assert runs[0] <= runs[1]


def test_anything_admits_what_the_list_of_all_texts_admits():
    canvas = BLANK_CANVAS
    states = [c.start(canvas) for c in (EVERYTHING, Anything(VOCAB, exact_length=True))]
    assert states[0].allowed(1).tolist() == states[1].allowed(1).tolist()
