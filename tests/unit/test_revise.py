"""Revising and rewriting texts: what may change, what never does, what is told."""

from __future__ import annotations

import ast
import math
from contextlib import suppress

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import infill
from infill.canvas import Slot
from infill.decode.locating import LeaveOneOut
from infill.edit.allowed import line_spans
from infill.edit.changes import before, composed, moved, shifted, words
from infill.edit.diagnosing import diagnose
from infill.edit.reading import Reading
from infill.edit.revise import revise
from infill.edit.revised import Doubting
from infill.edit.rewrite import holes_around, rewrite
from infill.edit.settings import Settings
from infill.errors import BudgetError, FillError, HoleError, InputError, OptionError
from infill.models.counted import Counted
from infill.models.scripted import Scripted, byte_vocab, even, favour, noise
from infill.text import Source, Span, TextEdit, apply_edits

GOOD = "def total(xs):\n    result = 0\n    for x in xs:\n        result += x\n    return result\n"
EAGER = Doubting(doubt=0.0, gain=-1e9, places=3, rounds=2)
VOCAB = byte_vocab()
EVEN = Scripted(VOCAB, even(VOCAB))
NOISY = Scripted(VOCAB, noise(VOCAB))
LETTERS = Scripted(VOCAB, favour(VOCAB, b"abcdefghijklmnopqrstuvwxyz"))
PIECES = st.sampled_from(["x", "total", " = ", "1", "\n", "é", "+", "(", ")", "  ", "\t", "\r\n"])
TEXTS = st.lists(PIECES, min_size=1, max_size=12).map("".join)


@st.composite
def texts_and_spans(draw):
    """A text, and spans of it that do not overlap, on boundaries."""
    source = Source.of(draw(TEXTS))
    size = len(source.data)
    cuts = sorted(draw(st.sets(st.integers(0, size), min_size=2, max_size=6)))
    cuts = [cut for cut in cuts if source.is_boundary(cut)]
    spans = [Span(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    return source, spans


def outside(data: bytes, spans) -> list[bytes]:
    bounds = [0, *(at for span in spans for at in (span.start, span.stop)), len(data)]
    return [data[a:b] for a, b in zip(bounds[::2], bounds[1::2], strict=True)]


@settings(max_examples=25)
@given(drawn=texts_and_spans(), seed=st.integers(0, 99))
def test_what_is_not_allowed_stays_however_eager_a_revision_is(drawn, seed):
    source, spans = drawn
    if not spans:
        return
    model = Scripted(VOCAB, noise(VOCAB, seed))
    revised = revise(source.data, spans, trigger=spans, model=model, doubting=EAGER)
    for edit in revised.edits:
        assert any(s.start <= edit.span.start and edit.span.stop <= s.stop for s in spans)
    kept = outside(source.data, spans)
    after = revised.data
    for piece in kept:  # in this order, each after the one before
        assert piece in after
        after = after[after.index(piece) + len(piece) :]


@settings(max_examples=25)
@given(drawn=texts_and_spans(), budget=st.integers(0, 120), edited=st.booleans())
def test_no_more_forwards_are_made_than_the_budget_allows(drawn, budget, edited):
    source, spans = drawn
    if not spans:
        return
    model = Counted(NOISY)
    trigger = TextEdit(spans[0], b"y") if edited else spans
    bounds = Settings(nfe_budget=budget)
    with suppress(BudgetError):
        revised = revise(source.data, trigger=trigger, model=model, doubting=EAGER, settings=bounds)
        assert revised.forwards == model.forwards
        assert revised.stopped in {"", "nfe_budget"}
        assert math.isnan(revised.after) <= bool(revised.stopped)
    assert model.forwards <= budget


def test_a_budget_that_ends_hands_out_the_changes_so_far():
    text = "first = other = 1\nprint(frist, ohter)\n"
    full = revise(text, trigger="diagnostics", language="python", model=EVEN)
    assert (full.text, full.stopped) == (
        text.replace("frist", "first").replace("ohter", "other"),
        "",
    )
    changes = []
    for budget in range(4, full.forwards + 1):
        bounds = Settings(nfe_budget=budget)
        part = revise(text, trigger="diagnostics", language="python", model=EVEN, settings=bounds)
        assert part.stopped == ("" if budget == full.forwards else "nfe_budget")
        changes.append(len(part.edits))
    assert changes == sorted(changes)
    assert set(changes) == {0, 1, 2}


@pytest.mark.parametrize("bounds", [Settings(nfe_budget=0), Settings(time_limit=0.0)])
def test_without_a_budget_nothing_is_asked(bounds):
    model = Counted(NOISY)
    with pytest.raises(BudgetError) as caught:
        revise("x = 1\n", model=model, settings=bounds)
    assert "raise the budget" in caught.value.hint
    assert model.forwards == 0


@pytest.mark.parametrize("budget", range(4, 40, 5))
def test_the_edit_that_begins_it_is_made_whatever_the_budget(budget):
    text, edit = "value = 1\nprint(value)\n", TextEdit(Span(0, 5), b"total")
    bounds = Settings(nfe_budget=budget)
    revised = revise(text, trigger=edit, language="python", model=NOISY, settings=bounds)
    assert revised.text.startswith("total = 1\n")


def test_a_text_that_does_not_parse_when_the_budget_ends_is_not_handed_out():
    bounds = Settings(nfe_budget=6)
    with pytest.raises(BudgetError, match="budget of forwards is spent"):
        revise("x = (\n", trigger="diagnostics", language="python", model=EVEN, settings=bounds)


@pytest.mark.parametrize("count", [3, 60])
def test_so_many_diagnostics_as_places_are_looked_at_in_a_round(count):
    names = [f"missing_{index}" for index in range(count)]
    few = Doubting(places=3, rounds=1)
    text = "import os\n" + "".join(f"print({name})\n" for name in names)
    revised = revise(text, trigger="diagnostics", language="python", model=EVEN, doubting=few)
    assert [one.text for one in revised.located] == names[:3]


def test_diagnostics_have_their_turn_after_those_that_no_change_mends():
    class Kept(Shorter):
        def score(self, text: str) -> float:
            return text.count("first") + text.count("second")

    text = "import os\nprint(os)\nprint(first, second, soo)\n"
    for rounds, mended in ((2, False), (3, True)):
        revised = revise(
            text,
            trigger="diagnostics",
            language="python",
            model=EVEN,
            goal=Kept(),
            doubting=Doubting(places=1, rounds=rounds),
        )
        assert revised.text == (text.replace("soo", "os") if mended else text)


def test_an_eager_revision_does_change_something():
    span = Span(8, 12)
    models = [Scripted(VOCAB, noise(VOCAB, seed)) for seed in range(6)]
    texts = {
        revise("alpha = beta\n", [span], trigger=[span], model=model, doubting=EAGER).text
        for model in models
    }
    assert len(texts) > 1
    assert all(text.startswith("alpha = ") for text in texts)


def expecting(text: str) -> Scripted:
    """A model that is sure of one text, slot by slot, as long as the canvas is."""

    def script(canvas):
        logits = torch.zeros(len(canvas), VOCAB.model_size)
        ids = VOCAB.encode(text.encode())[: len(canvas)]
        logits[range(len(ids)), ids] = 9.0
        return logits

    return Scripted(VOCAB, script)


@pytest.mark.parametrize("text", ["x = 1\n", "a = b(c)\n", "", "total = [1, 2]\n"])
def test_a_text_that_the_model_agrees_with_is_left(text):
    revised = revise(text, model=expecting(text))
    assert (revised.edits, revised.located) == ((), ())
    assert revised.diff() == ""
    assert revised.before == revised.after


def test_one_wrong_character_is_found_and_put_right():
    revised = revise("x = y - 1\n", model=expecting("x = y + 1\n"), doubting=Doubting(gain=2.0))
    assert revised.text == "x = y + 1\n"
    assert [(one.text, one.span) for one in revised.located] == [("-", Span(6, 7))]
    assert revised.located[0].gap > 5
    assert revised.after > revised.before
    assert revised.forwards > 4


def test_correct_code_is_left_by_the_embedded_model(embedded):
    revised = revise(GOOD, language="python", model=embedded)
    assert revised.edits == ()
    assert revised.ok


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("return result", "return resutl"), ("in xs:", "in xs"), ("return result", "return result)")],
)
def test_what_is_wrong_is_put_right_with_the_embedded_model(embedded, right, wrong):
    revised = revise(
        GOOD.replace(right, wrong), trigger="diagnostics", language="python", model=embedded
    )
    assert revised.ok
    assert revised.text == GOOD
    assert revised.after >= revised.before


def test_nothing_is_wrong_so_nothing_changes_for_diagnostics():
    text = "x = 1\n"
    eager = revise(text, trigger="diagnostics", language="python", model=NOISY, doubting=EAGER)
    assert eager.text == text


def test_another_tool_s_diagnostics_are_where_to_look(embedded):
    text = GOOD.replace("return result", "return xs")
    at = text.rindex("xs")
    revised = revise(text, trigger=[Span(at, at + 2)], language="python", model=embedded)
    assert all(Span(at, at + 2).overlaps(edit.span) for edit in revised.edits)
    assert {one.reason for one in revised.located} == {"diagnosed"}


def test_a_renaming_is_carried_on_and_the_edit_stays(embedded):
    at = GOOD.index("result")
    edit = TextEdit(Span(at, at + 6), b"amount")
    revised = revise(GOOD, trigger=edit, language="python", model=embedded)
    assert revised.text == GOOD.replace("result", "amount")


def test_a_renaming_is_not_carried_to_where_nothing_may_change(embedded):
    at, stop = GOOD.index("result"), GOOD.index("    return")
    edit = TextEdit(Span(at, at + 6), b"amount")
    revised = revise(GOOD, [Span(0, stop)], trigger=edit, language="python", model=embedded)
    assert revised.text.endswith("    return result\n")
    assert "    amount = 0\n" in revised.text


def test_what_an_edit_made_unlikely_is_looked_at_and_nothing_else():
    base = VOCAB.encode(b"a + a - c\n")

    def script(canvas):
        """Slots 0 and 4 are the same; of slot 8 it is sure that it is wrong, edit or no edit."""
        logits = torch.zeros(len(canvas), VOCAB.model_size)
        size = min(len(canvas), len(base))
        logits[range(size), base[:size]] = 9.0
        for one, other in ((0, 4), (4, 0)):
            if size > 8 and canvas.slots[other] != Slot.HOLE:
                logits[one] = 0.0
                logits[one, int(canvas.ids[other])] = 9.0
        return logits

    model, edit = Scripted(VOCAB, script), TextEdit(Span(0, 1), b"b")
    text = "a + a - d\n"
    revised = revise(text, trigger=edit, model=model, doubting=Doubting(gain=2.0))
    assert revised.text == "b + b - d\n"
    assert [(one.text, one.span) for one in revised.located] == [("a", Span(4, 5))]
    alone = revise(text, model=model, doubting=Doubting(gain=2.0))
    assert alone.text == "a + a - c\n"


@pytest.mark.parametrize(("wrong", "mended"), [("lnoe", "lone"), ("zz", None)])
def test_what_an_edit_made_unlikely_is_looked_at_after_the_complaints(wrong, mended):
    text = f"x = 1; y = 1; lone = 0; {wrong}\n"
    base = VOCAB.encode(text.encode())

    def script(canvas):
        """Slots 4 and 11 are the same, and all else is as it is."""
        logits = torch.zeros(len(canvas), VOCAB.model_size)
        size = min(len(canvas), len(base))
        logits[range(size), base[:size]] = 9.0
        logits[[*range(len(base) - 1 - len(wrong), size)]] = 0.0
        for one, other in ((4, 11), (11, 4)):
            if size > 11 and canvas.slots[other] != Slot.HOLE:
                logits[one] = 0.0
                logits[one, int(canvas.ids[other])] = 9.0
        return logits

    revised = revise(
        text,
        [Span(0, text.index("lone") if mended is None else len(text))],
        trigger=TextEdit(Span(4, 5), b"2"),
        language="python",
        model=Scripted(VOCAB, script),
        doubting=Doubting(gain=2.0),
    )
    assert revised.text == text.replace("1", "2").replace(wrong, mended or wrong)
    assert (Span(11, 12), "1") in [(one.span, one.text) for one in revised.located]


@pytest.mark.parametrize("text", ["loss = ℓ + 1\n", "a = 1\rprint(aa)\r", "ﬁx = 1\nprint(ﬁxx)\n"])
def test_names_and_lines_that_python_sees_otherwise_are_revised(text):
    revised = revise(text, language="python", model=EVEN)
    assert [one.text for one in revised.located][:1] == [{"l": "ℓ", "a": "aa", "ﬁ": "ﬁxx"}[text[0]]]


@pytest.mark.parametrize("edit", [TextEdit(Span(0, 99), b"x"), TextEdit(Span(0, 1), b"\xff")])
def test_an_edit_that_cannot_be_made_is_told(edit):
    with pytest.raises(InputError):
        revise("x = 1\n", trigger=edit, model="there is none")


class Shorter:
    """Wants a text without the letter q."""

    def score(self, text: str) -> float:
        return -text.count("q")

    def reached(self, text: str) -> bool:
        return "q" not in text


def test_a_goal_is_reached_where_the_likelihood_allows():
    revised = revise("x = q\n", goal=Shorter(), model=expecting("x = y\n"))
    assert revised.text == "x = y\n"


def test_several_marks_and_words_that_are_wrong_are_put_right_one_by_one(embedded):
    wrong = GOOD.replace("(xs):", "(xs)").replace("return", "retrun").replace("in xs", "on xs")
    revised = revise(wrong, trigger="diagnostics", language="python", model=embedded)
    assert revised.text == GOOD


def test_a_line_is_not_given_up_so_that_the_parser_gets_further():
    wrong = "def f(a)(\n    b = a +\n    return b\n"
    with pytest.raises(FillError, match="no revision was found that parses"):
        revise(wrong, [Span(0, 9)], trigger="diagnostics", language="python", model=EVEN)


@pytest.mark.parametrize(
    ("missing", "chosen"), [("zzzz", "lone"), ("otherr", "other"), ("ohter", "other")]
)
def test_a_name_that_is_missing_is_one_like_it_or_else_one_that_nothing_reads(missing, chosen):
    text = f"import os\n\n\ndef f(other, lone):\n    return other + os.sep + {missing}\n"
    revised = revise(text, trigger="diagnostics", language="python", model=EVEN)
    assert revised.text == text.replace(missing, chosen)


@pytest.mark.parametrize(("reads", "mended"), [("cols, cols", True), ("cols", False)])
def test_where_reads_may_not_change_the_binding_takes_their_name(reads, mended):
    text = f"import os\n\nrows = os.sep\nprint({reads})\n"
    at = text.index("rows")
    span = Span(at, at + len("rows = os.sep"))
    revised = revise(text, [span], trigger="diagnostics", language="python", model=EVEN)
    assert revised.text == (text.replace("rows", "cols") if mended else text)


def test_names_that_the_rest_of_a_module_would_bind_are_left(embedded):
    cut = "def mean(values):\n    return np.sum(values) / count(values, MOST)\n"
    assert revise(cut, language="python", model=embedded, trigger="diagnostics").text == cut
    wrong = cut.replace("(values, ", "(vlaues, ")
    assert revise(wrong, language="python", model=embedded, trigger="diagnostics").text == cut


def test_a_goal_that_is_reached_ends_the_look_for_doubts():
    text, eager = "x = y - 1\n", Doubting(gain=2.0)
    revised = revise(text, goal=Shorter(), model=expecting("x = y + 1\n"), doubting=eager)
    assert (revised.text, revised.located) == (text, ())


def test_a_goal_never_falls():
    class Stay(Shorter):
        def score(self, text: str) -> float:
            return float(text == "x = q\n")

    assert revise("x = q\n", goal=Stay(), model=expecting("x = y\n")).text == "x = q\n"


def test_what_cannot_be_mended_is_an_error(embedded):
    with pytest.raises(FillError, match="no revision was found that parses"):
        revise("x = (((\ny = 1\n", [Span(8, 13)], language="python", model=embedded)


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([Span(0, 3), Span(2, 5)], "overlap"),
        ([Span(2, 2)], "is empty"),
        ([Span(0, 99)], "past the end"),
        ([], "no spans were given"),
        ([Span(7, 8)], "inside a character"),
    ],
)
def test_impossible_spans_are_told_before_a_model_is_asked(spans, said):
    for ask in (revise, rewrite):
        with pytest.raises(HoleError, match=said) as caught:
            ask("x = 'aé'\n", spans, model="there is none")
        assert "<text>" in caught.value.where


def test_other_mistakes_are_told():
    with pytest.raises(OptionError, match="no such trigger"):
        revise("x = 1\n", trigger="diagnostic", model=NOISY)
    with pytest.raises(OptionError, match="rounds is out of range"):
        Doubting(rounds=0)


@settings(max_examples=25)
@given(drawn=texts_and_spans(), data=st.data())
def test_kept_text_stays_when_spans_are_rewritten(drawn, data):
    source, spans = drawn
    pieces = [source.data[s.start : s.stop].decode() for s in spans]
    kept = [p[:2] for p in pieces if data.draw(st.booleans())]
    try:
        written = rewrite(source.data, spans, keep=kept, model=LETTERS)
    except HoleError:
        return
    assert all(keep in written.text for keep in kept)
    for edit in written.edits:
        assert any(s.start <= edit.span.start and edit.span.stop <= s.stop for s in spans)


def test_what_is_kept_is_no_hole():
    source = Source.of("a = f(x) + g(x)\n")
    holes = holes_around(source, [Span(4, 15)], keep=["(x)", "+"])
    assert [source.data[h.start : h.stop] for h in holes] == [b"f", b"g"]
    (one,) = holes_around(source, [Span(4, 15)], keep=[Span(4, 8)])
    assert (one.start, one.stop) == (9, 15)


@pytest.mark.parametrize(
    ("keep", "said"),
    [(["zebra"], "another spelling"), (["x = "], "stands elsewhere"), ([""], "another spelling")],
)
def test_keep_that_does_not_occur_is_told(keep, said):
    with pytest.raises(HoleError, match="does not stand in the spans") as caught:
        rewrite("x = alpha(1)\n", [Span(4, 12)], keep=keep, model="there is none")
    assert repr(keep[0]) == caught.value.got
    assert said in caught.value.hint


def test_keeping_all_leaves_nothing_to_rewrite():
    with pytest.raises(HoleError, match="nothing is left to rewrite"):
        rewrite("x = 1\n", [Span(4, 5)], keep=["1"], model="there is none")


def test_a_rewritten_function_parses(embedded):
    spans = line_spans(Source.of(GOOD), [(3, 4)])
    written = rewrite(GOOD, spans, keep=["for x in xs:"], language="python", model=embedded)
    ast.parse(written.text)
    assert "    for x in xs:" in written.text
    assert written.text.startswith(GOOD[: spans[0].start])


def test_the_public_names_are_these():
    assert infill.revise is revise
    assert infill.rewrite is rewrite


@st.composite
def chains(draw):
    """A text, and edits each of which is of the text after those before it."""
    data = draw(st.binary(min_size=1, max_size=8))
    edits, now = [], data
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(now)))
        stop = draw(st.integers(start, len(now)))
        edits.append(TextEdit(Span(start, stop), draw(st.binary(max_size=3))))
        now = apply_edits(now, [edits[-1]])
    return data, edits, now


@given(chain=chains())
def test_composed_edits_do_what_the_edits_did_one_by_one(chain):
    data, edits, now = chain
    whole = ()
    for edit in edits:
        whole = composed(data, whole, edit)
    assert now == apply_edits(data, whole)
    assert all(edit.new != data[edit.span.start : edit.span.stop] for edit in whole)


def test_spans_move_with_what_is_changed_before_and_inside_them():
    spans = [Span(0, 2), Span(3, 6), Span(8, 9)]
    assert shifted(spans, TextEdit(Span(4, 5), b"xyz")) == [Span(0, 2), Span(3, 8), Span(10, 11)]


@given(data=st.binary(min_size=1, max_size=8), cuts=st.lists(st.integers(0, 8), min_size=6))
def test_a_span_that_edits_leave_alone_is_found_again_before_and_after_them(data, cuts):
    first, start, stop, last, end, *_ = sorted(min(cut, len(data)) for cut in cuts)
    edits = [TextEdit(Span(0, first), b"new"), TextEdit(Span(last, end), b"")]
    span = Span(start, stop)
    if any(span.overlaps(edit.span) for edit in edits) or edits[0].span.overlaps(edits[1].span):
        return
    there: Span | None = span
    for edit in reversed(edits):
        assert there is not None
        there = moved(there, edit)
    assert there is not None
    assert apply_edits(data, edits)[there.start : there.stop] == data[start:stop]
    assert before(there, edits) == span


def test_words_are_names_numbers_and_operators():
    data = b"n_1 += f(2.5) # q\n"
    assert [data[w.start : w.stop] for w in words(data, Span(0, 13))] == [
        *(b"n_1", b"+=", b"f", b"(", b"2.5", b")")
    ]


@given(text=TEXTS, context=st.integers(8, 16))
def test_a_reading_knows_where_each_token_lies(text, context):
    source = Source.of("\ufeff" + text)
    reading = Reading(NOISY, source, None, context)
    assert reading.starts[-1] == len(source.data)
    shown = b"".join(VOCAB.token_bytes(token) for token in reading.ids)
    assert shown == text.encode().replace(b"\r\n", b"\n").replace(b"\n\t", b"\n    ") or b"\t" in (
        text.encode()
    )
    every = range(len(reading.ids))
    doubts = reading.doubts(every, LeaveOneOut())
    assert list(every) == doubts.at.tolist()
    sums, forwards = reading.support([[token] for token in every])
    assert sums == pytest.approx(doubts.current.tolist(), abs=1e-4)
    assert forwards == len(every)


def test_a_text_is_diagnosed_by_its_language():
    assert diagnose(b"x = 1\n", "python") == ()
    (one,) = diagnose(b"x = (\n", "python")
    assert one.fatal
    assert [d.reason for d in diagnose(b"print(y)\n", "python")] == ["nothing binds 'y'"]
    assert diagnose(b"[1,]", "json")[0].fatal
    assert diagnose(b"(((", None) == ()
