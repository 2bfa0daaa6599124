"""From a revision to the places of the text that the user has."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from infill.edit.changes import composed
from infill.edit.following import following
from infill.text import Span, TextEdit, apply_edits


@dataclass
class Revision:
    edits: tuple[TextEdit, ...]


def edit(start: int, stop: int, new: bytes) -> TextEdit:
    return TextEdit(Span(start, stop), new)


@pytest.mark.parametrize(
    ("base", "own", "then"),
    [
        (b"f()\n", edit(2, 2, b"value"), [edit(7, 8, b", *rest)")]),  # right behind it
        (b"f()\n", edit(2, 2, b"value"), [edit(1, 2, b"(self, ")]),  # right before it
        (b"f()\ng()\n", edit(2, 2, b"value"), [edit(7, 8, b", *rest)"), edit(17, 17, b"1")]),
        (b"f(a)\ng(a)\n", edit(2, 3, b"bb"), [edit(8, 9, b"bb")]),
        (b"f(a)\ng(a)\n", edit(7, 8, b"bb"), [edit(2, 3, b"bb")]),
        (b"f(a)\ng(a)\n", edit(7, 8, b"bb"), [edit(0, 1, b"long"), edit(12, 13, b"]")]),
        (b"get_value_name\r\n", None, [edit(4, 9, b"item"), edit(9, 13, b"label")]),
    ],
)
def test_the_changes_make_the_revised_text_of_what_the_user_has(base, own, then):
    edits = () if own is None else (own,)
    for one in then:
        edits = composed(base, edits, one)
    now = base if own is None else apply_edits(base, [own])
    changes = following(Revision(edits), own, now)
    assert apply_edits(base, edits) == apply_edits(now, changes)
    assert len(changes) == len({change.span for change in changes})
