"""Where a span is after changes elsewhere; none where a change touched it.

Spans and changes count characters. Knows nothing of documents.

>>> rebased(4, 9, Change(0, 1, "name"))
(7, 12)
"""

from __future__ import annotations

from collections.abc import Iterable

from infill_lsp.positions import Change


def rebased(start: int, stop: int, change: Change) -> tuple[int, int] | None:
    """The span after one change, with the same text in it; None where it was changed.

    Text that is put right before a span or right behind it is elsewhere. A span without text is a
    place: it is lost when text is put exactly there, or when the text on both sides is replaced.
    """
    if change.start == change.stop and not change.new:
        return start, stop
    if start == stop and change.new and change.start <= start <= change.stop:
        return None
    if change.stop <= start:
        return start + change.growth, stop + change.growth
    return (start, stop) if stop <= change.start else None


def rebased_through(start: int, stop: int, changes: Iterable[Change]) -> tuple[int, int] | None:
    """The span after changes that were made one after the other."""
    for change in changes:
        span = rebased(start, stop, change)
        if span is None:
            return None
        start, stop = span
    return start, stop
