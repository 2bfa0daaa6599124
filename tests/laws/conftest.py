"""The worlds that the laws are held in: constraints, canvases for them, independent checks.

A world draws cases. A case is a constraint, a canvas, and `accepts`, which judges a finished
canvas from its bytes alone and shares no code with the constraint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import strategies as st

from infill.canvas import Canvas, Reopen, Slot, Splice, Write
from infill.constrain.affix import Affixed, Affixes
from infill.constrain.combine import Anything
from infill.constrain.protocol import Constraint
from infill.vocab import Vocab, pack, unpack

LETTERS = (b"", b"a", b"b", b"ab", b"ba")
BRACKETS = (b"", b"(", b")", b"x", b")((")
VOCABS = {
    "letters, virtual blank": Vocab(LETTERS, mask=0),
    "letters, own blank": Vocab((b"", b"", *LETTERS[1:4]), mask=1, blank=0),
    "letters and line ends": Vocab((*LETTERS[:3], b"a\n", b"\n"), mask=0),
    "brackets, virtual blank": Vocab(BRACKETS, mask=0),
    "brackets, own blank": Vocab((*BRACKETS, b""), mask=0, blank=5),
}
SLOTS = 5
BANNED = (b"", b"", b"a", b"\n")
DEEPEST = 2


@dataclass(frozen=True)
class Case:
    vocab: Vocab
    constraint: Constraint
    canvas: Canvas
    exact_length: bool
    accepts: Callable[[Canvas], bool]

    @property
    def words(self) -> list[int]:
        """The tokens that a slot may be given at all, by the definition in DESIGN §4."""
        visible = [t for t in range(len(self.vocab)) if self.vocab.token_bytes(t)]
        return visible if self.exact_length else [*visible, self.vocab.blank]

    def completions(self, canvas: Canvas) -> list[Canvas]:
        """Every valid way to fill the canvas, by trying all."""
        filled = (
            canvas.apply(Write(int(at), t, 0.0) for at, t in zip(canvas.holes, ids, strict=True))
            for ids in product(self.words, repeat=len(canvas.holes))
        )
        return [one for one in filled if self.valid(one)]

    def valid(self, canvas: Canvas) -> bool:
        ours = canvas.ids[canvas.slots == Slot.FILLED].tolist()
        return all(token in self.words for token in ours) and self.accepts(canvas)


def _net(piece: bytes) -> int:
    return piece.count(b"(") - piece.count(b")")


@dataclass(frozen=True, eq=False)
class Dyck:
    """Balanced brackets over the whole canvas, never deeper than `deepest`."""

    vocab: Vocab
    exact_length: bool
    deepest: int = DEEPEST
    exact: bool = True

    def start(self, canvas: Canvas) -> DyckState | None:
        state = DyckState(self, canvas)
        return state if 0 in state.rights[0] else None

    @cached_property
    def words(self) -> frozenset[int]:
        words = np.flatnonzero(self.vocab.writable).tolist()
        return frozenset(words) - ({self.vocab.blank} if self.exact_length else set())

    def walk(self, depth: int, token: int) -> int | None:
        for letter in self.vocab.token_bytes(token):
            depth += {"(": 1, ")": -1}.get(chr(letter), 0)
            if not 0 <= depth <= self.deepest:
                return None
        return depth


@dataclass(frozen=True, eq=False)
class DyckState:
    constraint: Dyck
    canvas: Canvas

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DyckState) and self.canvas == other.canvas

    def __hash__(self) -> int:
        return hash(self.canvas)

    def _tokens(self, at: int) -> frozenset[int]:
        slot, token = self.canvas.slots[at], int(self.canvas.ids[at])
        if slot == Slot.HOLE:
            return self.constraint.words
        return frozenset({token}) if slot == Slot.GIVEN else self.constraint.words & {token}

    @cached_property
    def lefts(self) -> list[frozenset[int]]:
        lefts, walk = [frozenset({0})], self.constraint.walk
        for at in range(len(self.canvas)):
            ends = {walk(depth, token) for depth in lefts[-1] for token in self._tokens(at)}
            lefts.append(frozenset(ends - {None}))
        return lefts

    @cached_property
    def rights(self) -> list[frozenset[int]]:
        rights, walk = [frozenset({0})], self.constraint.walk
        for at in reversed(range(len(self.canvas))):
            rights.append(
                frozenset(
                    depth
                    for depth in range(self.constraint.deepest + 1)
                    if any(walk(depth, token) in rights[-1] for token in self._tokens(at))
                )
            )
        return rights[::-1]

    def allowed(self, at: int):
        row = np.zeros(len(self.constraint.vocab), dtype=bool)
        for token in self.constraint.words:
            ends = {self.constraint.walk(depth, token) for depth in self.lefts[at]}
            row[token] = bool(ends & self.rights[at + 1])
        return pack(row)

    def admits(self, at: int, token: int) -> bool:
        return 0 <= token < len(self.constraint.vocab) and bool(
            unpack(self.allowed(at), len(self.constraint.vocab))[token]
        )

    def after(self, move):
        canvas = self.canvas.apply((move,))
        if isinstance(move, Write) and move.token not in self.constraint.words:
            return None
        return self.constraint.start(canvas)

    def witness(self) -> Canvas:
        canvas, depth = self.canvas, 0
        for at in range(len(canvas)):
            ends = {self.constraint.walk(depth, t): t for t in sorted(self._tokens(at))}
            depth = min(end for end in ends if end in self.rights[at + 1])
            if canvas.slots[at] == Slot.HOLE:
                canvas = canvas.apply((Write(at, ends[depth], 0.0),))
        return canvas


def balanced(vocab: Vocab) -> Callable[[Canvas], bool]:
    def accepts(canvas: Canvas) -> bool:
        text = vocab.decode(canvas.ids.tolist())
        depths = [_net(text[:stop]) for stop in range(len(text) + 1)]
        return 0 <= min(depths) and max(depths) <= DEEPEST and depths[-1] == 0

    return accepts


def bordered(vocab: Vocab, affixes: Mapping[int, Affixes]):
    """Each named stretch between given slots has its prefix and suffix, and keeps to its line."""

    def accepts(canvas: Canvas) -> bool:
        stretches: list[bytes] = [b""]
        for token, slot in zip(canvas.ids.tolist(), canvas.slots.tolist(), strict=True):
            if slot == Slot.GIVEN:
                stretches.append(b"")
            else:
                stretches[-1] += vocab.token_bytes(token)
        return all(
            text.startswith(prefix)
            and text.endswith(suffix)
            and len(text) >= len(prefix) + len(suffix)
            and not (one_line and b"\n" in text)
            and not set(without) & set(text)
            for text, (prefix, suffix, one_line, without) in (
                (stretches[k], affixes[k]) for k in affixes
            )
        )

    return accepts


@st.composite
def canvases(draw, vocab: Vocab, *, longest: int = SLOTS, filled: bool = True) -> Canvas:
    """Given, open and filled slots in any order; what is given or filled is any token."""
    kinds = [Slot.HOLE, Slot.HOLE, Slot.GIVEN, *([Slot.FILLED] if filled else [])]
    slots = draw(st.lists(st.sampled_from(kinds), max_size=longest))
    tokens = st.sampled_from([t for t in range(len(vocab)) if vocab.writable[t]])
    ids = [draw(tokens) if slot != Slot.HOLE else 0 for slot in slots]
    return Canvas(ids, slots, [-0.5] * len(slots))


@st.composite
def anything_cases(draw, *, exact_length: bool, longest: int) -> Case:
    vocab = VOCABS[draw(st.sampled_from(sorted(VOCABS)))]
    canvas = draw(canvases(vocab, longest=longest))
    constraint = Anything(vocab, exact_length=exact_length)
    return Case(vocab, constraint, canvas, exact_length, lambda _: True)


@st.composite
def affixed_cases(draw, *, exact_length: bool, longest: int) -> Case:
    vocab = VOCABS[draw(st.sampled_from([name for name in VOCABS if "letters" in name]))]
    canvas = draw(canvases(vocab, longest=longest))
    border = st.sampled_from([b"", b"a", b"b", b"ab", b"ba", b"aab", b"bab"])
    stretches = int((canvas.slots == Slot.GIVEN).sum()) + 1
    named = draw(st.sets(st.integers(0, stretches - 1), max_size=stretches))
    affixes = {
        k: Affixes(draw(border), draw(border), draw(st.booleans()), draw(st.sampled_from(BANNED)))
        for k in sorted(named)
    }
    constraint = Affixed(vocab, affixes, exact_length=exact_length)
    return Case(vocab, constraint, canvas, exact_length, bordered(vocab, affixes))


@st.composite
def dyck_cases(draw, *, exact_length: bool, longest: int) -> Case:
    vocab = VOCABS[draw(st.sampled_from([name for name in VOCABS if "brackets" in name]))]
    canvas = draw(canvases(vocab, longest=longest))
    return Case(vocab, Dyck(vocab, exact_length), canvas, exact_length, balanced(vocab))


@st.composite
def moves(draw, canvas: Canvas, vocab: Vocab):
    """A move that the canvas takes, whatever a constraint says of it; None if it takes none."""
    filled = np.flatnonzero(canvas.slots == Slot.FILLED).tolist()
    holes = canvas.holes.tolist()
    kinds = [*(["write", "splice"] if holes else []), *(["reopen"] if filled else [])]
    if not kinds:
        return None
    kind = draw(st.sampled_from(kinds))
    if kind == "write":
        token = draw(st.integers(0, len(vocab) - 1))
        return Write(draw(st.sampled_from(holes)), token, -draw(st.integers(0, 8)) / 4)
    if kind == "reopen":
        return Reopen(draw(st.sampled_from(filled)))
    at = draw(st.sampled_from(holes))
    run = 1
    while at + run in holes:
        run += 1
    room = max(0, SLOTS + 1 - len(canvas))
    return Splice(at, draw(st.integers(0, run)), draw(st.integers(0, room)))


@st.composite
def walks(draw, state, vocab: Vocab, *, longest: int = 6):
    """The states along some admitted moves from a state, and the moves."""
    states, taken = [state], []
    for _ in range(draw(st.integers(0, longest))):
        move = draw(moves(states[-1].canvas, vocab))
        after = None if move is None else states[-1].after(move)
        if after is not None:
            states.append(after)
            taken.append(move)
    return states, taken


WORLDS = {
    f"{name}, {'exact length' if exact else 'blanks'}": (cases, exact)
    for name, cases in (
        ("anything", anything_cases),
        ("affixed", affixed_cases),
        ("dyck", dyck_cases),
    )
    for exact in (False, True)
}


@dataclass(frozen=True)
class World:
    """Draws cases, and cases that can be completed together with their state."""

    name: str

    def cases(self, longest: int = SLOTS):
        strategy, exact_length = WORLDS[self.name]
        return strategy(exact_length=exact_length, longest=longest)

    def living(self, longest: int = SLOTS):
        return (
            self.cases(longest)
            .map(lambda case: (case, case.constraint.start(case.canvas)))
            .filter(lambda pair: pair[1] is not None)
        )


@pytest.fixture(scope="session", params=sorted(WORLDS))
def world(request) -> World:
    return World(request.param)


@pytest.fixture(scope="session")
def draws() -> SimpleNamespace:
    """The strategies that the laws share."""
    return SimpleNamespace(
        canvases=canvases,
        moves=moves,
        walks=walks,
        vocabs=VOCABS,
        tokens=lambda state, at, vocab: np.flatnonzero(
            unpack(state.allowed(at), len(vocab))
        ).tolist(),
    )
