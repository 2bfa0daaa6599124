"""Changes to a text that is changed again and again: composing edits, moving spans, words.

>>> composed(b"abc", composed(b"abc", (), TextEdit(Span(0, 1), b"xx")), TextEdit(Span(3, 4), b"!"))
(TextEdit(span=Span(start=0, stop=1), new=b'xx'), TextEdit(span=Span(start=2, stop=3), new=b'!'))
>>> words(b"n += total(x)", Span(2, 8))
[Span(start=2, stop=4), Span(start=5, stop=10)]
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from infill.text import Span, TextEdit, apply_edits

WORD = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*|\d[\w.]*|[-+*/%=<>!&|^~@]+|[^\s\w]")
"""A name, a number, an operator, or any one other mark."""


def words(data: bytes, span: Span) -> list[Span]:
    """The words that share a byte with a span, whole."""
    start = data.rfind(b"\n", 0, span.start) + 1
    end = data.find(b"\n", span.stop)
    spots = WORD.finditer(data, start, len(data) if end < 0 else end)
    return [
        Span(*spot.span()) for spot in spots if spot.start() < span.stop and spot.end() > span.start
    ]


def shifted(spans: Sequence[Span], edit: TextEdit) -> list[Span]:
    """Where spans are after an edit that lies inside or outside of each; it grows those around."""
    shift = len(edit.new) - len(edit.span)
    return [
        Span(
            span.start + shift * (edit.span.stop <= span.start and edit.span != span),
            span.stop + shift * (edit.span.stop <= span.stop),
        )
        for span in spans
    ]


def moved(span: Span, edit: TextEdit) -> Span | None:
    """Where a span is after an edit; None where the edit touches it.

    >>> moved(Span(3, 5), TextEdit(Span(5, 5), b"!")), moved(Span(3, 5), TextEdit(Span(0, 1), b""))
    (Span(start=3, stop=5), Span(start=2, stop=4))
    """
    if span.overlaps(edit.span):
        return None
    shift = len(edit.new) - len(edit.span) if edit.span.stop <= span.start else 0
    return Span(span.start + shift, span.stop + shift)


def beside(spans: Sequence[Span], cut: Span) -> list[Span]:
    """What is left of spans without the bytes of another."""
    halves = [(s.start, min(s.stop, cut.start)) for s in spans]
    halves += [(max(s.start, cut.stop), s.stop) for s in spans]
    return sorted(Span(start, stop) for start, stop in halves if start < stop)


def before(span: Span, edits: Sequence[TextEdit]) -> Span | None:
    """Where a span of the text that edits result in was before them; None where they touch it.

    >>> before(Span(4, 6), [TextEdit(Span(0, 1), b"xyz")])
    Span(start=2, stop=4)
    """
    shift = 0
    for edit in sorted(edits):
        start = edit.span.start + shift
        if span.stop <= start:
            break
        if span.start < start + len(edit.new):
            return None
        shift += len(edit.new) - len(edit.span)
    return Span(span.start - shift, span.stop - shift)


def composed(data: bytes, edits: Sequence[TextEdit], edit: TextEdit) -> tuple[TextEdit, ...]:
    """The edits of `data`, and one of the text that they result in, as edits of `data`."""
    now = apply_edits(apply_edits(data, edits), [edit])
    before: list[TextEdit] = []
    after: list[TextEdit] = []
    start, stop = edit.span.start, edit.span.stop
    old_start, old_stop, shift = start, stop, 0
    touched: list[tuple[TextEdit, int]] = []
    for one in sorted(edits):
        first = one.span.start + shift
        last = first + len(one.new)
        shift += len(one.new) - len(one.span)
        if last < start:
            before.append(one)
        elif first > stop:
            after.append(one)
        else:
            touched.append((one, first))
    lead = sum(len(one.new) - len(one.span) for one in before)
    old_start, old_stop = start - lead, stop - lead
    new_start, new_stop = start, start + len(edit.new)
    if touched:
        inner = sum(len(one.new) - len(one.span) for one, _ in touched)
        (first, first_at), (last, last_at) = touched[0], touched[-1]
        old_start = min(old_start, first.span.start)
        old_stop = max(stop - lead - inner, last.span.stop)
        new_start = min(start, first_at)
        new_stop = max(stop, last_at + len(last.new)) + len(edit.new) - len(edit.span)
    merged = TextEdit(Span(old_start, old_stop), now[new_start:new_stop])
    same = data[old_start:old_stop] == merged.new
    return (*before, *([] if same else [merged]), *after)
