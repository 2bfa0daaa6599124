"""What a constraint is: a state goes in, a state or nothing comes out.

A constraint is asked about a whole canvas: the text on both sides of every hole counts, and
so do the slots that are left. It knows nothing of models.
"""

from __future__ import annotations

from typing import Protocol

from infill.canvas import Canvas, Move
from infill.vocab import Bitmask


class State(Protocol):
    """Where a constraint stands on one canvas; immutable, hashable, cheap to fork."""

    def after(self, move: Move) -> State | None:
        """The state after the move, or None when nothing valid can be completed any more.

        A Reopen is never vetoed.
        """
        ...

    def allowed(self, at: int) -> Bitmask:
        """int32 [ceil(V/32)] Tokens that the hole at `at` may be given; all, where exact."""
        ...

    def admits(self, at: int, token: int) -> bool:
        """Whether the token may be written; `after` may take longer and find that others may too.

        Where the constraint is exact there are no others.
        """
        ...

    def witness(self) -> Canvas:
        """One complete valid canvas that agrees with every given and filled slot."""
        ...


class Constraint(Protocol):
    """What every finished canvas must satisfy."""

    @property
    def exact(self) -> bool:
        """Whether `after(Write(i, t))` is a state exactly for the tokens of `allowed(i)`."""
        ...

    def start(self, canvas: Canvas) -> State | None:
        """The state of a canvas, or None when it cannot be completed in the slots there are."""
        ...
