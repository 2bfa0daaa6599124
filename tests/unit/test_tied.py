"""Tied places and names: what names the same thing, and that all places change alike."""

from __future__ import annotations

import symtable
import sysconfig
import unicodedata
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.edit.names import IMPORTED, names_in_reach, occurrences, unbound, uses
from infill.edit.settings import Settings
from infill.edit.tied import rename, tie
from infill.edit.verify import verify
from infill.errors import BudgetError, FillError, HoleError, InputError
from infill.models.counted import Counted
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


SPELLINGS = ["ℓ", "ﬁx", "𝐱", "µ", "é", "x", "ſ"]
SHAPES = """import m as {0}
def {0}({1}: {0} = 1, *{2}) -> {0}: return {0} + {1}
class {1}:
    global {2}
    {2}: {0} = lambda {1}: {1}
try: pass
except {2} as {0}: {0}
async def {1}(): return [{0} for {0} in {1} if ({2} := {0})]
match {0}:
    case [{1}, *{2}] | {{'a': {1}, **{2}}}: f'{{{1}}} {1}'
"""


@given(st.tuples(*[st.sampled_from(SPELLINGS)] * 3), st.sampled_from(["", "\ufeff"]))
def test_a_name_stands_where_it_is_said_to_however_it_is_spelt(names, mark):
    if len({unicodedata.normalize("NFKC", name) for name in names}) < len(names):
        return
    data = (mark + SHAPES.format(*names)).encode()
    found = uses(data)
    assert Counter(use.name for use in found) == Counter(
        unicodedata.normalize("NFKC", names[int(use.name[1])])
        for use in uses(SHAPES.format("n0", "n1", "n2").encode())
    )
    for use in found:
        spelt = data[use.span.start : use.span.stop].decode()
        assert use.pinned or unicodedata.normalize("NFKC", spelt) == use.name
        assert use.pinned or spelt in names
    assert sum(bool(use.pinned) for use in found) <= 1  # in the f-string


def test_the_whole_of_a_name_is_renamed_however_it_is_spelt():
    tied = rename("ﬁx = 1\nprint(ﬁx)\n", TextEdit(Span(0, 4), b"mend"), model=NOISY)
    assert tied.text == "mend = 1\nprint(mend)\n"
    with pytest.raises(InputError, match="no renaming") as caught:
        rename("ﬁx = 1\nprint(ﬁx)\n", TextEdit(Span(0, 3), b"mend"), model=NOISY)
    assert caught.value.expected == "the whole of one name"


@pytest.mark.parametrize("end", [b"\r", b"\r\n"])
def test_lines_end_where_python_ends_them(end):
    text = CODE.replace(b"\n", end)
    found = [(use.name, text[use.span.start : use.span.stop]) for use in uses(text)]
    assert found == [(use.name, CODE[use.span.start : use.span.stop]) for use in uses(CODE)]
    check = verify(b"x = 1" + end + b"y = (" + end, "python")
    assert check.offset == 5 + len(end) + 4


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_coding_cookie_moves_no_name(mark):
    data = f"{mark}# coding: latin-1\nprint('é', é := 1, é)\n".encode()
    spans = occurrences(data, data.rindex("é".encode()))
    assert [data[span.start : span.stop].decode() for span in spans] == ["é", "é"]


@given(budget=st.integers(0, 60), filled=st.booleans())
@settings(max_examples=20)
def test_no_more_forwards_are_made_than_the_budget_allows(budget, filled):
    model, text = Counted(NOISY), "first = second = 1\nprint(first)\n"
    bounds = Settings(nfe_budget=budget)
    with suppress(BudgetError):
        if filled:
            places = [Span(0, 5), Span(25, 30)]
            tied = tie(text, places, language="python", model=model, settings=bounds)
        else:
            tied = rename(text, TextEdit(Span(0, 5), b"x"), model=model, settings=bounds)
        assert tied.forwards == model.forwards
        assert tied.stopped in {"", "nfe_budget"}
    assert model.forwards <= budget


def test_a_renaming_takes_the_best_name_that_was_scored_when_the_budget_ends():
    text, edit = "first = second = 1\nprint(first)\n", TextEdit(Span(0, 5), b"x")
    others, full = ["y", "z"], rename(text, edit, candidates=["y", "z"], model=NOISY)
    counts = set[int]()
    for budget in range(2, full.forwards + 1):
        bounds = Settings(nfe_budget=budget)
        part = rename(text, edit, candidates=others, model=NOISY, settings=bounds)
        assert set(part.choices) <= set(full.choices)
        assert part.stopped == ("" if budget == full.forwards else "nfe_budget")
        counts.add(len(part.choices))
    assert counts == set(range(1, len(full.choices) + 1))


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
