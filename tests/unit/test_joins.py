"""Where text meets a hole: healing, the view of a text, and the affixes that hold it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.canvas import Canvas, Reopen, Slot, Splice, Write
from infill.constrain.affix import Affixed, Affixes
from infill.constrain.combine import Anything
from infill.edit.heal import REACH, split_left, split_right
from infill.edit.view import View
from infill.errors import MoveError
from infill.models.scripted import byte_vocab
from infill.text import Source
from infill.vocab import Vocab, unpack

VOCAB = byte_vocab(b"return", b"retu", b"turn", b"    ", b"\n    ", b"(x", b"self", b"self.")
WORDS = [t for t in range(len(VOCAB)) if VOCAB.token_bytes(t)]


def tokens(*pieces: bytes) -> list[int]:
    return [token for piece in pieces for token in VOCAB.encode(piece)]


def test_a_word_that_is_cut_is_offered_again_whole():
    ids = tokens(b"x = ", b"retu")
    stay, again = split_left(VOCAB, ids)
    assert (b"x = ", b"retu") == (VOCAB.decode(stay), VOCAB.decode(again))


def test_a_word_cut_on_its_right_is_offered_again():
    again, stay = split_right(VOCAB, tokens(b"turn", b" x"))
    assert (b"turn", b" x") == (VOCAB.decode(again), VOCAB.decode(stay))


def test_a_finished_word_stays():
    assert split_left(VOCAB, tokens(b"x ", b"return"))[1] == []
    assert split_right(VOCAB, tokens(b"return", b" x"))[0] == []


@pytest.mark.parametrize("left", [b"a\n", b"a\n    ", b"a\r\n"])
def test_a_line_ending_and_its_indentation_are_not_offered_again(left):
    vocab = byte_vocab(b"\n    x", b"\n   ", b"\nx", b"\n    ")
    assert split_left(vocab, vocab.encode(left))[1] == []


@given(st.lists(st.sampled_from(WORDS), max_size=14))
def test_what_is_offered_again_is_next_to_the_hole_short_and_the_start_of_a_longer_token(ids):
    stay, again = split_left(VOCAB, ids)
    assert ids == [*stay, *again]
    assert len(again) <= REACH
    run = VOCAB.decode(again)
    longer = [VOCAB.token_bytes(t) for t in WORDS if VOCAB.token_bytes(t) != run]
    assert not again or any(piece.startswith(run) for piece in longer)

    again, stay = split_right(VOCAB, ids)
    assert ids == [*again, *stay]
    run = VOCAB.decode(again)
    longer = [VOCAB.token_bytes(t) for t in WORDS if VOCAB.token_bytes(t) != run]
    assert not again or any(piece.endswith(run) for piece in longer)
    assert b"\n" not in run


@given(st.sampled_from([b"return", b"self.", b"(x", b"turn"]), st.data())
def test_a_token_that_is_cut_anywhere_can_be_written_whole(word, data):
    cut = data.draw(st.integers(1, len(word) - 1))
    stay, again = split_left(VOCAB, VOCAB.encode(b"x\n" + word[:cut]))
    assert (b"x\n", word[:cut]) == (VOCAB.decode(stay), VOCAB.decode(again))
    again, stay = split_right(VOCAB, VOCAB.encode(word[cut:] + b"\nx"))
    assert (word[cut:], b"\nx") == (VOCAB.decode(again), VOCAB.decode(stay))


LINES = st.lists(
    st.sampled_from(["a", "\t", "    ", " ", "\n", "é", "if x:\n\t", "\n    ", "𝕏"]), max_size=12
).map("".join)


@given(LINES)
def test_crlf_is_shown_as_lf_and_comes_back_as_crlf(text):
    data = text.replace("\n", "\r\n").encode()
    view = View(b"\r\n", tabs=False)
    assert text.encode() == view.show(data)
    assert data == view.restore(view.show(data))


@given(LINES)
def test_an_lf_text_without_tabs_is_shown_as_it_is(text):
    data = text.replace("\t", "").encode()
    view = View.of(Source.of(data), 0)
    assert data == view.show(data) == view.restore(data)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.sampled_from([b"\n", b"\r\n"]))
def test_indentation_by_tabs_comes_back_as_tabs(depths, newline):
    data = b"".join(newline + b"\t" * depth + b"x\ty" for depth in depths)
    view = View(newline, tabs=True)
    shown = view.show(data)
    assert b"".join(b"\n" + b"    " * depth + b"x\ty" for depth in depths) == shown
    assert data == view.restore(shown)


def test_what_a_model_ends_with_crlf_is_not_ended_twice():
    assert View(b"\r\n", tabs=False).restore(b"a\r\nb\nc") == b"a\r\nb\r\nc"


def test_tabs_are_those_of_indentation_and_not_of_a_table():
    assert View.of(Source.of("a\tb\n"), 0) == View(b"\n", tabs=False)
    assert View.of(Source.of("if a:\n\tb\n"), 0) == View(b"\n", tabs=True)


LETTERS = Vocab([b"", b"a", b"b", b"ab"], mask=0)
H, G = Slot.HOLE, Slot.GIVEN


def allowed(state, at: int) -> set[bytes]:
    row = unpack(state.allowed(at), len(LETTERS))
    return {LETTERS.token_bytes(t) for t in range(len(LETTERS)) if row[t]}


def test_a_hole_that_is_too_short_for_its_affixes_has_no_state():
    canvas = Canvas([0, 0], [H, H])
    for prefix, suffix, fits in ((b"aa", b"b", True), (b"aa", b"ba", False), (b"", b"bbb", False)):
        assert fits == (Affixed(LETTERS, {0: Affixes(prefix, suffix)}).start(canvas) is not None)


def test_an_emptied_hole_must_have_no_affix_left_to_hold():
    canvas = Canvas([1, 0, 1], [G, H, G])
    held = Affixed(LETTERS, {1: Affixes(b"a")}).start(canvas)
    free = Affixed(LETTERS, {}).start(canvas)
    assert held.after(Splice(1, 1, 0)) is None
    assert free.after(Splice(1, 1, 0)) is not None


def test_each_hole_has_its_own_affixes():
    canvas = Canvas([0, 1, 0], [H, G, H])
    state = Affixed(LETTERS, {0: Affixes(b"a"), 1: Affixes(b"", b"b")}, exact_length=True).start(
        canvas
    )
    assert ({b"a", b"ab"}, {b"b", b"ab"}) == (allowed(state, 0), allowed(state, 2))


def test_prefix_and_suffix_do_not_share_bytes():
    constraint = Affixed(LETTERS, {0: Affixes(b"ab", b"b")})
    assert constraint.start(Canvas([0], [H])) is None
    state = constraint.start(Canvas([0, 0], [H, H]))
    assert ({b"ab"}, {b"b", b"ab"}) == (allowed(state, 0), allowed(state, 1))


@pytest.mark.parametrize("make", [Anything, lambda vocab: Affixed(vocab, {})])
@pytest.mark.parametrize("move", [Write(0, 1, 0.0), Write(7, 1, 0.0), Reopen(1), Splice(0, 1, 0)])
def test_what_the_canvas_refuses_is_an_error_and_not_a_veto(make, move):
    state = make(LETTERS).start(Canvas([1, 0], [G, H]))
    with pytest.raises(MoveError):
        state.after(move)


@pytest.mark.parametrize("make", [Anything, lambda vocab: Affixed(vocab, {})])
def test_specials_and_ids_that_do_not_exist_are_vetoed(make):
    state = make(LETTERS).start(Canvas([1, 0], [G, H]))
    assert [None] * 4 == [state.after(Write(1, token, 0.0)) for token in (0, -1, 5, 99)]
    assert state.after(Write(1, LETTERS.blank, 0.0)) is not None
