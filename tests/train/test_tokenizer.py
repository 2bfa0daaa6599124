from hypothesis import given
from hypothesis import strategies as st

from infill.train.tokenizer import SPECIALS, Codec, Kind, learn

CODEC = Codec(learn(["def f(x):\n    return snake_case + 123\n"] * 20, size=400))


@given(st.text())
def test_any_text_comes_back_from_its_tokens(text):
    assert CODEC.decode(CODEC.encode(text)) == text


@given(st.lists(st.sampled_from([*SPECIALS, "a", "\n", " "])).map("".join))
def test_text_that_spells_a_special_stays_text(text):
    assert all(token >= len(SPECIALS) for token in CODEC.encode(text))


def test_every_byte_is_a_token():
    assert {bytes([b]) for b in range(256)} <= set(CODEC.token_bytes)


def test_the_specials_come_first_and_render_to_nothing():
    vocabulary = CODEC.tokenizer.get_vocab()
    assert [vocabulary[special] for special in SPECIALS] == list(range(32))
    assert set(CODEC.token_bytes[:32]) == {b""}
    assert CODEC.decode(range(32)) == ""


def test_a_newline_takes_its_indentation_and_nothing_else():
    pieces = [CODEC.token_bytes[i] for i in CODEC.encode("def f(x):\n    return snake_case")]
    assert pieces[-4:] == [b"\n    ", b"return", b" snake", b"_case"]


def test_digits_stand_alone():
    assert [CODEC.token_bytes[i] for i in CODEC.encode("123")] == [b"1", b"2", b"3"]


def test_kinds_are_told_apart():
    kinds = {CODEC.token_bytes[i]: CODEC.kinds[i] for i in range(len(CODEC.token_bytes))}
    expected = {b"\n    ": Kind.NEWLINE, b" snake": Kind.WORD, b"_case": Kind.WORD,
                b"7": Kind.DIGIT, b"(": Kind.SIGN, b" ": Kind.BLANK, b"": Kind.SPECIAL}  # fmt: skip
    assert {token: kinds[token] for token in expected} == expected


def test_learning_twice_gives_the_same_tokenizer():
    assert learn(["a b c\n"] * 3, size=300) == learn(["a b c\n"] * 3, size=300)
