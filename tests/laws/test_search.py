"""What every search promises, and what each of them is for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.canvas import Canvas, Reopen, Slot, Splice, Write
from infill.constrain.combine import Anything
from infill.decode.branching import Branching
from infill.decode.candidates import Sampling
from infill.decode.hypothesis import Hypothesis, branch
from infill.decode.lanes import BestOf, Remasking
from infill.decode.lengthening import Lengthening
from infill.decode.likelihood import pseudo_likelihood
from infill.decode.loop import Streams, denoise
from infill.decode.particles import Particles, systematic, weights
from infill.decode.policy import Confidence, LeftToRight, Threshold
from infill.decode.remdm import P2
from infill.decode.rescoring import LookAhead, OrderToken, PseudoLikelihood
from infill.decode.revision import ConstraintRevision, PartitionRevision
from infill.decode.schedule import Linear
from infill.decode.search import Beam, merged
from infill.decode.trace import Header, Trace, texts_of
from infill.errors import LimitError, OptionError
from infill.limits import Limits
from infill.models.counted import Counted
from infill.models.scripted import Scripted, noise
from infill.vocab import Vocab

VOCAB = Vocab([b"", b"a", b"b", b"c"], mask=0)
DRAW = Sampling(temperature=1.0)
SEEDS = st.integers(0, 10_000)
WIDE = Branching(positions=2, tokens=2, lengths=(-1, 1), reopens=2)
BESIDE = PseudoLikelihood(2, beside=True)
SEARCHES = {
    "beam": (lambda _: Beam(3), Sampling()),
    "wide beam": (lambda _: Beam(2, branching=WIDE), Sampling()),
    "drawn beam": (lambda _: Beam(3, branching=WIDE, siblings=1), DRAW),
    "order-token": (lambda _: Beam(2, rescorer=OrderToken()), Sampling()),
    "pseudo-likelihood": (lambda _: Beam(2, rescorer=PseudoLikelihood(2)), Sampling()),
    "boundary": (lambda _: Beam(2, branching=WIDE, rescorer=BESIDE), DRAW),
    "look-ahead": (lambda _: Beam(2, rescorer=LookAhead()), Sampling()),
    "best of": (lambda goal: BestOf(3, goal=goal), DRAW),
    "particles": (lambda goal: Particles(4, goal=goal), DRAW),
    "remasking": (lambda goal: Remasking(3, goal=goal), DRAW),
    "greedy remasking": (lambda goal: Remasking(3, rescorer=BESIDE, goal=goal), Sampling()),
}


@dataclass(frozen=True)
class Wish:
    """A goal over canvases: so many tokens `token`."""

    token: int
    count: int
    asked: list = field(default_factory=list)

    def score(self, canvas: Canvas) -> float:
        assert not len(canvas.holes)
        self.asked.append(canvas)
        return float((canvas.ids == self.token).sum())

    def reached(self, canvas: Canvas) -> bool:
        return self.score(canvas) >= self.count


def open_canvas(holes: int) -> Canvas:
    return Canvas([0] * holes, [Slot.HOLE] * holes)


def start_of(canvas: Canvas, constraint=None) -> Hypothesis:
    return Hypothesis(canvas, (constraint or Anything(VOCAB, exact_length=True)).start(canvas))


def frontiers(start, model, search, *, policy=None, schedule=None, seed=0, limits=None):  # noqa: PLR0913
    return list(
        denoise(
            start,
            denoiser=model,
            policy=policy or Confidence(),
            schedule=schedule or Linear(),
            search=search,
            limits=limits or Limits(ticks=200),
            rng=Streams(seed),
        )
    )


@pytest.mark.parametrize("name", SEARCHES)
@settings(max_examples=6)
@given(data=st.data(), seed=SEEDS)
def test_every_search_ends_with_valid_canvases_that_its_traces_replay(world, name, data, seed):
    case, state = data.draw(world.living(4))
    make, sampling = SEARCHES[name]
    start = Hypothesis(case.canvas, state)
    found = frontiers(
        start,
        Scripted(case.vocab, noise(case.vocab, seed)),
        make(None),
        policy=Confidence(sampling=sampling),
        seed=seed,
    )
    assert len(found) < 200  # it came to its end
    for h in found[-1] if found else []:
        assert h.done
        assert case.valid(h.canvas)
        header = Header(canvas=case.canvas, texts=texts_of(case.canvas, case.vocab))
        trace = Trace.of(header, h, vocab=case.vocab, ms=[0.0] * len(found))
        assert h.canvas == trace.replay()
        before, after = (c.ids[c.slots == Slot.GIVEN].tolist() for c in (case.canvas, h.canvas))
        assert before == after


@given(seed=SEEDS, holes=st.integers(1, 6), steps=st.one_of(st.none(), st.integers(1, 6)))
def test_a_beam_of_one_is_a_plain_greedy_loop(seed, holes, steps):
    model, schedule = Scripted(VOCAB, noise(VOCAB, seed)), Linear(steps=steps)
    best = frontiers(start_of(open_canvas(holes)), model, Beam(), schedule=schedule)[-1]
    canvas, ticks = open_canvas(holes), min(steps or holes, holes)
    for tick in range(ticks):
        row = model([canvas])[0]
        tops = [(at, row.top(at, 1)) for at in canvas.holes.tolist()]
        tops.sort(key=lambda pair: -pair[1].logps[0])
        quota = holes // ticks + (tick < holes % ticks)
        canvas = canvas.apply(
            Write(at, int(top.tokens[0]), float(top.logps[0])) for at, top in tops[:quota]
        )
    assert [canvas] == [h.canvas for h in best]
    assert canvas.logps == pytest.approx(best[0].canvas.logps, abs=1e-6)


@given(seed=SEEDS, holes=st.integers(1, 5), width=st.integers(2, 4), reopens=st.integers(0, 1))
def test_a_beam_is_never_worse_than_greedy_decoding(seed, holes, width, reopens):
    model, start = Scripted(VOCAB, noise(VOCAB, seed)), start_of(open_canvas(holes))
    greedy = frontiers(start, model, Beam())[-1][0].canvas
    beam = frontiers(start, model, Beam(width, branching=Branching(reopens=reopens)))[-1]
    assert beam[0].canvas.mean_score >= greedy.mean_score - 1e-6
    assert greedy in {h.canvas for h in beam}


class Listening:
    """Keeps what each batch was."""

    def __init__(self, inner) -> None:
        self.inner, self.batches = inner, []
        self.vocab, self.capabilities = inner.vocab, inner.capabilities

    def __call__(self, canvases):
        self.batches.append(list(canvases))
        return self.inner(canvases)


@given(seed=SEEDS, holes=st.integers(1, 6), width=st.integers(1, 4), sure=st.floats(0.2, 0.9))
def test_hypotheses_are_compared_at_equal_numbers_of_open_slots(seed, holes, width, sure):
    model = Listening(Scripted(VOCAB, noise(VOCAB, seed)))
    branching = None if width == 1 else WIDE
    policy = Threshold(at_least=sure)  # steps of different sizes
    found = frontiers(
        start_of(open_canvas(holes)), model, Beam(width, branching=branching), policy=policy
    )
    assert len(found) == len(model.batches)  # one forward in each tick, for the whole beam
    before = [holes]
    for batch, frontier in zip(model.batches, found, strict=True):
        counts = [len(canvas.holes) for canvas in batch]
        assert max(before) == counts[0]  # the others wait for it
        assert len(batch) == len(set(batch)) <= width
        assert 1 == len(set(counts))
        opened = [len(h.canvas.holes) for h in frontier]
        assert all(opened.count(count) <= width for count in opened)
        assert sorted(opened) == opened
        before = opened
        for one, other in pairwise(h for h in frontier if h.lane):
            if len(one.canvas.holes) == len(other.canvas.holes):
                assert one.canvas.mean_score >= other.canvas.mean_score


def test_variations_are_positions_times_tokens_and_the_step_itself():
    table = torch.tensor([[-9.0, 3, 2, 1], [-9, 1.5, 1.4, 0], [-9, 0, 0.5, 0]])
    model = Scripted(VOCAB, lambda _: table)
    start = start_of(open_canvas(3))
    for positions, tokens in [(1, 1), (1, 2), (2, 2), (3, 3)]:
        branching = Branching(positions=positions, tokens=tokens, reopens=0)
        own = [(Write(0, 1, -0.4),)]
        steps = list(branching.steps(own, start, Confidence(), model([start.canvas])[0]))
        pairs = [(step[0].at, step[0].token) for step in steps]
        assert (0, 1) == pairs[0]
        assert positions * tokens == len(pairs) == len(set(pairs))
        assert {0, 1, 2} >= {at for at, _ in pairs}
        assert positions == len({at for at, _ in pairs})
    assert {(0, 1), (0, 2), (1, 1), (1, 2)} == {
        (step[0].at, step[0].token)
        for step in Branching().steps(own, start, Confidence(), model([start.canvas])[0])
    }


def test_a_long_step_is_varied_in_its_least_sure_write():
    table = torch.tensor([[-9.0, 6, 0, 0], [-9, 4, 0, 0], [-9, 2, 1, 0], [-9, 1, 0, 0]])
    model, start = Scripted(VOCAB, lambda _: table), start_of(open_canvas(4))
    own = [(Write(0, 1, -0.1), Write(1, 1, -0.2), Write(2, 1, -0.3))]
    steps = list(Branching().steps(own, start, Confidence(), model([start.canvas])[0]))
    assert all([(0, 1), (1, 1)] == [(w.at, w.token) for w in step[:2]] for step in steps)
    assert [(2, 1), (2, 2), (3, 1), (3, 2)] == [(step[2].at, step[2].token) for step in steps]


@dataclass(frozen=True, eq=False)
class Counting:
    """A state that counts how often it was asked for another."""

    canvas: Canvas
    calls: list

    def after(self, move):
        self.calls.append(move)
        return Counting(self.canvas.apply((move,)), self.calls)

    def admits(self, _at, token):
        return token != 3


def test_steps_that_begin_alike_share_the_states_of_what_they_share():
    calls: list = []
    parent = Hypothesis(open_canvas(4), Counting(open_canvas(4), calls))
    stem = (Write(0, 1, 0.0), Write(1, 1, 0.0), Write(2, 3, 0.0))
    children = list(parent.children([(*stem, Write(3, token, 0.0)) for token in (1, 2, 1)]))
    assert [stem[0], stem[1], Write(3, 1, 0.0), Write(3, 2, 0.0)] == calls
    assert [[1, 1, 0, 1], [1, 1, 0, 2], [1, 1, 0, 1]] == [h.canvas.ids.tolist() for h in children]
    assert all(h.step[:2] == stem[:2] and len(h.step) == 3 for h in children)
    assert all(h.canvas == h.state.canvas for h in children)


def test_equal_canvases_are_merged_into_the_better_one_in_the_lower_lane():
    start = start_of(open_canvas(2))
    orders = [(Write(0, 1, -1.0), Write(1, 1, -2.0)), (Write(1, 1, -0.5), Write(0, 1, -1.0))]
    one, other = start.children(orders)
    assert 0 != other.lane
    (kept,) = merged([one, other])
    assert (-1.5, 0) == (kept.canvas.score, kept.lane)
    assert orders[1] == kept.step


@given(lane=st.integers(0, 2**63 - 1))
def test_lanes_are_streams_of_their_own(lane):
    lanes = [branch(lane, number) for number in range(50)]
    assert lane == lanes[0]
    assert 50 == len(set(lanes))
    assert all(0 <= other < 2**63 for other in lanes)
    assert Streams(1).at(0, lanes[1]).random() != Streams(1).at(0, lanes[2]).random()


@settings(max_examples=15)
@given(seed=SEEDS, siblings=st.integers(1, 3))
def test_no_more_children_of_one_parent_are_kept_while_there_are_others(seed, siblings):
    model, start = Scripted(VOCAB, noise(VOCAB, seed)), start_of(open_canvas(5))
    found = frontiers(start, model, Beam(6, siblings=siblings))
    for frontier in found[1:-1]:  # a crowded family is kept only where that fills the beam
        families = [sum(g.parent is h.parent for g in frontier) for h in frontier]
        assert max(families) <= siblings + 1 or len(frontier) == 6
    loose = frontiers(start, model, Beam(6))[1]
    tight = found[1]
    assert len({id(h.parent) for h in tight}) >= len({id(h.parent) for h in loose})


def test_lengths_are_tried_where_the_constraint_admits_them(world):
    del world
    canvas = Canvas([1, 0, 0, 1], [Slot.GIVEN, Slot.HOLE, Slot.HOLE, Slot.GIVEN])
    model = Scripted(VOCAB, noise(VOCAB, 5))
    search = Beam(40, branching=Branching(lengths=(-2, -1, 1, 2)))
    last = frontiers(start_of(canvas), model, search)[-1]
    assert {3, 4, 5, 6} == {len(h.canvas) for h in last}  # -2 would leave no slot

    class NoLonger(Anything):
        def start(self, canvas):
            return None if len(canvas) > 4 else NoLongerState(canvas, self, super().start(canvas))

    @dataclass(frozen=True)
    class NoLongerState:
        canvas: Canvas
        constraint: NoLonger
        inner: object

        def after(self, move):
            return self.constraint.start(self.canvas.apply((move,)))

        def allowed(self, at):
            return self.inner.allowed(at)

        def admits(self, at, token):
            return self.inner.admits(at, token)

    constraint = NoLonger(VOCAB, exact_length=True)
    last = frontiers(start_of(canvas, constraint), model, search)[-1]
    assert {3, 4} == {len(h.canvas) for h in last}
    assert any(isinstance(move, Splice) for h in last for g in h.lineage() for move in g.step)


@pytest.mark.parametrize("bound", ["model", "context", "hole"])
@given(
    lengths=st.lists(st.integers(-3, 9).filter(bool), min_size=1, max_size=3),
    holes=st.lists(st.integers(1, 4), min_size=1, max_size=2),
    room=st.integers(3, 12),
)
def test_no_length_is_tried_that_the_limits_or_the_model_do_not_allow(bound, lengths, holes, room):
    """What is within them is tried; a start that is longer stays as long, or gets shorter."""
    slots = [Slot.GIVEN, *(slot for n in holes for slot in (*[Slot.HOLE] * n, Slot.GIVEN))]
    canvas = Canvas([int(slot == Slot.GIVEN) for slot in slots], slots)
    most = {"context": room if bound == "context" else 512, "hole": room if bound == "hole" else 99}
    model = Scripted(VOCAB, noise(VOCAB, 1), context=room if bound == "model" else 512)
    search = Beam(40, branching=Branching(lengths=tuple(lengths), positions=1, tokens=1))
    found = frontiers(start_of(canvas), model, search, limits=Limits(ticks=200, **most))
    tried = {tuple(b - a for a, b in h.canvas.regions()) for h in found[0]}
    wanted = {tuple(holes)}
    for at, n in enumerate(holes):
        for more in lengths:
            now = n + more if bound == "hole" else len(canvas) + more
            if n + more >= 1 and (more < 0 or now <= room):
                wanted.add((*holes[:at], n + more, *holes[at + 1 :]))
    assert wanted == tried


def corrected(canvas: Canvas) -> torch.Tensor:
    """Would have an a in slot 1 at first, at 0.6; once the others are there, surely a c."""
    logits = torch.zeros(3, VOCAB.model_size)
    logits[0, 2] = logits[2, 2] = 2.0
    if canvas.slots[2] == Slot.HOLE:
        logits[1, 1] = 1.1
    else:
        logits[1, 3] = 6.0
    return logits


def test_a_beam_takes_one_doubtful_slot_back():
    start = start_of(open_canvas(3))
    model = Scripted(VOCAB, corrected)
    without, with_ = (
        frontiers(
            start,
            model,
            Beam(2, branching=Branching(positions=1, tokens=1, reopens=reopens, doubt=0.7)),
            policy=LeftToRight(),
        )[-1]
        for reopens in (0, 1)
    )
    assert [b"bab"] == [h.canvas.text(VOCAB) for h in without]
    assert b"bcb" == with_[0].canvas.text(VOCAB)
    path = [move for h in with_[0].lineage() for move in h.step]
    assert 1 == sum(isinstance(move, Reopen) for move in path)


@pytest.mark.parametrize("name", ["best of", "particles", "remasking", "greedy remasking", "beam"])
def test_a_search_stops_when_its_goal_is_reached(name):
    make, sampling = SEARCHES[name]
    model, policy = Scripted(VOCAB, noise(VOCAB, 2)), Confidence(sampling=sampling)
    counts = []
    for wish in (Wish(1, 0), Wish(1, 99)):
        counted = Counted(model)
        search = Beam(3, goal=wish) if name == "beam" else make(wish)
        last = frontiers(start_of(open_canvas(4)), counted, search, policy=policy)[-1]
        scores = [wish.score(h.canvas) for h in last if h.done]
        assert max(scores) == scores[0]
        assert wish.asked
        counts.append(counted.forwards)
    assert counts[0] <= counts[1]
    if "remasking" in name:
        assert counts[0] < counts[1]


def test_the_goal_comes_before_the_likelihood():
    table = torch.tensor([[-9.0, 3, 2.9, 0]] * 3)
    model, start = Scripted(VOCAB, lambda _: table), start_of(open_canvas(3))
    likely = frontiers(start, model, Beam(8))[-1]
    wished = frontiers(start, model, Beam(8, goal=Wish(2, 3)))[-1]
    assert b"aaa" == likely[0].canvas.text(VOCAB)
    most = max((h.canvas.ids == 2).sum() for h in likely)
    assert most == (wished[0].canvas.ids == 2).sum()


@settings(max_examples=15)
@given(seed=SEEDS, rounds=st.integers(0, 3), wish=st.integers(2, 5))
def test_what_survives_a_round_is_never_lost_and_the_rounds_are_counted(seed, rounds, wish):
    goal = Wish(1, wish)
    search = Remasking(4, rounds=rounds, survivors=2, goal=goal)
    found = frontiers(
        start_of(open_canvas(5)),
        Scripted(VOCAB, noise(VOCAB, seed)),
        search,
        policy=Confidence(sampling=DRAW),
        seed=seed,
    )
    best = [max((goal.score(h.canvas) for h in f if h.done), default=-1.0) for f in found]
    assert best == sorted(best)
    assert max(h.rounds for frontier in found for h in frontier) <= rounds
    if best[-1] < wish:
        assert all(h.done for h in found[-1])
        assert rounds == max(h.rounds for frontier in found for h in frontier)


def test_doubtful_slots_are_found_by_hiding_them():
    """A model that is fond of what it sees, and knows better when it does not see it."""

    def script(canvas: Canvas) -> torch.Tensor:
        logits = torch.zeros(4, VOCAB.model_size)
        for at in range(4):
            hidden = canvas.slots[at] == Slot.HOLE
            logits[at, 2 if hidden and len(canvas.holes) < 4 else 1] = 3.0
        return logits

    search = Remasking(1, rounds=3, survivors=1, share=0.25, parts=4)
    found = frontiers(start_of(open_canvas(4)), Scripted(VOCAB, script), search, schedule=Linear(1))
    texts = [f[0].canvas.text(VOCAB) for f in found if all(h.done for h in f)]
    assert texts[-1] == found[-1][0].canvas.text(VOCAB)
    children = [h for f in found for h in f if h.rounds and not h.done]
    assert {1} == {len(h.canvas.holes) for h in children}


def test_look_ahead_is_the_mean_entropy_of_what_is_open_and_nothing_where_nothing_is():
    model = Scripted(VOCAB, noise(VOCAB, 4))
    canvas = open_canvas(3).apply((Write(1, 2, -0.5),))
    done = canvas.apply((Write(0, 1, -1.0), Write(2, 1, -1.0)))
    rows = torch.log_softmax(noise(VOCAB, 4)(canvas)[[0, 2]][:, 1:], -1)
    expected = float((rows.exp() * rows).sum(-1).mean())
    ratings = LookAhead()([start_of(c) for c in (canvas, done)], model)
    assert [expected, 0.0] == pytest.approx(ratings, abs=1e-5)


@given(seed=SEEDS)
def test_order_token_hides_what_was_written_inside_the_models_guess(seed):
    script = noise(VOCAB, seed)
    model = Counted(Scripted(VOCAB, script))
    start = start_of(open_canvas(4))
    first = start.extend((Write(2, 1, -0.1),))
    second = first.extend((Write(0, 3, -0.1), Write(1, 2, -0.2)))

    def expected(h: Hypothesis) -> float:
        canvas = h.canvas
        for at in canvas.holes.tolist():
            token = 1 + int(script(h.canvas)[at, 1:].argmax())
            canvas = canvas.apply((Write(at, token, 0.0),))
        hidden = canvas.apply(Reopen(move.at) for move in h.step)
        logps = torch.log_softmax(script(hidden)[:, 1:], -1)
        return sum(float(logps[move.at, move.token - 1]) for move in h.step)

    (rating,) = OrderToken()([first], model)
    assert expected(first) == pytest.approx(rating, abs=1e-4)
    assert 2 == model.forwards
    rated_first = Hypothesis(first.canvas, first.state, start, first.step, rating=rating)
    child = rated_first.extend(second.step)
    (whole,) = OrderToken()([child], model)
    assert (rating + expected(second)) / 3 == pytest.approx(whole, abs=1e-4)


@given(seed=SEEDS, parts=st.integers(1, 4))
def test_pseudo_likelihood_rates_our_tokens_and_beside_them_the_users(seed, parts):
    model = Scripted(VOCAB, noise(VOCAB, seed))
    canvas = Canvas([1, 2, 3, 0, 1, 1, 2], [0, 0, 2, 1, 2, 0, 0])
    h = start_of(canvas)
    ours = pseudo_likelihood(model, canvas, [2, 4], parts=parts).mean
    assert [ours] == PseudoLikelihood(parts)([h], model)
    near = pseudo_likelihood(model, canvas, [0, 1, 2, 4, 5, 6], parts=parts).mean
    assert [near] == PseudoLikelihood(parts, beside=True)([h], model)


@pytest.mark.parametrize("rescorer", [OrderToken(), PseudoLikelihood(), LookAhead()], ids=repr)
def test_a_model_without_an_opinion_rates_all_alike(rescorer):
    model = Scripted(VOCAB, lambda canvas: torch.zeros(len(canvas), VOCAB.model_size))
    start = start_of(open_canvas(3))
    children = [start.extend((Write(at, t, -1.0),)) for at in range(3) for t in (1, 2, 3)]
    ratings = rescorer(children, model)
    assert ratings == pytest.approx([-math.log(3)] * 9, abs=1e-5)


def test_a_rescorer_decides_where_likelihood_would_decide_otherwise():
    start = start_of(open_canvas(2))
    model = Scripted(VOCAB, noise(VOCAB, 1))
    children = list(start.children([(Write(0, t, -float(t)),) for t in (1, 2, 3)]))

    @dataclass(frozen=True)
    class Reverse:
        def __call__(self, hypotheses, _denoiser):
            return [float(h.canvas.ids[0]) for h in hypotheses]

    rng = np.random.default_rng(0)
    plain = Beam(2)(children, model, rng)
    turned = Beam(2, rescorer=Reverse())(children, model, rng)
    assert [1, 2] == [h.canvas.ids[0] for h in plain]
    assert [3, 1] == [h.canvas.ids[0] for h in turned]  # 1 is the policy's own path


@given(
    shares=st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any),
    count=st.integers(1, 20),
    uniform=st.floats(0, 1, exclude_max=True),
)
def test_systematic_resampling_takes_each_as_often_as_its_share_says(shares, count, uniform):
    row = np.array(shares) / sum(shares)
    taken = systematic(row, count, uniform)
    assert count == len(taken)
    for index, share in enumerate(row):
        assert abs(taken.count(index) - share * count) < 1 + 1e-9
        assert share or index not in taken


def test_uneven_weights_are_resampled_and_even_ones_are_left():
    start = start_of(open_canvas(2))
    first, other = start.children([(Write(0, t, -1.0),) for t in (1, 2)])
    heavy = [Hypothesis(first.canvas, first.state, start, lane=0, log_weight=0.0)]
    light = [
        Hypothesis(other.canvas, other.state, start, lane=n, log_weight=-20.0) for n in (1, 2, 3)
    ]
    search, rng = Particles(4), np.random.default_rng(0)
    model = Scripted(VOCAB, noise(VOCAB))
    uneven = search([*heavy, *light], model, rng)
    assert [1] * 4 == [int(h.canvas.ids[0]) for h in uneven]
    assert [0, 1, 2, 3] == sorted(h.lane for h in uneven)
    assert [-math.log(4)] * 4 == pytest.approx([h.log_weight for h in uneven], abs=1e-6)
    even = search(heavy * 2, model, rng)
    assert [0.5, 0.5] == weights(even).tolist()
    assert [0.5, 0.5] == weights([*search(light[:2], model, rng)][:2]).tolist()
    none = [Hypothesis(other.canvas, other.state, start, log_weight=-math.inf)] * 2
    assert [0.5, 0.5] == weights(none).tolist()


@pytest.mark.parametrize(
    ("search", "policy", "message"),
    [
        (BestOf(2), Confidence(), "equal fills"),
        (BestOf(2), PartitionRevision(), "equal fills"),
        (BestOf(2), ConstraintRevision(), "equal fills"),
        (BestOf(2), P2(), "equal fills"),
        (BestOf(2), Lengthening(), "equal fills"),
        (Particles(2), Confidence(), "model's own distribution"),
        (Particles(2), Confidence(sampling=Sampling(temperature=0.5)), "model's own distribution"),
    ],
)
def test_a_policy_that_a_search_has_no_use_for_is_refused(search, policy, message):
    model = Scripted(VOCAB, noise(VOCAB))
    with pytest.raises(OptionError, match=message) as caught:
        frontiers(start_of(open_canvas(2)), model, search, policy=policy)
    assert caught.value.hint


@pytest.mark.parametrize("search", [Beam(5), BestOf(5), Particles(5), Remasking(5)], ids=repr)
@pytest.mark.parametrize("sampling", [Sampling(), DRAW])
def test_a_search_wider_than_the_limits_is_refused_before_the_first_forward(search, sampling):
    model, limits = Counted(Scripted(VOCAB, noise(VOCAB))), Limits(frontier=4)
    policy = LeftToRight(sampling=sampling)
    with pytest.raises(LimitError, match="too wide") as caught:
        frontiers(start_of(open_canvas(2)), model, search, policy=policy, limits=limits)
    assert "5" == caught.value.got
    assert "limits.frontier" in caught.value.expected
    assert not model.forwards


@dataclass(frozen=True)
class Sprawling:
    """A beam that says it is narrower than it is."""

    beam: Beam
    width: int

    def __getattr__(self, name):
        return getattr(self.beam, name)

    def __call__(self, hypotheses, denoiser, rng):
        return self.beam(hypotheses, denoiser, rng)


def test_a_search_that_is_wider_than_it_says_is_refused_where_that_shows():
    model, start = Counted(Scripted(VOCAB, noise(VOCAB))), start_of(open_canvas(4))
    search = Sprawling(Beam(6), width=1)
    with pytest.raises(LimitError, match="too wide") as caught:
        frontiers(start, model, search, limits=Limits(frontier=3))
    assert int(caught.value.got) > 3
    assert 1 == model.forwards  # the start's; what is too wide is not asked about
    assert frontiers(start, model, search, limits=Limits(frontier=6))


@pytest.mark.parametrize("name", SEARCHES)
@settings(max_examples=6)
@given(seed=SEEDS, sure=st.floats(0.2, 0.9), holes=st.integers(2, 5))
def test_no_search_goes_wider_than_it_says_and_none_is_cut(name, seed, sure, holes):
    make, sampling = SEARCHES[name]
    search, model = make(None), Scripted(VOCAB, noise(VOCAB, seed))
    order = Confidence if name == "particles" else partial(Threshold, at_least=sure)
    loose, tight = (
        frontiers(
            start_of(open_canvas(holes)),
            model,
            search,
            policy=order(sampling=sampling),
            seed=seed,
            limits=Limits(ticks=200, frontier=frontier),
        )
        for frontier in (10_000, search.width)
    )
    assert all(len(search.split(frontier)[1]) <= search.width for frontier in loose)
    assert [[h.canvas for h in f] for f in loose] == [[h.canvas for h in f] for f in tight]


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_is_aimed_at_a_goal_and_stays_what_it_was(name):
    search, goal = SEARCHES[name][0](None), Wish(1, 1)
    aimed = search.aimed(goal)
    assert (None, goal) == (search.goal, aimed.goal)
    assert search == replace(aimed, goal=None)
    done = start_of(open_canvas(1)).extend((Write(0, 1, -1.0),))
    assert [False, True] == [one.reached([done]) for one in (search, aimed)]
    assert not aimed.reached([start_of(open_canvas(1))])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Beam(0),
        lambda: Beam(2, siblings=0),
        lambda: Beam(1, branching=Branching()),
        lambda: BestOf(0),
        lambda: Particles(0),
        lambda: Particles(2, resample=1.5),
        lambda: Remasking(0),
        lambda: Remasking(2, rounds=-1),
        lambda: Remasking(2, share=0.0),
        lambda: Remasking(2, parts=0),
        lambda: Branching(positions=0),
        lambda: Branching(lengths=(0,)),
        lambda: Branching(reopens=-1),
        lambda: Branching(doubt=0.0),
        lambda: PseudoLikelihood(0),
    ],
)
def test_an_impossible_search_is_refused(make):
    with pytest.raises(OptionError):
        make()


@given(seed=SEEDS, holes=st.integers(1, 8), steps=st.integers(1, 8), width=st.integers(1, 4))
def test_waiting_costs_a_hypothesis_nothing_of_its_schedule(seed, holes, steps, width):
    model, policy = Scripted(VOCAB, noise(VOCAB, seed)), Threshold(at_least=0.6)
    start = start_of(open_canvas(holes))
    found = frontiers(start, model, Beam(width), policy=policy, schedule=Linear(steps))
    taken = min(steps, holes)
    for h in found[-1]:
        assert len(h.lineage()) - 1 == h.depth <= taken
        for one in h.lineage()[1:]:
            assert len(one.canvas.holes) <= Linear().open_after(one.depth, taken, holes)
