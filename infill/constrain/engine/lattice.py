"""A canvas as a lattice: which lexer states and stacks can stand before each slot.

A front is what can be at one place: per lexer state the set of parser stacks. It moves over a
piece of the canvas: known bytes, a known token, or a hole, which is every token at once. From
the left, `advance` gives all that can be reached; from the right, `retreat` keeps what can still
be completed. Nothing is approximated and no length is guessed: a hole of k slots is k pieces.
`search.py` says how far a hole is looked into.

Fronts and pieces are interned and known by number; what a move did not change is a look-up.
`core.CoreLattice` is the same in C; this one is its oracle, and what runs without a compiler.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from infill.constrain.engine import search
from infill.constrain.engine.search import Chosen, Steps, Sweep
from infill.constrain.engine.stacks import EMPTY, Set
from infill.constrain.engine.writing import Writer
from infill.constrain.lexing.tokens import Run, Tokens, walk
from infill.constrain.lexing.transducer import Lexer
from infill.vocab import Bitmask

Front = int
"""What can stand at one place, by its number; 0 is nothing at all."""


@dataclass(frozen=True, eq=False)
class Guard:
    """A small automaton over tokens that a region must pass too; the free one has one state.

    edges   (source, target, classes): from a guard state to another by tokens of these classes
    """

    edges: tuple[tuple[int, int, frozenset[int] | None], ...] = ((0, 0, None),)
    states: int = 1
    final: int = 0
    masks: Mapping[tuple[int, int], Bitmask] = field(default_factory=dict)
    """Per edge its tokens; empty for the free guard."""


FREE = Guard()


@dataclass(frozen=True)
class Text:
    """Known bytes."""

    data: bytes


@dataclass(frozen=True)
class Token:
    """A known token: its class, the guard's edges that it may take, and whether we wrote it."""

    kind: int
    pairs: tuple[tuple[int, int], ...] = ((0, 0),)
    ours: bool = True


@dataclass(frozen=True)
class Open:
    """A slot that may hold any token that its guard lets pass.

    quiet   only tokens that end no lexeme: more letters of a name, more white space
    """

    guard: Guard = FREE
    blanks: bool = True
    quiet: bool = False


@dataclass(frozen=True)
class Close:
    """The end of a guarded region: the guard must be in its final state."""

    guard: Guard


Piece = Text | Token | Open | Close
Places = tuple[tuple[int, Set], ...]
"""Lexer state (times the guard's states, see `Guard`) → stacks, sorted."""


class Lattice(Protocol):
    """The lexer over tokens and the parser's stacks, over pieces of canvases."""

    tokens: Tokens
    start: Front
    """Before any text."""
    generation: int
    """Fronts are good as long as this is what it was."""
    numbers: dict[Piece, int]
    """Of all pieces that were registered; none is forgotten."""

    @property
    def used(self) -> float:
        """Share of the memory that is taken by what can be forgotten."""
        ...

    def tidy(self, *, soon: bool = False) -> None:
        """Forget all fronts if much of the memory is used; `soon`: if more than a little is."""
        ...

    def reset(self) -> None:
        """Forget all fronts."""
        ...

    def register(self, piece: Piece) -> int:
        """The number of a piece."""
        ...

    def ended(self, front: Front) -> Front:
        """What of the front is a complete text."""
        ...

    def advance(self, front: Front, piece: int) -> Front:
        """What can stand right of the piece."""
        ...

    def union(self, classes: Classes) -> Bitmask:
        """The tokens of the classes marked in bool [C]."""
        ...

    def sweep(
        self, entry: Front, steps: Steps, width: int, *, uneven: bool = False, room: float = 0.0
    ) -> Sweep:
        """From the left over pieces that can be one of several (`search.py`, as all below)."""
        ...

    def read(self, swept: Sweep) -> Chosen | None:
        """What to put into each place for the cheapest text; None if no text ends here."""
        ...

    def rights(self, swept: Sweep, start: int) -> NDArray[np.int32]:
        """int32 [n + 1, width + 1] What of the layers from a place on can be completed."""
        ...

    def fits(self, swept: Sweep, ahead: NDArray[np.int32], at: int) -> tuple[Classes, bool]:
        """Which classes may stand in the open piece at a place, at no cost; and if a blank may.

        bool [E, C] per edge of the piece's guard and class of tokens.
        """
        ...

    def mask(self, swept: Sweep, ahead: NDArray[np.int32], at: int) -> tuple[Bitmask, bool]:
        """The tokens that `fits` finds where the piece has no guard; and if a blank fits."""
        ...


Classes = NDArray[np.bool_]


class PythonLattice:
    """The lattice in Python."""

    def __init__(self, lexer: Lexer, tokens: Tokens, writer: Writer) -> None:
        self.lexer, self.tokens, self.writer = lexer, tokens, writer
        self.stacks = writer.stacks
        self.size = len(lexer.table)
        self.generation = 0
        self._twins = tokens.twins
        self._pieces: list[Piece] = []
        self.numbers: dict[Piece, int] = {}
        self._ways: dict[tuple[int, int], tuple[tuple[Run, int], ...]] = {}
        self._forget()

    def _forget(self) -> None:
        self._places: list[Places] = [()]
        self._fronts: dict[Places, Front] = {(): 0}
        self._forward: dict[tuple[int, Front], Front] = {}
        self._backward: dict[tuple[int, Front, Front], Front] = {}
        self.start = self._front({0: self.stacks.start})

    def register(self, piece: Piece) -> int:
        """The number of a piece."""
        if piece not in self.numbers:
            self.numbers[piece] = len(self._pieces)
            self._pieces.append(piece)
        return self.numbers[piece]

    @property
    def used(self) -> float:
        """Share of the memory that is taken, as `Stacks` counts it."""
        return self.stacks.used

    def tidy(self, *, soon: bool = False) -> None:
        """Forget all fronts if half of the memory is used; it is never too much for a cache."""
        del soon
        if self.used > 1 / 2:
            self.reset()

    def reset(self) -> None:
        """Forget all fronts."""
        self.writer.reset()
        self._forget()
        self.generation += 1

    def places(self, front: Front) -> Places:
        """The lexer states and stacks of a front."""
        return self._places[front]

    def _front(self, places: Mapping[int, Set]) -> Front:
        key = tuple(sorted(places.items()))
        if key not in self._fronts:
            self._fronts[key] = len(self._places)
            self._places.append(key)
        return self._fronts[key]

    def advance(self, front: Front, piece: int) -> Front:
        """What can stand right of the piece."""
        key = (piece, front)
        found = self._forward.get(key)
        if found is None:
            after: dict[int, Set] = {}
            for state, stacks in self._places[front]:
                for run, target in self.ways(piece, state):
                    for place, part in self._placed(target, self.writer.write(stacks, run)):
                        after[place] = self.stacks.union(after.get(place, EMPTY), part)
            found = self._forward[key] = self._front(after)
        return found

    def retreat(self, front: Front, piece: int, after: Front) -> Front:
        """What of `front`, left of the piece, leads into `after`, right of it."""
        key = (piece, front, after)
        found = self._backward.get(key)
        if found is None:
            wanted = dict(self._places[after])
            kept: dict[int, Set] = {}
            for state, stacks in self._places[front]:
                left = EMPTY
                for run, target in self.ways(piece, state):
                    back = self.writer.unwrite(stacks, run, self._wanted(wanted, target))
                    left = self.stacks.union(left, back)
                if left:
                    kept[state] = left
            found = self._backward[key] = self._front(kept)
        return found

    def _placed(self, target: int, reached: Set) -> Iterable[tuple[int, Set]]:
        """Where stacks go on that reach a state: those between brackets at its twin."""
        lexer = target % self.size
        twin = target - lexer + self._twins[lexer]
        if twin == target:
            return [(target, reached)] if reached else []
        inside, outside = self.writer.sides(reached)
        return [(place, part) for place, part in ((twin, inside), (target, outside)) if part]

    def _wanted(self, wanted: Mapping[int, Set], target: int) -> Set:
        """What is wanted at a state, its twin's stacks between brackets included."""
        lexer = target % self.size
        twin = target - lexer + self._twins[lexer]
        if twin == target:
            return wanted.get(target, EMPTY)
        inside, _ = self.writer.sides(wanted.get(twin, EMPTY))
        _, outside = self.writer.sides(wanted.get(target, EMPTY))
        return self.stacks.union(inside, outside)

    def ended(self, front: Front) -> Front:
        """What of the front is a complete text."""
        kept: dict[int, Set] = {}
        for state, stacks in self._places[front]:
            left = EMPTY
            for out in self.lexer.ends[state] if state < self.size else ():
                run = self.lexer.outs[out]
                complete = self.writer.un_end(self.writer.write(stacks, run))
                left = self.stacks.union(left, self.writer.unwrite(stacks, run, complete))
            if left:
                kept[state] = left
        return self._front(kept)

    def allowed(self, front: Front, piece: int, after: Front) -> tuple[Classes, bool]:
        """Try each class from each state; a class that is known to fit is not tried again."""
        slot, wanted = self._pieces[piece], dict(self._places[after])
        assert isinstance(slot, Open)  # noqa: S101 - our mistake, if it is one
        found = np.zeros((len(slot.guard.edges), len(self.tokens.samples)), dtype=bool)
        blank = False
        for state, stacks in self._places[front]:
            guard, lexer = divmod(state, self.size)
            here = self._wanted(wanted, state)
            blank |= slot.blanks and self.stacks.meet(stacks, here) != EMPTY
            for edge, (a, b, kinds) in enumerate(slot.guard.edges):
                for (run, q), classes in self.tokens.edges(lexer).items() if a == guard else ():
                    fits = [c for c in classes if kinds is None or c in kinds]
                    there = self._wanted(wanted, b * self.size + q)
                    if fits and self._leads(stacks, run, there):
                        found[edge, fits] = True
        return found, blank

    def _leads(self, stacks: Set, run: Run, wanted: Set) -> bool:
        reached = self.writer.write(stacks, self.writer.ours(run)) if wanted else EMPTY
        return self.stacks.meet(reached, wanted) != EMPTY

    def mask(self, swept: Sweep, ahead: NDArray[np.int32], at: int) -> tuple[Bitmask, bool]:
        """The tokens that `fits` finds where the piece has no guard; and if a blank fits."""
        classes, blank = self.fits(swept, ahead, at)
        return self.union(classes[0]), blank

    def first(self, front: Front) -> Front:
        """The front with one of its lexer states only."""
        return self._front(dict(self._places[front][:1]))

    def unite(self, one: Front, other: Front) -> Front:
        """What is in either."""
        after = dict(self._places[one])
        for state, stacks in self._places[other]:
            after[state] = self.stacks.union(after.get(state, EMPTY), stacks)
        return self._front(after)

    def union(self, classes: Classes) -> Bitmask:
        """The tokens of the classes marked in bool [C]."""
        return self.tokens.union(classes)

    def inside(self, front: Front, *, lasting: bool) -> Front:
        """The part of a front inside lexemes that may go on for long, or the other."""
        here = [(s, x) for s, x in self._places[front] if self.lasting[s % self.size] == lasting]
        return self._front(dict(here))

    @cached_property
    def lasting(self) -> list[bool]:
        """Per state whether letters, spaces and brackets leave its lexeme open, as in a string."""
        moves = [self.lexer.table[:, byte].tolist() for byte in b"a ("]
        return [
            all(move >= 0 and not any(out for out, _ in self.lexer.moves[move]) for move in row)
            for row in zip(*moves, strict=True)
        ]

    def is_open(self, piece: int) -> bool:
        """Whether a piece is an open slot."""
        return isinstance(self._pieces[piece], Open)

    def only(self, piece: int, edge: int, kind: int) -> int:
        """The piece of one class of an open piece, by an edge of its guard; -1, -1: a blank."""
        slot = self._pieces[piece]
        assert isinstance(slot, Open)  # noqa: S101 - our mistake, if it is one
        if kind < 0:
            return self.register(Token(-1, tuple((s, s) for s in range(slot.guard.states))))
        return self.register(Token(kind, (slot.guard.edges[edge][:2],)))

    def sweep(
        self, entry: Front, steps: Steps, width: int, *, uneven: bool = False, room: float = 0.0
    ) -> Sweep:
        """From the left over pieces that can be one of several."""
        return search.sweep(self, entry, steps, width, uneven=uneven, room=room)

    def read(self, swept: Sweep) -> Chosen | None:
        """What to put into each place for the cheapest text; None if no text ends here."""
        return search.read(self, swept)

    def rights(self, swept: Sweep, start: int) -> NDArray[np.int32]:
        """What of the layers from a place on can be completed."""
        return search.rights(self, swept, start)

    def fits(self, swept: Sweep, ahead: NDArray[np.int32], at: int) -> tuple[Classes, bool]:
        """`allowed` of the open piece that stands at a place at no cost."""
        return search.fits(self, swept, ahead, at)

    def ways(self, piece: int, state: int) -> tuple[tuple[Run, int], ...]:
        """From a state over the piece: what is written, and the state that follows."""
        key = (piece, state)
        found = self._ways.get(key)
        if found is None:
            guard, lexer = divmod(state, self.size)
            ways = self._find(self._pieces[piece], guard, lexer)
            found = self._ways[key] = tuple(dict.fromkeys(ways))
        return found

    def _find(self, piece: Piece, guard: int, lexer: int) -> Iterable[tuple[Run, int]]:
        size, tokens, ours = self.size, self.tokens, self.writer.ours
        match piece:
            case Text(data):
                found = walk(self.lexer, tokens.follows, lexer, data)
                return [(run, guard * size + q) for run, q in found]
            case Token(kind, pairs, by_us):
                return [
                    (ours(run) if by_us else run, b * size + q)
                    for a, b in pairs
                    if a == guard
                    for run, q in tokens.ways(kind, lexer)
                ]
            case Close(over):
                return [((), lexer)] if guard == over.final else []
            case Open(over, blanks, quiet):
                return [
                    *([((), guard * size + lexer)] if blanks else []),
                    *(
                        (ours(run), b * size + q)
                        for a, b, kinds in over.edges
                        if a == guard
                        for (run, q), classes in tokens.edges(lexer).items()
                        if (kinds is None or not kinds.isdisjoint(classes)) and not (quiet and run)
                    ),
                ]
