"""Spans, edits and positions, against the same things said with Python strings."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from infill.errors import EncodingError, HoleError
from infill.text import Source, Span, TextEdit, apply_edits

LETTERS = st.sampled_from(
    [*"ab \t\n\f", "\r\n", "\r", "é", "中", "𝕏", "👩‍💻", "\u2028", "\x85", "\ufeff"]
)
TEXTS = st.lists(LETTERS, max_size=20).map("".join)
SPANS = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(lambda pair: Span(*sorted(pair)))


@given(TEXTS, st.data())
def test_a_position_is_what_counting_characters_gives(text, data):
    index = data.draw(st.integers(0, len(text)))
    before = text[:index]
    expected = (before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
    assert expected == Source.of(text).position(len(before.encode()))


@given(TEXTS)
def test_line_starts_are_behind_newlines_and_nothing_else(text):
    lengths = [len(line.encode()) + 1 for line in text.split("\n")]
    expected = [sum(lengths[:index]) for index in range(len(lengths))]
    assert expected == list(Source.of(text).line_starts)


@given(TEXTS)
def test_boundaries_are_between_characters_but_not_in_a_line_ending(text):
    source = Source.of(text)
    between = {
        len(text[:i].encode()) for i in range(len(text) + 1) if text[i - 1 : i + 1] != "\r\n"
    }
    found = {at for at in range(-2, len(source.data) + 3) if source.is_boundary(at)}
    assert between | {0} == found


@given(TEXTS, st.data())
def test_a_newline_is_the_ending_before_else_the_one_after(text, data):
    at = data.draw(st.integers(0, len(text)))
    assume(text[max(at - 1, 0) : at + 1] != "\r\n")
    before, after = text[:at], text[at:]
    line = before if "\n" in before else after
    end = line.rfind("\n") if line is before else line.find("\n")
    expected = "\r\n" if end > 0 and line[end - 1] == "\r" else "\n"
    assert expected.encode() == Source.of(text).newline_at(len(before.encode()))


@given(TEXTS)
def test_a_source_gives_its_text_back(text):
    assert (text, text.encode()) == (Source.of(text).text, Source.of(text.encode()).data)


@given(SPANS, SPANS)
def test_overlap_is_symmetric_and_is_sharing_a_byte_or_standing_inside(one, other):
    bytes_of = [set(range(span.start, span.stop)) for span in (one, other)]
    inside = any(not len(a) and b.start < a.start < b.stop for a, b in ((one, other), (other, one)))
    expected = bool(bytes_of[0] & bytes_of[1]) or inside or one == other
    assert expected == one.overlaps(other) == other.overlaps(one)


@st.composite
def edits(draw, size: int) -> list[TextEdit]:
    cuts = sorted(draw(st.sets(st.integers(0, size), max_size=8)))
    new = st.binary(max_size=4)
    return [
        TextEdit(Span(start, stop), draw(new))
        for start, stop in zip(cuts[::2], cuts[1::2], strict=False)
    ]


@given(st.binary(max_size=20), st.data())
def test_edits_in_any_order_are_what_splicing_from_the_right_gives(data, draw):
    chosen = draw.draw(edits(len(data)))
    expected = data
    for edit in reversed(chosen):
        expected = expected[: edit.span.start] + edit.new + expected[edit.span.stop :]
    assert expected == apply_edits(data, draw.draw(st.permutations(chosen)))


@given(st.lists(SPANS, max_size=5))
def test_edits_are_refused_exactly_when_two_overlap(spans):
    clash = any(a.overlaps(b) for i, a in enumerate(spans) for b in spans[:i])
    made = [TextEdit(span, b"x") for span in spans]
    if clash:
        with pytest.raises(HoleError, match="overlap"):
            apply_edits(b"." * 12, made)
    else:
        kept = 12 - sum(map(len, spans))
        assert kept == apply_edits(b"." * 12, made).count(b".")


def test_an_insertion_inside_a_replaced_stretch_is_an_overlap():
    with pytest.raises(HoleError, match="two edits overlap"):
        apply_edits(b"0123456789", [TextEdit(Span(0, 5), b"x"), TextEdit(Span(2, 2), b"y")])


def test_insertions_at_the_ends_of_a_replaced_stretch_are_made():
    made = [TextEdit(Span(2, 4), b"x"), TextEdit(Span(2, 2), b"<"), TextEdit(Span(4, 4), b">")]
    assert apply_edits(b"012345", made) == b"01<x>45"


def test_an_edit_past_the_end_is_refused():
    with pytest.raises(HoleError, match="past the end"):
        apply_edits(b"abc", [TextEdit(Span(1, 4), b"")])


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (-3, -2)])
def test_a_span_runs_forward_from_zero(start, stop):
    with pytest.raises(HoleError, match="runs forward"):
        Span(start, stop)


@pytest.mark.parametrize("text", ["a\0b", b"a\0b"])
def test_a_binary_file_is_refused(text):
    with pytest.raises(EncodingError, match="binary") as caught:
        Source.of(text, "a.bin")
    assert "a.bin, byte 1" in str(caught.value)


@given(st.binary(max_size=12).filter(lambda data: b"\0" not in data))
def test_bytes_are_taken_exactly_when_they_are_utf8(data):
    whole = len(data.decode(errors="ignore").encode())
    if whole == len(data):
        assert data == Source.of(data).data
    else:
        with pytest.raises(EncodingError, match="not UTF-8") as caught:
            Source.of(data, "a.py")
        at = int(caught.value.where.split()[2])
        assert data[:at].decode()[:0] == ""
        assert f"a.py, byte {at} (line " in caught.value.where


def test_half_of_a_surrogate_pair_is_refused():
    with pytest.raises(EncodingError, match="surrogate") as caught:
        Source.of("ab\ud800", "a.py")
    assert "a.py, character 2" in str(caught.value)
