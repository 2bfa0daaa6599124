"""A canvas, where its constraint stands, and the step that led here."""

from __future__ import annotations

from dataclasses import dataclass

from infill.canvas import Canvas, Move, Step, Write
from infill.constrain.protocol import State


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One candidate result on its way; immutable, so that hypotheses share their past."""

    canvas: Canvas
    state: State
    parent: Hypothesis | None = None
    step: Step = ()

    @property
    def done(self) -> bool:
        """Whether no hole is left."""
        return not len(self.canvas.holes)

    def extend(self, step: Step) -> Hypothesis | None:
        """The hypothesis after the moves that the constraint admits, or None if none is.

        Moves are taken in their order and each is judged after those before it: that every one
        is allowed alone does not make them allowed together.
        """
        state, taken = self.state, list[Move]()
        for move in step:
            if isinstance(move, Write) and not state.admits(move.at, move.token):
                continue  # a quick no: a long search for a yes is not worth its time here
            if (after := state.after(move)) is not None:
                state = after
                taken.append(move)
        if not taken:
            return None
        return Hypothesis(self.canvas.apply(taken), state, self, tuple(taken))

    def lineage(self) -> list[Hypothesis]:
        """From the start, whose step is empty, to this one."""
        line: list[Hypothesis] = [self]
        while (parent := line[-1].parent) is not None:
            line.append(parent)
        return line[::-1]
