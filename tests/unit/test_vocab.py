"""Vocabularies and bit masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.constrain.combine import holds
from infill.errors import EncodingError, ModelError
from infill.models.scripted import byte_vocab
from infill.vocab import Vocab, pack, unpack

BYTES = byte_vocab(b"ab", b"abc", b"return", "é".encode())


@given(st.lists(st.booleans(), min_size=1, max_size=100))
def test_a_mask_unpacks_to_what_was_packed(row):
    mask = pack(np.array(row))
    assert ("int32", -(-len(row) // 32)) == (str(mask.dtype), len(mask))
    assert row == unpack(mask, len(row)).tolist()


@given(st.lists(st.booleans(), min_size=1, max_size=100))
def test_bits_stand_least_significant_first_in_32_bit_words(row):
    words = [0] * -(-len(row) // 32)
    for token, bit in enumerate(row):
        words[token // 32] |= bit << token % 32
    assert words == [int(word) & 0xFFFF_FFFF for word in pack(np.array(row))]
    assert row == [holds(pack(np.array(row)), token) for token in range(len(row))]


def test_ids_outside_a_mask_are_not_held():
    mask = pack(np.ones(64, dtype=bool))
    assert [False, True, True, False] == [holds(mask, token) for token in (-1, 0, 63, 64)]


@given(st.binary(max_size=30))
def test_what_is_encoded_decodes_to_itself(data):
    assert data == BYTES.decode(BYTES.encode(data))


@given(st.lists(st.sampled_from([b"a", b"b", b"c", b"ab", b"abc"]), max_size=12).map(b"".join))
def test_encoding_takes_the_longest_token_each_time(data):
    at = 0
    for token in BYTES.encode(data):
        longest = max(
            (t for t in range(len(BYTES)) if data[at:].startswith(BYTES.token_bytes(t))),
            key=lambda t: len(BYTES.token_bytes(t)),
        )
        assert BYTES.token_bytes(longest) == BYTES.token_bytes(token)
        at += len(BYTES.token_bytes(token))
    assert at == len(data)


def test_bytes_without_a_token_are_an_error_that_says_where():
    with pytest.raises(EncodingError, match="no token") as caught:
        Vocab([b"", b"a"], mask=0).encode(b"aab")
    assert "byte 2" in str(caught.value)


def test_an_encoder_is_asked_first_and_its_answer_is_checked():
    answers = {b"ab": (2, 3), b"ba": (2, 3)}
    vocab = Vocab([b"", b"ab", b"a", b"b"], mask=0, encoder=answers.__getitem__)
    assert vocab.encode(b"ab") == (2, 3)
    assert vocab.encode(b"ba") == (3, 2)  # the encoder would have turned the bytes around


def test_specials_render_to_nothing_and_only_the_blank_is_written():
    vocab = Vocab([b"<m>", b"a", b"<e>", b"<p>", b""], mask=0, eos=2, specials=[3])
    assert [b"", b"a", b"", b"", b"", b""] == [vocab.token_bytes(t) for t in range(len(vocab))]
    assert [False, True, False, False, False, True] == vocab.writable.tolist()
    assert (5, 5, 6) == (vocab.blank, vocab.model_size, len(vocab))
    assert frozenset({0, 2, 3, 5}) == vocab.specials


def test_a_models_own_blank_needs_no_virtual_one():
    vocab = Vocab([b"<m>", b"a", b"<del>"], mask=0, blank=2)
    assert (2, 3, 3) == (vocab.blank, vocab.model_size, len(vocab))


def test_what_is_writable_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        BYTES.writable[0] = False


@pytest.mark.parametrize("ids", [{"mask": 3}, {"mask": -1}, {"mask": 0, "eos": 9}])
def test_a_special_outside_the_vocabulary_is_refused(ids):
    with pytest.raises(ModelError, match="outside the vocabulary"):
        Vocab([b"", b"a"], **ids)


def test_mask_and_blank_must_differ():
    with pytest.raises(ModelError, match="mask and blank"):
        Vocab([b"", b"a"], mask=0, blank=0)


def test_the_tokens_for_lengths_render_to_nothing_and_are_never_written():
    pieces = [b"<m>", b"a", b"<e>", b"<+>", b""]
    vocab = Vocab(pieces, mask=0, eos=2, blank=4, expand=3, delete=2)
    assert [False, True, False, False, True] == vocab.writable.tolist()
    assert b"a" == vocab.decode(range(5))
    assert vocab.digest != Vocab(pieces, mask=0, eos=2, blank=4, specials=[3]).digest


@pytest.mark.parametrize(
    "ids",
    [{"expand": 0}, {"expand": 2}, {"expand": 4}, {"delete": 0}, {"delete": 4},
     {"expand": 3, "delete": 3}],
)  # fmt: skip
def test_a_token_for_lengths_is_not_also_another_one(ids):
    with pytest.raises(ModelError, match="expand or delete"):
        Vocab([b"", b"a", b"", b"", b""], mask=0, eos=2, blank=4, **ids)
