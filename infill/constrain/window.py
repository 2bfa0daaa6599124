"""The pieces of one canvas, with some slots open and the others as they are or as in a witness."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from infill.canvas import Canvas, Slot
from infill.constrain.lattice import FREE, Close, Front, Fronts, Guard, Row
from infill.vocab import unpack

if TYPE_CHECKING:
    from infill.constrain.grammatical import Grammatical


class Layout:
    """Where the slots of a canvas lie among the pieces; shared by all states of one length.

    places  int32 [T] the piece of each slot
    guards  the guard of each slot
    row     int32 [n] the pieces, 0 at open slots
    """

    def __init__(self, constraint: Grammatical, canvas: Canvas) -> None:
        self.constraint, self.canvas = constraint, canvas
        row, places = list[int](), list[int]()
        self.guards: list[Guard] = []
        given, guard = 0, constraint.guard(0)
        slots, ids = canvas.slots.tolist(), canvas.ids.tolist()
        for slot, token in zip(slots, ids, strict=True):
            if slot == Slot.GIVEN:
                if guard is not FREE:
                    row.append(constraint.lattice.register(Close(guard)))
                given += 1
                guard = constraint.guard(given)
            places.append(len(row))
            self.guards.append(guard)
            if slot == Slot.HOLE:
                row.append(0)
            elif slot == Slot.FILLED:
                row.append(constraint.token(token, guard))
            else:
                row.append(constraint.token(token, FREE, ours=False))
        if guard is not FREE:
            row.append(constraint.lattice.register(Close(guard)))
        self.row = np.array([*row, *constraint.tail], np.int32)
        self.places = np.array(places, np.int32)

    def token(self, at: int, token: int) -> int:
        """The piece of a token that stands in a slot."""
        return self.constraint.token(token, self.guards[at])


class Window:
    """A row of pieces with some slots open, and what can stand between them."""

    def __init__(self, constraint: Grammatical, row: Row) -> None:
        self.lattice, self.row = constraint.lattice, row
        self.generation = self.lattice.generation
        self.lefts = self.lattice.lefts(constraint.entry, row)
        self.ended = self.lattice.ended(int(self.lefts[-1]))

    @cached_property
    def rights(self) -> Fronts:
        """What of the fronts from the left can be completed."""
        return self.lattice.rights(self.row, self.lefts)

    def read(self, layout: Layout, open_: list[int]) -> list[int]:
        """A token for each open slot (ascending), so that the whole is a text of the language."""
        constraint, lattice, tokens = layout.constraint, self.lattice, list[int]()
        places = {int(layout.places[at]): at for at in open_}
        first, last = min(places, default=0), max(places, default=-1)
        front = lattice.first(int(self.rights[first]))
        for index in range(first, last + 1):
            piece, after = int(self.row[index]), int(self.rights[index + 1])
            if (at := places.get(index)) is not None:
                tokens.append(choose(constraint, front, piece, after, layout.guards[at]))
                piece = layout.token(at, tokens[-1])
            front = lattice.common(lattice.advance(front, piece), after)
        return tokens


def choose(constraint: Grammatical, front: Front, piece: int, after: Front, guard: Guard) -> int:
    """A token that leads from the front into what is wanted; a blank if it can be."""
    classes, blank = constraint.lattice.allowed(front, piece, after)
    if blank:
        return constraint.vocab.blank
    edge, kind = (int(x[0]) for x in np.nonzero(classes))
    tokens = constraint.lattice.tokens.classes == kind
    if guard.masks:
        tokens &= unpack(guard.masks[guard.edges[edge][:2]], len(constraint.vocab))
    return int(np.argmax(tokens))
