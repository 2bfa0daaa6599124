"""Which names are misspelt: those of a part of a module must not be taken for it."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import infill
from infill.edit.names import unbound
from infill.edit.spelling import alike, misspelt, slip, solitary

NAMES = st.from_regex(r"[a-rt-z]{5,9}", fullmatch=True)
WORDS = st.sampled_from(["total", "totla", "Total", "item", "items", "x", "y", "_item", "np"])


@given(NAMES, NAMES)
def test_a_slip_is_one_both_ways_and_none_of_a_name_into_itself(old, new):
    assert slip(old, new) == slip(new, old)
    assert not slip(old, old)


@given(NAMES, st.integers(1, 3), st.sampled_from(["lost", "doubled", "swapped", "another"]))
def test_one_letter_wrong_is_a_slip(name, at, how):
    new = {
        "lost": name[:at] + name[at + 1 :],
        "doubled": name[:at] + name[at] + name[at:],
        "swapped": name[:at] + name[at + 1] + name[at] + name[at + 2 :],
        "another": name[:at] + "s" + name[at + 1 :],
    }[how]
    assert slip(name, new) != (name.startswith(new) or new.startswith(name))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Rule", "rule"),
        ("groups", "group"),
        ("revise", "revised"),
        ("_add", "add"),
        ("x1", "x2"),
        ("i", "j"),
    ],
)
def test_names_that_differ_on_purpose_are_none(old, new):
    assert not slip(old, new)
    assert not slip(new, old)


@given(st.lists(WORDS, min_size=3, max_size=3), st.booleans())
def test_what_is_misspelt_is_bound_nowhere_and_in_a_module_that_is_all_of_it(words, whole):
    first, second, third = words
    text = f"def f({first}):\n    return {second} + {third}\n"
    data = (f"import os\n{text}" if whole else text).encode()
    found, every = misspelt(data), unbound(data)
    assert set(found) <= set(every)
    assert not whole or found == every


def test_functions_of_this_library_hardly_ever_seem_misspelt_when_they_are_cut_out():
    parts, wrong = 0, list[str]()
    for path in sorted(Path(infill.__file__).parent.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef):
                cut = textwrap.dedent(ast.get_source_segment(text, node) or "").encode()
                parts += bool(unbound(cut))
                wrong += [f"{path.name} {node.name}"] * bool(misspelt(cut))
    assert parts > 200
    assert len(wrong) <= parts // 100, wrong


def test_a_local_that_nothing_else_names_is_solitary():
    text = b"def f(self, lone, _x, both):\n    made = both\n    return [both for each in both]\n"
    names = {text[span.start : span.stop].decode() for span in solitary(text)}
    assert names == {"lone", "made", "each"}


def test_a_text_is_parsed_as_often_however_many_names_are_missing(monkeypatch):
    parsed, parse = list[str](), ast.parse
    monkeypatch.setattr(ast, "parse", lambda *args: (parsed.append("once"), parse(*args))[1])
    times = set[int]()
    for count in (1, 40):
        parsed.clear()
        texts = [f"def f{index}(total):\n    return totla{index}x\n" for index in range(count)]
        misspelt("".join(texts).encode())
        times.add(len(parsed))
    assert len(times) == 1


def test_alike_is_wider_than_a_slip():
    assert alike("config_pth", "confg_path")
    assert not slip("config_pth", "confg_path")
