"""Filling under a grammar: what a window leaves out counts, and nothing is found by luck."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from pathlib import Path

import infill_grammars
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.canvas import Canvas, Reopen, Slot, Write
from infill.constrain.affix import Affixes
from infill.constrain.grammar import Grammar
from infill.decode.candidates import Sampling
from infill.decode.policy import Confidence, LeftToRight
from infill.decode.trace import Trace
from infill.edit.holes import Hole
from infill.edit.settings import Settings
from infill.edit.whole import WholeText, around
from infill.edit.workbench import Workbench
from infill.errors import (
    FillError,
    GrammarDisagreementError,
    GrammarError,
    OptionError,
    PathError,
    UnverifiedError,
)
from infill.limits import Limits
from infill.models.scripted import Scripted, byte_vocab, favour, noise
from infill.vocab import unpack

JSON = Grammar.lark(infill_grammars.path("json"))
BRACKETS = Grammar.lark('start: item*\nitem: "(" item* ")" | "x"', start="start")
VOCAB = byte_vocab(b"()", b"((", b"x)", b'"a"', b"1,", b"[[")
MARKER = "<FILL_ME>"


def filled(text: str, *, seed: int = 0, context: int = 512, grammar=JSON, **options):
    model = Scripted(VOCAB, noise(VOCAB, seed))
    limits = Limits(context=context)
    return Workbench(model, Settings(limits=limits, **options)).fill(text, grammar=grammar)


def around_holes(text: str) -> str:
    """A pattern that every fill of the text matches."""
    return ".*".join(map(re.escape, text.split(MARKER)))


values = st.recursive(
    st.sampled_from([None, True, 1.5, "a b", "é", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=12,
)


@st.composite
def broken(draw) -> str:
    """A JSON text with one to three holes, wherever they fall outside of what they join."""
    text = json.dumps(draw(values), indent=draw(st.sampled_from([None, 1])), ensure_ascii=False)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), min_size=1, max_size=6)))
    cuts = cuts[: len(cuts) // 2 * 2] or [cuts[0], cuts[0]]
    parts, done = [], 0
    for start, stop in zip(cuts[::2], cuts[1::2], strict=True):
        parts.append(text[done:start])
        done = stop
    return MARKER.join([*parts, text[done:]])


@settings(max_examples=25)
@given(broken(), st.integers(0, 99), st.booleans())
def test_a_model_of_pure_noise_writes_json_between_what_is_given(text, seed, exact):
    proposal = filled(text, seed=seed, exact_length=exact, one_line=False)
    json.loads(proposal.text)
    assert re.fullmatch(around_holes(text), proposal.text, re.DOTALL)
    assert 1 == len({trace.header.attempt for trace in proposal.traces})


@settings(max_examples=8)
@given(broken(), st.integers(1, 120), st.integers(0, 99))
def test_text_that_a_window_does_not_show_counts_too(text, length, seed):
    """The holes are far apart: they share a window that leaves out text, or share none."""
    between = "".join(f'{{"k{i}": [{i}, {{}}]}},' for i in range(length))
    whole = f'[[{text}, "x"],{between} {MARKER}, [{between}2], {{"y": {MARKER}'
    proposal = filled(whole, seed=seed, context=200, one_line=False, max_tokens=12)
    json.loads(proposal.text)
    assert re.fullmatch(around_holes(whole), proposal.text, re.DOTALL)


@st.composite
def windows(draw):
    """A window's canvas over brackets, its constraint, and the canvas of the whole text."""
    holes = draw(st.integers(1, 3))
    text = st.text("()x", max_size=4).map(str.encode)
    stretches = [
        draw(text),
        *(draw(text.filter(bool)) for _ in range(holes - 1)),
        draw(text),
    ]
    lengths = [draw(st.integers(1, 3)) for _ in range(holes)]
    shown = [1, *(draw(st.integers(1, 3)) for _ in range(holes - 1)), 1]
    slots, anchors = [], []
    for given_, length in zip(shown, lengths, strict=False):
        slots += [Slot.GIVEN] * given_
        anchors.append(slots.count(Slot.GIVEN))
        slots += [Slot.HOLE] * length
    slots += [Slot.GIVEN]
    canvas = Canvas([0] * len(slots), slots)
    exact = draw(st.booleans())
    grammar = BRACKETS.constraint(VOCAB)
    constraint = around(
        WholeText(tuple(stretches)),
        grammar,
        range(holes),
        [None] * holes,
        anchors=anchors,
        affixes=[Affixes()] * holes,
        exact_length=exact,
    )
    row = [*([0] * lengths[0])]
    kinds = [Slot.HOLE] * lengths[0]
    for stretch, length in zip(stretches[1:-1], lengths[1:], strict=True):
        gap = VOCAB.encode(stretch)
        row += [*gap, *([0] * length)]
        kinds += [Slot.GIVEN] * len(gap) + [Slot.HOLE] * length
    direct = grammar.within(stretches[0], stretches[-1], exact_length=exact)
    return constraint, canvas, direct, Canvas(row, kinds)


def masks(state, canvas) -> list[list[int]]:
    size = len(VOCAB)
    return [np.flatnonzero(unpack(state.allowed(at), size)).tolist() for at in canvas.holes]


@given(windows(), st.data())
def test_a_window_admits_what_the_whole_text_admits(case, data):
    constraint, canvas, direct, whole = case
    state, other = constraint.start(canvas), direct.start(whole)
    assert (state is None) == (other is None)
    while state is not None and len(state.canvas.holes):
        expected = masks(other, other.canvas)
        assert expected == masks(state, state.canvas)
        index = data.draw(st.integers(0, len(state.canvas.holes) - 1))
        token = data.draw(st.sampled_from(expected[index]))
        at = int(state.canvas.holes[index])
        assert state.admits(at, token)
        assert not state.admits(at, VOCAB.mask)
        assert state.after(Write(at, VOCAB.mask, 0.0)) is None
        before, state = state, state.after(Write(at, token, -1.0))
        assert state.canvas == before.canvas.apply((Write(at, token, -1.0),))
        assert state == constraint.start(state.canvas)
        assert state.after(Reopen(at)) == before
        other = other.after(Write(int(other.canvas.holes[index]), token, -1.0))


@given(windows())
def test_the_witness_of_a_window_completes_the_whole(case):
    constraint, canvas, _, _ = case
    if (state := constraint.start(canvas)) is not None:
        witness = state.witness()
        assert not len(witness.holes)
        assert constraint.start(witness) is not None
        given_ = canvas.slots == Slot.GIVEN
        assert (witness.ids[given_] == canvas.ids[given_]).all()


@settings(max_examples=20)
@given(st.integers(0, 999), st.sampled_from([0.0, 1.0]), st.integers(1, 6))
def test_policies_propose_what_is_admitted_and_ask_for_masks_of_what_was_vetoed(
    seed, temperature, steps
):
    """Most of what noise proposes is vetoed; each hole's mask is asked for once a tick at most."""
    canvas = Canvas([0] * 6, [Slot.HOLE] * 6)
    model = Scripted(VOCAB, noise(VOCAB, seed))
    asked: list[int] = []
    state = BRACKETS.constraint(VOCAB, exact_length=True).start(canvas)

    class Watched:
        def admits(self, at, token):
            return state.admits(at, token)

        def allowed(self, at):
            asked.append(at)
            return state.allowed(at)

    policy = Confidence(sampling=Sampling(temperature=temperature))
    hypothesis = type("Hypothesis", (), {"canvas": canvas, "state": Watched()})
    tick = type("Tick", (), {"quota": staticmethod(lambda holes: min(steps, holes))})
    (step,) = policy(hypothesis, model([canvas])[0], tick, np.random.default_rng(seed))
    assert len(step) >= steps
    assert all(state.admits(write.at, write.token) for write in step)
    assert len(asked) == len(set(asked))


def test_a_sure_model_that_is_admitted_costs_no_mask():
    count = len(VOCAB.encode(b"(xx)"))
    canvas = Canvas([0] * count, [Slot.HOLE] * count)
    state = BRACKETS.constraint(VOCAB, exact_length=True).start(canvas)

    class Watched:
        admits = staticmethod(state.admits)

        def allowed(self, at):
            raise AssertionError(at)

    model = Scripted(VOCAB, favour(VOCAB, b"(xx)"))
    hypothesis = type("Hypothesis", (), {"canvas": state.canvas, "state": Watched()})
    tick = type("Tick", (), {"quota": staticmethod(lambda holes: holes)})
    row = model([state.canvas])[0]
    (step,) = LeftToRight()(hypothesis, row, tick, np.random.default_rng(0))
    assert b"(xx)" == VOCAB.decode(write.token for write in step)


def test_a_hole_with_one_token_left_is_written_beside_the_chosen_ones():
    """Three open brackets stand before three slots: once the mask is known, nothing else fits."""
    grammar = BRACKETS.constraint(VOCAB, exact_length=True).within(b"(((x", b"")
    state = grammar.start(Canvas([0] * 3, [Slot.HOLE] * 3))
    hypothesis = type("Hypothesis", (), {"canvas": state.canvas, "state": state})
    row = Scripted(VOCAB, favour(VOCAB, b"xxx"))([state.canvas])[0]
    tick = type("Tick", (), {"quota": staticmethod(lambda _: 1)})
    (step,) = LeftToRight()(hypothesis, row, tick, np.random.default_rng(0))
    assert (0, b")") == (step[0].at, VOCAB.token_bytes(step[0].token))


def test_lengths_that_no_text_has_are_not_attempts():
    """The model expects one token; three brackets are still to be closed."""
    model = Scripted(VOCAB, favour(VOCAB, b")"))
    bench = Workbench(model, Settings(tries=1, one_line=False))
    proposal = bench.fill(f"(((x{MARKER}", grammar=BRACKETS)
    assert proposal.text.startswith("(((x")
    assert proposal.text.count("(") == proposal.text.count(")")


@pytest.mark.parametrize("text", [f"[1,,{MARKER}]", f"{{{MARKER}]", f"nul {MARKER}"])
def test_a_text_that_cannot_be_completed_is_refused_before_anything_is_tried(text):
    def script(canvas):
        raise AssertionError(canvas)

    bench = Workbench(Scripted(VOCAB, script), Settings())
    with pytest.raises(FillError, match="no text of the grammar fits") as caught:
        bench.fill(text, grammar=JSON, name="a.json")
    assert "the grammar json, in up to 24 tokens" in caught.value.expected
    assert caught.value.where == "a.json"
    assert not isinstance(caught.value, UnverifiedError)


def test_what_only_fits_on_several_lines_says_so():
    lines = Grammar.lark('start: "a" "\\n" "b"')
    with pytest.raises(FillError, match="no text of the grammar fits") as caught:
        filled(f"a{MARKER}b", grammar=lines)
    assert "--many-lines" in caught.value.hint
    assert "a\nb" == filled(f"a{MARKER}b", grammar=lines, one_line=False).text


def test_a_disagreement_of_parsers_is_loud_and_leaves_a_trace():
    grammar = replace(JSON, judge=lambda _: "I think not")
    with pytest.raises(GrammarDisagreementError, match="disagree") as caught:
        filled(f"[{MARKER}]", grammar=grammar)
    path = Path(caught.value.trace_file)
    try:
        (trace,) = Trace.parse(path.read_text().splitlines())
        assert trace == caught.value.traces[-1]
        assert "json" == trace.header.grammar
        assert str(path) in caught.value.hint
        assert caught.value.got == "I think not"
    finally:
        path.unlink()


def test_what_only_the_line_ends_of_the_file_spoil_is_tried_again():
    """Our engine reads "\\n"; this judge refuses the "\\r\\n" that the file has."""
    grammar = replace(JSON, judge=lambda text: "a carriage return" if "\r" in text else None)
    with pytest.raises(UnverifiedError, match="parses"):
        filled(f"[1,\r\n{MARKER}]", grammar=grammar, tries=2)


def test_carriage_returns_and_tabs_and_a_byte_order_mark_are_no_matter():
    text = f'\ufeff{{\r\n\t"a": [1,\r\n\t\t{MARKER},\r\n\t{MARKER}}}\r\n'
    proposal = filled(text, one_line=False)
    json.loads(proposal.text.removeprefix("\ufeff"))
    assert re.fullmatch(around_holes(text), proposal.text, re.DOTALL)


@pytest.mark.parametrize(
    "choice", [JSON, infill_grammars.path("json"), str(infill_grammars.path("json"))]
)
def test_a_grammar_is_given_as_such_or_by_its_file(choice):
    assert ["json"] == [t.header.grammar for t in filled(f"[{MARKER}]", grammar=choice).traces]


def test_a_schema_is_given_by_its_file(tmp_path):
    path = tmp_path / "point.schema.json"
    path.write_text('{"type": "array", "items": {"const": 7}, "minItems": 3, "maxItems": 3}')
    proposal = filled(f"[7,{MARKER}]", grammar=path)
    assert [7, 7, 7] == json.loads(proposal.text)
    assert ["point.schema.json"] == [trace.header.grammar for trace in proposal.traces]


def test_settings_name_a_grammar_and_a_call_has_the_last_word():
    model = Scripted(VOCAB, favour(VOCAB, b"]]]]]]]]]]]]]]]]]]]]]]]]"))
    bench = Workbench(model, Settings(grammar=JSON))
    assert json.loads(bench.fill(f"[1{MARKER}").text)
    for off in (False, "none"):
        assert bench.fill(f"[1{MARKER}", grammar=off).text.startswith("[1]")
        assert bench.fill(f"[1{MARKER}", grammar=off).trace.header.grammar is None
    with pytest.raises(UnverifiedError):
        Workbench(model, Settings(tries=2)).fill(f"[{MARKER}", language="json", grammar="none")


@pytest.mark.parametrize(
    ("choice", "error", "match"),
    [
        ("jsn", OptionError, "no grammar 'jsn'"),
        (7, OptionError, "this is no grammar"),
        (True, OptionError, "this is no grammar"),
        ("missing.lark", PathError, "no such file"),
        ("a.schema.json", GrammarError, "must be JSON"),
        ("b.json", GrammarError, "an object, true or false"),
    ],
)
def test_what_is_no_grammar_is_refused(choice, error, match, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.schema.json").write_text("{")
    Path("b.json").write_text("[]")
    with pytest.raises(error, match=match):
        filled(f"[{MARKER}]", grammar=choice)


def test_a_misspelt_name_gets_a_suggestion():
    with pytest.raises(OptionError) as caught:
        filled(f"[{MARKER}]", grammar="pyton")
    assert caught.value.hint == "did you mean 'python'?"


def test_a_grammar_of_one_hole_is_refused_by_name():
    with pytest.raises(OptionError, match="a hole's own 'grammar'"):
        Workbench(Scripted(VOCAB, noise(VOCAB)), Settings()).fill("[]", [Hole(1, 1, grammar=JSON)])


def test_a_model_that_is_right_is_not_changed():
    def script(canvas):
        logits = torch.zeros(len(canvas), VOCAB.model_size)
        (start, stop), *_ = canvas.regions()
        wanted = VOCAB.encode(b'{"k": [1, 2]}')
        if stop - start == len(wanted):
            logits[range(start, stop), wanted] = 9.0
        return logits

    bench = Workbench(Scripted(VOCAB, script), Settings())
    size = len(VOCAB.encode(b'{"k": [1, 2]}'))
    hole = [Hole(3, 3, min_tokens=size, max_tokens=size)]
    free = bench.fill("[0, ]", hole, grammar="none")
    held = bench.fill("[0, ]", hole, grammar=JSON)
    assert free.text == held.text == '[0,{"k": [1, 2]} ]'
    assert free.score == pytest.approx(held.score)


@settings(max_examples=15)
@given(
    st.sampled_from(
        [
            f"def f(x):\n    return {MARKER}\n",
            f"for x in {MARKER}:\n    {MARKER}\nelse:\n    y = [1,{MARKER}\n",
            f"class {MARKER}:\n    def g(self):\n        {MARKER}\n        return 1",
            f"x = {{1: 2, {MARKER}}}\nif x {MARKER}\n    pass\n",
            f"try:\n    {MARKER}\nexcept {MARKER}:\n    raise\n",
        ]
    ),
    st.integers(0, 99),
)
def test_noise_becomes_python_wherever_a_language_is_named(text, seed):
    bench = Workbench(Scripted(VOCAB, noise(VOCAB, seed)), Settings(seed=seed))
    proposal = bench.fill(text, language="python")
    assert Grammar.named("python").judge(proposal.text) is None
    assert re.fullmatch(around_holes(text), proposal.text, re.DOTALL)
    assert "python" == proposal.trace.header.grammar
    assert 1 == len({trace.header.attempt for trace in proposal.traces})


def test_the_embedded_model_fills_python_and_json_at_the_first_attempt(embedded):
    bench = Workbench(embedded)
    for language, text, parse in (
        ("python", f"def add(a, b):\n    total = {MARKER}\n    return {MARKER}\n", ast.parse),
        ("json", f'{{"a": {MARKER},\n "b": [1, 2{MARKER}}}\n', json.loads),
    ):
        proposal = bench.fill(text, language=language)
        parse(proposal.text)
        assert {0} == {trace.header.attempt for trace in proposal.traces}
        assert re.fullmatch(around_holes(text), proposal.text, re.DOTALL)


def test_a_grammar_is_a_check_of_its_own():
    assert ["grammar json"] == [check.name for check in filled(f"[{MARKER}]").checks]
    bench = Workbench(Scripted(VOCAB, favour(VOCAB, b"abc")), Settings())
    assert bench.fill(f"f({MARKER})\n").checks == ()
