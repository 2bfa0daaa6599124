"""A revision that follows an edit, seen from the text that has the edit already.

>>> by_words(b"def area(w):", TextEdit(Span(6, 8), b"eas"))
TextEdit(span=Span(start=4, stop=8), new=b'areas')
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from infill.edit.revised import Revised
from infill.text import Span, TextEdit, apply_edits

WORD = re.compile(rb"[\w\x80-\xff]")


def by_words(data: bytes, edit: TextEdit) -> TextEdit:
    """An edit in a word as an edit of the word: what was typed into a name is a renaming."""
    start, stop = edit.span.start, edit.span.stop
    while start and WORD.match(data, start - 1):
        start -= 1
    while WORD.match(data, stop):
        stop += 1
    new = data[start : edit.span.start] + edit.new + data[edit.span.stop : stop]
    return TextEdit(Span(start, stop), new)


def following(result: Revised, edit: TextEdit | None, now: bytes) -> tuple[TextEdit, ...]:
    """What a revision changes beside the user's edit, as edits of the text after that edit.

    edit   the one that the revision was to follow, None if none
    now    the text after it
    """
    growth = 0 if edit is None else len(edit.new) - len(edit.span)
    shift = 0
    found: list[TextEdit] = []
    holder = edit and _holder(result, edit)
    for one in result.edits:
        start, stop = one.span.start + shift, one.span.stop + shift
        if one == holder:  # the two may be composed: what differs from the text now is the change
            stop, shift = stop + growth, growth
        elif edit is not None and holder is None and one.span.start >= edit.span.stop:
            start, stop = start + growth, stop + growth
        if now[start:stop] != one.new:
            found.append(trimmed(now, TextEdit(Span(start, stop), one.new)))
    return tuple(_worded(now, found))


def _holder(result: Revised, edit: TextEdit) -> TextEdit | None:
    """The edit of a revision that is the user's own, or has it in it."""
    if edit in result.edits:
        return edit
    around = (
        one
        for one in result.edits
        if one.span.start <= edit.span.start and edit.span.stop <= one.span.stop
    )
    return next(around, None)


def _worded(data: bytes, edits: Sequence[TextEdit]) -> Iterator[TextEdit]:
    """Edits as edits of whole words; those that change the same word are one."""
    groups: list[tuple[Span, list[TextEdit]]] = []
    for edit in sorted(edits):
        span = by_words(data, edit).span
        if groups and span.start < groups[-1][0].stop:
            last, row = groups[-1]
            groups[-1] = (Span(last.start, max(last.stop, span.stop)), [*row, edit])
        else:
            groups.append((span, [edit]))
    for span, row in groups:
        text = data[span.start : span.stop]
        own = [(e.span.start - span.start, e.span.stop - span.start, e.new) for e in row]
        yield TextEdit(span, apply_edits(text, [TextEdit(Span(a, b), new) for a, b, new in own]))


def trimmed(data: bytes, edit: TextEdit) -> TextEdit:
    """A change without what stays at its ends, cut between characters."""
    start, stop, new = edit.span.start, edit.span.stop, edit.new
    text, other = data[start:stop].decode(), new.decode()
    left = right = 0
    while left < min(len(text), len(other)) and text[left] == other[left]:
        left += 1
    while right < min(len(text), len(other)) - left and text[-1 - right] == other[-1 - right]:
        right += 1
    head = len(text[:left].encode())
    tail = len(text[len(text) - right :].encode())
    return TextEdit(Span(start + head, stop - tail), new[head : len(new) - tail])
