"""Laws of grammars on canvases: exhaustive search, masks, witnesses, fresh starts, C and Python."""

from __future__ import annotations

import ast
import itertools
import json
import os
import random
import re
import sysconfig
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from infill import load
from infill.canvas import Canvas, Reopen, Slot, Splice, Write
from infill.constrain import finding, grammatical
from infill.constrain.engine import compiled, kept
from infill.constrain.engine.core import CoreLattice
from infill.constrain.engine.lattice import PythonLattice
from infill.constrain.engine.stacks import Stacks
from infill.constrain.engine.writing import Writer
from infill.constrain.grammar import Grammar
from infill.constrain.grammatical import Grammatical, Known
from infill.constrain.layout import Layout
from infill.constrain.syntax import Rule, Syntax, Terminal
from infill.decode.hypothesis import Hypothesis
from infill.edit.settings import Settings
from infill.edit.workbench import Workbench
from infill.errors import GrammarError, LimitError
from infill.limits import Limits
from infill.models.scripted import Scripted, noise
from infill.vocab import Vocab, unpack

FEW = 250 if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 12
"""Examples of the laws on real text, which are slow."""

PATTERNS = {"A": "a", "B": "b", "AB": "ab", "N": "[cd]+", "P": r"\(", "Q": r"\)", "S": '"[a ]*"'}
PIECES = (*(b'a b c ( ) "'.split()), b" ", b"ab", b"a(", b')"', b"cd", b'" ', b'a"b')

# -- exhaustive search, written apart from the engine: cut longest lexemes, then derive


def readings(syntax: Syntax, text: str) -> list[list[set[str]]]:
    """Every way to cut the text into longest lexemes, as the terminals that each can be."""
    found: list[list[set[str]]] = [[]]
    at = 0
    while at < len(text):
        for end in range(len(text), at, -1):
            names = {t.name for t in syntax.terminals if re.fullmatch(t.pattern, text[at:end])}
            if names:
                break
        else:
            return []
        real = names - syntax.ignore
        found = [
            [*one, *tail]
            for one in found
            for tail in (*([[real]] if real else []), *([[]] if names & syntax.ignore else []))
        ]
        at = end
    return found


def derives(syntax: Syntax, lexemes: list[set[str]]) -> bool:
    """Whether the start symbol derives the lexemes: a least fixed point over spans."""
    size, origins = len(lexemes), {rule.origin for rule in syntax.rules}
    spans: set[tuple[str, int, int]] = set()

    def sequence(expansion: tuple[str, ...], start: int, stop: int) -> bool:
        if not expansion:
            return start == stop
        head, rest = expansion[0], expansion[1:]
        return any(
            ((head, start, mid) in spans if head in origins else _is(lexemes, head, start, mid))
            and sequence(rest, mid, stop)
            for mid in range(start, stop + 1)
        )

    while True:
        fresh = {
            (rule.origin, start, stop)
            for rule in syntax.rules
            for start in range(size + 1)
            for stop in range(start, size + 1)
            if (rule.origin, start, stop) not in spans and sequence(rule.expansion, start, stop)
        }
        if not fresh:
            return (syntax.start, 0, size) in spans
        spans |= fresh


def _is(lexemes: list[set[str]], name: str, start: int, stop: int) -> bool:
    return stop == start + 1 and name in lexemes[start]


def admits(syntax: Syntax, text: bytes) -> bool:
    return any(derives(syntax, one) for one in readings(syntax, text.decode()))


# -- what is drawn


@st.composite
def syntaxes(draw: st.DrawFn) -> Syntax:
    names = draw(st.lists(st.sampled_from(sorted(PATTERNS)), min_size=2, max_size=5, unique=True))
    terminals = [Terminal(n, PATTERNS[n], literal=PATTERNS[n].isalpha()) for n in names]
    ignored = draw(st.booleans())
    if ignored:
        terminals.append(Terminal("WS", " +"))
    origins = ["s", "x", "y"][: draw(st.integers(1, 3))]
    symbols = st.sampled_from([*names, *origins])
    expansions = st.lists(symbols, max_size=3).map(tuple)
    rules = [Rule("s", (draw(st.sampled_from(names)),))]
    rules += [
        Rule(origin, draw(expansions)) for origin in origins for _ in range(draw(st.integers(1, 3)))
    ]
    ignore = frozenset({"WS"}) if ignored else frozenset()
    return Syntax(tuple(terminals), tuple(rules), "s", ignore, lexing="all")


@st.composite
def cases(draw: st.DrawFn) -> tuple[Syntax, Vocab, Canvas, bool]:
    syntax = draw(syntaxes())
    pieces = draw(st.lists(st.sampled_from(PIECES), min_size=3, max_size=5, unique=True))
    vocab = Vocab([b"", *pieces], mask=0)
    size = draw(st.integers(1, 6))
    # at most five open slots, else the search below takes minutes
    kinds = st.sampled_from([Slot.HOLE, Slot.HOLE, Slot.GIVEN])
    slots = draw(st.lists(kinds, min_size=size, max_size=size).filter(lambda s: s.count(1) <= 5))
    ids = draw(st.lists(st.integers(1, len(pieces)), min_size=size, max_size=size))
    return syntax, vocab, Canvas(ids, slots), draw(st.booleans())


def solutions(
    syntax: Syntax, vocab: Vocab, canvas: Canvas, *, exact_length: bool
) -> list[list[int]]:
    tokens = [t for t in range(1, len(vocab)) if not (exact_length and t == vocab.blank)]
    memo: dict[bytes, bool] = {}
    found, holes = [], canvas.holes.tolist()
    for filled in itertools.product(tokens, repeat=len(holes)):
        ids = canvas.ids.copy()
        ids[holes] = filled
        text = vocab.decode(ids.tolist())
        if text not in memo:
            memo[text] = admits(syntax, text)
        if memo[text]:
            found.append(list(filled))
    return found


def constraint(syntax: Syntax, vocab: Vocab, *, exact_length: bool) -> Grammatical | None:
    try:
        return Grammar(syntax).constraint(vocab, exact_length=exact_length, exact=True)
    except GrammarError:
        return None


def tokens_of(mask: np.ndarray, vocab: Vocab) -> set[int]:
    return set(np.flatnonzero(unpack(mask, len(vocab))).tolist())


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("INFILL_CACHE", str(tmp_path_factory.getbasetemp() / "grammars"))


@given(cases())
def test_start_and_every_mask_are_what_exhaustive_search_finds(case):
    syntax, vocab, canvas, exact_length = case
    grammatical = constraint(syntax, vocab, exact_length=exact_length)
    expected = solutions(syntax, vocab, canvas, exact_length=exact_length)
    if grammatical is None:
        assert expected == []
        return
    state = grammatical.start(canvas)
    assert bool(expected) == (state is not None)
    if state is None:
        return
    for index, at in enumerate(canvas.holes.tolist()):
        assert {one[index] for one in expected} == tokens_of(state.allowed(at), vocab)
    witness = state.witness()
    assert not len(witness.holes)
    assert [int(witness.ids[at]) for at in canvas.holes.tolist()] in expected


@given(cases(), st.integers(0, 4))
def test_what_a_search_around_a_witness_finds_is_right(case, changes):
    syntax, vocab, canvas, exact_length = case
    grammatical = constraint(syntax, vocab, exact_length=exact_length)
    expected = solutions(syntax, vocab, canvas, exact_length=exact_length)
    if grammatical is None:
        return
    state = replace(grammatical, exact=False, changes=changes).start(canvas)
    if state is None:
        assert not expected  # small holes are looked at exactly, whatever the width
        return
    holes = canvas.holes.tolist()
    assert [int(state.ids[at]) for at in holes] in expected
    for index, at in enumerate(holes):
        fits = {one[index] for one in expected}
        assert tokens_of(state.allowed(at), vocab) <= fits
        for token in range(len(vocab)):
            after = state.after(Write(at, token, 0.0))
            assert (after is not None) == (token in fits)
            if after is not None:
                found = [int(after.ids[hole]) for hole in holes]
                assert found in expected
                assert found[index] == token


@given(cases())
def test_what_is_not_found_by_sweeps_of_all_widths_is_not_there(case):
    """So it is too where the look at all texts at once has no room."""
    syntax, vocab, canvas, exact_length = case
    grammatical = constraint(syntax, vocab, exact_length=exact_length)
    if grammatical is None:
        return
    expected = solutions(syntax, vocab, canvas, exact_length=exact_length)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finding, "FREELY", 1e-6)
        assert (replace(grammatical, exact=False).start(canvas) is not None) == bool(expected)


@given(cases(), st.integers(0, 9), st.booleans(), st.floats(1e-7, 1e-4))
def test_what_a_sweep_finds_in_little_room_is_right(case, width, uneven, room):
    syntax, vocab, canvas, exact_length = case
    grammatical = constraint(syntax, vocab, exact_length=exact_length)
    if grammatical is None:
        return
    grammatical = replace(grammatical, exact=False)
    layout, lattice = Layout(grammatical, canvas), grammatical.lattice
    filling = next(grammatical.fillings(layout, canvas))
    try:
        swept = lattice.sweep(grammatical.entry, filling.steps, width, uneven=uneven, room=room)
    except LimitError:
        return
    chosen = lattice.read(swept)
    if chosen is not None:
        found = layout.filled(canvas, filling.ids, chosen)[canvas.holes].tolist()
        assert found in solutions(syntax, vocab, canvas, exact_length=exact_length)


@given(cases(), st.randoms(use_true_random=False))
def test_moves_agree_with_masks_and_with_a_fresh_start(case, rng):
    syntax, vocab, canvas, exact_length = case
    grammatical = constraint(syntax, vocab, exact_length=exact_length)
    state = None if grammatical is None else grammatical.start(canvas)
    for _ in range(6):
        if state is None:
            return
        filled = np.flatnonzero(state.canvas.slots == Slot.FILLED).tolist()
        if filled and (not len(state.canvas.holes) or rng.random() < 0.3):
            state = state.after(Reopen(rng.choice(filled)))
            assert state is not None  # a reopened slot is never vetoed
        elif len(state.canvas.holes):
            at = rng.choice(state.canvas.holes.tolist())
            token = rng.randrange(len(vocab))
            after = state.after(Write(at, token, 0.0))
            assert (token in tokens_of(state.allowed(at), vocab)) == (after is not None)
            assert (token in tokens_of(state.allowed(at), vocab)) == state.admits(at, token)
            state = after or state
        fresh = grammatical.start(state.canvas)
        assert fresh == state
        for at in state.canvas.holes.tolist():
            assert (fresh.allowed(at) == state.allowed(at)).all()


@pytest.mark.skipif(compiled.library() is None, reason="the core was not built")
@given(cases(), st.booleans(), st.integers(0, 3))
def test_the_core_and_its_python_oracle_agree(case, exact, changes):
    syntax, vocab, canvas, exact_length = case
    grammatical = constraint(syntax, vocab, exact_length=exact_length)
    if grammatical is None:
        return
    grammatical = replace(grammatical, exact=exact, changes=changes)
    core = grammatical.lattice
    assert isinstance(core, CoreLattice)
    parts = kept.parts(syntax, vocab)
    writer = Writer(parts.lexer, Stacks(parts.tables), None, parts.modes)
    python = PythonLattice(parts.lexer, parts.tokens, writer)
    oracle = replace(grammatical, lattice=python, known=Known())
    one, other = grammatical.start(canvas), oracle.start(canvas)
    assert (one is None) == (other is None)
    if one is not None:
        assert one.ids.tolist() == other.ids.tolist()
    for at in canvas.holes.tolist() if one is not None else ():
        assert (one.allowed(at) == other.allowed(at)).all()


# -- where a search gives up


def test_without_the_core_memory_is_bounded_too_and_comes_back():
    grammar = Grammar.lark('start: item*\nitem: "(" item* ")" | "[" item* "]" | "x"')
    vocab = Vocab([b"", b"(", b")", b"[", b"]", b"x", b"([", b"])", b")("], mask=0)
    parts = kept.parts(grammar.syntax, vocab)
    stacks = Stacks(parts.tables, limit=3_000)
    lattice = PythonLattice(
        parts.lexer, parts.tokens, Writer(parts.lexer, stacks, None, parts.modes)
    )
    small = replace(grammar.constraint(vocab), lattice=lattice, known=Known(), effort=1.0)
    far = Canvas([0] * 12 + [2] * 40, [Slot.HOLE] * 12 + [Slot.GIVEN] * 40)  # 24 are the most
    with pytest.raises(LimitError):
        small.start(far)
    assert stacks.used < 1
    near = Canvas([1, 0, 2], [Slot.GIVEN, Slot.HOLE, Slot.GIVEN])
    assert small.start(near) is not None


def test_a_search_that_gives_up_says_so_and_names_its_limits():
    """Nothing makes a dollar sign right, but a string in a hole might: not all are looked at."""
    vocab = embedded()
    text = vocab.encode(b"\n$\n")
    slots = [Slot.HOLE] * 24 + [Slot.GIVEN] * len(text)
    with pytest.raises(LimitError, match="not all were looked at") as caught:
        replace(named("python"), effort=0.1).start(Canvas([0] * 24 + [*text], slots))
    assert "limits: changes, effort" in str(caught.value)
    bench = Workbench(Scripted(vocab, noise(vocab, 0)), Settings(limits=Limits(effort=0.1)))
    with pytest.raises(LimitError, match="not all were looked at"):
        bench.fill("<FILL_ME>\n$\n", grammar="python")


def test_a_token_is_vetoed_for_certain_or_not_at_all(monkeypatch):
    """A search that gives up says so; only a policy, which asks quickly, takes it for a no."""
    vocab = embedded()
    text = vocab.encode(b"\nx\n")
    state = named("python").start(Canvas([0, 0, *text], [Slot.HOLE] * 2 + [Slot.GIVEN] * len(text)))
    (dollar,) = vocab.encode(b"$")
    assert state.after(Write(0, dollar, 0.0)) is None

    def gives_up(*_, quick: bool = False):
        if quick:
            return
        raise LimitError("not all were looked at")

    monkeypatch.setattr(grammatical, "find", gives_up)
    (name,) = vocab.encode(b"y")
    with pytest.raises(LimitError, match="not all were looked at"):
        state.after(Write(0, name, 0.0))
    assert not state.admits(0, name)
    longer = Splice(0, 2, 3)
    with pytest.raises(LimitError, match="not all were looked at"):
        state.after(longer)
    assert Hypothesis(state.canvas, state).extend((longer,)) is None


def test_what_cannot_be_completed_in_a_few_slots_is_known_for_certain():
    vocab = embedded()
    text = vocab.encode(b"\n$\n")
    slots = [Slot.HOLE] * 3 + [Slot.GIVEN] * len(text)
    assert named("python").start(Canvas([0] * 3 + [*text], slots)) is None


# -- real text


@cache
def embedded() -> Vocab:
    return load("embedded").vocab


@cache
def named(name: str) -> Grammatical:
    return Grammar.named(name).constraint(embedded())


def statements(rng: random.Random) -> str:
    """A statement of some standard-library file, with its decorators."""
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    while True:
        text = rng.choice(files).read_text(errors="ignore")
        body = [n for n in ast.parse(text).body if 3 <= (n.end_lineno or 0) - n.lineno <= 20]
        if body:
            node = rng.choice(body)
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
            return "\n".join(text.split("\n")[first - 1 : node.end_lineno]) + "\n"


def documents(rng: random.Random) -> str:
    def value(depth: int):
        kind = rng.random()
        if depth == 0 or kind < 0.35:
            return rng.choice(["hello world", 12345, -3.5, True, None, "é\n", 1e9])
        if kind < 0.65:
            return [value(depth - 1) for _ in range(rng.randint(0, 4))]
        return {f"key {rng.randint(0, 9)}": value(depth - 1) for _ in range(rng.randint(1, 4))}

    return json.dumps([value(3)], indent=rng.choice([None, 2]))


def nested(rng: random.Random) -> tuple[bytes, bytes, bytes]:
    """A function with blocks in blocks: what is before their openers, those, and the rest."""
    columns = range(4, 4 * rng.randint(2, 6), 4)
    openers = [" " * c + rng.choice(["if a:", "for b in c:", "while d:"]) + "\n" for c in columns]
    deepest = columns[-1] + 4
    rest = ["def f():\n", " " * deepest + "e()\n"]
    rest += [" " * c + "g = 1\n" for c in reversed(columns) if rng.random() < 0.5]
    return rest[0].encode(), "".join(openers).encode(), "".join(rest[1:]).encode()


@settings(max_examples=FEW)
@given(st.integers(0, 2**32), st.integers(0, 8))
def test_a_hole_can_open_the_blocks_that_the_text_behind_it_stands_in(seed, more):
    vocab = embedded()
    before, openers, after = map(vocab.encode, nested(random.Random(seed)))  # noqa: S311 - for tests
    size = len(openers) + more
    canvas = Canvas(
        [*before, *[0] * size, *after],
        [Slot.GIVEN] * len(before) + [Slot.HOLE] * size + [Slot.GIVEN] * len(after),
    )
    state = named("python").start(canvas)
    assert state is not None
    assert judge("python")(state.witness().text(vocab).decode()) is None


@cache
def judge(name: str):
    return Grammar.named(name).judge


REAL = {"python": statements, "json": documents}


def holes(rng: random.Random, size: int) -> set[int]:
    """One to four holes of up to 40 slots, or a tenth to nine tenths of all slots, or all."""
    kind = rng.random()
    if kind < 0.1:
        return set(range(size))
    found: set[int] = set()
    if kind < 0.5:
        share = rng.uniform(0.1, 0.9)
        found = {at for at in range(size) if rng.random() < share}
    for _ in range(rng.randint(1, 4) if not found else 0):
        length = rng.randint(1, min(40, size))
        start = rng.randrange(size - length + 1)
        found |= set(range(start, start + length))
    return found


@pytest.mark.parametrize("name", sorted(REAL))
@settings(max_examples=FEW)
@given(st.integers(0, 2**32))
def test_real_text_is_admitted_and_what_is_decoded_at_random_parses(name, seed):
    rng = random.Random(seed)  # noqa: S311 - for tests
    vocab, ids = embedded(), ()
    while not 10 <= len(ids) <= 250:
        ids = vocab.encode(REAL[name](rng).encode())
    note(vocab.decode(ids).decode())
    assert named(name).start(Canvas(ids, [Slot.GIVEN] * len(ids))) is not None
    open_ = sorted(holes(rng, len(ids)))
    slots = [Slot.HOLE if at in open_ else Slot.GIVEN for at in range(len(ids))]
    note(f"open: {open_}")
    begun = named(name).start(Canvas(ids, slots))
    assert begun is not None
    assert judge(name)(begun.witness().text(vocab).decode()) is None
    state = begun
    for at in rng.sample(open_, len(open_)):  # no true token is vetoed
        state = state.after(Write(at, ids[at], 0.0))
        assert state is not None
    state = begun
    for at in rng.sample(open_, len(open_)):
        token = rng.choice(sorted(tokens_of(state.allowed(at), vocab)))
        state = state.after(Write(at, token, 0.0))
        assert state is not None
    assert judge(name)(state.canvas.text(vocab).decode()) is None
