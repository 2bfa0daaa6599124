"""Holes: by marker and by span, and what is refused."""

from __future__ import annotations

import ast
import io
import tokenize
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.constrain.combine import Anything
from infill.edit.holes import Hole, checked, find_holes
from infill.edit.lengths import COARSE, ladder
from infill.edit.settings import Settings
from infill.edit.verify import CHECKERS, verify
from infill.errors import HoleError, InfillError, OptionError
from infill.limits import DEFAULT, Limits
from infill.text import Source, Span

MARKER = "<FILL_ME>"


def found(text: str, language: str | None = "python") -> list[tuple[int, int]]:
    return [(h.start, h.stop) for h in find_holes(Source.of(text), MARKER, language=language)]


@pytest.mark.parametrize(
    "text",
    [
        'x = "<FILL_ME>"\n',
        "x = '<FILL_ME>'\n",
        'x = "a \\" <FILL_ME>"\n',
        "x = 'it\\'s <FILL_ME>'\n",
        '"""Doc.\n\n<FILL_ME>\n"""\n',
        "'''<FILL_ME>'''\n",
        'x = f"{<FILL_ME>}"\n',
        'x = rb"<FILL_ME>"\n',
        'x = "a\\\n<FILL_ME>"\n',
        'x = 1  # "\ny = "<FILL_ME>"\n',
        "x = ''; y = '<FILL_ME>'\n",
        '"""it\'s""" + "<FILL_ME>"\n',
    ],
)
def test_a_marker_in_a_string_is_refused(text):
    with pytest.raises(HoleError, match="inside a string") as caught:
        found(text)
    line = text[: text.index(MARKER)].count("\n") + 1
    assert f"<text>, line {line}, column" in str(caught.value)
    assert str(text.index(MARKER)) in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "x = <FILL_ME>\n",
        '"a" + <FILL_ME> + "b"\n',
        "# it's here: <FILL_ME>\n",
        "x = 1  # <FILL_ME>\n",
        "# it's\nx = <FILL_ME>  # isn't\n",
        "x = 'unfinished <FILL_ME>\n",
        '"""doc"""\n<FILL_ME>\n"""doc"""\n',
        "x = '' <FILL_ME> ''\n",
        "x = '#' + <FILL_ME>\n",
        '"\\\\" + <FILL_ME> + "\\\\"\n',
    ],
)
def test_a_marker_outside_strings_is_a_hole(text):
    at = text.index(MARKER)
    assert [(at, at + len(MARKER))] == found(text)


@given(
    st.lists(
        st.sampled_from(['"', "'", '"""', "\\", "#", "\n", "a", "é", " + ", "(", "b'x'"]),
        max_size=14,
    ),
    st.integers(0, 14),
)
def test_strings_are_those_of_the_languages_own_tokenizer(pieces, at):
    """Wherever Python itself can read the text with a name for the marker."""
    before, after = "".join(pieces[:at]), "".join(pieces[at:])
    text = f"{before}{MARKER}{after}\n"
    named = f"{before}qzqzqzqzq{after}\n"  # as long as the marker
    try:
        ast.parse(named)
        tokens = list(tokenize.generate_tokens(io.StringIO(named).readline))
    except (SyntaxError, tokenize.TokenError, IndentationError):
        return
    inside = any(t.type == tokenize.STRING and "qzqzqzqzq" in t.string for t in tokens)
    if inside:
        with pytest.raises(HoleError, match="inside a string"):
            found(text)
    else:
        assert len(found(text)) == 1


def test_json_strings_hold_no_holes_and_json_has_no_comments():
    with pytest.raises(HoleError, match="inside a string"):
        found('{"a": "# <FILL_ME>"}', "json")
    assert len(found('{"a": <FILL_ME>, "#": <FILL_ME>}', "json")) == 2


def test_without_a_language_a_string_is_text_like_any_other():
    assert found('"<FILL_ME>"', None) == [(1, 10)]


def test_offsets_of_holes_count_bytes():
    assert found("é𝕏 = <FILL_ME>") == [(9, 18)]


def test_a_text_without_a_marker_names_the_file_and_the_marker():
    with pytest.raises(HoleError, match="no hole") as caught:
        find_holes(Source.of("x = 1", "a.py"), "???", language=None)
    assert (caught.value.where, caught.value.expected) == ("a.py", "the marker ???")


TEXT = Source.of("aé\r\nbc", "a.py")


@pytest.mark.parametrize(
    ("holes", "message"),
    [
        ([], "no holes were given"),
        ([Hole(5, 9)], "past the end"),
        ([Hole(2, 3)], "inside a character or a line ending"),
        ([Hole(4, 5)], "inside a character or a line ending"),
        ([Hole(0, 1), Hole(1, 3)], "touch or overlap"),
        ([Hole(5, 7), Hole(0, 6)], "touch or overlap"),
        ([Hole(1, 1), Hole(1, 1)], "touch or overlap"),
        ([Hole(3, 1)], "runs forward"),
        ([Hole(-1, 1)], "runs forward"),
        ([Hole(0, 1, min_tokens=3, max_tokens=2)], "length bounds"),
        ([Hole(0, 1, min_tokens=-1)], "length bounds"),
        ([Hole(0, 1, max_tokens=DEFAULT.hole + 1)], "length bounds"),
    ],
)
def test_impossible_holes_are_refused(holes, message):
    with pytest.raises(HoleError, match=message):
        checked(TEXT, holes, DEFAULT)


@pytest.mark.parametrize("hole", [Hole(0, 1, grammar=Anything), Hole(0, 1, keep=(Span(0, 1),))])
def test_what_a_hole_cannot_have_yet_is_refused_and_not_ignored(hole):
    with pytest.raises(OptionError, match="cannot be honoured yet"):
        checked(TEXT, [hole], DEFAULT)


def test_holes_come_in_order_and_are_counted():
    assert checked(TEXT, [Hole(5, 6), Hole(0, 1)], DEFAULT) == (Hole(0, 1), Hole(5, 6))
    with pytest.raises(HoleError, match="too many holes"):
        checked(TEXT, [Hole(5, 6), Hole(0, 1)], Limits(holes=1))


@given(st.integers(0, 60), st.integers(0, 256))
def test_a_ladder_rises_from_the_shortest_to_the_longest_by_at_most_a_quarter(low, high):
    low = min(low, high)
    lengths = ladder(low, high)
    assert (max(low, min(1, high)), high) == (lengths[0], lengths[-1])
    assert all(a < b <= a + max(1, a // 4) for a, b in pairwise(lengths))
    few = ladder(low, high, COARSE)
    assert (few[0], few[-1]) == (lengths[0], lengths[-1])
    assert all(a < b <= max(1, 2 * a) for a, b in pairwise(few))


@pytest.mark.parametrize(
    ("language", "text", "ok"),
    [
        ("python", b"x = 1\n", True),
        ("python", b"x = (1\n", False),
        ("python", b"\xef\xbb\xbfx = 1\r\n", True),
        ("python", b"if x:\n\ty\n        z\n", False),
        ("python", b"'\\d'\n", True),
        ("python", b"x = '\xff'\n", False),
        ("python", b"x\0y", False),
        ("python", b"(" * 1_000, False),
        ("python", b"-" * 100_000 + b"1", False),
        ("python", b"", True),
        ("json", b'{"a": [1, 2.5e3, null, "\\u00e9"]}', True),
        ("json", b"\xef\xbb\xbf[]", True),
        ("json", b"[1,]", False),
        ("json", b"[NaN]", False),
        ("json", b"[1] 2", False),
        ("json", b"", False),
        ("json", b'"\xff"', False),
        ("json", b"[" * 100_000, False),
        ("json", b"9" * 5_000, False),
    ],
)
def test_a_text_passes_when_the_languages_own_parser_takes_it(language, text, ok):
    check = verify(text, language)
    assert (language, ok) == (check.name, check.ok)
    assert bool(check.reason) != ok
    assert 0 <= check.offset <= len(text)


@given(st.binary(max_size=30))
def test_a_check_of_any_bytes_answers_and_never_raises(data):
    for language in CHECKERS:
        check = verify(data, language)
        assert 0 <= check.offset <= len(data)


@pytest.mark.parametrize(
    ("language", "text", "at"),
    [
        ("python", "é = 1\nü = )\n", "é = 1\nü = "),
        ("python", "x = '中' )\n", "x = '中' "),
        ("json", '["é", x]', '["é", '),
        ("json", '\ufeff["é", x]', '\ufeff["é", '),
    ],
)
def test_a_check_says_at_which_byte_the_text_fails(language, text, at):
    assert len(at.encode()) == verify(text.encode(), language).offset


def test_a_language_without_a_parser_is_refused_by_name():
    with pytest.raises(OptionError, match="no parser for 'cobol'") as caught:
        verify(b"", "cobol")
    assert caught.value.expected == "json, python"


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"tris": 3}, "did you mean 'tries'?"),
        ({"max_token": 3}, "did you mean 'max_tokens'?"),
        ({"Seed": 3}, "did you mean 'seed'?"),
        ({"zzz": 3}, ""),
    ],
)
def test_an_unknown_setting_is_an_error_with_a_suggestion(options, hint):
    with pytest.raises(OptionError, match="there is no setting") as caught:
        Settings.of(**options)
    assert hint == caught.value.hint
    assert "max_tokens" in caught.value.expected


@pytest.mark.parametrize(
    "options",
    [
        {"seed": -1},
        {"seed": 2**64},
        {"tries": 0},
        {"max_tokens": 0},
        {"max_tokens": DEFAULT.hole + 1},
        {"marker": "  "},
    ],
)
def test_an_impossible_setting_is_refused(options):
    with pytest.raises(InfillError, match="out of range"):
        Settings.of(**options)


def test_a_setting_of_another_type_is_refused():
    with pytest.raises(OptionError, match="max_tokens is of another type"):
        Settings.of(max_tokens="5")


def test_settings_of_known_names_are_settings():
    assert Settings.of(seed=3, tries=2) == Settings(seed=3, tries=2)
