"""Scanning with an automaton is what `re` does by backtracking."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.constrain.lexing.patterns import Nfa
from infill.constrain.lexing.scanner import Scanner
from infill.constrain.lexing.transducer import build
from infill.constrain.regex import judge, matches_empty, syntax
from infill.errors import GrammarError, InputError, LimitError

QUANTIFIERS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{2,}"]
CONDITIONS = [
    *("(?!a)", "(?=b)", "(?!ab)", "(?=.b)", "(?<!a)", "(?<=b)", "(?!é)", "(?<!é)", "(?=a|$)"),
    *("$", r"\Z", "^", r"\A", r"\b", "(?m:$)", "(?m:^)"),
]


def patterns(conditions=()):
    characters = [
        "a",
        "b",
        "c",
        ".",
        "[ab]",
        "[^a]",
        "é",
        r"\w",
        r"\s",
        "(?i:B)",
        "(?s:.)",
        "[a-cé]",
    ]
    leaves = st.sampled_from(characters)

    def wider(inner):
        pair = st.tuples(inner, inner)
        ways = [
            pair.map("".join),
            pair.map(lambda p: f"(?:{p[0]}|{p[1]})"),
            inner.map(lambda p: f"(?:|{p})"),
            st.tuples(inner, st.sampled_from(QUANTIFIERS)).map(lambda p: f"(?:{p[0]}){p[1]}"),
        ]
        if conditions:
            ways.append(st.tuples(inner, st.sampled_from(conditions), inner).map("".join))
        return st.one_of(ways)

    return st.recursive(leaves, wider, max_leaves=8)


TEXTS = st.text(alphabet="abcéB\n", max_size=7)


def scanner(pattern, *, ordered, flags=0):
    nfa = Nfa()
    return Scanner(nfa, [nfa.add_pattern(pattern, flags)], ordered=ordered)


def end(match):
    return None if match is None else match.end()


@given(patterns(), st.lists(TEXTS, min_size=1, max_size=8))
def test_the_first_match_ends_where_that_of_re_ends(pattern, texts):
    first = scanner(pattern, ordered=True)
    for text in texts:
        assert end(re.match(pattern, text)) == first.match(text)


@given(patterns(), st.lists(TEXTS, min_size=1, max_size=8))
def test_the_longest_match_is_a_full_match_where_re_finds_one(pattern, texts):
    longest = scanner(pattern, ordered=False)
    for text in texts:
        assert (re.fullmatch(pattern, text) is not None) == longest.fullmatch(text)


@given(patterns(CONDITIONS), st.lists(TEXTS, min_size=1, max_size=8))
def test_lookarounds_boundaries_and_anchors_hold_where_they_do_in_re(pattern, texts):
    try:
        first, longest = (scanner(pattern, ordered=ordered) for ordered in (True, False))
    except GrammarError:  # such as $a: no text at all
        assert not any(re.match(pattern, text) for text in texts)
        return
    for text in texts:
        assert end(re.match(pattern, text)) == first.match(text)
        assert (re.fullmatch(pattern, text) is not None) == longest.fullmatch(text)


@given(st.characters(exclude_categories=["Cs"]), st.sampled_from("aksiIßſµÅω1_ é"))
def test_classes_and_case_are_those_of_re(character, letter):
    for pattern in (r"\w", r"\d", r"\s", r"\W", r"[^\W\d]", f"(?i:{letter})", f"(?i:[^{letter}])"):
        for flags in (0, re.ASCII):
            expected = re.fullmatch(pattern, character, flags) is not None
            assert expected == scanner(pattern, ordered=True, flags=flags).fullmatch(character)


@given(patterns(), st.lists(TEXTS, min_size=1, max_size=8))
def test_the_grammar_of_a_pattern_lexes_what_re_matches_fully(pattern, texts):
    lexer = build(syntax(pattern))
    for text in filter(None, texts):
        try:
            accepted = len(lexer.lex(text.encode())) == 1
        except InputError:
            accepted = False
        assert (judge(pattern)(text) is None) == accepted


@given(patterns(CONDITIONS))
def test_whether_a_pattern_matches_the_empty_text_is_known(pattern):
    assert (re.fullmatch(pattern, "") is not None) == matches_empty(pattern)


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        (r"(a)\1", "a backreference"),
        (r"(a)?(?(1)b|c)", "a conditional group"),
        ("(?>a)", "an atomic group"),
        ("a++", "a possessive repeat"),
        ("a(?<!bc)", "a lookbehind of more than one character"),
        ("a(?=(?!b))", "a lookaround inside a lookahead"),
        ("(a", "not a regular expression"),
        (r"[^\s\S]", "no text matches"),
    ],
)
def test_what_no_automaton_can_follow_is_refused_by_name(pattern, named):
    with pytest.raises(GrammarError, match=re.escape(named)):
        Nfa().add_pattern(pattern)


def test_too_many_states_are_an_error_that_names_the_limit():
    nfa = Nfa()
    many = Scanner(nfa, [nfa.add_pattern("[ab]*a[ab]{12}")], ordered=False, limit=500)
    with pytest.raises(LimitError, match="limit: states"):
        _ = many.reach


def test_too_many_copies_are_an_error_that_names_the_limit():
    with pytest.raises(LimitError, match="limit: nodes"):
        Nfa(limit=1_000).add_pattern("(?:abc){1000}")
