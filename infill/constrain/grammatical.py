"""A grammar as a constraint on canvases: both contexts count, and the slots there are.

A canvas is admitted when its open slots can be given tokens (or blanks) so that the whole text,
with what stands before and after the canvas, belongs to the grammar's language. What is admitted
can always be completed: every state holds a witness, a complete canvas. Where `exact`, the
converse holds too, and `allowed` is every token after which the canvas can be completed (compared
with exhaustive search in tests/laws/test_grammars.py). Elsewhere completions are sought around
the witness (`engine/search.py`), and one that is far from it and from all others may be missed.

Two reservations, on the safe side: where a lexer would have to take back more than eight bytes
to read a text, that text is not admitted (`transducer.build`); and blocks that open slots begin are
as much deeper as `Indentation.units` says.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Canvas, Move, Reopen, Slot, Splice, Write
from infill.constrain.affix import FREE as NO_AFFIX
from infill.constrain.affix import Affixed, Affixes
from infill.constrain.blocks import Blocks
from infill.constrain.combine import holds
from infill.constrain.engine.lattice import FREE, Front, Guard, Lattice, Open, Piece, Text, Token
from infill.constrain.engine.search import Steps, Sweep
from infill.constrain.finding import Filling, find
from infill.constrain.layout import Layout
from infill.constrain.scaffold import scaffolds
from infill.constrain.syntax import Syntax
from infill.errors import LimitError
from infill.vocab import Bitmask, Vocab, unpack

NEAR = 1
"""Width of the sweeps behind masks."""

CHUNK = 32
"""Bytes of fixed text per piece: short enough to be shared, long enough to be few."""


class Known:
    """What is found out once for a lattice, whatever text stands around the canvas.

    guards      per affixes
    plain       per guard the one of plain tokens
    tokens      numbers of pieces by token, id of a guard, and whether we wrote it
    """

    def __init__(self, syntax: Syntax | None = None) -> None:
        self.syntax = syntax
        self.guards: dict[Affixes, Guard] = {}
        self.plain: dict[Guard, Guard] = {}
        self.tokens: dict[tuple[int, int, bool], int] = {}

    @cached_property
    def blocks(self) -> Blocks | None:
        """What the blocks of the language look like."""
        return None if self.syntax is None else Blocks.of(self.syntax)


@dataclass(frozen=True, eq=False)
class Grammatical:
    """The canvases whose text a grammar admits.

    before, after   text that stands left and right of the canvas and belongs to the whole
    affixes         what holes must begin and end with, as `Affixed` has it
    exact_length    no blanks: every slot renders to something
    exact           solve all open slots together: the work grows steeply with those that touch
    changes         else the widest sweep that looks for a completion
    effort          how often a search may fill the lattice's memory
    lead            what is read before every text: the newline that `Indentation.implied_end` means
    known           what was found out about the lattice
    """

    vocab: Vocab
    lattice: Lattice
    before: bytes = b""
    after: bytes = b""
    affixes: Mapping[int, Affixes] = field(default_factory=dict)
    exact_length: bool = False
    exact: bool = False
    changes: int = 16
    effort: float = 8.0
    lead: bytes = b""
    known: Known = field(default_factory=Known)

    def within(
        self,
        before: bytes,
        after: bytes,
        *,
        affixes: Mapping[int, Affixes] | None = None,
        exact_length: bool | None = None,
    ) -> Grammatical:
        """The same grammar for canvases that are a part of a longer text."""
        exact = self.exact_length if exact_length is None else exact_length
        affixes = self.affixes if affixes is None else affixes
        return replace(self, before=before, after=after, affixes=affixes, exact_length=exact)

    def start(self, canvas: Canvas) -> GrammaticalState | None:
        """None when no text of the language fits the canvas.

        Raises LimitError when none was found, and not all were looked at.
        """
        self.lattice.tidy(soon=True)
        layout = Layout(self, canvas)
        found = find(self, layout, canvas, self.fillings(layout, canvas))
        return None if found is None else GrammaticalState(self, canvas, layout, found)

    def fillings(self, layout: Layout, canvas: Canvas) -> Iterator[Filling]:
        """What to begin a search with: nothing in the open slots, then what opens blocks."""
        ids = canvas.ids.copy()
        ids[canvas.holes] = self.vocab.blank
        yield self.filling(layout, canvas, ids)
        if (blocks := self.known.blocks) is not None:
            around = {"before": self.before, "after": self.after}
            for guess in scaffolds(self.vocab, canvas, blocks, **around):
                yield self.filling(layout, canvas, guess)

    def filling(self, layout: Layout, canvas: Canvas, ids: NDArray[np.int64]) -> Filling:
        """The canvas with these tokens in its open slots.

        Where no slot may be blank, what costs least instead is more letters of a word, or white
        space.
        """
        row, holes = layout.row.copy(), canvas.holes
        row[layout.places[holes]] = [
            self.slot(layout.guards[at], quiet=True)
            if self.exact_length and token == self.vocab.blank
            else layout.token(at, token)
            for at, token in zip(holes.tolist(), ids[holes].tolist(), strict=True)
        ]
        return Filling(self.steps(layout, canvas, row), ids)

    def steps(self, layout: Layout, canvas: Canvas, row: NDArray[np.int32]) -> Steps:
        """What each place can be, a slot as in `row` at no cost."""
        holes = canvas.holes
        steps = np.full((len(row), 3), -1, np.int32)
        steps[:, 0] = row
        if self.exact:
            steps[layout.places[holes], 0] = layout.opens[holes]
        else:
            steps[layout.places[holes], 1] = layout.plains[holes]
            steps[layout.places[holes], 2] = layout.opens[holes]
        return steps

    @cached_property
    def tail(self) -> list[int]:
        """The pieces of the text after the canvas."""
        return self._texts(self.after)

    @property
    def entry(self) -> Front:
        """What can stand where the canvas begins."""
        generation = self.lattice.generation
        if generation not in self._entries:
            front = self.lattice.start
            for piece in self._texts(self.lead + self.before):
                front = self.lattice.advance(front, piece)
            self._entries.clear()
            self._entries[generation] = front
        return self._entries[generation]

    @cached_property
    def _entries(self) -> dict[int, Front]:
        return {}

    def _texts(self, data: bytes) -> list[int]:
        chunks = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
        return [self.lattice.register(Text(chunk)) for chunk in chunks]

    def guard(self, given: int) -> Guard:
        """The automaton of the hole after so many given slots."""
        affixes = self.affixes.get(given, NO_AFFIX)
        if affixes == NO_AFFIX:
            return FREE
        guards = self.known.guards
        if affixes not in guards:
            machine = Affixed(self.vocab, {given: affixes}, exact_length=True).machine(given)
            classes = self.lattice.tokens.classes
            edges = tuple(
                (a, b, frozenset(np.unique(classes[unpack(mask, len(self.vocab))]).tolist()))
                for (a, b), mask in machine.edges.items()
            )
            masks = {(a, b): mask for (a, b), mask in machine.edges.items()}
            guards[affixes] = Guard(edges, machine.final + 1, machine.final, masks)
        return guards[affixes]

    def slot(self, guard: Guard, *, quiet: bool = False, plain: bool = False) -> int:
        """The number of the open piece of a hole with this guard."""
        guard = self._plainly(guard) if plain else guard
        return self.lattice.register(Open(guard, blanks=not self.exact_length, quiet=quiet))

    def _plainly(self, guard: Guard) -> Guard:
        """The guard with plain tokens only, edge by edge."""
        if guard not in self.known.plain:
            plain = self.lattice.tokens.plain
            edges = tuple(
                (a, b, plain if kinds is None else plain & kinds) for a, b, kinds in guard.edges
            )
            self.known.plain[guard] = Guard(edges, guard.states, guard.final, guard.masks)
        return self.known.plain[guard]

    def token(self, token: int, guard: Guard = FREE, *, ours: bool = True) -> int:
        """The number of the piece of a known token."""
        key = (token, id(guard), ours)
        known = self.known.tokens
        if key not in known:
            known[key] = self.lattice.register(self._token(token, guard, ours=ours))
        return known[key]

    def _token(self, token: int, guard: Guard, *, ours: bool) -> Piece:
        if token == self.vocab.blank:
            return Token(-1, tuple((s, s) for s in range(guard.states)))
        kind = int(self.lattice.tokens.classes[token])
        if guard is not FREE:
            return Token(kind, tuple(p for p, mask in guard.masks.items() if holds(mask, token)))
        return Token(kind, ours=ours) if kind >= 0 else Text(self.vocab.token_bytes(token))


@dataclass(frozen=True, eq=False)
class GrammaticalState:
    """One canvas with a witness: tokens for its open slots that complete it.

    layout      of this canvas, or of one that differs in what its slots hold only
    found       int64 [T] the witness: what stands in every slot, open ones included; or an exact
                sweep over this canvas to read it from
    """

    constraint: Grammatical
    canvas: Canvas
    layout: Layout
    found: NDArray[np.int64] | Sweep

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, GrammaticalState)
            and self.constraint is other.constraint
            and self.canvas == other.canvas
        )

    def __hash__(self) -> int:
        return hash(self.canvas)

    def witness(self) -> Canvas:
        """One complete canvas that agrees with every given and filled slot."""
        return self.canvas.apply(
            Write(at, int(self.ids[at]), 0.0) for at in self.canvas.holes.tolist()
        )

    def after(self, move: Move) -> GrammaticalState | None:
        """None when the canvas cannot be completed any more.

        Raises LimitError when no completion was found, and not all were looked at; not for a
        token that `admits` has let pass.
        """
        canvas = self.canvas.apply((move,))  # what the canvas refuses is an error, not a veto
        match move:
            case Write(at, token):
                found = self._with(at, token)
                return None if found is None else replace(self, canvas=canvas, found=found)
            case Reopen():
                return replace(self, canvas=canvas, found=self.ids)
            case Splice():
                return self.constraint.start(canvas)

    def admits(self, at: int, token: int) -> bool:
        """Whether a quick search admits the token; `after` looks further, unless `exact`."""
        return self._with(at, token, quick=True) is not None

    def allowed(self, at: int) -> Bitmask:
        """The tokens that leave the canvas one that can be completed, not far from the witness.

        Where not `exact`, `after` may admit others still.
        """
        constraint, lattice = self.constraint, self.constraint.lattice
        swept, ahead = self._ahead(at)
        place, guard = self._place(at), self.layout.guards[at]
        if guard is FREE:
            mask, blank = lattice.mask(swept, ahead, place)
        else:
            fits, blank = lattice.fits(swept, ahead, place)
            mask = np.zeros(-(-len(constraint.vocab) // 32), np.int32)
            for (a, b, _), classes in zip(guard.edges, fits, strict=True):
                mask |= lattice.union(classes) & guard.masks[a, b]
        if blank:
            token = constraint.vocab.blank
            mask.view(np.uint32)[token // 32] |= np.uint32(1 << (token % 32))
        return mask

    # -- sweeps

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """int64 [T] The witness."""
        if not isinstance(self.found, Sweep):
            return self.found
        constraint, swept = self.constraint, self.found
        if swept.generation != constraint.lattice.generation:
            swept = constraint.lattice.sweep(constraint.entry, swept.steps, swept.width)
        chosen = constraint.lattice.read(swept)
        assert chosen is not None  # noqa: S101 - our mistake, if it is one
        return self.layout.filled(self.canvas, self.canvas.ids, chosen)

    def _with(
        self, at: int, token: int, *, quick: bool = False
    ) -> NDArray[np.int64] | Sweep | None:
        """The witness with a token in a slot, others changed if need be; None if none is found."""
        constraint = self.constraint
        if self.ids[at] == token:
            return self.ids
        if token == constraint.vocab.blank:
            if constraint.exact_length:
                return None
        elif not 0 <= token < len(constraint.vocab) or constraint.lattice.tokens.classes[token] < 0:
            return None
        found, thorough = self._tried.get((at, token), (None, False))
        if found is None and not thorough and (not quick or (at, token) not in self._tried):
            steps = self._steps.copy()
            steps[self.layout.places[at]] = self.layout.token(at, token), -1, -1
            ids = self.ids.copy()
            ids[at] = token
            canvas = self.canvas.apply((Write(at, token, 0.0),))
            fillings = itertools.chain(
                [Filling(steps, ids)],  # then afresh: the witness may lead astray
                constraint.fillings(self.layout, canvas),
            )
            found = find(constraint, self.layout, canvas, fillings, quick=quick)
            self._tried[at, token] = found, constraint.exact or not quick
        return found

    def _ahead(self, at: int) -> tuple[Sweep, NDArray[np.int32]]:
        """A sweep with the slot open at no cost, and what of it can be completed."""
        lattice, exact, place = self.constraint.lattice, self.constraint.exact, self._place(at)
        key = None if exact else at  # with all slots open, one is like another
        if key in self._sweeps and self._sweeps[key][0].generation == lattice.generation:
            return self._sweeps[key]
        lattice.tidy()
        if isinstance(self.found, Sweep) and self.found.generation == lattice.generation:
            self._sweeps[key] = self.found, lattice.rights(self.found, 0)
            return self._sweeps[key]
        steps = self._steps.copy()
        steps[place] = self.layout.opens[at], -1, -1
        width = 0 if exact else min(NEAR, self.constraint.changes)
        while True:
            try:
                swept = lattice.sweep(self.constraint.entry, steps, width)
                ahead = lattice.rights(swept, 0 if exact else place + 1)
                break
            except LimitError:
                if not width:
                    raise
                lattice.reset()
                width -= 1
        self._sweeps[key] = swept, ahead
        return swept, ahead

    def _place(self, at: int) -> int:
        return int(self.layout.places[at])

    @cached_property
    def _sweeps(self) -> dict[int | None, tuple[Sweep, NDArray[np.int32]]]:
        return {}

    @cached_property
    def _tried(self) -> dict[tuple[int, int], tuple[NDArray[np.int64] | Sweep | None, bool]]:
        """What was found for a token in a slot, and whether that was a thorough search."""
        return {}

    @cached_property
    def _steps(self) -> Steps:
        """What each place can be, the witness at no cost."""
        row = self.layout.row.copy()
        ours = np.flatnonzero(self.canvas.slots != Slot.GIVEN)
        row[self.layout.places[ours]] = [
            self.layout.token(at, int(self.ids[at])) for at in ours.tolist()
        ]
        return self.constraint.steps(self.layout, self.canvas, row)
