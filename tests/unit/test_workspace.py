"""Lines of a workspace: what is proposed, in what order, and that nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.bench.gaps import statement_lines
from infill.edit.bindings import targets
from infill.edit.holes import Hole
from infill.edit.ranking import chances, looked, own
from infill.edit.retrieval import Lines, renamed
from infill.edit.rows import Around, Rows, columns, shape, tokens
from infill.edit.settings import Settings
from infill.edit.workbench import Workbench
from infill.edit.workspace import Workspace
from infill.errors import UnverifiedError
from infill.models.scripted import Scripted, byte_vocab, noise

VOCAB = byte_vocab()
LINES = st.sampled_from(
    ["", "x = 1", "y = f(x)", "    return y", "    z = f(y)", "if x:", "def f(x):", "    # α", "{"]
)
TEXTS = st.lists(LINES, max_size=12).map("\n".join)
FILES = st.dictionaries(st.sampled_from(["a.py", "b.py", "c.py"]), TEXTS, max_size=3)
JSON = '{"a": [1, 2],\n "b": [1, 3],\n "c": 4}\n'


def shown(lines: Lines, around: Around):
    return [(one.text, one.origin, one.traits) for one in lines.proposals(around)]


def best(workspace: Workspace, around: Around) -> tuple[str, str]:
    found = workspace.lines.proposals(around)
    ranks = chances([one.traits for one in found])
    top = found[max(range(len(found)), key=ranks.__getitem__)]
    return top.text, top.origin


def fill(text: str, holes, workspace, *, seed: int = 0, grammar="json", **options):
    model = Scripted(VOCAB, noise(VOCAB, seed))
    chosen = Settings(**{"max_tokens": 12, "seed": seed} | options)
    bench = Workbench(model, chosen, workspace=workspace)
    return bench.fill(text, holes, grammar=grammar, name="own.json")


@given(FILES, st.sampled_from(["a.py", "d.py"]), st.none() | TEXTS, TEXTS, TEXTS)
def test_an_updated_index_is_one_built_anew(texts, name, text, left, right):
    around = Around("own.py", (left + "\n    ", "\n" + right))
    after = {key: value for key, value in texts.items() if key != name}
    after |= {} if text is None else {name: text}
    before = Workspace.of(texts)
    before.lines.proposals(around)
    updated = before.updated(name, text)
    assert shown(Workspace.of(after).lines, around) == shown(updated.lines, around)
    assert Workspace.of(after).digest == updated.digest
    assert shown(Workspace.of(texts).lines, around) == shown(before.lines, around)


@given(FILES, TEXTS, TEXTS, TEXTS, TEXTS)
def test_what_the_workspace_has_under_the_own_name_is_not_read(texts, left, right, old, older):
    around = Around("own.py", (left + "\n    ", "\n" + right))
    first, second = (Lines.of(texts | {"own.py": text}) for text in (old, older))
    assert shown(first, around) == shown(second, around)


@given(FILES, TEXTS, TEXTS, st.sampled_from(["", "x", "    y = "]), st.sampled_from(["", ")"]))
def test_a_proposal_is_a_line_of_the_workspace_or_has_its_shape(texts, left, right, head, tail):
    around = Around("own.py", (f"{left}\n{head}", f"{tail}\n{right}"))
    known = [line.strip() for text in (*texts.values(), left, right) for line in text.split("\n")]
    shapes = {shape(line) for line in known}
    for found in Lines.of(texts).proposals(around):
        assert found.text
        first, *more = found.text.split("\n")
        assert shape(head.lstrip() + first + tail) in shapes
        assert {line.strip() for line in more} <= set(known)
        path, _, number = found.origin.rpartition(":")
        assert path in {*texts, "own.py"}
        assert int(number) >= 1


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=5))
def test_chances_are_probabilities_and_leave_room_for_none(values):
    ranks = chances([{"near names": value} for value in values])
    told = looked(ranks, [-abs(value) for value in values], [3] * len(values))
    for row in (ranks, told):
        assert all(0 <= one <= 1 for one in row)
        assert sum(row) <= 1 + 1e-9
    assert sorted(range(len(values)), key=values.__getitem__) == sorted(
        range(len(values)), key=lambda i: (ranks[i], values[i])
    )
    assert 0 <= own(-1e3) <= own(-3.0) <= own(0.0) <= 1


@given(TEXTS | st.text())
def test_rows_are_the_lines_that_are_not_blank(text):
    rows = Rows.of(text)
    for line, number, indent in zip(rows.lines, rows.numbers, rows.indents, strict=True):
        whole = text.split("\n")[number - 1]
        assert (line, indent) == (whole.strip(), columns(whole))
        assert "".join(tokens(line)) == line
    assert sum(bool(line.strip()) for line in text.split("\n")) == len(rows.lines)


@pytest.mark.parametrize("hidden", ['"b": [1, 3],', '"b": [1, 2],', "null"])
def test_fills_do_not_depend_on_what_the_hole_held(hidden):
    workspace = Workspace.of({"x.json": JSON, "own.json": JSON})
    text = f'{{"a": [1, 2],\n {hidden}\n "c": 4}}\n'
    at = text.index(hidden)
    found = fill(text, [Hole(at, at + len(hidden))], workspace, alternatives=2)
    assert ('"b": [1, 3],', "x.json:2") == (found.holes[0].text, found.holes[0].origin)


@settings(max_examples=12)
@given(st.integers(0, 20), st.lists(st.integers(0, 6), min_size=1, max_size=2, unique=True))
def test_what_passes_parses_and_the_given_text_is_untouched(seed, holes):
    values = [(i, f'"k{i}": {i % 3}') for i in range(7)]
    texts = {"x.json": "{" + ",\n".join(pair for _, pair in values) + "}"}
    gone = {*holes} if abs(holes[0] - holes[-1]) != 1 else {holes[0]}
    lines = [text if i not in gone else "" for i, text in values]
    text = "{" + ",\n".join(lines) + "}"
    starts = [1 + sum(len(line) + 2 for line in lines[:i]) for i in sorted(gone)]
    found = fill(text, [Hole(at, at) for at in starts], Workspace.of(texts), seed=seed)
    for one in (found, *found.alternatives):
        assert one.ok
        json.loads(one.text)
        left, rest = one.text, text
        for hole, at in zip(one.holes[::-1], starts[::-1], strict=True):
            assert left.endswith(rest[at:])
            left = left.removesuffix(rest[at:])
            assert left.endswith(hole.text)
            left, rest = left.removesuffix(hole.text), rest[:at]
        assert left == rest
    for trace in found.traces:
        trace.replay()


def test_a_line_of_the_workspace_is_written_in_one_step_that_replays():
    workspace = Workspace.of({"x.json": JSON})
    text = JSON.replace('"b": [1, 3]', "")
    at = text.index(" ,") + 1
    found = fill(text, [Hole(at, at)], workspace)
    assert ('"b": [1, 3]', "x.json:2") == (found.holes[0].text, found.holes[0].origin)
    [step] = found.trace.steps
    assert len(step.moves) == len('"b": [1, 3]')
    assert found.windows[0].canvas == found.trace.replay()
    assert found.score < 0


def test_an_empty_workspace_is_none_and_without_one_all_is_the_models():
    text = JSON.replace("[1, 3]", "")
    at = text.index('"b": ') + 5
    without = fill(text, [Hole(at, at)], None, alternatives=1)
    empty = fill(text, [Hole(at, at)], Workspace.of({}), alternatives=1)
    assert without.text == empty.text
    texts = [[one.text for one in found.alternatives] for found in (without, empty)]
    assert texts[0] == texts[1]
    assert {"model"} == {one.holes[0].origin for one in (without, *without.alternatives)}


def test_with_no_forward_left_the_workspace_still_proposes():
    text = JSON.replace('"b": [1, 3]', "")
    at = text.index(" ,") + 1
    found = fill(text, [Hole(at, at)], Workspace.of({"x.json": JSON}), nfe_budget=0)
    assert ('"b": [1, 3]', 0, "nfe_budget") == (
        found.holes[0].text,
        found.forwards,
        found.stopped,
    )


def test_where_the_model_writes_nothing_that_parses_the_workspace_does():
    text = "def f(x):\n    \n    return x\n"
    workspace = Workspace.of({"x.py": text.replace("    \n", "    x = int(x)\n")})
    at = text.index("    \n") + 4
    options = {"language": "python", "grammar": False, "name": "own.py"}
    model, few = Scripted(VOCAB, noise(VOCAB)), Settings(tries=1, max_tokens=16)
    with pytest.raises(UnverifiedError):
        Workbench(model, few).fill(text, [Hole(at, at)], **options)
    found = Workbench(model, few, workspace=workspace).fill(text, [Hole(at, at)], **options)
    assert ("x = int(x)", "x.py:2") == (found.holes[0].text, found.holes[0].origin)
    assert found.ok
    outcomes = [trace.outcome for trace in found.traces]
    assert ["unparsable", "filled"] == outcomes


def test_a_line_that_takes_more_tokens_than_the_hole_may_have_is_not_proposed():
    text = JSON.replace('"b": [1, 3]', "")
    at = text.index(" ,") + 1
    found = fill(text, [Hole(at, at)], Workspace.of({"x.json": JSON}), max_tokens=10)
    assert "model" == found.holes[0].origin


CLASS = """class A:
    def __init__(self, width, height):
        self.width = width
        self.height = height
        self.area = width * height
"""


@pytest.mark.parametrize(
    ("left", "right", "wanted"),
    [
        (
            "class B:\n    def __init__(self, top, left):\n        self.top = top\n        ",
            "\n        self.area = top * left\n",
            "self.left = left",
        ),
        (
            "class B:\n    def __init__(self, width, height):\n        ",
            "\n        self.height = height\n",
            "self.width = width",
        ),
        ("class B:\n    def __init__(self, width, height):\n        self.width", "\n", " = width"),
        (
            "class B:\n  def __init__(self, a, b, c):\n    self.a = a\n    self.b = b\n    ",
            "\n",
            "self.area = a * b",
        ),
    ],
)
def test_lines_are_proposed_with_the_names_of_the_place(left, right, wanted):
    around = Around("b.py", (left, right))
    assert wanted in {one.text for one in Workspace.of({"a.py": CLASS}).lines.proposals(around)}


def test_several_lines_are_proposed_up_to_one_like_the_line_below():
    left = "class B:\n  def __init__(self, width, height):\n    "
    around = Around("b.py", (left, "\n    self.area = width * height\n"))
    fills = {one.text for one in Workspace.of({"a.py": CLASS}).lines.proposals(around)}
    assert "self.width = width\n    self.height = height" in fills


@given(st.text(), st.text())
def test_renaming_changes_no_more_than_the_pairs_say(line, other):
    assert line == renamed(line, [(other, other)])


@pytest.mark.parametrize(
    ("line", "pairs", "wanted"),
    [
        ("return a", [("f(a)", "f(b)")], "return b"),
        ("return get_a()", [("x_a = 1", "x_b = 1")], "return get_b()"),
        ("return a", [("f(a, a)", "f(b, c)")], None),
        ("return a", [], "return a"),
    ],
)
def test_renaming(line, pairs, wanted):
    assert wanted == renamed(line, pairs)


def test_what_a_line_binds():
    assert {"a", "b"} == targets("a, b = f(c)")
    assert {"x"} == targets("with open(p) as x:")
    assert set() == targets("if a == b:")


def test_lines_of_a_real_package_are_found_more_often_than_by_the_line_before():
    folder = Path(json.__file__).parent
    texts = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.py"))}
    workspace = Workspace.of(texts)
    follows = {
        above: below
        for text in texts.values()
        for above, below in zip(*(Rows.of(text).lines[i:] for i in (0, 1)), strict=False)
    }
    hits, plain = list[bool](), list[bool]()
    for name, text in texts.items():
        rows = text.split("\n")
        for number in statement_lines(text)[::3]:
            answer = rows[number].strip()
            indent = rows[number][: columns(rows[number])]
            left = "\n".join([*rows[:number], indent])
            right = "\n".join(["", *rows[number + 1 :]])
            hits.append(answer == best(workspace, Around(name, (left, right)))[0])
            others = [line.strip() for line in (*rows[:number], *rows[number + 1 :])]
            above = next((line.strip() for line in rows[:number][::-1] if line.strip()), "")
            plain.append(answer in others and follows.get(above) == answer)
    assert fmean(hits) >= 0.1
    assert fmean(hits) > fmean(plain)
