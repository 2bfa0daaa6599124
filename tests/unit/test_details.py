"""What a fill is made of, token by token, and how it is followed and stopped on its way."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.canvas import Canvas, Reopen, Slot, Splice, Write
from infill.decode.trace import Header, Trace, TraceStep, texts_of
from infill.edit.details import PARTS, SHOWN, details, settled
from infill.edit.holes import Hole
from infill.edit.revise import revise
from infill.edit.revised import Doubting
from infill.edit.rewrite import rewrite, rewriting
from infill.edit.settings import Settings
from infill.edit.view import View
from infill.edit.workbench import Workbench
from infill.errors import BudgetError
from infill.limits import Limits
from infill.models.counted import Counted
from infill.models.scripted import Scripted, byte_vocab, even, noise
from infill.text import Source, Span, TextEdit

VOCAB = byte_vocab(b"return", b"turn", b"    ", b"\n    ", b"x\n", "é".encode(), b"xy")
MARKER = "<FILL_ME>"
TEXTS = (
    f"re{MARKER}turn x\n",
    f"if a:\n\tre{MARKER}\n\tx\n",
    f"a = {MARKER}\n{'x = 1' * 90}\nb = ({MARKER})\n",
    f"{MARKER} = x{MARKER}y",
    f"é{MARKER}é\n",
)


def prose(seed: int = 0) -> Scripted:
    """Noise without the bytes that make no text by themselves."""
    inner = noise(VOCAB, seed)

    def script(canvas):
        logits = inner(canvas).clone()
        logits[:, 127:256] = logits[:, 11:32] = logits[:, :10] = -1e4
        return logits

    return Scripted(VOCAB, script)


def fill(text: str, *, seed: int = 0, **options):
    model = Counted(prose(seed))
    options = {"max_tokens": 6, "one_line": False, "limits": Limits(context=100), **options}
    return Workbench(model, Settings(seed=seed, **options)).fill(text), model


@settings(max_examples=60)
@given(
    st.sampled_from(TEXTS),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.integers(0, 60),
    st.integers(0, 2),
)
def test_the_tokens_of_a_hole_are_its_fill(text, newline, exact, budget, alternatives):
    text = text.replace("\n", newline)
    bounds = {"nfe_budget": budget or None, "alternatives": alternatives}
    try:
        first, model = fill(text, seed=budget, exact_length=exact, **bounds)
    except BudgetError:
        return
    for proposal in (first, *first.alternatives):
        before = model.forwards
        found = details(proposal, prose())
        assert model.forwards == before
        for tokens, hole, edit in zip(found, proposal.holes, proposal.edits, strict=True):
            text_of_tokens = "".join(token.text for token in tokens)
            view = View.of(proposal.source, edit.span.start)
            assert view.restore(text_of_tokens.encode()).decode() == hole.text
            for token in tokens:
                assert 0.0 <= token.probability <= 1.0 + 1e-9
                assert (token.step >= 0) == (token.probability > 0)
                assert len(token.candidates) <= SHOWN
                odds = [odd for _, odd in token.candidates]
                assert odds == sorted(odds, reverse=True)


def test_details_take_four_forwards_a_window_and_tell_what_was_written_when():
    proposal, _ = fill(TEXTS[2])
    assert 2 == len(proposal.windows)
    model = Counted(prose())
    found = details(proposal, model)
    assert model.forwards == sum(min(PARTS, len(tokens)) for tokens in found)
    for tokens, trace in zip(found, proposal.traces[-2:], strict=True):
        written = {step.tick: move.logp for step in trace.steps for move in step.moves}
        assert len(written) - 1 <= len(tokens) <= len(written)  # one may be all the user's
        for token in tokens:
            assert math.log(token.probability) == pytest.approx(written.pop(token.step))
            assert token.candidates


def test_details_show_no_token_that_is_the_users():
    model = Scripted(byte_vocab(b"return"), even(byte_vocab(b"return")))
    bench = Workbench(model, Settings(length=2))
    proposal = bench.fill("x\nretu<FILL_ME>", grammar=False)
    (prefix, _), *_ = proposal.windows[0].window.affixes
    assert prefix == b"retu"
    (tokens,) = details(proposal, model)
    assert "".join(token.text for token in tokens) == proposal.holes[0].text
    assert 2 == len(proposal.holes[0].text.encode())


def test_what_no_model_filled_is_one_token_of_no_probability():
    """The second window is not begun, so a stand-in fills its hole."""
    text = f"[{MARKER}, {'1, ' * 200}{MARKER}]"
    model = Counted(Scripted(VOCAB, noise(VOCAB)), nfe_budget=999)
    settings = Settings(length=4, limits=Limits(context=100), nfe_budget=3)
    proposal = Workbench(model, settings).fill(text, grammar="json")
    assert proposal.stopped == "nfe_budget"
    first, second = details(proposal, model)
    assert [(token.probability, token.step, token.candidates) for token in second] == [
        (0.0, -1, ())
    ]
    assert second[0].text == proposal.holes[1].text
    assert "".join(token.text for token in first) == proposal.holes[0].text
    assert {-1} < {token.step for token in first}  # some slots of it are a completion's


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(0, 2)), max_size=12))
def test_a_slot_settles_in_the_tick_that_wrote_it_last(moves):
    canvas = Canvas([0] * 4, [Slot.HOLE] * 4)
    header, steps, by_slot = Header(canvas=canvas, texts=texts_of(canvas, VOCAB)), [], {}
    for tick, (kind, at, count) in enumerate(moves):
        size = len(canvas)
        if at >= size:
            continue
        hole = canvas.slots[at] == Slot.HOLE
        if kind == 0 and hole:
            move = Write(at, 65 + tick, -0.5)  # the token tells the tick
        elif kind == 1 and not hole:
            move = Reopen(at)
        elif kind == 2 and hole:
            move = Splice(at, 1, count)
        else:
            continue
        if size == 1 and move == Splice(at, 1, 0):
            continue
        canvas = canvas.apply((move,))
        steps.append(TraceStep(tick=tick, ms=0.0, moves=(move,), texts=("a",)))
        by_slot = dict(enumerate(canvas.ids.tolist()))
    found = settled(Trace(header, tuple(steps)))
    assert len(found) == len(canvas)
    for at, tick in enumerate(found):
        filled = canvas.slots[at] == Slot.FILLED
        assert (by_slot[at] - 65 if filled else -1) == tick


# -- on its way


def after(count: int):
    """Says yes once it was asked so often."""
    asked: list[int] = []
    return lambda: len(asked) >= count or asked.append(1) or False


SPANS = [Span(4, 8), Span(13, 17)]
TEXT = "x = (1);\ny = (2)\n"


@pytest.mark.parametrize("count", range(6))
def test_a_rewriting_that_is_cancelled_hands_out_the_best_so_far(count):
    model = Counted(Scripted(VOCAB, noise(VOCAB)))
    asked = {"model": model, "language": "python", "settings": Settings(length=3)}
    proposal = rewrite(TEXT, SPANS, cancelled=after(count), **asked)
    assert (proposal.stopped, proposal.ok, model.forwards) == ("cancelled", True, count)


def test_a_rewriting_shows_every_tick_and_ends_with_the_proposal():
    asked = {"model": prose(), "keep": ["("], "settings": Settings(length=2), "grammar": False}
    frames = list(rewriting(TEXT, SPANS, name="a.py", scope=Span(0, 17), **asked))
    *_, last = frames
    assert [frame.proposal for frame in frames[:-1]] == [None] * (len(frames) - 1)
    assert last.proposal.scope == Span(0, 17)
    assert last.proposal.edits == rewrite(TEXT, SPANS, **asked).edits
    assert last.proposal.source.name == "a.py"
    assert {(5, 8), (14, 16)} == {(hole.start, hole.stop) for hole in last.holes}


@pytest.mark.parametrize("trigger", ["diagnostics", TextEdit(Span(0, 5), b"one")])
def test_a_revision_that_is_cancelled_hands_out_the_changes_so_far(trigger):
    text = "first = other = 1\nprint(frist, ohter, first)\n"
    asked = {"trigger": trigger, "language": "python", "model": Scripted(VOCAB, even(VOCAB))}
    asks: list[int] = []
    full = revise(text, cancelled=lambda: bool(asks.append(1)), **asked)
    assert (full.stopped, len(asks) > 2) == ("", True)
    changes = []
    for count in range(len(asks) + 1):
        with suppress(BudgetError):
            part = revise(text, cancelled=after(count), **asked)
            assert part.stopped == ("cancelled" if count < len(asks) else "")
            changes.append(len(part.edits))
    assert changes == sorted(changes)
    assert len(changes) > 1
    with pytest.raises(BudgetError, match="cancelled") as caught:
        revise(text, cancelled=lambda: True, **asked)
    assert caught.value.reason == "cancelled"


def test_a_revision_tells_what_the_model_writes_and_where():
    text = "x = 1\ny = 2\n"
    frames = []
    eager = Doubting(doubt=0.0, gain=-1e9, places=3, rounds=2)
    asked = {"trigger": [Span(4, 5), Span(10, 11)], "model": prose(), "doubting": eager}
    told, plain = revise(text, watch=frames.append, **asked), revise(text, **asked)
    assert told.edits == plain.edits
    assert frames
    source = Source.of(text)
    for frame in frames:
        for hole in frame.holes:
            assert isinstance(hole, Hole)
            assert 0 <= hole.start <= hole.stop <= len(source.data)
    assert any(frame.holes for frame in frames)
    assert any(frame.proposal is not None for frame in frames)
