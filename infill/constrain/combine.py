"""Constraints that need no grammar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infill.canvas import Canvas, Move, Slot, Write
from infill.vocab import Bitmask, Vocab, pack


def writable_mask(vocab: Vocab, *, exact_length: bool) -> Bitmask:
    """Every token that a slot may be given; the blank only where lengths may shrink."""
    row = vocab.writable
    if exact_length:
        row = row.copy()
        row[vocab.blank] = False
    mask = pack(row)
    mask.flags.writeable = False
    return mask


@dataclass(frozen=True, eq=False)
class Anything:
    """Admits every text. `exact_length` forbids blanks: each slot then renders to something."""

    vocab: Vocab
    exact_length: bool = False
    exact: bool = True

    def start(self, canvas: Canvas) -> AnythingState | None:
        """None only for a canvas that was filled with a token that is never written."""
        mask = writable_mask(self.vocab, exact_length=self.exact_length)
        filled = canvas.ids[canvas.slots == Slot.FILLED].tolist()
        if not all(holds(mask, token) for token in filled):
            return None
        return AnythingState(canvas, self, mask)


@dataclass(frozen=True, slots=True, eq=False)
class AnythingState:
    """No memory but the canvas."""

    canvas: Canvas
    constraint: Anything
    mask: Bitmask

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, AnythingState)
            and self.constraint is other.constraint
            and self.canvas == other.canvas
        )

    def __hash__(self) -> int:
        return hash(self.canvas)

    def after(self, move: Move) -> AnythingState | None:
        """Vetoes only the tokens that are never written."""
        canvas = self.canvas.apply((move,))  # what the canvas refuses is an error, not a veto
        if isinstance(move, Write) and not holds(self.mask, move.token):
            return None
        return AnythingState(canvas, self.constraint, self.mask)

    def allowed(self, at: int) -> Bitmask:
        """Every writable token."""
        del at
        return self.mask

    def admits(self, at: int, token: int) -> bool:
        """Whether the token is ever written."""
        del at
        return holds(self.mask, token)

    def witness(self) -> Canvas:
        """Blanks in every hole; where blanks are forbidden, the first token that renders."""
        vocab = self.constraint.vocab
        token = vocab.blank
        if self.constraint.exact_length:
            token = int(np.flatnonzero(vocab.writable & (np.arange(len(vocab)) != vocab.blank))[0])
        return self.canvas.apply(Write(int(at), token, 0.0) for at in self.canvas.holes)


def holds(mask: Bitmask, token: int) -> bool:
    """Whether a bitmask holds a token; an id that it has no bit for is not held."""
    return 0 <= token < 32 * len(mask) and bool(mask[token // 32] >> (token % 32) & 1)
