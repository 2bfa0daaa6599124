"""Laws of trees, of edits that replace a node by one of its symbol, and of the search over them."""

from __future__ import annotations

import ast
import importlib
import runpy
import sys
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import infill
from infill.canvas import Slot
from infill.constrain.lark import load
from infill.errors import GrammarError, InputError, OptionError
from infill.models.scripted import Scripted, byte_vocab, noise
from infill.text import Span
from infill.trees import (
    Beam,
    Derived,
    Donated,
    Edit,
    Fresh,
    LarkTrees,
    ModelEdits,
    RandomEdits,
    SitterTrees,
    at_random,
    edited,
    search,
    words_of,
)

ROOT = Path(infill.__file__).parent.parent
SUMS = """
start: e
e: e "+" t -> add | t
?t: t "*" a | a
a: N | "(" e ")" | NAME "[" [e ("," e)*] "]"
N: /[0-9]+/
NAME: /[a-zé]+/
%ignore /[ \\n]+/
"""
LISTS = """
start: _item* end
_item: (WORD | "(" start ")") ";"?
end: "." |
WORD: /[äb]+/
"""
WORDS = {
    "sums": {"N": ["1", "22"], "NAME": ["f", "né"]},
    "lists": {"WORD": ["ä", "bb"]},
}
GRAMMARS = {"sums": SUMS, "lists": LISTS}
READERS = {name: LarkTrees(text) for name, text in GRAMMARS.items()}
SYNTAX = {name: load(text) for name, text in GRAMMARS.items()}
DRAWN = {name: Derived(SYNTAX[name], WORDS[name]) for name in GRAMMARS}
VOCAB = byte_vocab()

worlds = st.sampled_from(sorted(GRAMMARS))
seeds = st.integers(0, 2**32)


@st.composite
def texts(draw, name, most=14):
    """A text of a grammar, with white space of any kind where the grammar has it."""
    text = DRAWN[name].draw("start", most, np.random.default_rng(draw(seeds)))
    return text.replace(" ", draw(st.sampled_from([" ", "\n  "])))


class Checksum:
    """A goal without sense: it must work for any; it remembers what it was asked."""

    def __init__(self, limit=2.0):
        self.limit, self.asked = limit, []

    def score(self, text):
        self.asked.append(text)
        return zlib.crc32(text.encode()) / 2**32

    def reached(self, text):
        return zlib.crc32(text.encode()) / 2**32 >= self.limit


def of(name, sigma=6):
    return RandomEdits(subtrees=DRAWN[name], sigma=sigma)


def sitter():
    return SitterTrees(importlib.import_module("tree_sitter_python").language())


def assert_well_placed(parsed):
    """Children lie inside their parents, in order; leaves are all there is but white space."""
    at, leaves = 0, 0
    for path, node in parsed.tree.walk():
        assert parsed.tree.at(path) is node
        full = [child for child in node.children if child.leaves]
        assert node.leaves == sum(child.leaves for child in full) or not node.children
        assert all(a.span.stop <= b.span.start for a, b in pairwise(full))
        assert all(node.span.start <= c.span.start and c.span.stop <= node.span.stop for c in full)
        if node.leaves and not node.children:
            assert not parsed.data[at : node.span.start].strip(b" \n\\")
            at, leaves = node.span.stop, leaves + 1
    assert leaves == parsed.tree.leaves
    assert not parsed.data[at:].strip()


@given(worlds.flatmap(lambda name: st.tuples(st.just(name), texts(name))))
def test_a_tree_covers_its_text_in_order(case):
    name, text = case
    assert_well_placed(READERS[name].read(text))


@pytest.mark.parametrize("path", ["infill/canvas.py", "infill/trees/tree.py", "hatch_build.py"])
def test_a_tree_of_real_python_covers_its_text_in_order(path):
    assert_well_placed(sitter().read((ROOT / path).read_bytes()))


@given(worlds, seeds, st.integers(0, 9), st.data())
def test_a_drawn_subtree_is_of_its_symbol_and_no_larger_than_asked(name, seed, most, data):
    symbols = [one for one in SYNTAX[name].nonterminals if not one.startswith("__")]
    symbol = data.draw(st.sampled_from(symbols))
    drawn = DRAWN[name].draw(symbol, most, np.random.default_rng(seed))
    if drawn is None:
        return
    parsed = LarkTrees(GRAMMARS[name], start=symbol).read(drawn)
    assert parsed is not None
    assert parsed.tree.leaves <= most


@pytest.mark.parametrize(
    ("name", "symbol", "least"),
    [("sums", "start", 1), ("sums", "e", 1), ("lists", "start", 0), ("lists", "_item", 1)],
)
def test_a_subtree_is_drawn_at_every_size_from_the_least(name, symbol, least):
    for most in range(6):
        rng = np.random.default_rng(most)
        assert (DRAWN[name].draw(symbol, most, rng) is None) == (most < least)


@given(worlds.flatmap(lambda name: st.tuples(st.just(name), texts(name))), seeds)
def test_an_edit_changes_one_node_and_keeps_its_symbol(case, seed):
    name, text = case
    reader = READERS[name]
    before = reader.read(text)
    for edit in of(name).propose(before, 4, np.random.default_rng(seed)):
        old = before.tree.at(edit.path)
        assert old.span == edit.span
        assert old.leaves <= 6
        assert before.text_of(old) != edit.new
        after = edited(reader, before, edit)
        if after is None:
            continue
        new = after.tree.at(edit.path)
        assert new.symbol == old.symbol
        assert new.leaves <= 6
        assert after.text_of(new) == edit.new.strip()
        hidden = [p.key_of(p.tree, hidden=p.tree.at(edit.path)) for p in (before, after)]
        assert hidden[0] == hidden[1]


@given(texts("sums"), seeds, st.data())
def test_only_what_lies_below_the_node_that_is_offered_is_edited(text, seed, data):
    parsed = READERS["sums"].read(text)
    paths = [path for path, _ in parsed.tree.walk()]
    below = data.draw(st.sampled_from(paths))
    rng = np.random.default_rng(seed)
    some = RandomEdits(subtrees=DRAWN["sums"], sigma=6, below=below).propose(parsed, 5, rng)
    inside = {path for path in paths if path != below and path[: len(below)] == below}
    assert {edit.path for edit in some} <= inside


def test_an_edit_that_would_be_another_than_it_says_is_refused():
    reader = READERS["sums"]
    product = reader.read("2 * 3")
    path, two = next(p for p in product.tree.walk() if product.text_of(p[1]) == "2" and p[0])
    assert edited(reader, product, Edit(path, two.span, "1 + 2")) is None
    assert edited(reader, product, Edit(path, two.span, "(1 + 2)")) is not None
    assert edited(reader, product, Edit(path, two.span, "2 *")) is None
    lists = READERS["lists"].read("ä;bb")  # the words would become one
    assert edited(READERS["lists"], lists, Edit((1,), Span(2, 3), "")) is None


@given(worlds.flatmap(lambda name: st.tuples(st.just(name), texts(name))))
def test_white_space_makes_no_other_text(case):
    name, text = case
    spread = text.replace(" ", " \n ") if name == "sums" else text
    assert READERS[name].read(text).key == READERS[name].read(spread).key


@settings(max_examples=15)
@given(
    worlds.flatmap(lambda name: st.tuples(st.just(name), texts(name))),
    seeds,
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from([None, at_random]),
)
def test_a_search_keeps_the_best_it_met_and_can_be_repeated(case, seed, width, children, rank):
    name, text = case
    goal = Checksum()
    extra = {} if rank is None else {"rank": rank}
    beam = Beam(width=width, children=children, nodes=60, **extra)
    known = {"reader": READERS[name], "proposer": of(name), "beam": beam, "seed": seed}
    found = search([text], goal=goal, **known)
    assert found == search([text], goal=Checksum(), **known)
    assert found.score == max(map(Checksum().score, goal.asked))
    assert found.nodes == len(goal.asked) <= 60
    keys = [READERS[name].read(one).key for one in goal.asked]
    assert len(set(keys)) == len(keys)
    assert found.forwards == 0
    replayed = READERS[name].read(found.start)
    for edit in found.edits:
        replayed = edited(READERS[name], replayed, edit)
    assert replayed.text == found.text


@given(st.floats(0, 0.95), seeds)
@settings(max_examples=15)
def test_a_search_stops_where_the_goal_is_reached(limit, seed):
    goal = Checksum(limit)
    found = search(
        ["1"],
        reader=READERS["sums"],
        proposer=Fresh(subtrees=DRAWN["sums"], most=9),
        goal=goal,
        beam=Beam(nodes=300),
        seed=seed,
    )
    assert found.reached
    assert goal.asked[-1] == found.text
    assert not any(goal.reached(text) for text in goal.asked[:-1])


def test_a_search_ends_where_there_is_nothing_new():
    reader = LarkTrees('start: "a" | "b"')
    found = search(
        ["a"],
        reader=reader,
        proposer=RandomEdits(subtrees=Derived(load('start: "a" | "b"'), {}), sigma=1),
        goal=Checksum(),
    )
    assert found.nodes == 2


def test_donated_subtrees_are_typed_edits_of_real_python():
    reader = sitter()
    parsed = reader.read((ROOT / "infill" / "goal.py").read_bytes())
    donors = RandomEdits(subtrees=Donated([parsed]), sigma=8)
    edits = donors.propose(parsed, 30, np.random.default_rng(0))
    made = [after for edit in edits if (after := edited(reader, parsed, edit)) is not None]
    assert len(edits) == 30
    assert len(made) > 15  # the others merge with what stands next to them
    assert all(after.key != parsed.key for after in made)


def test_words_are_taken_from_texts():
    words = words_of([READERS["sums"].read("f[1] + 22 * 1")])
    assert ["1", "22"] == words["N"]
    assert ["f"] == words["NAME"]
    drawn = Derived(SYNTAX["sums"], words).draw("a", 1, np.random.default_rng(0))
    assert drawn in {"1", "22"}


def sure_of(text):
    """A model that wants one text, whatever it is shown."""

    def script(canvas):
        logits = torch.zeros(len(canvas), VOCAB.model_size)
        logits[torch.arange(len(canvas)), torch.tensor(VOCAB.encode(text.encode()))] = 9.0
        return logits

    return Scripted(VOCAB, script)


@given(st.sampled_from(["1+2*3", "f[1]+(2)", "1*(2+f[3,1])"]), st.data())
def test_the_gap_is_largest_where_a_model_knows_better(text, data):
    numbers = [at for at, letter in enumerate(text) if letter.isdigit()]
    wrong = data.draw(st.sampled_from(numbers))
    parsed = READERS["sums"].read(text[:wrong] + "9" + text[wrong + 1 :])
    nodes = [node for _, node in parsed.tree.walk()]
    gaps = ModelEdits(denoiser=sure_of(text)).gaps(parsed, nodes)
    inside = [node.span.start <= wrong < node.span.stop for node in nodes]
    assert (gaps > 0).tolist() == inside
    assert nodes[int(gaps.argmax())].leaves == 1


@given(texts("sums"))
def test_a_model_that_knows_nothing_doubts_nothing(text):
    parsed = READERS["sums"].read(text)
    nodes = [node for _, node in parsed.tree.walk() if node.leaves]
    level = Scripted(VOCAB, lambda canvas: torch.zeros(len(canvas), VOCAB.model_size))
    assert not ModelEdits(denoiser=level).gaps(parsed, nodes).any()


@settings(max_examples=8)
@given(texts("sums", most=8), seeds)
def test_a_model_fills_nodes_under_the_grammar_and_its_canvases_are_counted(text, seed):
    seen = []

    def script(canvas):
        seen.append(canvas)
        return noise(VOCAB, 1)(canvas)

    parsed = READERS["sums"].read(text)
    grammar = infill.Grammar.lark(SUMS)
    model = ModelEdits(denoiser=Scripted(VOCAB, script), grammar=grammar, sigma=3)
    edits = model.propose(parsed, 3, np.random.default_rng(seed))
    assert model.forwards == len(seen)
    assert all((canvas.slots != Slot.GIVEN).any() for canvas in seen)
    for edit in edits:
        assert READERS["sums"].read(edit.made(parsed.data)) is not None
        assert edit.logp < 0
    again = ModelEdits(denoiser=Scripted(VOCAB, script), grammar=grammar, sigma=3)
    assert edits == again.propose(parsed, 3, np.random.default_rng(seed))


def test_a_search_with_the_embedded_model_improves_a_function(embedded):
    class Multiplies:
        def score(self, text):
            return float("*" in text) + 0.5 * text.count("width")

        def reached(self, text):
            return "width * height" in text

    found = search(
        ["def area(width, height):\n    return width + height\n"],
        reader=sitter(),
        proposer=ModelEdits(denoiser=embedded, language="python", sigma=3),
        goal=Multiplies(),
        beam=Beam(width=1, children=4, nodes=10),
    )
    assert found.forwards > found.nodes > 1
    assert found.score > Multiplies().score(found.start)
    ast.parse(found.text)


def test_the_toy_runs(capsys):
    runpy.run_path(str(ROOT / "examples" / "csg2d.py"), run_name="__main__")
    assert "intersection over union" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("body", "score"),
    [
        ("return width * height", 1.0),
        ("return width + height", 1 / 3),
        ("return open('x')", 0.0),
        ("return __import__('os').getcwd()", 0.0),
        ("return [0] * 10**9", 0.0),
        ("while 1: pass", 0.0),
        ("return", 0.0),
    ],
)
def test_a_goal_of_tests_is_their_part_that_passes(body, score):
    example = runpy.run_path(str(ROOT / "examples" / "repair_by_tests.py"))
    goal = example["Passing"](example["BROKEN"][0].tests)
    text = f"def area(width, height):\n    {body}\n"
    assert score == goal.score(text)
    assert (score == 1) == goal.reached(text)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (GrammarError, lambda: LarkTrees('start: a | b\na: "x"\nb: "x"')),
        (GrammarError, lambda: LarkTrees("start: missing")),
        (OptionError, lambda: Derived(SYNTAX["sums"], {})),
        (OptionError, lambda: Derived(SYNTAX["sums"], {"N": ["x"], "NAME": ["f"]})),
        (OptionError, lambda: Beam(width=0)),
    ],
)
def test_what_cannot_be_used_is_refused(error, cause):
    with pytest.raises(error) as raised:
        cause()
    assert raised.value.got or raised.value.hint


@pytest.mark.parametrize("starts", [[], ["1 +"]])
def test_a_search_wants_texts_that_parse(starts):
    with pytest.raises(InputError):
        search(starts, reader=READERS["sums"], proposer=of("sums"), goal=Checksum())


def test_without_tree_sitter_the_error_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tree_sitter", None)
    monkeypatch.delitem(sys.modules, "infill.trees.sitter_trees", raising=False)
    with pytest.raises(OptionError, match=r"pip install 'infill-lm\[tree-sitter\]'"):
        importlib.import_module("infill.trees.sitter_trees")
