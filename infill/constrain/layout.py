"""Where the slots of a canvas lie among the pieces of its text, and what each of them can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Canvas, Slot
from infill.constrain.engine.lattice import FREE, Close, Guard
from infill.constrain.engine.search import AS_IT_IS, Chosen
from infill.vocab import unpack

if TYPE_CHECKING:
    from infill.constrain.grammatical import Grammatical


class Layout:
    """Where the slots of a canvas lie among the pieces; shared by all states of one length.

    places  int32 [T] the piece of each slot
    guards  the guard of each slot
    row     int32 [n] the pieces, 0 at open slots
    plains  int32 [T] the open piece that takes plain tokens in each slot
    opens   int32 [T] the one that takes any
    """

    def __init__(self, constraint: Grammatical, canvas: Canvas) -> None:
        self.constraint, self.canvas = constraint, canvas
        row, places = list[int](), list[int]()
        self.guards: list[Guard] = []
        given, guard = 0, constraint.guard(0) if constraint.affixes else FREE
        slots, ids = canvas.slots.tolist(), canvas.ids.tolist()
        for slot, token in zip(slots, ids, strict=True):
            if slot == Slot.GIVEN:
                if guard is not FREE:
                    row.append(constraint.lattice.register(Close(guard)))
                given += 1
                guard = constraint.guard(given) if constraint.affixes else FREE
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
        plains = {guard: constraint.slot(guard, plain=True) for guard in set(self.guards)}
        opens = {guard: constraint.slot(guard) for guard in plains}
        self.plains = np.array([plains[guard] for guard in self.guards], np.int32)
        self.opens = np.array([opens[guard] for guard in self.guards], np.int32)

    def token(self, at: int, token: int) -> int:
        """The piece of a token that stands in a slot."""
        return self.constraint.token(token, self.guards[at])

    def filled(self, canvas: Canvas, ids: NDArray[np.int64], chosen: Chosen) -> NDArray[np.int64]:
        """The ids with what was chosen for the open slots."""
        filled, holes = ids.copy(), canvas.holes
        choices = chosen[self.places[holes]].tolist()
        for at, (edge, kind) in zip(holes.tolist(), choices, strict=True):
            if edge != AS_IT_IS:
                filled[at] = self._member(self.guards[at], edge, kind)
        return filled

    def _member(self, guard: Guard, edge: int, kind: int) -> int:
        """A token of a class that takes an edge of a guard; a blank where both are -1."""
        vocab, tokens = self.constraint.vocab, self.constraint.lattice.tokens
        if kind < 0:
            return vocab.blank
        if not guard.masks:
            return int(tokens.firsts[kind])
        mask = guard.masks[guard.edges[edge][:2]]
        return int(np.argmax((tokens.classes == kind) & unpack(mask, len(vocab))))
