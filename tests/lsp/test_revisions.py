"""From a revision to the places of the text that the user has."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from infill_lsp.messages import Place
from infill_lsp.worker_tasks import _changes

from infill.edit.changes import composed
from infill.text import Span, TextEdit, apply_edits


@dataclass
class Revision:
    edits: tuple[TextEdit, ...]


def edit(start: int, stop: int, new: bytes) -> TextEdit:
    return TextEdit(Span(start, stop), new)


def made(now: bytes, places: list[Place]) -> bytes:
    return apply_edits(now, [edit(p.start, p.stop, p.text.encode()) for p in places])


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
def test_the_places_make_the_revised_text_of_what_the_user_has(base, own, then):
    edits = () if own is None else (own,)
    for one in then:
        edits = composed(base, edits, one)
    now = base if own is None else apply_edits(base, [own])
    places = list(_changes(Revision(edits), own, now))
    assert apply_edits(base, edits) == made(now, places)
    assert len(places) == len({(place.start, place.stop) for place in places})
