"""Laws of locating and of revision: what is reopened, how often, and that it ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.canvas import Canvas, Reopen, Slot, Splice, Write
from infill.constrain.combine import Anything
from infill.decode.candidates import Sampling
from infill.decode.hypothesis import Hypothesis
from infill.decode.lanes import Remasking, draws
from infill.decode.locating import LeaveOneOut, Partition, Visible
from infill.decode.loop import Streams, denoise
from infill.decode.past import Past
from infill.decode.policy import Confidence
from infill.decode.policy import Threshold as Draft
from infill.decode.remdm import P2, ReMDMCap, ReMDMConf, ReMDMLoop, ReMDMRescale
from infill.decode.revision import ConstraintRevision, PartitionRevision, ThresholdRevision, told
from infill.decode.schedule import Linear, Tick
from infill.decode.search import Beam
from infill.errors import OptionError
from infill.limits import Limits
from infill.models.counted import Counted
from infill.models.scripted import Scripted, byte_vocab, noise
from infill.vocab import Vocab, pack

SEEDS = st.integers(0, 2**31)
LETTERS = Vocab([b"", *(bytes([letter]) for letter in b"abcdefgh")], mask=0)
LIMITS = Limits(ticks=400)


def noisy(vocab: Vocab, seed: int) -> Scripted:
    return Scripted(vocab, noise(vocab, seed))


def policies(model: Scripted, cap: int = 2):
    """Every revision, as eager as it can be."""
    return {
        "partition": PartitionRevision(denoiser=model, above=0.0, rounds=3, cap=cap),
        "loo": PartitionRevision(denoiser=model, locate=LeaveOneOut(), above=0.5, cap=cap),
        "threshold": ThresholdRevision(
            denoiser=model, inner=Draft(at_least=0.2), below=0.9, cap=cap
        ),
        "constraint": ConstraintRevision(above=0.1, cap=cap),
        "remdm cap": ReMDMCap(eta=0.5, cap=cap),
        "remdm rescale": ReMDMRescale(eta=0.9, cap=cap),
        "remdm conf": ReMDMConf(eta=0.9, cap=cap),
        "remdm loop": ReMDMLoop(eta=0.5, ticks=5, at=0.6, cap=cap),
        "p2": P2(denoiser=model, locate=Partition(2), cap=cap),
    }


NAMES = sorted(policies(noisy(LETTERS, 0)))


def run(canvas, state, model, policy, *, seed=0, steps=None, search=None):  # noqa: PLR0913 - the loop's own
    """The last hypothesis and how many ticks it took."""
    best, ticks = Hypothesis(canvas, state), 0
    for frontier in denoise(
        best,
        denoiser=model,
        policy=policy,
        schedule=Linear(steps),
        search=search or Beam(1),
        limits=LIMITS,
        rng=Streams(seed),
    ):
        best, ticks = frontier[0], ticks + 1
    return best, ticks


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=max(8, settings.default.max_examples // 5))
@given(data=st.data(), seed=SEEDS, search=st.sampled_from([Beam(1), Remasking(2)]))
def test_every_revision_ends_valid_and_leaves_what_is_given(world, name, data, seed, search):
    case, state = data.draw(world.living())
    policy = policies(noisy(case.vocab, seed))[name]
    model = noisy(case.vocab, seed)
    last, ticks = run(case.canvas, state, model, policy, seed=seed, search=search)
    assert last.done
    assert case.accepts(last.canvas)
    assert ticks < LIMITS.ticks
    given_ = case.canvas.slots == Slot.GIVEN
    assert case.canvas.ids[given_].tolist() == last.canvas.ids[given_].tolist()
    assert (last.canvas.slots[given_] == Slot.GIVEN).all()


def reopened(last: Hypothesis) -> list[tuple[int, int]]:
    """Every (position, token) that was reopened on the way."""
    pairs = []
    for one in last.lineage()[1:]:
        canvas = one.parent.canvas
        for move in one.step:
            if isinstance(move, Reopen):
                pairs.append((move.at, int(canvas.ids[move.at])))
            canvas = canvas.apply((move,))
    return pairs


def row_of(count: int, *, filled: int = 0) -> Canvas:
    slots = [Slot.FILLED] * filled + [Slot.HOLE] * (count - filled)
    return Canvas([1] * count, slots, [-1.0] * count)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=max(20, settings.default.max_examples // 2))
@given(seed=SEEDS, count=st.integers(2, 12), filled=st.integers(0, 6), cap=st.integers(0, 2))
def test_a_position_is_reopened_up_to_the_cap_and_never_twice_for_a_token(
    name, seed, count, filled, cap
):
    canvas = row_of(count, filled=min(filled, count - 1))
    model = noisy(LETTERS, seed)
    state = Anything(LETTERS, exact_length=True).start(canvas)
    policy = policies(model, cap)[name]
    last, _ = run(canvas, state, model, policy, seed=seed, steps=4)
    again, _ = run(canvas, state, model, policy, seed=seed, steps=4)
    pairs = reopened(last)
    assert last.done
    assert max(Counter(at for at, _ in pairs).values(), default=0) <= cap
    assert len(set(pairs)) == len(pairs)
    assert [one.step for one in last.lineage()] == [one.step for one in again.lineage()]


@pytest.mark.parametrize("name", NAMES)
def test_every_revision_does_reopen(name):
    counts = 0
    for seed in range(20):
        model, canvas = noisy(LETTERS, seed), row_of(10, filled=3)
        state = Anything(LETTERS, exact_length=True).start(canvas)
        policy = policies(model)[name]
        if name == "constraint":  # nothing is forbidden there: forbid what a model wishes for most
            state = Unlike(canvas, frozenset(range(4, len(LETTERS))))
        counts += len(reopened(run(canvas, state, model, policy, seed=seed, steps=4)[0]))
    assert counts > 0


class Unlike:
    """Some tokens may be written and the others may not."""

    def __init__(self, canvas: Canvas, tokens: frozenset[int]) -> None:
        self.canvas, self.tokens = canvas, tokens

    def after(self, move):
        if isinstance(move, Write) and not self.admits(move.at, move.token):
            return None
        return Unlike(self.canvas.apply((move,)), self.tokens)

    def admits(self, at, token):  # noqa: ARG002 - the same everywhere
        return token in self.tokens and token != LETTERS.blank

    def allowed(self, at):
        return pack(np.array([self.admits(at, token) for token in range(len(LETTERS))]))

    def witness(self):
        return self.canvas


@pytest.mark.parametrize("schedule", [3, 4, 12])
@pytest.mark.parametrize("policy", [ReMDMCap(eta=0.3), ReMDMRescale(eta=0.7), ReMDMConf(eta=0.7)])
def test_remdm_keeps_to_the_schedule(policy, schedule):
    canvas, model = row_of(12), noisy(LETTERS, 5)
    last, ticks = run(
        canvas, Anything(LETTERS, exact_length=True).start(canvas), model, policy, steps=schedule
    )
    open_ = [len(one.canvas.holes) for one in last.lineage()]
    plan = [Linear().open_after(done, schedule, 12) for done in range(schedule + 1)]
    assert plan == open_
    assert schedule == ticks


def test_remdm_reopens_as_often_as_it_says():
    policy, filled, found = ReMDMCap(eta=0.2), 40, 0
    canvas = row_of(80, filled=filled)
    rng = np.random.default_rng(0)
    start = Hypothesis(canvas, Anything(LETTERS, exact_length=True).start(canvas))
    for _ in range(200):
        draws = rng.random(filled)
        found += len(policy.chosen(start, 40, list(range(filled)), draws, None))
    assert 0.2 == pytest.approx(found / (200 * filled), abs=0.02)


def copying(vocab: Vocab, truth: list[int]) -> Scripted:
    """A model that is sure of one text, whatever it sees."""

    def script(canvas: Canvas) -> torch.Tensor:
        logits = torch.zeros(len(canvas), vocab.model_size)
        logits[range(len(truth)), truth] = 20.0
        return logits

    return Scripted(vocab, script)


@given(truth=st.lists(st.integers(1, 8), min_size=1, max_size=12), parts=st.integers(1, 8))
def test_a_model_that_agrees_reopens_nothing_and_a_uniform_one_doubts_nothing(truth, parts):
    canvas = Canvas(truth, [Slot.FILLED] * len(truth))
    at = range(len(truth))
    agreed = Partition(parts)(copying(LETTERS, truth), canvas, at)
    assert agreed.gaps.tolist() == pytest.approx([0.0] * len(truth), abs=1e-5)
    flat = Scripted(LETTERS, lambda c: torch.zeros(len(c), LETTERS.model_size))
    assert Partition(parts)(flat, canvas, at).worst(9, above=1e-5) == []
    start = Hypothesis(canvas, Anything(LETTERS, exact_length=True).start(canvas))
    policy = PartitionRevision(denoiser=copying(LETTERS, truth))
    assert policy.begin(start) is start


@given(
    truth=st.lists(st.integers(1, 8), min_size=4, max_size=12),
    wrong=st.sets(st.integers(0, 3), min_size=1, max_size=3),
)
def test_what_a_model_is_sure_is_wrong_is_put_right_and_nothing_else(truth, wrong):
    ids = [1 + token % 8 if at in wrong else token for at, token in enumerate(truth)]
    canvas = Canvas(ids, [Slot.FILLED] * len(ids))
    model = copying(LETTERS, truth)
    policy = PartitionRevision(denoiser=model)
    start = Hypothesis(canvas, Anything(LETTERS, exact_length=True).start(canvas))
    begun = policy.begin(start)
    assert sorted(wrong) == begun.canvas.holes.tolist()
    last, _ = run(begun.canvas, begun.state, model, policy)
    assert truth == last.canvas.ids.tolist()


@given(seed=SEEDS, count=st.integers(1, 10))
def test_a_partition_into_single_slots_is_leave_one_out(seed, count):
    model, canvas = noisy(LETTERS, seed), Canvas([1] * count, [Slot.FILLED] * count)
    one, other = (f(model, canvas, range(count)) for f in (LeaveOneOut(), Partition(count)))
    assert (one.forwards, other.forwards) == (count, count)
    for name in ("at", "current", "best", "tokens"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()


@given(seed=SEEDS, count=st.integers(1, 10))
def test_leave_one_out_is_each_slot_by_itself(seed, count):
    model, canvas = noisy(LETTERS, seed), Canvas([2] * count, [Slot.FILLED] * count)
    doubts = LeaveOneOut()(model, canvas, range(count))
    for at in range(count):
        slots = np.where(np.arange(count) == at, Slot.HOLE, Slot.FILLED)
        row = model([Canvas(canvas.ids, slots)])[0]
        top = row.top(at, 1)
        assert row.logp(at, 2) == pytest.approx(doubts.current[at], abs=1e-5)
        assert top.logps[0] == pytest.approx(doubts.best[at], abs=1e-5)
        assert top.tokens[0] == doubts.tokens[at]


def test_a_partition_costs_its_parts():
    model, canvas = noisy(LETTERS, 0), Canvas([1] * 30, [Slot.FILLED] * 30)
    assert Partition(4)(model, canvas, range(30)).forwards == 4
    assert LeaveOneOut()(model, canvas, range(30)).forwards == 30
    assert Partition(4)(model, canvas, []).forwards == 0


def test_visible_confidence_is_for_models_trained_for_it():
    model, canvas = noisy(LETTERS, 0), Canvas([1], [Slot.FILLED])
    with pytest.raises(OptionError, match="visible tokens"):
        Visible()(model, canvas, [0])


def test_the_past_follows_a_slot_that_a_splice_has_moved():
    vocab = byte_vocab()
    canvas = Canvas([0, 97], [Slot.HOLE, Slot.FILLED])
    start = Hypothesis(canvas, Anything(vocab, exact_length=False).start(canvas))
    child = start.extend((Reopen(1),)).extend((Splice(0, 1, 3),))
    assert {3: [97]} == Past.of(child).tokens


@given(data=st.data(), size=st.integers(1, 6))
def test_the_past_is_that_of_the_slots_there_are(data, size):
    """Slots that a splice deletes take their past with them, and the others keep theirs."""
    canvas = Canvas(range(97, 97 + size), [Slot.FILLED] * size)
    h = Hypothesis(canvas, Anything(byte_vocab(), exact_length=False).start(canvas))
    h = h.extend(tuple(Reopen(at) for at in range(size)))
    first = data.draw(st.integers(0, size - 1))
    delete, holes = data.draw(st.integers(0, size - first)), data.draw(st.integers(0, 3))
    names = [[97 + at] for at in range(size)]
    names[first : first + delete] = [None] * holes
    h = h.extend((Splice(first, delete, holes),))
    assert {at: name for at, name in enumerate(names) if name} == Past.of(h).tokens


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=5)
@given(seed=SEEDS)
def test_remasking_does_its_rounds_whatever_a_revision_takes_back_itself(name, seed):
    canvas, model = row_of(5), noisy(LETTERS, seed)
    state = Anything(LETTERS, exact_length=True).start(canvas)
    forwards = []
    for rounds in range(4):
        counted, search = Counted(model), Remasking(2, rounds=rounds, survivors=1)
        policy = policies(model)[name]
        last, ticks = run(canvas, state, counted, policy, seed=seed, search=search)
        assert last.done
        assert ticks < LIMITS.ticks
        assert rounds == last.rounds
        forwards.append(counted.forwards)
    assert all(fewer < more for fewer, more in pairwise(forwards))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_revision_draws_where_its_fills_differ(name, temperature):
    canvas, model = row_of(6), noisy(LETTERS, 2)
    state = Anything(LETTERS, exact_length=True).start(canvas)
    policy = policies(model)[name]
    sampling = Sampling(temperature=temperature)
    policy = replace(policy, inner=replace(policy.inner, sampling=sampling))
    ways = {
        tuple(one.step for one in run(canvas, state, model, policy, seed=seed)[0].lineage())
        for seed in range(6)
    }
    assert draws(policy) is (len(ways) > 1)


def test_a_revision_at_no_odds_does_not_draw():
    assert not any(map(draws, (ReMDMCap(eta=0.0), ReMDMConf(cap=0), ReMDMLoop(ticks=0))))
    assert draws(ReMDMCap(eta=0.0, inner=Confidence(sampling=Sampling(temperature=1.0))))


def test_impossible_settings_are_refused():
    for make in (
        lambda: Partition(0),
        lambda: ReMDMCap(eta=1.5),
        lambda: ConstraintRevision(cap=-1),
        lambda: P2(denoiser=noisy(LETTERS, 0), eta=-1.0),
    ):
        with pytest.raises(OptionError, match="out of range"):
            make()
    with pytest.raises(OptionError, match="nothing would end"):
        ConstraintRevision(cap=None)


def test_a_revision_that_was_not_told_whom_to_ask_says_so():
    canvas = Canvas([0, 1], [Slot.HOLE, Slot.GIVEN])
    start = Hypothesis(canvas, Anything(LETTERS).start(canvas))
    model = noisy(LETTERS, 0)
    untold = PartitionRevision(above=0.0)
    with pytest.raises(OptionError, match="does not know which model to ask"):
        list(untold(start, model([canvas])[0], Tick(0, 0), np.random.default_rng(0)))
    assert list(
        told(untold, model)(start, model([canvas])[0], Tick(0, 0), np.random.default_rng(0))
    )
    other = PartitionRevision(denoiser=noisy(LETTERS, 1))
    assert told(other, model) is other


def test_a_revision_draws_as_the_policy_that_it_wraps():
    canvas, model = row_of(6), noisy(LETTERS, 3)
    state = Anything(LETTERS, exact_length=True).start(canvas)
    plain, _ = run(canvas, state, model, Confidence())
    never = PartitionRevision(denoiser=model, above=1e9)
    assert [one.step for one in plain.lineage()] == [
        one.step for one in run(canvas, state, model, never)[0].lineage()
    ]
