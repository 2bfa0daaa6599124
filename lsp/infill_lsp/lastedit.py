"""The last edit of a document's user, which a revision lets the rest of the file follow.

Changes that touch what the last edit wrote are the same edit: the letters of a name are one.
Any other change begins a new one. With several cursors that is the one whose change came last.
Nothing is copied for a key stroke: the text before the edit is kept, and the edit's place.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from infill_lsp.positions import Change


@dataclass(frozen=True, slots=True)
class LastEdit:
    """`base[start:stop]` became `new`; `base` is the whole text before the edit."""

    base: str = field(repr=False)
    start: int
    stop: int
    new: str


@dataclass(frozen=True, slots=True)
class EditPlace:
    """An edit that may still grow: `base[start:stop]` became `text[start:end]` of the text now."""

    base: str = field(repr=False)
    start: int
    stop: int
    end: int

    def edit(self, text: str) -> LastEdit:
        """What it is when the text is this."""
        return LastEdit(self.base, self.start, self.stop, text[self.start : self.end])

    def grown(self, change: Change) -> EditPlace | None:
        """The edit with a further change in it, None where that is far from it."""
        if change.stop < self.start or self.end < change.start:
            return None
        # what the change takes beyond the edit was so in the base too
        more = max(change.stop - self.end, 0)
        end = max(change.stop, self.end) + change.growth
        return EditPlace(self.base, min(change.start, self.start), self.stop + more, end)

    def without(self, change: Change) -> EditPlace | None:
        """The same edit of a base that had the change already, None where that took its place."""
        if self.end <= change.start:
            back = self.stop - self.end
            ours = Change(change.start + back, change.stop + back, change.new)
            return replace(self, base=ours.applied(self.base))
        if change.stop <= self.start:
            start, stop, end = (at + change.growth for at in (self.start, self.stop, self.end))
            return EditPlace(change.applied(self.base), start, stop, end)
        return None

    def is_undone(self, text: str) -> bool:
        """Whether the text is the base again."""
        return self.base[self.start : self.stop] == text[self.start : self.end]


def followed(
    place: EditPlace | None, change: Change, before: str, after: str, *, ours: bool = False
) -> EditPlace | None:
    """The last edit after a change from `before` to `after`; `ours` are not the user's.

    None where there is none, or it was undone.
    """
    if ours:
        return place and place.without(change)
    place = place and place.grown(change)
    if place is None:
        place = EditPlace(before, change.start, change.stop, change.start + len(change.new))
    return None if place.is_undone(after) else place
