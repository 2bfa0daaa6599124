"""DESIGN §5, laws 9 to 12, and what the loop promises: it ends, in its budget, with a result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from infill.canvas import Canvas, Reopen, Slot, Splice, Step, Write
from infill.constrain.affix import Affixed, Affixes
from infill.constrain.combine import Anything
from infill.decode.branching import Branching
from infill.decode.candidates import Row, Sampling
from infill.decode.hypothesis import Hypothesis
from infill.decode.loop import Course, Streams, denoise, together
from infill.decode.policy import (
    Blockwise,
    Confidence,
    Entropy,
    EntropyBounded,
    LeftToRight,
    Margin,
    Threshold,
)
from infill.decode.schedule import Cosine, Linear, Tick
from infill.decode.scores import LogitScores
from infill.decode.search import Beam
from infill.decode.trace import Header, Trace, texts_of
from infill.limits import Limits
from infill.models.counted import Counted
from infill.models.scripted import Scripted, byte_vocab, noise
from infill.vocab import Vocab

SAMPLINGS = [
    Sampling(),
    Sampling(temperature=1.0),
    Sampling(temperature=0.7, top_p=0.6),
    Sampling(temperature=2.0, top_k=2),
    Sampling(temperature=0.5, top_k=3, top_p=0.9),
]
POLICIES = {
    "left to right": lambda sampling: LeftToRight(sampling=sampling),
    "confidence": lambda sampling: Confidence(sampling=sampling),
    "entropy": lambda sampling: Entropy(sampling=sampling),
    "margin": lambda sampling: Margin(sampling=sampling),
    "threshold": lambda sampling: Threshold(at_least=0.5, sampling=sampling),
    "entropy-bounded": lambda sampling: EntropyBounded(gamma=0.5, sampling=sampling),
    "blockwise": lambda sampling: Blockwise(inner=Margin(), size=2, sampling=sampling),
    "blocks of threshold": lambda sampling: Blockwise(
        inner=Threshold(at_least=0.4), size=3, sampling=sampling
    ),
}
ALONE = Branching(positions=1, tokens=1)  # the policy's own steps and nothing beside them
SCHEDULES = st.builds(
    lambda kind, steps: kind(steps=steps),
    st.sampled_from([Linear, Cosine]),
    st.one_of(st.none(), st.integers(1, 8)),
)


@dataclass(frozen=True)
class Restless:
    """Any moves that a canvas takes, several per tick, in one or two steps: for the laws only."""

    branches: int = 2

    def __call__(
        self, hypothesis: Hypothesis, _row: Row, tick: Tick, rng: np.random.Generator
    ) -> Iterable[Step]:
        for _ in range(self.branches):
            canvas, state, step = hypothesis.canvas, hypothesis.state, []
            for _ in range(3):
                move = self._move(canvas, tick, rng)
                after = None if move is None else state.after(move)
                if after is not None:
                    canvas, state = after.canvas, after
                    step.append(move)
            if step:
                yield tuple(step)

    def _move(self, canvas: Canvas, tick: Tick, rng: np.random.Generator):
        filled, holes = np.flatnonzero(canvas.slots == Slot.FILLED), canvas.holes
        kind = rng.integers(6) if tick.index < 6 else 0
        if kind == 1 and len(filled):
            return Reopen(int(rng.choice(filled)))
        if not len(holes):
            return None
        at = int(rng.choice(holes))
        if kind == 2:
            return Splice(at, int(rng.integers(2)), int(rng.integers(2)))
        return Write(at, int(rng.integers(6)), -float(rng.random()))


def run(  # noqa: PLR0913 - what the loop varies
    case, state, *, policy, schedule, model, search=None, seed=0, limits=None
):
    """The best hypothesis, and the number of ticks."""
    best, count = Hypothesis(case.canvas, state), 0
    for frontier in denoise(
        best,
        denoiser=model,
        policy=policy,
        schedule=schedule,
        search=search or Beam(),
        limits=limits or Limits(ticks=64),
        rng=Streams(seed),
    ):
        best, count = frontier[0], count + 1
    return best, count


@pytest.mark.parametrize("search", [Beam(), Beam(2)], ids=["greedy", "beam"])
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 9))
def test_starts_that_go_side_by_side_do_not_see_each_other(search, lengths, seed):
    """Each ends as it would alone, in as many batches as the longest alone takes."""
    vocab = byte_vocab(b"ab", b"ba")
    model = Counted(Scripted(vocab, noise(vocab, seed)))
    starts = [Canvas([97] + [0] * n, [Slot.GIVEN] + [Slot.HOLE] * n) for n in lengths]

    def course(number: int) -> Course:
        canvas = starts[number]
        return Course(
            Hypothesis(canvas, Anything(vocab).start(canvas)),
            policy=Confidence(sampling=Sampling(temperature=0.5)),
            schedule=Linear(),
            search=search,
            rng=Streams(seed + number),
        )

    alone, batches = [], []
    for number in range(len(starts)):
        before, one = model.batches, course(number)
        frontiers = [[h.canvas for h in one.frontier] for _ in together([one], model)]
        alone.append(frontiers)
        batches.append(model.batches - before)
    before, courses = model.batches, [course(number) for number in range(len(starts))]
    side = [[] for _ in courses]
    for moved in together(courses, model):
        for one in moved:
            side[courses.index(one)].append([h.canvas for h in one.frontier])
    assert side == alone
    assert model.batches - before == max(batches)


def loves_specials(vocab: Vocab):
    """A model that is all but certain that every slot is the mask token or another special."""

    def script(canvas: Canvas) -> torch.Tensor:
        logits = torch.zeros(len(canvas), vocab.model_size)
        for token in vocab.specials - {vocab.blank}:
            logits[:, token] = 50.0
        return logits

    return script


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=max(1, settings().max_examples // 2))
@given(data=st.data())
def test_every_policy_finishes_what_can_be_finished(world, name, data):
    case, state = data.draw(world.living())
    policy = POLICIES[name](data.draw(st.sampled_from(SAMPLINGS)))
    script = data.draw(st.sampled_from([noise(case.vocab), loves_specials(case.vocab)]))
    best, _ = run(
        case,
        state,
        policy=policy,
        schedule=data.draw(SCHEDULES),
        model=Scripted(case.vocab, script),
        search=Beam(data.draw(st.integers(1, 3))),
        seed=data.draw(st.integers(0, 2**64 - 1)),
    )
    assert best.done
    assert case.valid(best.canvas)
    assert case.canvas.ids[case.canvas.slots != Slot.HOLE].tolist() == (
        best.canvas.ids[case.canvas.slots != Slot.HOLE].tolist()
    )


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("sampling", SAMPLINGS, ids=range(len(SAMPLINGS)))
def test_a_slot_that_may_only_be_blank_is_filled_though_the_model_cannot_say_blank(name, sampling):
    vocab = Vocab([b"", b"a", b"b"], mask=0)
    canvas = Canvas([0, 1, 2], [Slot.HOLE, Slot.FILLED, Slot.FILLED])
    state = Affixed(vocab, {0: Affixes(b"ab")}).start(canvas)
    model = Scripted(vocab, noise(vocab))
    top = model([canvas])[0].top(0, k=3, allowed=state.allowed(0))
    assert ([vocab.blank], [0.0]) == (top.tokens.tolist(), top.logps.tolist())
    best = Hypothesis(canvas, state)
    for frontier in denoise(
        best,
        denoiser=model,
        policy=POLICIES[name](sampling),
        schedule=Linear(),
        search=Beam(),
        rng=Streams(),
    ):
        best = frontier[0]
    assert ([vocab.blank, 1, 2], 0.0) == (best.canvas.ids.tolist(), best.canvas.score)


@pytest.mark.parametrize("name", POLICIES)
@given(data=st.data())
def test_the_step_budget_counts_hole_slots_and_never_the_length_of_the_canvas(name, draws, data):
    vocab = draws.vocabs["letters, own blank"]
    holes, padding = data.draw(st.integers(0, 12)), data.draw(st.integers(0, 20))
    schedule = data.draw(SCHEDULES)
    policy = POLICIES[name](Sampling())
    counts = []
    for given_slots in (0, padding):
        slots = [Slot.GIVEN] * given_slots + [Slot.HOLE] * holes + [Slot.GIVEN] * given_slots
        canvas = Canvas([2] * len(slots), slots)
        # the logits do not see the padding, so that only the budget can tell the two apart
        table = 2 * torch.randn(
            holes, vocab.model_size, generator=torch.Generator().manual_seed(holes)
        )

        def script(canvas, table=table, first=given_slots):
            wide = torch.zeros(len(canvas), vocab.model_size)
            wide[first : first + len(table)] = table
            return wide

        hypothesis = Hypothesis(canvas, Anything(vocab).start(canvas))
        frontiers = list(
            denoise(
                hypothesis,
                denoiser=Scripted(vocab, script),
                policy=policy,
                schedule=schedule,
                search=Beam(),
                rng=Streams(),
            )
        )
        assert all(h.done for h in frontiers[-1]) if holes else frontiers == []
        counts.append(len(frontiers))
    budget = min(holes, schedule.steps or holes)
    if "block" in name:  # blocks are counted from the canvas's first slot
        assert max(counts) <= budget
    else:
        assert counts[0] == counts[1] <= budget
    if name in {"left to right", "confidence", "entropy", "margin"}:
        assert counts == [budget, budget]


@given(data=st.data(), seed=st.integers(0, 2**64 - 1))
def test_the_same_seed_gives_the_same_trace(world, data, seed):
    case, state = data.draw(world.living())
    policy = Confidence(sampling=Sampling(temperature=1.5))
    model = Scripted(case.vocab, noise(case.vocab))
    runs = [
        run(case, state, policy=policy, schedule=Linear(), model=model, seed=seed)[0]
        for _ in range(2)
    ]
    steps = [[h.step for h in best.lineage()] for best in runs]
    assert steps[0] == steps[1]


def test_other_seeds_give_other_results():
    vocab = Vocab([b"", *(bytes([letter]) for letter in b"abcdefgh")], mask=0)
    canvas = Canvas([0] * 16, [Slot.HOLE] * 16)
    model = Scripted(vocab, noise(vocab))
    texts = set()
    for seed in range(8):
        start = Hypothesis(canvas, Anything(vocab).start(canvas))
        *_, last = denoise(
            start,
            denoiser=model,
            policy=Confidence(sampling=Sampling(temperature=1.0)),
            schedule=Linear(),
            search=Beam(),
            rng=Streams(seed),
        )
        texts.add(last[0].canvas.text(vocab))
    assert len(texts) == 8


@given(data=st.data(), seed=st.integers(0, 1_000), width=st.integers(1, 4))
def test_folding_a_trace_over_its_start_gives_the_result_in_memory_and_from_a_file(
    world, data, seed, width
):
    case, state = data.draw(world.living())
    best, ticks = run(
        case,
        state,
        policy=Restless(),
        schedule=Linear(),
        model=Scripted(case.vocab, noise(case.vocab)),
        search=Beam(width),
        seed=seed,
        limits=Limits(ticks=20),
    )
    header = Header(canvas=case.canvas, texts=texts_of(case.canvas, case.vocab), seed=seed)
    trace = Trace.of(header, best, vocab=case.vocab, ms=[0.25] * ticks, reason="it was so")
    assert best.canvas == trace.replay()
    assert best.canvas.logps.tolist() == trace.replay().logps.tolist()
    assert [h.canvas for h in best.lineage()] == list(trace.canvases())
    assert [trace, trace] == Trace.parse([*trace.lines(), *trace.lines()])
    assert best.canvas == Trace.parse(trace.lines())[0].replay()


@given(data=st.data(), seed=st.integers(0, 1_000))
def test_given_slots_are_untouched_whatever_a_policy_does(world, data, seed):
    case, state = data.draw(world.living())
    best, _ = run(
        case,
        state,
        policy=Restless(),
        schedule=Linear(),
        model=Scripted(case.vocab, noise(case.vocab)),
        seed=seed,
        limits=Limits(ticks=20),
    )
    before, after = (c.ids[c.slots == Slot.GIVEN].tolist() for c in (case.canvas, best.canvas))
    assert before == after


@given(data=st.data(), seed=st.integers(0, 2**32))
def test_a_row_of_a_batch_scores_as_it_does_alone(draws, data, seed):
    vocab = draws.vocabs[data.draw(st.sampled_from(sorted(draws.vocabs)))]
    batch = data.draw(st.lists(draws.canvases(vocab, longest=9), min_size=1, max_size=4))
    model = Scripted(vocab, noise(vocab, seed))
    together = model(batch)
    for row, canvas in enumerate(batch):
        alone = model([canvas])
        for at in range(len(canvas)):
            for token in range(len(vocab)):
                assert alone.logp(0, at, token) == together.logp(row, at, token)
            one, other = alone.top(0, at, 3), together.top(row, at, 3)
            assert (one.tokens.tolist(), one.logps.tolist()) == (
                other.tokens.tolist(),
                other.logps.tolist(),
            )
        uniforms = np.random.default_rng(seed).random(len(canvas.holes))
        drawn = [
            scores.candidates(
                index, canvas.holes, sampling=Sampling(temperature=1.0), uniforms=uniforms
            )
            for scores, index in ((alone, 0), (together, row))
        ]
        for name in ("at", "tokens", "logps", "margins", "entropies"):
            assert getattr(drawn[0], name).tolist() == getattr(drawn[1], name).tolist()


def test_a_row_of_the_embedded_model_scores_as_it_does_alone(embedded):
    texts = [b"def area(r):\n    return ", b"x = [", b"import os\n\n\nclass Stack:\n    def push("]
    batch = []
    for index, text in enumerate(texts):
        ids = [*embedded.capabilities.prologue("python"), *embedded.vocab.encode(text)]
        slots = [Slot.GIVEN] * len(ids) + [Slot.HOLE] * (index + 2)
        batch.append(Canvas([*ids, *[0] * (index + 2)], slots))
    together = embedded(batch)
    for row, canvas in enumerate(batch):
        alone = embedded([canvas])
        for at in [*canvas.holes.tolist(), 1]:
            one, other = alone.top(0, at, 5), together.top(row, at, 5)
            assert one.tokens.tolist() == other.tokens.tolist()
            assert np.allclose(one.logps, other.logps, atol=1e-3)


@dataclass(frozen=True)
class Pairs:
    """Proposes each way to fill one hole, so that two orders meet in one canvas."""

    def __call__(
        self, hypothesis: Hypothesis, row: Row, _tick: Tick, _rng: np.random.Generator
    ) -> Iterable[Step]:
        for at in hypothesis.canvas.holes.tolist():
            top = row.top(at, k=1, allowed=hypothesis.state.allowed(at))
            yield (Write(at, int(top.tokens[0]), float(top.logps[0])),)


def test_a_beam_merges_equal_canvases_reached_in_different_orders():
    vocab = Vocab([b"", b"a", b"b"], mask=0)
    canvas = Canvas([0] * 3, [Slot.HOLE] * 3)
    table = torch.tensor([[0.0, 3.0, 1.0]] * 3)
    sizes = []
    for frontier in denoise(
        Hypothesis(canvas, Anything(vocab).start(canvas)),
        denoiser=Scripted(vocab, lambda _: table),
        policy=Pairs(),
        schedule=Linear(),
        search=Beam(64, branching=ALONE),
        rng=Streams(),
    ):
        assert len(frontier) == len({h.canvas for h in frontier})
        sizes.append(len(frontier))
    assert [3, 3, 1] == sizes  # the subsets of three holes, and not the orders


@given(st.integers(1, 4), st.data())
def test_a_beam_keeps_the_best_by_mean_score_for_each_number_of_open_holes(width, data):
    vocab = Vocab([b"", b"a", b"b"], mask=0)
    hypotheses = []
    for _ in range(data.draw(st.integers(1, 8))):
        slots = data.draw(
            st.lists(st.sampled_from([Slot.HOLE, Slot.FILLED]), min_size=3, max_size=3)
        )
        ids = data.draw(st.lists(st.integers(1, 2), min_size=3, max_size=3))
        logps = data.draw(st.lists(st.integers(-8, 0), min_size=3, max_size=3))
        canvas = Canvas(ids, slots, logps)
        hypotheses.append(Hypothesis(canvas, Anything(vocab).start(canvas)))
    model = Scripted(vocab, noise(vocab))
    kept = Beam(width)(hypotheses, model, np.random.default_rng(0))

    def rank(hypothesis):
        return len(hypothesis.canvas.holes), -hypothesis.canvas.mean_score

    best = {}
    for hypothesis in hypotheses:
        best[hypothesis.canvas] = min(rank(hypothesis), best.get(hypothesis.canvas, (9, 0)))
    expected = [sorted(r for r in best.values() if r[0] == count)[:width] for count in range(4)]
    assert [rank for group in expected for rank in group] == [rank(h) for h in kept]
    assert all(rank(a) <= rank(b) for a, b in pairwise(kept))
    assert len(kept) == len({h.canvas for h in kept})


def test_a_policy_that_reopens_for_ever_is_stopped_by_the_limits():
    @dataclass(frozen=True)
    class Undoing:
        def __call__(self, hypothesis, _row, _tick, _rng):
            canvas = hypothesis.canvas
            if len(canvas.holes) == 2:
                yield (Write(int(canvas.holes[0]), 1, 0.0),)
            else:
                yield (Reopen(0),)

    vocab = Vocab([b"", b"a"], mask=0)
    canvas = Canvas([0, 0], [Slot.HOLE, Slot.HOLE])
    frontiers = denoise(
        Hypothesis(canvas, Anything(vocab).start(canvas)),
        denoiser=Scripted(vocab, noise(vocab)),
        policy=Undoing(),
        schedule=Linear(),
        search=Beam(),
        limits=Limits(ticks=10),
        rng=Streams(),
    )
    assert len(list(frontiers)) == 10


def test_streams_of_rows_and_ticks_are_apart_and_repeat():
    draws = {(t, r): Streams(7).at(t, r).random(3).tolist() for t in range(4) for r in range(4)}
    assert len({tuple(draw) for draw in draws.values()}) == 16
    assert draws[2, 1] == Streams(7).at(2, 1).random(3).tolist()
    assert draws[2, 1] != Streams(8).at(2, 1).random(3).tolist()


@given(data=st.data())
def test_a_sequence_of_moves_that_a_canvas_refuses_changes_nothing(draws, data):
    vocab = draws.vocabs["letters, own blank"]
    canvas = data.draw(draws.canvases(vocab))
    given_at = [at for at, slot in enumerate(canvas.slots) if slot == Slot.GIVEN]
    assume(given_at)
    before = canvas.ids.tolist(), canvas.slots.tolist()
    at = data.draw(st.sampled_from(given_at))
    for move in (Write(at, 2, 0.0), Reopen(at), Splice(at, 1, 0)):
        with pytest.raises(Exception, match=r"slot|splice") as caught:
            canvas.apply((move,))
        assert type(caught.value).__name__ == "MoveError"
    assert before == (canvas.ids.tolist(), canvas.slots.tolist())


def test_scores_of_no_canvases_are_no_scores():
    vocab = Vocab([b"", b"a"], mask=0)
    calls = []
    LogitScores(vocab, [], lambda rows, at: calls.append((rows, at)) or torch.empty(0, 2))
    assert [(0, 0)] == [(len(rows), len(at)) for rows, at in calls]


def test_each_tick_of_a_fill_has_its_own_stream():
    seen = []

    @dataclass(frozen=True)
    class Listening:
        def __call__(self, hypothesis, _row, tick, rng):
            seen.append((tick.index, rng.random()))
            yield (Write(int(hypothesis.canvas.holes[0]), 1, 0.0),)

    vocab = Vocab([b"", b"a"], mask=0)
    canvas = Canvas([0] * 3, [Slot.HOLE] * 3)
    list(
        denoise(
            Hypothesis(canvas, Anything(vocab).start(canvas)),
            denoiser=Scripted(vocab, noise(vocab)),
            policy=Listening(),
            schedule=Linear(),
            search=Beam(),
            rng=Streams(3),
        )
    )
    assert [(tick, Streams(3).at(tick, 0).random()) for tick in range(3)] == seen


def test_a_hypothesis_that_is_done_stays_while_others_go_on():
    @dataclass(frozen=True)
    class Uneven:
        def __call__(self, hypothesis, _row, _tick, _rng):
            holes = hypothesis.canvas.holes.tolist()
            if len(holes) == 2:
                yield (Write(0, 1, -0.1), Write(1, 1, -0.1))
            yield (Write(holes[0], 2, -1.0),)

    vocab = Vocab([b"", b"a", b"b"], mask=0)
    canvas = Canvas([0, 0], [Slot.HOLE] * 2)
    *_, last = denoise(
        Hypothesis(canvas, Anything(vocab).start(canvas)),
        denoiser=Scripted(vocab, noise(vocab)),
        policy=Uneven(),
        schedule=Linear(),
        search=Beam(4, branching=ALONE),
        rng=Streams(),
    )
    assert [b"aa", b"bb"] == [h.canvas.text(vocab) for h in last]
