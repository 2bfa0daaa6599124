r'''Places for docstrings that are missing: a hole must be made before it can be filled.

>>> made = missing_docstrings(Source.of("def f(x):\n    return x\n"))
>>> made.data
b'def f(x):\n    """"""\n    return x\n'
>>> apply_edits(b"def f(x):\n    return x\n", made.edits([b"Itself."])).decode()
'def f(x):\n    """Itself."""\n    return x\n'
'''

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

from infill.batch.select.definitions import Definition, definitions
from infill.text import Source, Span, TextEdit, apply_edits

QUOTES = b'"""'
INDENT = re.compile(rb"[ \t\f]*")
STEP = b"    "


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text with places to fill that it did not have.

    data     the text to work on
    holes    the places in it, between quotes; they are empty, and in order
    """

    data: bytes
    holes: tuple[Span, ...]
    _inserted: tuple[TextEdit, ...]
    _offsets: tuple[int, ...]

    def edits(self, fills: Sequence[bytes | None]) -> tuple[TextEdit, ...]:
        """The edits of the text as it was, once each place was filled; None leaves one out."""
        made = list[TextEdit]()
        for edit, at, fill in zip(self._inserted, self._offsets, fills, strict=True):
            if fill is not None:
                made.append(TextEdit(edit.span, edit.new[:at] + fill + edit.new[at:]))
        return tuple(made)


def missing_docstrings(
    source: Source, name: str = "**", *, places: Container[Span] | None = None
) -> Prepared:
    """The text with an empty docstring in every function that has none; `name` says which.

    places   those that a selector found for the part `missing-docstring`; None takes all

    Functions whose body is `...` are left alone. Raises HoleError for a text that does not parse.
    """
    named = definitions(source, name.split("."))
    found = list[Definition]()
    for one in named:
        place = one.part("missing-docstring")
        if place is not None and (places is None or place in places):
            found.append(one)
    pieces = [_piece(source, one) for one in found]
    inserted = tuple(edit for edit, _ in pieces)
    holes, shift = list[Span](), 0
    for edit, at in pieces:
        start = edit.span.start + shift + at
        holes.append(Span(start, start))
        shift += len(edit.new) - len(edit.span)
    data = apply_edits(source.data, inserted)
    return Prepared(data, tuple(holes), inserted, tuple(at for _, at in pieces))


def _piece(source: Source, one: Definition) -> tuple[TextEdit, int]:
    """The edit that makes an empty docstring, and where in its text the hole is."""
    data, body = source.data, one.body
    if body is None:
        raise AssertionError("a function without a docstring has a body")
    newline = source.newline_at(one.header.start)
    line = max(data.rfind(b"\n", 0, body.start), data.rfind(b"\r", 0, body.start)) + 1
    indent = data[line : body.start]
    continued = data[:line].rstrip(b"\r\n").endswith(b"\\")
    if not indent.strip() and not continued:
        text = QUOTES + QUOTES + newline + indent
        return TextEdit(Span(body.start, body.start), text), len(QUOTES)
    # the body stands on the header's line: it goes to one of its own
    first = max(data.rfind(b"\n", 0, one.header.start), data.rfind(b"\r", 0, one.header.start)) + 1
    found = INDENT.match(data, first)
    outer = b"" if found is None else found[0]
    start = data.index(b":", one.header.stop) + 1
    inner = newline + outer + (b"\t" if source.has_tabs and STEP not in outer else STEP)
    return TextEdit(Span(start, body.start), inner + QUOTES * 2 + inner), len(inner + QUOTES)
