"""Proposals: what was sampled and waits to be accepted, and where its holes are by now.

Knows nothing of LSP. Offsets are characters of the document as it is; an edit elsewhere shifts a
hole, one inside takes it out, and a proposal without holes is invalid. Nothing is written here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from infill_lsp.documents import Change
from infill_lsp.messages import Checked, Detail, Token
from infill_lsp.rebase import rebased

State = Literal["working", "ready", "accepted", "rejected", "invalid", "cancelled", "failed"]
OPEN: tuple[State, ...] = ("working", "ready")
"""The states in which a proposal may still change anything."""
KEPT = 64
"""Proposals at most, of all documents together; older ones are forgotten."""


@dataclass
class Held:
    """A hole of a proposal.

    texts      what may stand there: the text of each version, the best first, then others
    chosen     which of them is shown
    filled     whether it was written into the document
    tokens     while it is being sampled, its slots
    """

    index: int
    start: int
    stop: int
    old: str
    texts: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    chosen: int = 0
    filled: bool = False
    tokens: tuple[Token, ...] = ()
    details: tuple[Detail, ...] = ()

    @property
    def text(self) -> str:
        """What is shown; "" while there is nothing."""
        return self.texts[self.chosen] if self.texts else ""


@dataclass
class Kept:
    """A proposal. `versions` are the ways to fill all holes jointly, as texts per hole."""

    id: str
    uri: str
    version: int
    kind: str
    holes: list[Held]
    state: State = "working"
    message: str = ""
    checked: Checked = "none"
    versions: tuple[tuple[str, ...], ...] = ()
    choice: int = 0
    scores: tuple[float, ...] = ()
    forwards: int = 0
    ms: float = 0.0
    stopped: str = ""
    trace: str = field(default="", repr=False)
    job: str = ""
    tick: int = 0
    attempt: int = 0
    located: bool = False
    """Whether `holes` are the places that are written, not only what was asked for."""
    since: list[Change] = field(default_factory=list[Change], repr=False)
    """What has changed in the document while it was being sampled."""

    @property
    def open(self) -> bool:
        """Whether it may still change anything."""
        return self.state in OPEN

    @property
    def mixed(self) -> bool:
        """Whether the holes show texts that were not sampled together."""
        shown = tuple(hole.text for hole in self.holes)
        at = [hole.index for hole in self.holes]
        return all(shown != tuple(row[i] for i in at) for row in self.versions)

    def hole(self, index: int) -> Held | None:
        """The hole of that number, if it is still there."""
        return next((hole for hole in self.holes if hole.index == index), None)

    def found(self, holes: Iterable[Held | None]) -> None:
        """Holes that became known while working; they take the place of what was asked for."""
        new = [held for held in holes if held is not None]
        if not self.located:
            self.holes, self.located = [], True
        self.holes += [held for held in new if self.hole(held.index) is None]

    def finish(
        self,
        holes: Sequence[Held],
        versions: Sequence[tuple[str, ...]],
        scores: Sequence[float],
    ) -> None:
        """Take in what was sampled."""
        self.holes, self.versions, self.scores = list(holes), tuple(versions), tuple(scores)
        self.state, self.choice, self.since = "ready", 0, []

    def turn(self, by: int, hole: int | None = None) -> None:
        """Show the next version (`by` 1, or -1) of all holes, or of one alone its next text."""
        if hole is not None:
            if (held := self.hole(hole)) is not None and held.texts and not held.filled:
                held.chosen = (held.chosen + by) % len(held.texts)
        elif self.versions:
            self.choice = (self.choice + by) % len(self.versions)
            for held in (one for one in self.holes if not one.filled):
                held.chosen = held.texts.index(self.versions[self.choice][held.index])

    def rebase(self, change: Change) -> bool:
        """Follow an edit of the document. Returns whether anything is different now."""
        before = [(hole.index, hole.start, hole.stop) for hole in self.holes]
        left: list[Held] = []
        for hole in self.holes:
            if (span := rebased(hole.start, hole.stop, change)) is not None:
                hole.start, hole.stop = span
                left.append(hole)
        self.holes = left
        if self.state == "working":
            self.since.append(change)
        if self.open and not left:
            self.state, self.message = "invalid", "its holes were edited"
        return before != [(hole.index, hole.start, hole.stop) for hole in left]


class Shelf:
    """All proposals, the latest last."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._numbers = itertools.count(1)

    def put(self, uri: str, version: int, kind: str, holes: Iterable[Held]) -> Kept:
        """A new proposal, being worked on."""
        kept = Kept(f"p{next(self._numbers)}", uri, version, kind, list(holes))
        self._kept[kept.id] = kept
        for other in list(self._kept.values())[:-KEPT]:
            if other.state != "working":
                del self._kept[other.id]
        return kept

    def get(self, id_: str) -> Kept | None:
        """The proposal of that name, if it is known."""
        return self._kept.get(id_)

    def of(self, uri: str, *states: State) -> list[Kept]:
        """A document's proposals in those states (else: open ones), the latest first."""
        wanted = states or OPEN
        return [k for k in reversed(self._kept.values()) if k.uri == uri and k.state in wanted]

    def rivals(self, kept: Kept) -> list[Kept]:
        """Other open proposals that share a place with it."""
        return [
            other
            for other in self.of(kept.uri)
            if other is not kept and any(_meet(a, b) for a in other.holes for b in kept.holes)
        ]

    def rebase(self, uri: str, changes: Sequence[Change], *, but: Kept | None = None) -> list[Kept]:
        """Follow edits of a document; returns the proposals that are different now.

        but   the proposal that the edits are the acceptance of
        """
        moved: dict[str, Kept] = {}
        for kept in self.of(uri, "working", "ready", "accepted"):
            for change in changes if kept is not but else ():
                if kept.rebase(change):
                    moved[kept.id] = kept
        return list(moved.values())

    def forget(self, uri: str) -> list[Kept]:
        """A document is closed: its proposals are gone."""
        gone = [kept for kept in self._kept.values() if kept.uri == uri]
        for kept in gone:
            del self._kept[kept.id]
        return gone


def _meet(one: Held, other: Held) -> bool:
    """Whether two holes share a character, or one is a place in the other or at its ends."""
    return one.start <= other.stop and other.start <= one.stop
