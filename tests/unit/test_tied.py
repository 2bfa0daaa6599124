"""Tied places and names: what names the same thing, and that all places change alike."""

from __future__ import annotations

import symtable
import sysconfig
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.edit.names import IMPORTED, names_in_reach, occurrences, unbound, uses
from infill.edit.tied import rename, tie
from infill.errors import FillError, HoleError, InputError
from infill.models.scripted import Scripted, byte_vocab, favour, noise
from infill.text import Span, TextEdit

VOCAB = byte_vocab()
NOISY = Scripted(VOCAB, noise(VOCAB))
STDLIB = Path(sysconfig.get_paths()["stdlib"])
FILES = ["ast.py", "bisect.py", "heapq.py", "textwrap.py", "shlex.py", "contextlib.py", "dis.py"]
CODE = b"""import os as o
def f(xs, *, k=1):
    t = 0
    for x in xs:
        t += x
        print(f"{t} of {xs!r:>{k}} {x}")
    return [x for x in xs if (y := x)] + [y, t, o]
class A:
    xs = 1
    def g(self): return xs
xs = 5
try: pass
except OSError as e: print(e)
def h():
    global xs
    n = 0
    def i():
        nonlocal n
        n += 1
    return lambda q, *r: (q, r, i)
"""


def lines_of(name: bytes, nth: int) -> list[int]:
    at = -1
    for _ in range(nth):
        at = CODE.index(name, at + 1)
    spans = occurrences(CODE, at)
    assert {CODE[s.start : s.stop] for s in spans} == {name}
    return [CODE[: s.start].count(b"\n") + 1 for s in spans]


@pytest.mark.parametrize(
    ("name", "nth", "lines"),
    [
        (b"xs", 1, [2, 4, 6, 7]),
        (b"xs", CODE.count(b"xs"), [10, 11, 15]),
        (b"n", 21, [16, 18, 19]),
    ],
)
def test_occurrences_follow_the_rules_of_scope(name, nth, lines):
    if name == b"n":  # the variable, not a letter in another word
        at = CODE.index(b"n = 0")
        spans = occurrences(CODE, at)
        assert lines == [CODE[: s.start].count(b"\n") + 1 for s in spans]
    else:
        assert lines == lines_of(name, nth)


def tables(table: symtable.SymbolTable):
    yield table
    for child in table.get_children():
        yield from tables(child)


@pytest.mark.parametrize("file", FILES)
def test_scopes_bind_what_python_says_they_bind(file):
    data = (STDLIB / file).read_bytes()
    found = uses(data)
    scopes = {id(use.scope): use.scope for use in found}.values()
    wanted = Counter(
        symbol.get_name()
        for table in tables(symtable.symtable(data.decode(), file, "exec"))
        for symbol in table.get_symbols()
        if symbol.is_local() and not symbol.get_name().startswith((".", "_"))
    )
    got = Counter(name for s in scopes for name in s.bound if name[0] not in "_*")
    assert wanted == got
    assert unbound(data) == ()
    for use in found:
        if not use.pinned:
            assert data[use.span.start : use.span.stop].decode() == use.name


def test_a_name_that_nothing_binds_is_found_and_a_bound_one_is_not():
    assert [CODE[s.start : s.stop] for s in unbound(CODE)] == []
    broken = CODE.replace(b"t += x", b"t += z")
    assert [broken[s.start : s.stop] for s in unbound(broken)] == [b"z"]
    assert unbound(b"from os import *\nx = y\n") == ()
    assert {"k", "t", "xs", "o", "f", "A"} <= set(names_in_reach(CODE, CODE.index(b"t = 0")))


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        (b"x = 1\n", 2, "no name here"),
        (b"print(1)\n", 0, "bound elsewhere"),
        (b"import os\nos.x\n", 10, "cannot be changed everywhere"),
        (b"x = (\n", 0, "parse only"),
    ],
)
def test_what_is_no_name_of_the_text_is_told(text, at, said):
    with pytest.raises(InputError, match=said):
        occurrences(text, at)


def test_an_import_says_why_it_is_pinned():
    assert [use.pinned for use in uses(b"import os\n")] == [IMPORTED]


@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from(["zz", "value", "été"]), which=st.integers(0, 3))
def test_a_renaming_reaches_every_place_and_no_other(name, which):
    spans = occurrences(CODE, CODE.index(b"xs"))
    edit = TextEdit(spans[which], name.encode())
    tied = rename(CODE, edit, model=NOISY)
    assert tied.text_of_places == name
    expected = CODE
    for span in sorted(spans, reverse=True):
        expected = expected[: span.start] + name.encode() + expected[span.stop :]
    assert expected == tied.data


def test_a_name_that_is_taken_is_refused():
    edit = TextEdit(occurrences(CODE, CODE.index(b"t = 0"))[0], b"k")
    with pytest.raises(FillError, match="no text can stand in all tied places"):
        rename(CODE, edit, model=NOISY)


def test_part_of_a_name_is_no_renaming():
    at = CODE.index(b"xs")
    with pytest.raises(InputError, match="no renaming"):
        rename(CODE, TextEdit(Span(at, at + 1), b"y"), model=NOISY)


def test_rescoring_against_the_locked_place_finds_its_name(embedded):
    text = (
        "def mean(values):\n    acc = 0\n    for v in values:\n        acc += v\n    return acc\n"
    )
    data = text.encode()
    at = data.index(b"acc")
    others = ["count", "items", "names"]
    tied = rename(
        data,
        TextEdit(Span(at, at + 3), b"sums"),
        candidates=others,
        keeps_meaning=False,
        model=embedded,
    )
    assert tied.text == text.replace("acc", "sums")
    assert [c.score for c in tied.choices] == sorted((c.score for c in tied.choices), reverse=True)
    assert {"count", "values", "sums"} <= {choice.text for choice in tied.choices}


def test_tied_places_carry_one_text_and_the_rest_stays():
    text = "a = ?1; b = ?2; c = ?3\n"
    places = [Span(text.index(f"?{i}"), text.index(f"?{i}") + 2) for i in (1, 2, 3)]
    tied = tie(text, places, candidates=["x", "yy"], model=NOISY)
    (one,) = {tied.text_of_places}
    assert tied.text == f"a = {one}; b = {one}; c = {one}\n"
    assert tied.diff("a.txt").startswith("--- a/a.txt")
    assert tied.forwards > 0


def test_without_candidates_the_model_and_the_places_give_them():
    model = Scripted(VOCAB, favour(VOCAB, b"four"))
    tied = tie("a = one; b = two\n", [Span(4, 7), Span(13, 16)], model=model)
    assert {"one", "two", "four"} <= {choice.text for choice in tied.choices}


@pytest.mark.parametrize(
    ("places", "said"),
    [([], "no places"), ([Span(0, 0)], "empty"), ([Span(0, 3), Span(2, 4)], "overlap")],
)
def test_impossible_places_are_told(places, said):
    with pytest.raises(HoleError, match=said):
        tie("abcdef", places, model="there is none")


def test_a_candidate_that_does_not_parse_is_not_chosen():
    with pytest.raises(FillError, match="no text can stand"):
        tie("x = 1\n", [Span(4, 5)], candidates=["("], language="python", model=NOISY)
