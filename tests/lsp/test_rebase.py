"""Spans after changes, against the text that they covered."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from infill_lsp.positions import Change
from infill_lsp.rebase import rebased, rebased_through

TEXTS = st.text("ab\r\n𝕏", max_size=8)


@st.composite
def changes(draw, length: int) -> Change:
    start, stop = sorted(draw(st.tuples(*[st.integers(0, length)] * 2)))
    return Change(start, stop, draw(TEXTS))


@st.composite
def changed_texts(draw):
    text = draw(TEXTS)
    span = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    return text, *span, draw(changes(len(text)))


@given(changed_texts())
def test_a_span_covers_the_same_text_or_is_none(case):
    text, start, stop, change = case
    span = rebased(start, stop, change)
    if span is not None:
        assert text[start:stop] == change.applied(text)[slice(*span)]


@given(changed_texts())
@example(("ab", 1, 1, Change(0, 1, "")))
@example(("ab", 1, 2, Change(1, 1, "c")))
def test_a_span_is_lost_when_a_change_reaches_inside_and_never_else(case):
    _, start, stop, change = case
    if start == stop:
        strictly = change.start < start < change.stop
        lost = strictly or (change.new != "" and change.start <= start <= change.stop)
    else:
        taken = {*range(change.start, change.stop)} & {*range(start, stop)}
        parted = change.new != "" and start < change.start == change.stop < stop
        lost = bool(taken) or parted
    assert lost == (rebased(start, stop, change) is None)


@given(changed_texts())
def test_what_stood_on_a_side_stays_on_it(case):
    text, start, stop, change = case
    span = rebased(start, stop, change)
    if span is None:
        return
    after = change.applied(text)
    if change.stop <= start:
        assert text[stop:] == after[span[1] :]
    else:
        assert text[:start] == after[: span[0]]


@given(st.data())
def test_a_sequence_of_changes_is_one_after_the_other(data):
    text = data.draw(TEXTS)
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    made, after, span = [], text, (start, stop)
    for _ in range(data.draw(st.integers(0, 4))):
        made.append(data.draw(changes(len(after))))
        after = made[-1].applied(after)
        span = span and rebased(*span, made[-1])
    assert span == rebased_through(start, stop, made)
    if span is not None:
        assert text[start:stop] == after[slice(*span)]


@pytest.mark.parametrize(
    ("span", "change", "expected"),
    [
        ((4, 9), Change(4, 4, "xy"), (6, 11)),
        ((4, 9), Change(9, 9, "xy"), (4, 9)),
        ((4, 9), Change(5, 5, "x"), None),
        ((4, 9), Change(0, 4, ""), (0, 5)),
        ((4, 9), Change(9, 12, "longer"), (4, 9)),
        ((4, 9), Change(8, 10, "z"), None),
        ((4, 9), Change(0, 20, ""), None),
        ((4, 9), Change(6, 6, ""), (4, 9)),
        ((4, 4), Change(4, 4, "x"), None),
        ((4, 4), Change(4, 4, ""), (4, 4)),
        ((4, 4), Change(3, 4, ""), (3, 3)),
        ((4, 4), Change(4, 5, ""), (4, 4)),
        ((4, 4), Change(3, 5, ""), None),
        ((4, 4), Change(3, 4, "x"), None),
        ((4, 4), Change(0, 2, "x"), (3, 3)),
    ],
)
def test_the_edges_of_a_span(span, change, expected):
    assert expected == rebased(*span, change)
