"""What a hypothesis has taken back on its way, read from its lineage. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infill.canvas import Reopen, Slot, Splice
from infill.decode.hypothesis import Hypothesis


@dataclass(frozen=True)
class Past:
    """What a hypothesis has reopened on its way: the tokens, by where their slots are now.

    rounds   steps that reopened something
    """

    tokens: dict[int, list[int]]
    rounds: int

    @classmethod
    def of(cls, hypothesis: Hypothesis) -> Past:
        """Read from the lineage, so that a policy keeps nothing itself."""
        tokens: dict[int, list[int]] = {}
        rounds = 0
        for one in hypothesis.lineage()[1:]:
            rounds += any(isinstance(move, Reopen) for move in one.step)
            canvas = one.parent.canvas if one.parent is not None else one.canvas
            for move in one.step:
                if isinstance(move, Reopen):
                    tokens.setdefault(move.at, []).append(int(canvas.ids[move.at]))
                elif isinstance(move, Splice):
                    tokens = {
                        moved: ids
                        for at, ids in tokens.items()
                        if (moved := _moved(at, move)) is not None
                    }
                canvas = canvas.apply((move,))
        return cls(tokens, rounds)

    def open_to(self, hypothesis: Hypothesis, cap: int | None) -> list[int]:
        """The filled slots that may be reopened (again), in order; all of them without a cap."""
        canvas = hypothesis.canvas
        return [
            at
            for at in np.flatnonzero(canvas.slots == Slot.FILLED).tolist()
            if cap is None
            or (
                len(self.tokens.get(at, ())) < cap
                and int(canvas.ids[at]) not in self.tokens.get(at, ())
            )
        ]


def _moved(at: int, move: Splice) -> int | None:
    """Where a slot is after a splice; None for one that it deleted."""
    if at < move.at:
        return at
    return None if at < move.at + move.delete else at + move.holes - move.delete
