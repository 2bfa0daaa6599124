"""A grammar as a constraint on canvases: both contexts count, and the slots there are.

A canvas is admitted when its open slots can be given tokens (or blanks) so that the whole text,
with what stands before and after the canvas, belongs to the grammar's language. What is admitted
can always be completed: every state holds a witness. Where all slots are solved together
(`joint` is None) the converse holds too, and `allowed` is every token after which the canvas can
be completed (compared with exhaustive search in tests/laws/test_grammars.py). In windows, the
default, a completion may be missed.

Two reservations, on the safe side: where a lexer would have to take back more than eight bytes
to read a text, that text is not admitted (`lexing.build`); and blocks that open slots begin are
as much deeper as `Indentation.units` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Canvas, Move, Reopen, Slot, Splice, Write
from infill.constrain.affix import FREE as NO_AFFIX
from infill.constrain.affix import Affixed, Affixes
from infill.constrain.combine import holds
from infill.constrain.lattice import FREE, Front, Guard, Lattice, Open, Piece, Row, Text, Token
from infill.constrain.window import Layout, Window
from infill.errors import LimitError
from infill.vocab import Bitmask, Vocab, pack, unpack

FEW = 4
"""Up to here a grammar is so large that no other open slots are solved with a run of them."""

CHUNK = 32
"""Bytes of fixed text per piece: short enough to be shared, long enough to be few."""


@dataclass(frozen=True, eq=False)
class Grammatical:
    """The canvases whose text a grammar admits.

    before, after   text that stands left and right of the canvas and belongs to the whole
    affixes         what holes must begin and end with, as `Affixed` has it
    exact_length    no blanks: every slot renders to something
    lead            what is read before every text: the newline that `Indentation.implied_end` means
    joint           open slots that are solved together, the others as in the witness; None for
                    all of them. Then every answer is exact, at a cost that grows steeply with
                    the open slots that touch. With a number, what is admitted can be completed
                    all the same (the witness shows it), but a completion that differs from the
                    witness in more slots at once is not seen
    """

    vocab: Vocab
    lattice: Lattice
    before: bytes = b""
    after: bytes = b""
    affixes: Mapping[int, Affixes] = field(default_factory=dict)
    exact_length: bool = False
    joint: int | None = None
    lead: bytes = b""

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

    @property
    def exact(self) -> bool:
        """Whether all open slots are solved together."""
        return self.joint is None

    def start(self, canvas: Canvas) -> GrammaticalState | None:
        """None when no text of the language fits the canvas, or none was found (see `joint`)."""
        return solve(self, Layout(self, canvas))

    @cached_property
    def tail(self) -> list[int]:
        """The pieces of the text after the canvas."""
        return self._texts(self.after)

    @property
    def entry(self) -> Front:
        """What can stand where the canvas begins."""
        generation = self.lattice.generation
        if generation not in self._entries:
            row = np.array(self._texts(self.lead + self.before), np.int32)
            self._entries.clear()
            self._entries[generation] = int(self.lattice.lefts(self.lattice.start, row)[-1])
        return self._entries[generation]

    @cached_property
    def _entries(self) -> dict[int, Front]:
        return {}

    def _texts(self, data: bytes) -> list[int]:
        chunks = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
        return [self.lattice.register(Text(chunk)) for chunk in chunks]

    @cached_property
    def plain(self) -> Guard:
        """Lets the shortest tokens, keywords and line ends pass.

        Enough to complete most texts, and quick to try. A keyword is a word that is read as few
        others are; names are one large class.
        """
        tokens = self.lattice.tokens
        sizes = np.bincount(tokens.classes[tokens.classes >= 0], minlength=len(tokens.samples))
        kinds = frozenset(
            kind
            for kind, (sample, size) in enumerate(zip(tokens.samples, sizes, strict=True))
            if len(sample) == 1
            or (size <= FEW and sample.strip(b" ").isalpha())
            or not sample.strip(b" \n")
        )
        row = np.isin(self.lattice.tokens.classes, sorted(kinds))
        return Guard(((0, 0, kinds),), masks={(0, 0): pack(row)})

    def guard(self, given: int) -> Guard:
        """The automaton of the hole after so many given slots."""
        affixes = self.affixes.get(given, NO_AFFIX)
        if affixes == NO_AFFIX:
            return FREE
        guards = self._guards
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

    def slot(self, guard: Guard, *, quiet: bool = False) -> int:
        """The number of the open piece of a hole with this guard."""
        return self.lattice.register(Open(guard, blanks=not self.exact_length, quiet=quiet))

    def token(self, token: int, guard: Guard = FREE, *, ours: bool = True) -> int:
        """The number of the piece of a known token."""
        key = (token, id(guard), ours)
        if key not in self._known:
            self._known[key] = self.lattice.register(self._token(token, guard, ours=ours))
        return self._known[key]

    def _token(self, token: int, guard: Guard, *, ours: bool) -> Piece:
        if token == self.vocab.blank:
            return Token(-1, tuple((s, s) for s in range(guard.states)))
        kind = int(self.lattice.tokens.classes[token])
        if guard is not FREE:
            return Token(kind, tuple(p for p, mask in guard.masks.items() if holds(mask, token)))
        return Token(kind, ours=ours) if kind >= 0 else Text(self.vocab.token_bytes(token))

    @cached_property
    def _guards(self) -> dict[Affixes, Guard]:
        return {}

    @cached_property
    def _known(self) -> dict[tuple[int, int, bool], int]:
        return {}


def solve(constraint: Grammatical, layout: Layout) -> GrammaticalState | None:
    """The state of a canvas, with a first witness; None if there is none, or none is found.

    Few tokens are tried before many: most of a hole is left blank, or quiet where every slot
    must render.
    """
    canvas = layout.canvas
    constraint.lattice.tidy()
    holes = canvas.holes.tolist()
    for row in _attempts(constraint, layout, _runs(holes)):
        try:
            window = Window(constraint, row)
            if window.ended:
                ids = canvas.ids.copy()
                ids[holes] = window.read(layout, holes)
                return GrammaticalState(constraint, canvas, layout, ids)
        except LimitError:
            if constraint.exact:
                raise
            constraint.lattice.reset()
            return None
    return None


def _attempts(constraint: Grammatical, layout: Layout, runs: list[list[int]]) -> Iterator[Row]:
    """Rows with more and more slots open: plain tokens first, then any."""
    longest = max(map(len, runs), default=0)
    few = min(longest, 2 if len(runs) > FEW else FEW)
    plains = dict.fromkeys((2, 3, FEW, 2 * FEW, 4 * FEW, longest))
    attempts = [(False, free) for free in range(few + 1)]
    attempts += [(True, free) for free in plains]
    attempts += [(False, free) for free in range(few + 1, min(longest, FEW + 2) + 1)]
    if longest <= FEW and sum(map(len, runs)) > FEW:  # many holes: plain tokens before any
        attempts.sort(key=lambda attempt: not attempt[0])
    if constraint.joint is None:  # the answer for all slots is wanted anyway
        attempts = [(False, longest)]
    for plain, free in attempts:
        row = layout.row.copy()
        for run in runs:
            left, right = (len(run), 0) if free >= len(run) else (-(-free // 2), free // 2)
            for rank, at in enumerate(run):
                guard = layout.guards[at]
                quiet = left <= rank < len(run) - right
                guard = constraint.plain if plain and guard is FREE and not quiet else guard
                row[layout.places[at]] = constraint.slot(guard, quiet=quiet)
        yield row


def _runs(holes: list[int]) -> list[list[int]]:
    """Neighbouring holes together."""
    runs: list[list[int]] = []
    for at in holes:
        if runs and runs[-1][-1] == at - 1:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


@dataclass(frozen=True, eq=False)
class GrammaticalState:
    """One canvas with a witness: tokens for its open slots that complete it.

    layout      of this canvas, or of one that differs in what its slots hold only
    ids         int64 [T] the witness: what stands in every slot, open ones included
    """

    constraint: Grammatical
    canvas: Canvas
    layout: Layout
    ids: NDArray[np.int64]

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
        """None when the canvas cannot be completed any more."""
        canvas = self.canvas.apply((move,))  # what the canvas refuses is an error, not a veto
        match move:
            case Write(at, token):
                ids = self._with(at, token)
                return None if ids is None else replace(self, canvas=canvas, ids=ids)
            case Reopen():
                return replace(self, canvas=canvas)
            case Splice():
                return self.constraint.start(canvas)

    def admits(self, at: int, token: int) -> bool:
        """Whether `after` would not veto the token."""
        return self._with(at, token) is not None

    def allowed(self, at: int) -> Bitmask:
        """The tokens that leave the canvas one that can be completed."""
        constraint, index = self.constraint, int(self.layout.places[at])
        guard, lattice = self.layout.guards[at], constraint.lattice
        lattice.tidy()
        near = self._near(at)
        while True:
            try:
                window = self._window([at, *near])
                rights = window.rights
                fronts = int(rights[index]), int(rights[index + 1])
                classes, blank = lattice.allowed(fronts[0], int(window.row[index]), fronts[1])
                break
            except LimitError:
                if not near or constraint.exact:
                    raise
                lattice.reset()  # fewer slots at once
                near = near[: len(near) // 2]
        mask = np.zeros(-(-len(constraint.vocab) // 32), np.int32)
        for (a, b, _), fits in zip(guard.edges, classes, strict=True):
            bits = constraint.lattice.tokens.union(fits)
            mask |= bits & guard.masks[a, b] if guard.masks else bits
        if blank:
            token = constraint.vocab.blank
            mask.view(np.uint32)[token // 32] |= np.uint32(1 << (token % 32))
        return mask

    # -- windows

    def _with(self, at: int, token: int) -> NDArray[np.int64] | None:
        """The witness with the token in a slot, others changed if need be; None if none is seen."""
        vocab = self.constraint.vocab
        if self.ids[at] == token:
            return self.ids
        blank = token == vocab.blank
        if blank and self.constraint.exact_length:
            return None
        known = 0 <= token < len(vocab) and self.constraint.lattice.tokens.classes[token] >= 0
        if not blank and not known:
            return None
        self.constraint.lattice.tidy()
        near = self._near(at)
        for size in dict.fromkeys((0, min(2, len(near)), len(near))):
            free = sorted(near[:size])
            try:
                window = self._window(free, (at, token))
                found = window.read(self.layout, free) if window.ended else None
            except LimitError:
                if self.constraint.exact:
                    raise
                self.constraint.lattice.reset()
                return None
            if found is not None:
                ids = self.ids.copy()
                ids[[at, *free]] = [token, *found]
                return ids
        return None

    def _near(self, at: int) -> list[int]:
        """The open slots that are solved together with one, itself left out.

        The nearest few, then those where the witness says something, nearest first, then the
        others; never more than `joint` next to each other, for there the work multiplies.
        """
        holes = [h for h in self.canvas.holes.tolist() if h != at]
        near = sorted(holes, key=lambda h: (abs(h - at), h))
        joint = self.constraint.joint
        if joint is None:
            return near
        said = [h for h in near[4:] if self.ids[h] != self.constraint.vocab.blank]
        chosen, most = {at}, joint if joint <= FEW else 3 * joint
        for hole in dict.fromkeys((*near[:4], *said, *near)):
            if len(chosen) == most:
                break
            left = next(k for k in count(1) if hole - k not in chosen)
            right = next(k for k in count(1) if hole + k not in chosen)
            if left + right - 1 <= joint:  # the run that this slot would make
                chosen.add(hole)
        return [h for h in near if h in chosen]

    def _window(self, free: list[int], write: tuple[int, int] | None = None) -> Window:
        key = frozenset(free), write
        generation = self.constraint.lattice.generation
        if key in self._windows and self._windows[key].generation == generation:
            return self._windows[key]
        row = self._row.copy()
        for at in free:
            row[self.layout.places[at]] = self.constraint.slot(self.layout.guards[at])
        if write is not None:
            at, token = write
            row[self.layout.places[at]] = self.layout.token(at, token)
        window = self._windows[key] = Window(self.constraint, row)
        return window

    @cached_property
    def _windows(self) -> dict[tuple[frozenset[int], tuple[int, int] | None], Window]:
        return {}

    @cached_property
    def _row(self) -> Row:
        """The pieces of the witness."""
        row = self.layout.row.copy()
        ours = np.flatnonzero(self.canvas.slots != Slot.GIVEN)
        row[self.layout.places[ours]] = [
            self.layout.token(at, int(self.ids[at])) for at in ours.tolist()
        ]
        return row
