"""Windows: what a model is shown of a text, and that it maps back."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from infill.canvas import Slot, Write
from infill.decode.candidates import Sampling
from infill.decode.policy import Confidence
from infill.edit.holes import Hole
from infill.edit.lengths import ladder, ranked
from infill.edit.settings import Settings
from infill.edit.window import SIDE, Framing
from infill.edit.workbench import Workbench
from infill.errors import FillError, InputError, OptionError, UnverifiedError
from infill.limits import Limits
from infill.models.scripted import Scripted, byte_vocab, favour, noise
from infill.text import Source
from infill.vocab import Vocab

VOCAB = byte_vocab(b"return", b"turn", b"    ", b"\n    ", b"def ", "é".encode())
MODEL = Scripted(VOCAB, noise(VOCAB))
WORDS = ["def ", "x", "return", " ", "\n", "é", "𝕏", "👩‍💻", "(", "    ", "中"]


def framing_of(text: str, holes, *, context: int, exact: bool = True, model=MODEL) -> Framing:
    return Framing(model, Source.of(text), tuple(holes), None, context, exact)


@st.composite
def framings(draw) -> tuple[Framing, list[int]]:
    """A text of some thousand bytes at most with holes in it, a context, and lengths."""
    text, holes = "", []
    for index in range(draw(st.integers(1, 5))):
        run = "".join(draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6)))
        text += run * draw(st.sampled_from([1, 3, 40, 200])) if index or draw(st.booleans()) else ""
        start = len(text.encode())
        holes.append(Hole(start, start))
    text += "".join(draw(st.lists(st.sampled_from(WORDS), max_size=6))) * draw(st.integers(0, 90))
    lengths = [draw(st.integers(1, 9)) for _ in holes]
    return framing_of(text, holes, context=draw(st.integers(80, 300))), lengths


def stretches(window, canvas=None) -> list[bytes]:
    """The user's text before, between and after the holes, as the window shows or holds it."""
    canvas, done, texts, carry = canvas or window.canvas, 0, [], b""
    for anchor, (prefix, suffix) in zip(window.anchors, window.affixes, strict=True):
        start, stop = canvas.between(anchor)
        texts.append(carry + VOCAB.decode(canvas.ids[done:start].tolist()) + prefix)
        done, carry = stop, suffix
    return [*texts, carry + VOCAB.decode(canvas.ids[done:].tolist())]


@given(framings())
def test_a_window_fits_the_context_and_shows_the_text_next_to_each_hole(case):
    framing, lengths = case
    data = framing.source.data
    groups = framing.groups([9] * len(lengths))
    assert [*range(len(lengths))] == [hole for group in groups for hole in group]
    for group in groups:
        window = framing.window(group, [lengths[i] for i in group], [None] * len(lengths))
        assert len(window.canvas) <= framing.context
        assert len(group) == len(set(window.anchors)) == len(window.canvas.regions())
        left, *inner, right = stretches(window)
        first, last = framing.holes[group.start], framing.holes[group.stop - 1]
        assert data[: first.start].endswith(left)
        assert data[last.stop :].startswith(right)
        for shown, one, other in zip(inner, group[:-1], group[1:], strict=True):
            whole = data[framing.holes[one].stop : framing.holes[other].start]
            cuts = range(len(shown) + 1)
            assert shown
            assert any(whole.startswith(shown[:c]) and whole.endswith(shown[c:]) for c in cuts)


@given(framings())
def test_a_hole_has_its_length_in_slots_beside_what_is_healed(case):
    framing, lengths = case
    (group, *_) = framing.groups([9] * len(lengths))
    window = framing.window(group, [lengths[i] for i in group], [None] * len(lengths))
    for hole, anchor in zip(group, window.anchors, strict=True):
        start, stop = window.canvas.between(anchor)
        before, after = window.healed[hole - group.start]
        space = not window.affixes[hole - group.start][0].strip()  # part of the next token
        assert lengths[hole] == stop - start - len(before) * (not space) - len(after)
        assert (window.canvas.slots[start:stop] == Slot.HOLE).all()


@given(framings(), st.data())
def test_fills_are_what_stands_between_the_affixes(case, data):
    framing, lengths = case
    (group, *_) = framing.groups([9] * len(lengths))
    window = framing.window(group, [lengths[i] for i in group], [None] * len(lengths))
    canvas, expected = window.canvas, []
    for hole, anchor in zip(group, window.anchors, strict=True):
        start, _ = canvas.between(anchor)
        before, after = window.healed[hole - group.start]
        assume(
            not before or window.affixes[hole - group.start][0].strip()
        )  # else no slot of its own
        letters = data.draw(st.lists(st.integers(97, 122), min_size=lengths[hole], max_size=9))
        letters = letters[: lengths[hole]]
        tokens = [*before, *letters, *after]
        canvas = canvas.apply(Write(start + i, token, -1.0) for i, token in enumerate(tokens))
        expected.append(bytes(letters))
    assert expected == window.fills(canvas)
    assert [-1.0] * len(group) == window.scores(canvas)
    assert window.constraint.start(canvas) is not None


@given(framings())
def test_every_window_can_be_completed(case):
    framing, lengths = case
    for group in framing.groups([9] * len(lengths)):
        window = framing.window(group, [lengths[i] for i in group], [None] * len(lengths))
        witness = window.constraint.start(window.canvas).witness()
        assert len(window.fills(witness)) == len(group)


def test_many_holes_form_groups_of_neighbours():
    text = "x = \n" * 40
    holes = [Hole(at, at) for at in range(4, len(text), 5)]
    framing = framing_of(text, holes, context=256)
    groups = framing.groups([8] * len(holes))
    assert [*range(40)] == [hole for group in groups for hole in group]
    assert {256 // (8 + 2 * SIDE)} == {len(group) for group in groups[:-1]}


def test_a_hole_that_leaves_no_room_for_context_is_refused():
    framing = framing_of("x = ", [Hole(4, 4)], context=100)
    with pytest.raises(OptionError, match="too long for the model's context") as caught:
        framing.groups([100 - 2 * SIDE + 1])
    assert caught.value.expected == f"max_tokens <= {100 - 2 * SIDE}"
    assert [range(1)] == framing.groups([100 - 2 * SIDE])


def test_what_other_groups_were_filled_with_is_shown():
    text = "a" * 50 + "|" + "b" * 50 + "|" + "c" * 50
    framing = framing_of(text, [Hole(50, 51), Hole(101, 102)], context=200)
    left, right = stretches(framing.window(range(1, 2), [3], [b"FILL", None]))
    assert (left, right) == (b"a" * 50 + b"FILL" + b"b" * 50, b"c" * 50)
    left, right = stretches(framing.window(range(1), [3], [None, b"FILL"]))
    assert (left, right) == (b"a" * 50, b"b" * 50 + b"FILL" + b"c" * 50)
    left, right = stretches(framing.window(range(1), [3], [None, None]))
    assert (left, right) == (b"a" * 50, b"b" * 50)  # what is open is not shown as closed


@pytest.mark.parametrize("letter", ["é", "𝕏", "中"])
def test_a_crop_inside_a_character_harms_nothing(letter):
    text = letter * 9_000
    at = len(text.encode()) // 2
    at -= at % len(letter.encode())
    framing = framing_of(text, [Hole(at, at)], context=90)
    left, right = stretches(framing.window(range(1), [4], [None]))
    assert text.encode()[:at].endswith(left)
    assert text.encode()[at:].startswith(right)
    assert min(len(left), len(right)) >= SIDE


@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_more_text_is_encoded_than_could_be_shown(count):
    asked: list[int] = []

    def encoder(data: bytes) -> list[int]:
        asked.append(len(data))
        return list(data)

    vocab = Vocab([*(bytes([value]) for value in range(256)), b"", b""], mask=256, encoder=encoder)
    text = "x = 1\n" * 100_000
    holes = [Hole(at, at) for at in (6, 300_000, 599_994)[:count]]
    model = Scripted(vocab, noise(vocab))
    framing = framing_of(text, holes, context=512, model=model)
    (group,) = framing.groups([8] * count)
    framing.window(group, [4] * count, [None] * count)
    assert sum(asked) < 100_000


@given(st.integers(1, 9), st.booleans())
def test_the_length_that_the_model_expects_is_tried_first(size, exact):
    """The neighbours of the hole are likely only where the length is right."""
    text = "f(, b)\n"

    def script(canvas):
        logits = torch.zeros(len(canvas), VOCAB.model_size)
        (start, stop), *_ = canvas.regions()
        wanted = VOCAB.encode(b"z" * size + text[2:].encode())
        if stop - start <= len(wanted):
            right = VOCAB.decode(canvas.ids[stop:].tolist())
            if wanted[stop - start :] == VOCAB.encode(right):
                logits[range(start, stop), wanted[: stop - start]] = 9.0
        return logits

    framing = framing_of(
        text, [Hole(2, 2)], context=200, exact=exact, model=Scripted(VOCAB, script)
    )
    (lengths,) = ranked(framing, range(1), [None], [ladder(0, 12)])
    assert sorted(lengths) == [1, 2, 3, 4, 5, 6, 7, 8, 10, 12]
    if size in lengths:
        assert size == lengths[0]


@given(st.integers(0, 5), st.integers(1, 6))
def test_a_fill_keeps_to_its_holes_length_bounds(low, more):
    hole = Hole(2, 2, min_tokens=low, max_tokens=low + more)
    bench = Workbench(Scripted(VOCAB, favour(VOCAB, b"abcdefghijklmnop")), Settings())
    proposal = bench.fill("f(, b)", [hole])
    assert low <= len(VOCAB.encode(proposal.holes[0].text.encode())) <= low + more


def test_a_hole_that_is_never_filled_is_never_called_good():
    """The budget of ticks stops the first hole; the second alone must not pass for both."""

    def script(canvas):
        logits = torch.zeros(len(canvas), VOCAB.model_size)
        logits[:, 49] = 5.0
        return logits

    settings = Settings(limits=Limits(ticks=1, context=100), tries=3)
    bench = Workbench(Scripted(VOCAB, script), settings)
    holes = [Hole(0, 0, min_tokens=4, max_tokens=4), Hole(502, 502, min_tokens=1, max_tokens=2)]
    with pytest.raises((FillError, UnverifiedError)) as caught:
        bench.fill("\n" * 1_000, holes, language="python")
    assert isinstance(caught.value, FillError)


def test_a_text_over_the_limit_is_refused():
    bench = Workbench(MODEL, Settings(limits=Limits(text=10)))
    with pytest.raises(InputError, match="too long"):
        bench.fill("x" * 11, [Hole(0, 0)])


def test_a_failed_fill_carries_its_last_proposal_and_a_trace_of_every_attempt():
    bench = Workbench(
        Scripted(VOCAB, favour(VOCAB, b"((((((((((((((((((((((((")),
        Settings(tries=3, grammar="none"),
    )
    with pytest.raises(UnverifiedError, match="in 3 attempts") as caught:
        bench.fill("x = <FILL_ME>\n", language="python", name="a.py")
    error = caught.value
    assert not error.proposal.ok
    assert error.proposal.text.startswith("x = (")
    assert [0, 1, 2] == [trace.header.attempt for trace in error.traces]
    assert {"unparsable"} == {trace.outcome for trace in error.traces}
    assert {"a.py"} == {trace.header.path for trace in error.traces}
    assert error.where.startswith("a.py: ")


def test_a_failed_fill_that_is_no_utf8_can_still_be_shown():
    bench = Workbench(Scripted(VOCAB, favour(VOCAB, b"\xff" * 24)), Settings(tries=1))
    with pytest.raises(UnverifiedError) as caught:
        bench.fill("x = <FILL_ME>\n")
    assert "x = " in caught.value.proposal.text
    assert "x = " in caught.value.proposal.diff("a.py")


def test_a_stream_shows_every_tick_and_ends_with_the_proposal():
    bench = Workbench(Scripted(VOCAB, favour(VOCAB, b"abc")), Settings())
    *frames, last = bench.stream("f(<FILL_ME>)\n", [Hole(2, 11, 3, 3)])
    assert [0, 1, 2, 3] == [frame.tick for frame in frames]
    assert [3, 2, 1, 0] == [len(frame.canvas.holes) for frame in frames]
    assert {None} == {frame.proposal for frame in frames}
    assert last.proposal.text == "f(abc)\n"
    assert last.proposal.trace.replay() == last.canvas


def hopeless(tries: int, **options) -> list[str]:
    """The fills of all attempts at a hole of one length, by a model that cannot be right."""
    bench = Workbench(
        Scripted(VOCAB, favour(VOCAB, b"(", sure=4.0)),
        Settings(tries=tries, grammar="none", **options),
    )
    hole = Hole(2, 2, min_tokens=1, max_tokens=1)
    with pytest.raises(UnverifiedError) as caught:
        bench.fill("x=\n]", [hole], language="python")
    return ["".join(step.texts[0] for step in trace.steps) for trace in caught.value.traces]


def test_greedy_attempts_end_when_they_repeat_themselves():
    assert 2 == len(hopeless(tries=6))


def test_attempts_that_sample_go_on_at_the_same_length_with_other_draws():
    fills = hopeless(tries=6, policy=Confidence(sampling=Sampling(temperature=4.0)))
    assert len(set(fills)) > 2


def test_a_hole_with_text_before_it_stays_on_its_line():
    answer = favour(VOCAB, b"1\n    x")
    bench = Workbench(Scripted(VOCAB, answer), Settings(tries=1, exact_length=False))
    assert b"\n" not in bench.fill("x =<FILL_ME>\n").edits[0].new
    free = Workbench(Scripted(VOCAB, answer), Settings(tries=1, exact_length=False, one_line=False))
    assert b"1\n    x" == free.fill("x =<FILL_ME>\n").edits[0].new


def test_a_hole_alone_on_its_line_may_take_several():
    answer = favour(VOCAB, b"1\n    x")
    bench = Workbench(Scripted(VOCAB, answer), Settings(tries=1, exact_length=False))
    assert b"1\n    x" == bench.fill("    <FILL_ME>\n").edits[0].new
