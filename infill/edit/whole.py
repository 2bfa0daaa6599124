"""The whole text around a window: a grammar reads all of it, where a model is shown a part.

A window leaves text out: what is far from its holes, and what a model wants in front of a text
is no text. `Whole` is the grammar as a constraint on a window's canvas all the same: its states
stand on another canvas that has the same holes and every byte between them.

>>> text = WholeText((b"[", b",", b"]"))
>>> text.before(1, [b"1", None]), text.after(0, [None, b"2"])
(b'[1,', b',2]')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from infill.canvas import Canvas, Move, Slot, Write
from infill.constrain.affix import Affixes
from infill.constrain.grammatical import Grammatical, GrammaticalState
from infill.vocab import Bitmask


@dataclass(frozen=True)
class WholeText:
    """The stretches of a text before, between and after its holes, as a model is shown them."""

    stretches: tuple[bytes, ...]

    def before(self, hole: int, fills: Sequence[bytes | None]) -> bytes:
        """All text left of a hole; an open hole on the way holds nothing."""
        parts = zip(self.stretches[:hole], fills[:hole], strict=True)
        return b"".join(part for pair in parts for part in pair if part) + self.stretches[hole]

    def after(self, hole: int, fills: Sequence[bytes | None]) -> bytes:
        """All text right of a hole."""
        parts = zip(fills[hole + 1 :], self.stretches[hole + 2 :], strict=True)
        rest = b"".join(part for pair in parts for part in pair if part)
        return self.stretches[hole + 1] + rest

    def witness(
        self, grammar: Grammatical, slots: Sequence[int], affixes: Sequence[Affixes] = ()
    ) -> list[bytes] | None:
        """Texts for all holes that together make one of the grammar, or None.

        slots     the most tokens that each hole may take
        affixes   what else each hole must keep to, where that matters
        """
        if not slots:
            complete = grammar.within(self.stretches[0], b"", affixes={})
            return None if complete.start(_open(0)) is None else []
        encode = grammar.vocab.encode
        gaps = [encode(gap) for gap in self.stretches[1:-1]]
        anchors = _sums(gaps)
        kept = zip(anchors, affixes or [Affixes()] * len(slots), strict=True)
        inside = grammar.within(
            self.stretches[0], self.stretches[-1], affixes=dict(kept), exact_length=False
        )
        rows = [_open(count) for count in slots]
        if (state := inside.start(_joined(rows, gaps))) is None:
            return None
        found = state.witness()
        ranges = [found.between(anchor) for anchor in anchors]
        return [grammar.vocab.decode(found.ids[a:b].tolist()) for a, b in ranges]


@dataclass(frozen=True, eq=False)
class Whole:
    """The window canvases that make a text of the grammar, together with what they leave out.

    grammar   with the text before the window's first hole and after its last
    anchors   per hole, the number of given slots to its left on the window's canvas
    gaps      the tokens of the whole text between each two holes, without what is healed
    """

    grammar: Grammatical
    anchors: tuple[int, ...]
    gaps: tuple[tuple[int, ...], ...]

    @property
    def exact(self) -> bool:
        """As exact as the grammar is."""
        return self.grammar.exact

    def start(self, canvas: Canvas) -> WholeState | None:
        """None when no text of the grammar fits the canvas."""
        rows: list[Canvas] = []
        for anchor in self.anchors:
            a, b = canvas.between(anchor)
            rows.append(Canvas(canvas.ids[a:b], canvas.slots[a:b], canvas.logps[a:b]))
        inner = self.grammar.start(_joined(rows, self.gaps))
        return None if inner is None else WholeState(self, canvas, inner)

    @cached_property
    def shifts(self) -> dict[int, int]:
        """Per hole's anchor, how far the hole lies to the right on the whole's canvas."""
        return {a: b - a for a, b in zip(self.anchors, _sums(self.gaps), strict=True)}


@dataclass(frozen=True, eq=False)
class WholeState:
    """A window's canvas, and the grammar's state on the whole's canvas."""

    constraint: Whole
    canvas: Canvas
    inner: GrammaticalState

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, WholeState)
            and self.constraint is other.constraint
            and self.canvas == other.canvas
        )

    def __hash__(self) -> int:
        return hash(self.canvas)

    def after(self, move: Move) -> WholeState | None:
        """None when the whole cannot be completed any more."""
        canvas = self.canvas.apply((move,))  # what the canvas refuses is an error, not a veto
        inner = self.inner.after(replace(move, at=self._place(move.at)))
        return None if inner is None else WholeState(self.constraint, canvas, inner)

    def admits(self, at: int, token: int) -> bool:
        """Whether `allowed(at)` holds the token, without finding the others."""
        return self.inner.admits(self._place(at), token)

    def allowed(self, at: int) -> Bitmask:
        """The tokens that leave the whole one that can be completed."""
        return self.inner.allowed(self._place(at))

    def witness(self) -> Canvas:
        """One complete canvas that agrees with every given and filled slot."""
        ids = self.inner.witness().ids
        holes = self.canvas.holes.tolist()
        return self.canvas.apply(Write(at, int(ids[self._place(at)]), 0.0) for at in holes)

    def _place(self, at: int) -> int:
        given = int((self.canvas.slots[:at] == Slot.GIVEN).sum())
        return at + self.constraint.shifts[given]


def around(  # noqa: PLR0913 - what a window knows of itself
    text: WholeText,
    grammar: Grammatical,
    group: range,
    fills: Sequence[bytes | None],
    *,
    anchors: Sequence[int],
    affixes: Sequence[Affixes],
    exact_length: bool,
) -> Whole:
    """The constraint of a window: its holes, with their affixes, within the whole text.

    `fills` has a text for each hole that is not in the group.
    """
    first, last = group.start, group.stop - 1
    before = text.before(first, fills).removesuffix(affixes[0].prefix)
    after = text.after(last, fills).removeprefix(affixes[-1].suffix)
    gaps = tuple(
        grammar.vocab.encode(
            text.stretches[index + 1]
            .removeprefix(affixes[index - first].suffix)
            .removesuffix(affixes[index + 1 - first].prefix)
        )
        for index in range(first, last)
    )
    named: Mapping[int, Affixes] = dict(zip(_sums(gaps), affixes, strict=True))
    inside = grammar.within(before, after, affixes=named, exact_length=exact_length)
    return Whole(inside, tuple(anchors), gaps)


def _sums(gaps: Sequence[Sequence[int]]) -> list[int]:
    """Given slots left of each hole, when only the gaps are given."""
    return [0, *np.cumsum([len(gap) for gap in gaps], dtype=np.int64).tolist()]


def _open(count: int) -> Canvas:
    return Canvas([0] * count, [Slot.HOLE] * count)


def _joined(rows: Sequence[Canvas], gaps: Sequence[Sequence[int]]) -> Canvas:
    """The holes' slots with the gaps between them as given slots."""
    parts = [rows[0]]
    for row, gap in zip(rows[1:], gaps, strict=True):
        parts += [Canvas(gap, [Slot.GIVEN] * len(gap)), row]
    return Canvas(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.slots for part in parts]),
        np.concatenate([part.logps for part in parts]),
    )
