"""What became of each text of a run, and of all: what reports say.

>>> Totals().plus(Entry("a.py", "fill", "changed", "", None, Outcome(forwards=3))).forwards
3
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from infill.batch.journal import AGAIN
from infill.batch.patch import patch_of
from infill.batch.task import Outcome

Status = Literal["changed", "unchanged", "failed", "written", "skipped", "pending", "undone"]
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one text.

    operation   fill, rewrite or revise
    status      changed: shown, not written; pending: not worked on yet; skipped: and it will not be
    before      sha256 of the text as it was; `after` of the changed one, where there is one
    id          what a list of jobs calls it
    code        what the command would exit with, were this the only text
    """

    path: str
    operation: str
    status: Status
    before: str
    after: str | None
    outcome: Outcome
    id: str | None = None
    code: int = 0


Sources = Callable[[Entry], bytes | None]
"""Gives a text as it was before; None where it cannot be had any more."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over the texts of a run; `plus` makes the next one.

    statuses   texts by status; `skipped` files that were not taken at all, by reason
    cached     texts whose outcome was known from before
    again      failed texts that a run tries again when it is resumed
    forwards   canvases that the model scored in this run
    seconds    of wall time, which only the one who waits knows
    """

    statuses: Mapping[str, int] = field(default_factory=dict[str, int])
    holes: int = 0
    forwards: int = 0
    seconds: float = 0.0
    cached: int = 0
    again: int = 0
    fresh_holes: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict[str, int])

    def plus(self, entry: Entry, *, cached: bool = False) -> Totals:
        """The totals with one text more."""
        outcome, count = entry.outcome, self.statuses.get(entry.status, 0)
        holes, failure = len(outcome.edits), outcome.failure
        return replace(
            self,
            statuses={**self.statuses, entry.status: count + 1},
            holes=self.holes + holes,
            fresh_holes=self.fresh_holes + (0 if cached else holes),
            forwards=self.forwards + (0 if cached else outcome.forwards),
            cached=self.cached + cached,
            again=self.again + (failure is not None and failure.kind in AGAIN),
        )

    @property
    def texts(self) -> int:
        """How many texts there are."""
        return sum(self.statuses.values())

    @property
    def forwards_per_second(self) -> float:
        """Canvases that were scored in a second; 0 where no time was taken."""
        return self.forwards / self.seconds if self.seconds else 0.0

    @property
    def holes_per_minute(self) -> float:
        """Edits that were made in a minute, those that were known from before not counted."""
        return 60 * self.fresh_holes / self.seconds if self.seconds else 0.0


def diff_of(entry: Entry, before: bytes | None) -> bytes:
    """The patch of a text's changes; b"" without any, or where the text is not known."""
    if before is None or not entry.outcome.edits:
        return b""
    edits = entry.outcome.edits
    return patch_of(before, entry.outcome.result(before), entry.path, edits)
