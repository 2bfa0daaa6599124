"""Sweeps: the completions of a canvas that differ little from one that is known.

Work on a lattice multiplies with each open slot next to another, so not all slots can be open at
once. A sweep goes over the pieces of a canvas with a known filling, the witness. A slot may stay
as it is there at no cost, take a plain token for a little, or any token for more (`COSTS`). What
can stand before each piece is kept in layers by cost, and what costs more than the cheapest at
its place and `width` is dropped. So what is found is right, and near completions are found
first; with a larger width, more. (Beam search over sets of parser stacks; with the costs of
least-cost error repair, Aho & Peterson 1972, if the witness is taken for the text at fault.)

Where every open slot may take any token for nothing, one layer holds everything: then the answer
is exact.

These are the sweeps in Python, over the lattice's single moves; `_core.c` has the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from infill.errors import LimitError

if TYPE_CHECKING:
    from infill.constrain.engine.lattice import Classes, Front, PythonLattice

COSTS = (0, 1, 3)
"""Of what a slot may take: what it is in the witness, a plain token, any token."""

EVERY = 4
"""After so many given places what is inside a lexeme that can go on for long, such as a string,
costs one more in an uneven sweep: else a string that swallows the rest of the text would be the
cheapest of all completions."""

AS_IT_IS = -2
"""A piece that was not chosen."""

Steps = NDArray[np.int32]
"""[n, 3] Per place the pieces it can be, by cost; -1 for none."""

Chosen = NDArray[np.int32]
"""[n, 2] Per place an edge of the open piece's guard and a class of tokens; (-1, -1) a blank."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """What can stand between the pieces of a canvas, from the left.

    uneven  whether lasting lexemes cost more (`EVERY`)
    passed  how many pieces there is a way over
    layers  int32 [n + 1, width + 1] fronts of what costs so much above the cheapest, or less
    lows    int32 [n + 1] the cost of the cheapest
    """

    steps: Steps
    uneven: bool
    passed: int
    layers: NDArray[np.int32]
    lows: NDArray[np.int32]
    generation: int

    @property
    def width(self) -> int:
        """Layers above the cheapest."""
        return self.layers.shape[1] - 1

    def surcharged(self, at: int) -> bool:
        """Whether what is inside a lasting lexeme costs one more after this place."""
        return self.uneven and at % EVERY == EVERY - 1 and bool((self.steps[at, 1:] < 0).all())


def sweep(  # noqa: PLR0913 - as `Lattice.sweep` has it
    lattice: PythonLattice,
    entry: Front,
    steps: Steps,
    width: int,
    *,
    uneven: bool = False,
    room: float = 0.0,
) -> Sweep:
    """From the left, over all pieces or as far as it goes; see `EVERY` for `uneven`.

    With `room`, a share of the memory that is dealt out over the places, a place gets its dearer
    layers only while they fit. Raises LimitError where the cheapest ones take twice as much.
    """
    count, size, begun = len(steps), width + 1, lattice.used
    layers, lows = np.zeros((count + 1, size), np.int32), np.zeros(count + 1, np.int32)
    swept = Sweep(steps, uneven, count, layers, lows, lattice.generation)
    layers[0] = entry
    for at, pieces in enumerate(steps.tolist()):
        most = (begun + room - lattice.used) / (count - at) if room else np.inf
        after = _after(lattice, layers[at].tolist(), pieces, most)
        if room and lattice.used > begun + 2 * room:
            raise LimitError(
                "a sweep needs too much memory",
                expected=f"at most {2 * room:g} of it (limit: stacks)",
                hint="use shorter holes or a smaller text, or raise the limit",
            )
        if swept.surcharged(at):
            for e in reversed(range(size)):
                more = lattice.inside(after[e], lasting=True)
                after[e + 1] = lattice.unite(after[e + 1], more)
                after[e] = lattice.inside(after[e], lasting=False)
        for e in range(1, size):
            after[e] = lattice.unite(after[e], after[e - 1])
        low = next((e for e, front in enumerate(after) if front), None)
        if low is None:
            return replace(swept, passed=at)
        after = after[low : max(low + 1, size)]
        layers[at + 1] = [*after, *[after[-1]] * (size - len(after))]
        lows[at + 1] = lows[at] + low
    return swept


def _after(lattice: PythonLattice, now: list[Front], pieces: list[int], most: float) -> list[Front]:
    """The layers right of a place, and one for what costs more, before they are cumulated.

    Dearer ones are left out once what there is takes more than `most` of the memory.
    """
    after, before = [0] * (len(now) + 1), lattice.used
    for e in range(len(now)):
        if any(after) and lattice.used - before > most:
            break
        for piece, cost in zip(pieces, COSTS, strict=True):
            if piece >= 0 and e >= cost:
                after[e] = lattice.unite(after[e], lattice.advance(now[e - cost], piece))
    return after


def read(lattice: PythonLattice, swept: Sweep) -> Chosen | None:
    """What to put into each place for the cheapest text; None if no text ends here."""
    layers, lows = swept.layers.tolist(), swept.lows.tolist()
    ends = ((e, lattice.first(lattice.ended(front))) for e, front in enumerate(layers[-1]))
    cheapest = next(((e, front) for e, front in ends if front), None)
    if cheapest is None or swept.passed < len(swept.steps):
        return None
    total, after = lows[-1] + cheapest[0], cheapest[1]
    chosen = np.full((len(swept.steps), 2), (AS_IT_IS, -1), np.int32)
    for at in reversed(range(len(swept.steps))):
        total -= int(swept.surcharged(at) and lattice.inside(after, lasting=True) != 0)
        for piece, cost in zip(swept.steps[at].tolist(), COSTS, strict=True):
            e = total - cost - lows[at]
            if piece < 0 or not 0 <= e <= swept.width:
                continue
            if before := lattice.first(lattice.retreat(layers[at][e], piece, after)):
                if lattice.is_open(piece):
                    chosen[at] = choice = _choose(lattice, before, piece, after)
                    only = lattice.only(piece, *choice)
                    before = lattice.first(lattice.retreat(before, only, after))
                total, after = total - cost, before
                break
    return chosen


def _choose(lattice: PythonLattice, front: Front, piece: int, after: Front) -> tuple[int, int]:
    """A guard's edge and a class that lead from the front into another; a blank if it can be."""
    classes, blank = lattice.allowed(front, piece, after)
    if blank:
        return -1, -1
    edge, kind = (int(x[0]) for x in np.nonzero(classes))
    return edge, kind


def rights(lattice: PythonLattice, swept: Sweep, start: int) -> NDArray[np.int32]:
    """int32 [n + 1, width + 1] What of the layers from a place on can be completed."""
    found = np.zeros_like(swept.layers)
    lows, width = swept.lows.tolist(), swept.width
    for at in reversed(range(start, len(found))):
        total = 0
        for e, front in enumerate(swept.layers[at].tolist()):
            if at == len(swept.steps):
                total = lattice.unite(total, lattice.ended(front))
            else:
                for piece, cost in zip(swept.steps[at].tolist(), COSTS, strict=True):
                    to = lows[at] + e + cost - lows[at + 1]
                    if piece >= 0 and to <= width:
                        wanted = _wanted(lattice, swept, found[at + 1].tolist(), at, to)
                        total = lattice.unite(total, lattice.retreat(front, piece, wanted))
            found[at, e] = total
    return found


def _wanted(lattice: PythonLattice, swept: Sweep, ahead: list[int], at: int, layer: int) -> Front:
    """What right of a place can be completed and is in a layer, or a cheaper one, at most."""
    wanted = ahead[layer] if layer >= 0 else 0
    if swept.surcharged(at):
        wanted = lattice.inside(wanted, lasting=False)
        if 0 <= layer + 1 <= swept.width:
            more = lattice.inside(ahead[layer + 1], lasting=True)
            wanted = lattice.unite(wanted, more)
    return wanted


def fits(
    lattice: PythonLattice, swept: Sweep, ahead: NDArray[np.int32], at: int
) -> tuple[Classes, bool]:
    """`Lattice.allowed` of the open piece that stands at a place at no cost, over all layers."""
    piece, lows = int(swept.steps[at, 0]), swept.lows.tolist()
    classes, blank = lattice.allowed(0, piece, 0)
    for e, front in enumerate(swept.layers[at].tolist()):
        to = lows[at] + e - lows[at + 1]
        if 0 <= to <= swept.width:
            after = int(ahead[at + 1, to])
            more, bare = lattice.allowed(front, piece, after)
            classes, blank = classes | more, blank or bare
    return classes, blank
