"""Trace files: what is read back, and what is refused. That they replay is a law."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.canvas import Canvas, Reopen, Slot, Splice, Write
from infill.decode.trace import SCHEMA, Header, Trace, TraceStep, shown, texts_of
from infill.errors import TraceError
from infill.models.scripted import byte_vocab

VOCAB = byte_vocab()
CANVAS = Canvas([200, 0, 97], [Slot.FILLED, Slot.HOLE, Slot.GIVEN], [-1.5, 0, 0])
TRACE = Trace(
    Header(
        canvas=CANVAS,
        texts=texts_of(CANVAS, VOCAB),
        model={"name": "scripted", "digest": "none"},
        path="a.py",
        attempt=2,
        seed=2**64 - 1,
        settings={"tries": 3},
    ),
    (
        TraceStep(tick=0, ms=1.25, moves=(Write(1, 98, -0.5), Reopen(0)), texts=("b",)),
        TraceStep(tick=2, ms=0.5, moves=(Splice(0, 1, 2),), texts=()),
    ),
    outcome="unparsable",
    reason="line 1: é",
)
LINES = list(TRACE.lines())


def test_a_trace_is_read_back_as_it_was():
    assert [TRACE] == Trace.parse(LINES)
    assert [0, 0, 98, 97] == TRACE.replay().ids.tolist()


def test_lines_are_ascii_and_one_object_each():
    assert all(line.isascii() and line.endswith("\n") and line.count("\n") == 1 for line in LINES)
    assert ["header", "step", "step", "end"] == [json.loads(line)["type"] for line in LINES]
    assert SCHEMA == json.loads(LINES[0])["schema"] == 1


@given(st.binary(max_size=8))
def test_token_bytes_are_shown_without_loss(data):
    assert data == shown(data).encode("utf-8", "surrogateescape")
    assert shown(data) == json.loads(json.dumps(shown(data)))
    assert data == "".join(shown(bytes([b])) for b in data).encode("utf-8", "surrogateescape")


def test_a_file_holds_one_trace_after_the_other():
    assert [TRACE, TRACE] == Trace.parse([*LINES, *LINES])


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_a_trace_that_breaks_off_keeps_its_whole_lines(kept):
    (trace,) = Trace.parse(LINES[:kept])
    assert ("incomplete", TRACE.steps[: kept - 1]) == (trace.outcome, trace.steps)
    first, second = Trace.parse([*LINES[:kept], *LINES])
    assert ("incomplete", TRACE) == (first.outcome, second)


def changed(line: int, **fields) -> list[str]:
    return [
        json.dumps(json.loads(text) | fields) if number == line else text
        for number, text in enumerate(LINES)
    ]


CANVAS_LINE = json.loads(LINES[0])["canvas"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "the trace is empty"),
        (["nonsense"], "not JSON"),
        (["[1]"], "no object"),
        ([""], "not JSON"),
        ([*LINES[:1], LINES[1][:-9]], "not JSON"),
        (LINES[1:], "out of place"),
        (LINES[3:], "out of place"),
        ([*LINES, LINES[1]], "out of place"),
        ([*LINES, LINES[3]], "out of place"),
        (changed(0, schema=2), "another schema"),
        (changed(0, canvas=3), "out of place"),
        (changed(0, canvas={**CANVAS_LINE, "slots": "GXH"}), "out of place"),
        (changed(0, canvas={**CANVAS_LINE, "slots": "GH"}), "out of place"),
        (changed(0, canvas={**CANVAS_LINE, "ids": [1, 2, 2**70]}), "out of place"),
        (changed(0, canvas={**CANVAS_LINE, "texts": ["a"]}), "out of place"),
        (changed(0, type="haeder"), "out of place"),
        (changed(1, type="stop"), "out of place"),
        (changed(1, moves=[["overwrite", 1, 2]]), "out of place"),
        (changed(1, moves=[["write", 1, 2, 0.5]]), "out of place"),
        (changed(1, moves=3), "out of place"),
        (['{"type": "header"}'], "out of place"),
        (["{}"], "out of place"),
    ],
)
def test_a_damaged_file_is_refused_with_the_line(lines, message):
    with pytest.raises(TraceError, match=message) as caught:
        Trace.parse(lines, name="a.jsonl")
    assert "a.jsonl" in str(caught.value)


@given(st.lists(st.sampled_from([*LINES, "{}", '{"type": "step"}', "x"]), max_size=6))
def test_any_order_of_lines_is_read_or_refused(lines):
    try:
        traces = Trace.parse(lines)
    except TraceError:
        return
    assert len(traces) == lines.count(LINES[0])
    assert sum(len(trace.steps) for trace in traces) == lines.count(LINES[1]) + lines.count(
        LINES[2]
    )


@pytest.mark.parametrize(
    "moves",
    [
        [["write", 2, 5, 0.0, "x"]],
        [["reopen", 1]],
        [["splice", 9, 1, 0]],
        [["write", 1, 2**70, 0.0, ""]],
    ],
)
def test_a_step_that_does_not_fit_its_canvas_is_refused_on_replay(moves):
    (trace,) = Trace.parse(changed(1, moves=moves))
    with pytest.raises(TraceError, match="does not fit") as caught:
        trace.replay()
    assert caught.value.where == "step 0"
