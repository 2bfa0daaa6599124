"""Strings with conditions against `re`: every spelling, every combination."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.constrain.schema.ecma import parse
from infill.constrain.schema.formats import FORMATS
from infill.constrain.schema.strings import STRING, Text, matches, other_than, render
from infill.errors import GrammarError

PATTERNS = [
    *("^a", "b$", "a+b?", "^[ab]*$", "^(a|bc)+$", "[^a]", "^.{2}", "c", "^(?:ab|c){1,2}$"),
    *(r"\w", "^a*b*$", r"^[^\d]", r"\"", "^$", "(^a|b$)", "^(ab?){2,}$", r"a\/b", "^[a-]+$"),
]
# no line end last, where `$` is read in two ways, and no letter beyond ASCII, likewise `\\w`
WORDS = st.text('abc1-"/\\\n\x01€😀', max_size=5).filter(lambda word: not word.endswith("\n"))


@given(
    st.lists(st.sampled_from(PATTERNS), max_size=2, unique=True),
    st.lists(st.sampled_from(PATTERNS), max_size=1),
    st.integers(0, 2),
    st.none() | st.integers(2, 4),
    st.frozensets(WORDS, max_size=2),
    st.lists(WORDS, min_size=1, max_size=20),
)
def test_combined_conditions_admit_what_each_admits(  # noqa: PLR0913, PLR0917 - one per condition
    found, without, low, high, excluded, words
):
    text = Text(low, high, tuple(found), tuple(without), None, excluded)
    pattern = re.compile(text.pattern() or "(?!)")
    for word in words:
        expected = (
            low <= len(word) <= (len(word) if high is None else high)
            and word not in excluded
            and all(re.search(one, word) for one in found)
            and not any(re.search(one, word) for one in without)
        )
        spelled = json.dumps(word, ensure_ascii=False)
        assert expected == bool(pattern.fullmatch(spelled))
        assert expected == text.admits(word)


@given(st.frozensets(WORDS, max_size=4), WORDS)
def test_everything_but_some_words_is_everything_but_those(words, word):
    spelled = json.dumps(word, ensure_ascii=False)[1:-1]
    assert (word not in words) == bool(re.fullmatch(render(other_than(words)), spelled))


@given(st.characters(exclude_categories=["Cs"]))
def test_each_code_point_is_admitted_as_json_spells_it(char):
    spelled = json.dumps(char, ensure_ascii=False)
    assert re.fullmatch(Text(low=1, high=1).pattern(), spelled)
    assert re.fullmatch(Text(values=frozenset({char})).pattern(), spelled)
    assert not re.fullmatch(Text(excluded=frozenset({char})).pattern(), spelled)
    assert re.fullmatch(STRING, json.dumps(char))


def test_where_the_two_readings_of_a_pattern_differ_neither_side_is_taken():
    arabic_digit, line_separator = "\u0663", "\u2028"
    for pattern, text in ((r"^\d$", arabic_digit), ("^.$", line_separator), ("^a$", "a\n")):
        assert not matches(pattern, text)
        assert matches(pattern, text, loose=True)
    assert not matches(r"^\D$", arabic_digit)
    assert not matches(r"^[^\d]$", arabic_digit)


@pytest.mark.parametrize(
    "pattern",
    [
        *("(?=a)", "(?!a)", "(?<=a)", "(?i)a", r"\bword", r"(a)\1", r"\p{L}", r"\k<a>", "a++"),
        *("(", ")", "[a", "[]", "[^]", "[b-a]", "a{2,1}", "*a", "a{,3}", "a^b", r"\ud800", r"\01"),
        "(^a)+",
    ],
)
def test_a_pattern_that_cannot_be_carried_is_refused(pattern):
    with pytest.raises(GrammarError) as caught:
        parse(pattern, where="#/pattern")
    assert (caught.value.where, caught.value.got) == ("#/pattern", pattern)


DATES = st.dates().map(str) | st.from_regex("[0-9]{4}-[01][0-9]-[0-3][0-9]", fullmatch=True)


def valid(read, text):
    try:
        read(text)
    except ValueError:
        return False
    return True


@given(DATES)
def test_a_date_is_one_that_the_calendar_has(text):
    ascii_only = text.isascii()
    assert (ascii_only and valid(dt.date.fromisoformat, text)) == matches(FORMATS["date"], text)


@given(
    st.ip_addresses(v=4).map(str) | st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", fullmatch=True)
)
def test_an_ipv4_address_is_one(text):
    assert valid(ipaddress.IPv4Address, text) == matches(FORMATS["ipv4"], text)


@given(
    st.ip_addresses(v=6).map(str) | st.lists(st.sampled_from(["1", ":", "::", "ab"])).map("".join)
)
def test_an_ipv6_address_is_one(text):
    assert valid(ipaddress.IPv6Address, text) == matches(FORMATS["ipv6"], text)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("time", "23:59:59.5+01:00 00:00:00Z", "24:00:00Z 12:00 12:00:60Z 12:00:00"),
        (
            "date-time",
            "2024-02-29T00:00:00Z",
            "2024-02-30T00:00:00Z 2024-01-01 2024-01-01T1:00:00Z",
        ),
        ("hostname", "localhost a.example.org xn--a", f"-a a- a..b .a {'a' * 64} a_b"),
        ("email", "a@b a.b+c@example.org", "a @b a@ .a@b a..b@c a@b@c"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"),
        (
            "uri",
            "https://a.b/c?d=e#f urn:isbn:1 mailto:a@b",
            "a.b/c //a /x http://a/%zz http://a/<",
        ),
        ("json-pointer", "/a/b~0~1 /", "a /a~2"),
    ],
)
def test_formats_hold_to_their_specification(name, good, bad):
    assert all(matches(FORMATS[name], text) for text in good.split())
    assert not any(matches(FORMATS[name], text) for text in bad.split())
