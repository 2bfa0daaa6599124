"""Numbers between bounds: what the pattern admits, arithmetic admits, and the other way round."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from infill.constrain.schema.digits import NUMBER, plain
from infill.constrain.schema.numbers import Number, exact
from infill.errors import GrammarError, LimitError

PLACES = st.sampled_from([1, 1, 10, 100, 1000])
DECIMALS = st.builds(Fraction, st.integers(-20_000, 20_000), PLACES) | st.integers(-30, 30).map(
    Fraction
)
STEPS = st.none() | st.sampled_from([1, 10, 5, 25, 7, "1/100", "1/10", "5/2"]).map(Fraction)
NUMBERS = st.builds(
    Number,
    integer=st.booleans(),
    low=st.none() | DECIMALS,
    high=st.none() | DECIMALS,
    low_open=st.booleans(),
    high_open=st.booleans(),
    multiple=STEPS,
)
TEXTS = (
    DECIMALS.map(plain)
    | st.from_regex(NUMBER, fullmatch=True).filter(lambda text: len(text) < 12)
    | st.sampled_from(["-0", "0", "0.0", "1e5", "1e-5", "-1e-7", "1e+20", "5e-324", "-2E10"])
)


def value(text):
    """What a text means; exponents of any size would take for ever."""
    digits, _, exponent = text.lower().partition("e")
    assume(abs(int(exponent or "0")) < 400)
    return Fraction(digits) * Fraction(10) ** int(exponent or "0")


@given(NUMBERS, st.lists(TEXTS | DECIMALS.map(plain), min_size=1, max_size=30))
@example(Number(low=Fraction(0), low_open=True), ["0", "0.0", "0.01", "1e-5", "-1", "-0"])
def test_numbers_are_admitted_by_value_and_plain_ones_all_of_them(number, texts):
    try:
        pattern = re.compile(number.pattern() or "(?!)")
    except GrammarError as error:
        assert "multipleOf" in error.got  # noqa: PT017
        return
    for text in texts:
        admitted = number.admits(value(text))
        if pattern.fullmatch(text):
            assert admitted, text
            assert not number.conflict()
        elif admitted:
            assert text != plain(value(text)), text


@given(DECIMALS, DECIMALS, DECIMALS)
def test_the_bounds_of_two_conditions_are_met_together(low, high, point):
    both = Number(low=low).meet(Number(high=high, high_open=True))
    assert both.admits(point) == (low <= point < high)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_a_constant_is_admitted_as_json_writes_it(constant):
    number = Number(values=frozenset({exact(constant)}))
    assert re.fullmatch(number.pattern(), json.dumps(constant))
    assert re.fullmatch(number.pattern(), plain(exact(constant)))


@given(st.integers(2**53, 2**70), st.integers(-3, 3))
def test_large_numbers_are_not_admitted_where_a_double_would_be_another(bound, away):
    for number in (Number(values=frozenset({Fraction(bound)})), Number(low=Fraction(bound))):
        for text in (f"{bound + away}", f"{bound + away}.0", repr(float(bound))):
            if re.fullmatch(number.pattern(), text):
                assert number.admits(Fraction(json.loads(text)))


@given(st.floats(0, 1) | st.floats(1e-9, 1e-3))
def test_floats_between_zero_and_one_are_admitted_as_json_writes_them(number):
    assume(number == 0 or number > 1e-90)
    pattern = Number(low=Fraction(0), high=Fraction(1)).pattern()
    assume(len(json.dumps(number).partition("e")[0]) <= 16 or "e" not in json.dumps(number))
    assert re.fullmatch(pattern, json.dumps(number))


@given(
    st.floats(-1e6, 1e6), st.from_regex(r"-?(0|[1-9][0-9]{0,6})(\.[0-9]{1,20})?", fullmatch=True)
)
def test_no_rounding_carries_a_number_onto_an_exclusive_bound(bound, text):
    pattern = Number(low=exact(bound), low_open=True).pattern()
    if re.fullmatch(pattern, text):
        assert float(text) > bound


def test_a_number_without_conditions_is_spelled_as_json_allows():
    assert Number().pattern() == NUMBER


def test_a_multiple_that_digits_do_not_show_is_refused_unless_it_is_bounded():
    with pytest.raises(GrammarError, match="multipleOf"):
        Number(integer=True, multiple=Fraction(7)).pattern("#/a")
    some = Number(low=Fraction(0), high=Fraction(20), multiple=Fraction(7)).pattern()
    assert [text for text in ("0", "7", "14", "21", "8") if re.fullmatch(some, text)] == [
        "0",
        "7",
        "14",
    ]


def test_a_bound_with_too_many_digits_is_a_limit():
    with pytest.raises(LimitError):
        Number(high=Fraction(10**70)).pattern()
