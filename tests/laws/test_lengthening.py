"""Laws of lengths that are found while denoising: they are right, bounded, and cost no byte."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import infill
from infill.canvas import Canvas, Slot, Splice, Write
from infill.constrain.affix import Affixed, Affixes
from infill.constrain.combine import Anything
from infill.constrain.grammar import Grammar
from infill.decode.candidates import Sampling
from infill.decode.hypothesis import Hypothesis
from infill.decode.lengthening import Lengthening, added
from infill.decode.loop import Streams, denoise
from infill.decode.policy import Confidence, Entropy, Threshold
from infill.decode.schedule import Linear
from infill.decode.search import Beam
from infill.edit.settings import Settings
from infill.errors import OptionError
from infill.limits import Limits
from infill.models.scripted import Scripted, byte_vocab, noise
from infill.vocab import Vocab

MASK, EOS, BLANK, EXPAND = range(4)
SMALL = Vocab(
    [b"", b"", b"", b"", b"a", b"b", b"c", b"ab"],
    mask=MASK, eos=EOS, blank=BLANK, expand=EXPAND, delete=EOS,
)  # fmt: skip
WORDS = range(4, len(SMALL))
BYTES = byte_vocab(lengths=True)
SEEDS = st.integers(0, 10_000)


def canvas_of(*parts: bytes | int, vocab: Vocab = SMALL) -> Canvas:
    """Bytes are given; a number is a hole of so many slots."""
    ids, slots = [], []
    for part in parts:
        tokens = [0] * part if isinstance(part, int) else vocab.encode(part)
        ids += tokens
        slots += [Slot.HOLE if isinstance(part, int) else Slot.GIVEN] * len(tokens)
    return Canvas(ids, slots)


def sized(vocab: Vocab, *answers: bytes, lengths_first: bool):
    """A script that knows the text of each hole, and how long it is.

    Of a hole that is too short the last slot should be two, of one that is too long the slots past
    the text should go; it is surer of that than of the text, or less sure.
    """

    def script(canvas: Canvas) -> torch.Tensor:
        logits = torch.zeros(len(canvas), vocab.model_size)
        for number, (start, stop) in enumerate(canvas.regions()):
            tokens = vocab.encode(answers[number])
            holes = [at for at in range(start, stop) if canvas.slots[at] == Slot.HOLE]
            for at in holes:
                if at - start >= len(tokens):
                    logits[at, vocab.delete] = 16 if lengths_first else 11
                elif at == holes[-1] and stop - start < len(tokens):
                    logits[at, vocab.expand] = 16 if lengths_first else 11
                else:
                    logits[at, tokens[at - start]] = 12 - 0.01 * at
        return logits

    return script


def run(canvas, constraint, script, policy, *, search=None, seed=0, steps=None):  # noqa: PLR0913 - the loop's own
    """The last hypothesis, and the ticks it took."""
    start = Hypothesis(canvas, constraint.start(canvas))
    best, ticks = start, 0
    for frontier in denoise(
        start,
        denoiser=Scripted(constraint.vocab, script),
        policy=policy,
        schedule=Linear(steps),
        search=search or Beam(),
        limits=Limits(ticks=400),
        rng=Streams(seed),
    ):
        best, ticks = frontier[0], ticks + 1
    return best, ticks


def text_of(canvas: Canvas, vocab: Vocab) -> bytes:
    return canvas.text(vocab)


@pytest.mark.parametrize("lengths_first", [True, False])
@given(slots=st.integers(1, 9), size=st.integers(1, 12), pace=st.integers(1, 3))
def test_the_right_length_is_found_from_a_wrong_one(lengths_first, slots, size, pace):
    answer = bytes(b"abc"[i % 3] for i in range(size))
    canvas = canvas_of(b"cc", slots, b"bb", vocab=BYTES)
    best, ticks = run(
        canvas,
        Anything(BYTES, exact_length=True),
        sized(BYTES, answer, lengths_first=lengths_first),
        Lengthening(pace=pace),
    )
    assert b"cc" + answer + b"bb" == text_of(best.canvas, BYTES)
    assert ticks <= slots + abs(size - slots) + size


@given(sizes=st.tuples(st.integers(1, 6), st.integers(1, 6)), start=st.integers(1, 4))
def test_two_holes_find_a_length_each(sizes, start):
    answers = [b"abcabc"[: sizes[0]], b"cbacba"[: sizes[1]]]
    canvas = canvas_of(b"x", start, b"y", start, b"z", vocab=BYTES)
    script = sized(BYTES, *answers, lengths_first=True)
    best, _ = run(canvas, Anything(BYTES, exact_length=True), script, Lengthening())
    assert b"x" + answers[0] + b"y" + answers[1] + b"z" == text_of(best.canvas, BYTES)


NUMBERS = Grammar.regex(r"x = ([0-9]{2})*;").constraint(BYTES)


@pytest.mark.parametrize(("slots", "size"), [(2, 6), (4, 2), (3, 4), (2, 2), (6, 8)])
def test_the_right_length_is_found_under_a_grammar_that_refuses_every_other(slots, size):
    """Blanks let a hole have a slot more than its text; an odd number of digits never passes."""
    answer = b"12345678"[:size]
    canvas = canvas_of(b"x = ", slots, b";", vocab=BYTES)
    best, _ = run(canvas, NUMBERS, sized(BYTES, answer, lengths_first=False), Lengthening())
    assert b"x = " + answer + b";" == text_of(best.canvas, BYTES)
    for one in best.lineage():
        assert NUMBERS.start(one.canvas) is not None


def test_a_length_that_the_grammar_refuses_leaves_the_hole_to_text():
    constraint = Grammar.regex(r"x = [0-9]{3};").constraint(BYTES)
    canvas = canvas_of(b"x = ", 3, b";", vocab=BYTES)

    def script(canvas: Canvas) -> torch.Tensor:
        logits = noise(BYTES, 1)(canvas)
        logits[:, BYTES.delete] = 30.0
        return logits

    best, ticks = run(canvas, constraint, script, Lengthening())
    assert best.done
    assert 3 == ticks
    assert len(text_of(best.canvas, BYTES)) == len(b"x = 123;")


@given(most=st.integers(0, 6), slots=st.integers(1, 4), seed=SEEDS)
def test_the_budget_ends_growth(most, slots, seed):
    def greedy(canvas: Canvas) -> torch.Tensor:
        logits = noise(SMALL, seed)(canvas)
        logits[:, EXPAND], logits[:, EOS] = 30.0, -30.0
        return logits

    canvas = canvas_of(b"a", slots, b"b")
    best, ticks = run(canvas, Anything(SMALL, exact_length=True), greedy, Lengthening(most=most))
    assert best.done
    assert len(canvas) + most == len(best.canvas)
    assert most == added(best)
    assert slots + 2 * most == ticks


@pytest.mark.parametrize("bound", ["model", "context", "hole"])
@given(slots=st.integers(1, 6), room=st.integers(3, 12), seed=SEEDS)
def test_growth_ends_at_what_the_model_may_see_and_a_hole_may_have(bound, slots, room, seed):
    seen = []

    def greedy(canvas: Canvas) -> torch.Tensor:
        seen.append(canvas)
        logits = noise(SMALL, seed)(canvas)
        logits[:, EXPAND], logits[:, EOS] = 30.0, -30.0
        return logits

    canvas = canvas_of(b"a", slots, b"b", 1, b"c")
    limits = Limits(
        ticks=400,
        context=room if bound == "context" else 512,
        hole=room if bound == "hole" else 256,
    )
    (*_, last) = denoise(
        Hypothesis(canvas, Anything(SMALL, exact_length=True).start(canvas)),
        denoiser=Scripted(SMALL, greedy, context=room if bound == "model" else 512),
        policy=Lengthening(most=40),
        schedule=Linear(),
        search=Beam(),
        limits=limits,
        rng=Streams(seed),
    )
    assert last[0].done
    sizes = [stop - start for start, stop in last[0].canvas.regions()]
    if bound == "hole":
        assert [max(slots, room), room] == sizes
    else:
        assert max(len(canvas), room) == len(last[0].canvas) == max(map(len, seen))


def test_a_fill_of_a_file_shows_the_model_no_more_than_it_may_see():
    seen = []

    def greedy(canvas: Canvas) -> torch.Tensor:
        seen.append(canvas)
        logits = torch.zeros(len(canvas), BYTES.model_size)
        logits[:, BYTES.expand], logits[:, ord("a")] = 30.0, 20.0
        return logits

    options = Settings(policy=Lengthening(most=400), length=3, grammar="none")
    model = Scripted(BYTES, greedy, context=128)
    filled = infill.fill(f"x = <FILL_ME>;{'b' * 300}", model=model, settings=options)
    assert 128 == max(map(len, seen))
    assert len(filled.holes[0].text) < 128


def test_a_hole_that_should_go_goes_and_an_empty_canvas_ends():
    def script(canvas: Canvas) -> torch.Tensor:
        logits = torch.zeros(len(canvas), SMALL.model_size)
        logits[:, EOS] = 9.0
        return logits

    for parts in [(b"a", 3, b"b"), (2,)]:
        canvas = canvas_of(*parts)
        best, _ = run(canvas, Anything(SMALL, exact_length=True), script, Lengthening())
        assert best.done
        assert [Slot.GIVEN] * (len(parts) - 1) == best.canvas.slots.tolist()


INNERS = [
    Confidence(),
    Entropy(),
    Threshold(at_least=0.4),
    Confidence(sampling=Sampling(temperature=1.0)),
]
CONSTRAINTS = [
    lambda: Anything(SMALL, exact_length=True),
    lambda: Anything(SMALL),
    lambda: Affixed(SMALL, {1: Affixes(b"a", b"b", one_line=True)}),
    lambda: Grammar.regex(r"(ab|c)*").constraint(SMALL),
]


def wishful(seed: int, sureness: float):
    """Noise, with a liking for the tokens that ask for a length."""

    def script(canvas: Canvas) -> torch.Tensor:
        logits = noise(SMALL, seed)(canvas)
        logits[:, [MASK, EXPAND, EOS]] += sureness
        return logits

    return script


@settings(max_examples=2 * settings.default.max_examples)
@given(
    seed=SEEDS,
    sureness=st.floats(-4, 8),
    slots=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    inner=st.sampled_from(INNERS),
    most=st.integers(0, 5),
    constraint=st.sampled_from(CONSTRAINTS),
    width=st.integers(1, 3),
)
def test_it_always_ends_valid_bounded_repeatable_and_leaves_what_is_given(  # noqa: PLR0913, PLR0917 - Hypothesis's
    seed, sureness, slots, inner, most, constraint, width
):
    parts = [part for count in slots for part in (b"c", count)]
    canvas, constraint = canvas_of(*parts, b"c"), constraint()
    assume(constraint.start(canvas) is not None)
    policy = Lengthening(inner=inner, most=most, pace=2)
    best, ticks = run(
        canvas, constraint, wishful(seed, sureness), policy, search=Beam(width), seed=seed
    )
    again, _ = run(
        canvas, constraint, wishful(seed, sureness), policy, search=Beam(width), seed=seed
    )
    assert best.done
    assert constraint.start(best.canvas) is not None
    assert [one.step for one in best.lineage()] == [one.step for one in again.lineage()]
    if width == 1:
        assert ticks <= sum(slots) + 2 * most
    assert added(best) <= most
    kept = best.canvas.ids[best.canvas.slots == Slot.GIVEN]
    assert canvas.ids[canvas.slots == Slot.GIVEN].tolist() == kept.tolist()
    ours = best.canvas.ids[best.canvas.slots == Slot.FILLED].tolist()
    assert set(ours) <= {*WORDS, BLANK}


@given(seed=SEEDS, sureness=st.floats(-2, 6), slots=st.integers(1, 5), most=st.integers(0, 4))
def test_each_tick_does_what_the_surest_hole_is_for(seed, sureness, slots, most):
    """The rule as published, one thing at a time, written again over plain arrays."""
    canvas, script = canvas_of(b"a", slots, b"b"), wishful(seed, sureness)
    best, _ = run(canvas, Anything(SMALL, exact_length=True), script, Lengthening(most=most))
    room = most
    for before, after in pairwise(best.lineage()):
        logits = script(before.canvas).double().numpy()[before.canvas.holes]
        banned = [MASK] + [EXPAND] * (not room)
        logits[:, banned] = -np.inf
        shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        surest = int(shares.max(-1).argmax())
        at, token = int(before.canvas.holes[surest]), int(shares[surest].argmax())
        (move,) = after.step
        if token == EXPAND:
            assert Splice(at, 1, 2) == move
            room -= 1
        elif token == EOS:
            assert Splice(at, 1, 0) == move
        else:
            assert isinstance(move, Write)
            wants_text = ~np.isin(shares.argmax(-1), [EXPAND, EOS])
            assert move.at in before.canvas.holes[wants_text]


def test_a_model_without_such_tokens_and_numbers_out_of_range_are_refused():
    plain = byte_vocab()
    canvas = canvas_of(b"a", 2, vocab=plain)
    with pytest.raises(OptionError, match="no token for a length"):
        run(canvas, Anything(plain), noise(plain), Lengthening())
    for options in ({"most": -1}, {"pace": 0}):
        with pytest.raises(OptionError, match="out of range"):
            Lengthening(**options)


@pytest.mark.parametrize(("length", "answer"), [(1, "[1, 23]"), (6, "7"), (3, "[4]")])
@pytest.mark.parametrize("grammar", ["json", None])
def test_a_fill_of_a_file_takes_the_length_that_the_model_asks_for(grammar, length, answer):
    text = '{"x": <FILL_ME>,\r\n "y": "locked"}\r\n'
    model = Scripted(BYTES, sized(BYTES, answer.encode(), lengths_first=True))
    options = Settings(policy=Lengthening(), length=length, grammar=grammar, seed=3)
    first, second = (infill.fill(text, model=model, settings=options) for _ in range(2))
    assert text.replace("<FILL_ME>", answer) == first.text
    assert first.text == second.text
    assert first.holes[0].text == answer
    moves = [move for trace in first.traces for step in trace.steps for move in step.moves]
    assert any(isinstance(move, Splice) for move in moves) is (length != len(answer))
    assert [trace.replay().holes.tolist() for trace in first.traces] == [[]]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_model_asks_for_a_file_parses_and_keeps_its_other_bytes(seed):
    """Two holes, one of them inside a word; lengths that only the grammar holds in check."""
    parts = '{"locked": tr', ', "é": [1, ', "]}\r\n"

    def script(canvas: Canvas) -> torch.Tensor:
        logits = noise(BYTES, seed)(canvas)
        logits[:, [BYTES.expand, BYTES.delete]] += 9.0
        return logits

    options = Settings(
        policy=Lengthening(most=6), grammar="json", length=4, exact_length=False, seed=seed
    )
    first, second = (
        infill.fill("<FILL_ME>".join(parts), model=Scripted(BYTES, script), settings=options)
        for _ in range(2)
    )
    json.loads(first.text)
    assert first.text == second.text
    assert first.text.startswith(parts[0])
    assert first.text.endswith(parts[2])
    assert parts[0] + first.holes[0].text + parts[1] + first.holes[1].text + parts[2] == first.text
    moves = [move for trace in first.traces for step in trace.steps for move in step.moves]
    assert any(isinstance(move, Splice) for move in moves)
