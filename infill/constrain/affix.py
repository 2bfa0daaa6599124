"""Holes that must begin and end with given bytes, whatever tokens they are cut into.

This is how the tokens at a splice are healed: the user's bytes next to a hole are offered to
the model again, as bytes, so that the join can be one natural token ("retu" + "rn"), and the
constraint holds the bytes where they were. A hole may also have to stay on its line. Knows
nothing of models or files.

A hole is a walk through a small automaton. With the prefix p and the suffix s its states are
"i bytes of p are written" (i < |p|), "free", and "the last j bytes are s[:j]" (0 < j ≤ |s|);
a token is a relation between states. What a slot may hold follows from the states reachable
from the left and those that still reach the end on the right. This is exact.

>>> from infill.vocab import unpack
>>> vocab = Vocab([b"", b"a", b"b", b"ab"], mask=0)
>>> canvas = Canvas([0, 0], [Slot.HOLE, Slot.HOLE])
>>> state = Affixed(vocab, {0: Affixes(b"a", b"b")}, exact_length=True).start(canvas)
>>> [vocab.token_bytes(t) for t in np.flatnonzero(unpack(state.allowed(0), len(vocab)))]
[b'a', b'ab']
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from infill.canvas import Canvas, Move, Slot, Splice, Write
from infill.constrain.combine import holds
from infill.vocab import Bitmask, Bools, Vocab, pack

States = frozenset[int]


class Affixes(NamedTuple):
    """What a hole begins and ends with, if it must stay on its line, bytes it must not hold."""

    prefix: bytes = b""
    suffix: bytes = b""
    one_line: bool = False
    without: bytes = b""


FREE = Affixes()


class Walk(NamedTuple):
    """A hole's machine and first slot, and the live states before and after each slot."""

    machine: Machine
    start: int
    lefts: tuple[States, ...]
    rights: tuple[States, ...]


class Machine:
    """The automaton of one pair of affixes, as token sets between its states.

    State i < |p|: i bytes of the prefix are written. State |p| + j: past the prefix, and the
    text ends with s[:j] where the suffix is being written; j = 0 is "free". The last is final.
    """

    def __init__(self, vocab: Vocab, affixes: Affixes, *, exact_length: bool) -> None:
        prefix, suffix, one_line, without = affixes
        banned = {*without, *(b"\n" if one_line else b"")}
        self.free = len(prefix)
        self.final = self.free + len(suffix)
        pieces = [vocab.token_bytes(token) for token in range(len(vocab))]
        visible = np.array([bool(piece) for piece in pieces]) & vocab.writable
        if banned:
            visible &= np.array([banned.isdisjoint(piece) for piece in pieces])
        edges: dict[tuple[int, int], Bools] = {}
        for source in range(self.final + 1):
            for token in np.flatnonzero(visible).tolist() if source < self.free else ():
                for target in self._from_prefix(pieces[token], prefix[source:], suffix, source):
                    self._add(edges, source, target, token, len(vocab))
            for j in range(len(suffix) + 1 if source == self.free else 0):
                tails = [piece.endswith(suffix[:j]) for piece in pieces] if j else visible
                edges[source, source + j] = visible & np.array(tails)
            if self.free < source < self.final:
                rest = suffix[source - self.free :]
                for token in np.flatnonzero(visible).tolist():
                    if rest.startswith(pieces[token]):
                        self._add(edges, source, source + len(pieces[token]), token, len(vocab))
            if not exact_length:
                self._add(edges, source, source, vocab.blank, len(vocab))
        self.edges = {pair: pack(tokens) for pair, tokens in edges.items() if tokens.any()}
        self.first = {pair: int(np.argmax(tokens)) for pair, tokens in edges.items()}
        self.states = range(self.final + 1)

    def _from_prefix(self, piece: bytes, rest: bytes, suffix: bytes, source: int) -> list[int]:
        if rest.startswith(piece):
            return [source + len(piece)]
        if not piece.startswith(rest):
            return []
        over = piece[len(rest) :]
        return [self.free + j for j in range(len(suffix) + 1) if over.endswith(suffix[:j])]

    @staticmethod
    def _add(
        edges: dict[tuple[int, int], Bools], source: int, target: int, token: int, size: int
    ) -> None:
        edges.setdefault((source, target), np.zeros(size, dtype=bool))[token] = True

    def pairs(self, token: int | None) -> frozenset[tuple[int, int]]:
        """The state changes that a token makes; those of any token for None (a hole)."""
        return self._any if token is None else self._of(token)

    @cached_property
    def _any(self) -> frozenset[tuple[int, int]]:
        return frozenset(self.edges)

    def _of(self, token: int) -> frozenset[tuple[int, int]]:
        return frozenset(pair for pair, mask in self.edges.items() if holds(mask, token))


@lru_cache(maxsize=256)
def _machine(vocab: Vocab, affixes: Affixes, exact_length: bool) -> Machine:  # noqa: FBT001
    return Machine(vocab, affixes, exact_length=exact_length)


@dataclass(frozen=True, eq=False)
class Affixed:
    """Holes with their affixes, by the number of given slots to their left (`Canvas.between`).

    Holes that are not named are free.
    """

    vocab: Vocab
    affixes: Mapping[int, Affixes]
    exact_length: bool = False
    exact: bool = True

    def machine(self, given: int) -> Machine:
        """The automaton of one hole."""
        return _machine(self.vocab, self.affixes.get(given, FREE), self.exact_length)

    def start(self, canvas: Canvas) -> AffixedState | None:
        """None when some hole has too few slots for its affixes."""
        state = AffixedState(self, canvas)
        return state if state.alive else None


@dataclass(frozen=True, eq=False)
class AffixedState:
    """One canvas, and for each of its holes what is reachable from either side."""

    constraint: Affixed
    canvas: Canvas

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, AffixedState)
            and self.constraint is other.constraint
            and self.canvas == other.canvas
        )

    def __hash__(self) -> int:
        return hash(self.canvas)

    @property
    def alive(self) -> bool:
        """Whether every hole can be completed."""
        return all(
            machine.final in lefts[-1]
            for machine, _, lefts, _ in (self._walk(given) for given in self._holes)
        )

    def after(self, move: Move) -> AffixedState | None:
        """None when the token is not allowed, or a splice leaves too few slots."""
        canvas = self.canvas.apply((move,))  # what the canvas refuses is an error, not a veto
        if isinstance(move, Write) and not self.admits(move.at, move.token):
            return None
        state = AffixedState(self.constraint, canvas)
        return None if isinstance(move, Splice) and not state.alive else state

    def allowed(self, at: int) -> Bitmask:
        """The tokens that lead from a state reached on the left to one that ends well."""
        machine, start, lefts, rights = self._walk(self._given_before(at))
        mask = np.zeros(-(-len(self.constraint.vocab) // 32), dtype=np.int32)
        for (source, target), tokens in machine.edges.items():
            if source in lefts[at - start] and target in rights[at - start + 1]:
                mask |= tokens
        return mask

    def admits(self, at: int, token: int) -> bool:
        """Whether `allowed(at)` holds the token."""
        return holds(self.allowed(at), token)

    def witness(self) -> Canvas:
        """Some tokens that complete every hole."""
        canvas = self.canvas
        for given in self._holes:
            machine, start, _, rights = self._walk(given)
            state = 0
            for index, after in enumerate(rights[1:]):
                at = start + index
                token = int(canvas.ids[at]) if canvas.slots[at] == Slot.FILLED else None
                pair = min(p for p in machine.pairs(token) if p[0] == state and p[1] in after)
                state = pair[1]
                if token is None:
                    canvas = canvas.apply((Write(at, machine.first[pair], 0.0),))
        return canvas

    @cached_property
    def _holes(self) -> list[int]:
        """Each hole's number of given slots to its left, the emptied ones too."""
        named = [given for given in self.constraint.affixes if given <= self._anchors]
        found = {self._given_before(start) for start, _ in self.canvas.regions()}
        return sorted(found.union(named))

    @cached_property
    def _anchors(self) -> int:
        return int((self.canvas.slots == Slot.GIVEN).sum())

    def _given_before(self, at: int) -> int:
        return int((self.canvas.slots[:at] == Slot.GIVEN).sum())

    def _walk(self, given: int) -> Walk:
        """The hole after `given` given slots; kept, since every slot of it is asked about."""
        if given not in self._walks:
            start, stop = self.canvas.between(given)
            holes = (self.canvas.slots[start:stop] == Slot.HOLE).tolist()
            ids = self.canvas.ids[start:stop].tolist()
            tokens = tuple(None if hole else t for t, hole in zip(ids, holes, strict=True))
            machine = self.constraint.machine(given)
            self._walks[given] = Walk(machine, start, *_sweep(machine, tokens))
        return self._walks[given]

    @cached_property
    def _walks(self) -> dict[int, Walk]:
        return {}


@lru_cache(maxsize=4_096)
def _sweep(
    machine: Machine, tokens: tuple[int | None, ...]
) -> tuple[tuple[States, ...], tuple[States, ...]]:
    """States reachable before each slot from the left, and those that can end from the right."""
    lefts = [frozenset({0})]
    for token in tokens:
        lefts.append(frozenset(b for a, b in machine.pairs(token) if a in lefts[-1]))
    rights = [frozenset({machine.final})]
    for token in reversed(tokens):
        rights.append(frozenset(a for a, b in machine.pairs(token) if b in rights[-1]))
    return tuple(lefts), tuple(reversed(rights))
