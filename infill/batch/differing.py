"""The edits between two texts: few, small, and never in the middle of a character.

>>> edits_between(b"a = 1\\nb = 2\\n", b"a = 1\\nb = 33\\n")
(TextEdit(span=Span(start=10, stop=11), new=b'33'),)
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import accumulate

from infill.text import Span, TextEdit

CONTINUED = 0xC0
"""The bits of a byte that tell whether it goes on with a character of UTF-8 (then 0x80)."""


def edits_between(before: bytes, after: bytes) -> tuple[TextEdit, ...]:
    """What makes `after` of `before`: by lines, each then as small as it can be.

    Lines that changed side by side, as many as before, are an edit each. Quick where little has
    changed, whatever the size.
    """
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    first = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), None)
    if first is None:
        first = min(len(old), len(new))
    last = 0
    room = min(len(old), len(new)) - first
    while last < room and old[-1 - last] == new[-1 - last]:
        last += 1
    starts = [0, *accumulate(map(len, old))]
    rows = old[first : len(old) - last], new[first : len(new) - last]
    return tuple(
        edit
        for low, high, texts in _hunks(*rows)
        if (edit := _small(before, starts[first + low], starts[first + high], texts)) is not None
    )


def _hunks(old: list[bytes], new: list[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Ranges of old lines and the text in their place."""
    for tag, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            continue
        if b - a == d - c:
            yield from ((a + at, a + at + 1, new[c + at]) for at in range(b - a))
        else:
            yield a, b, b"".join(new[c:d])


def _small(before: bytes, start: int, stop: int, text: bytes) -> TextEdit | None:
    """The edit without what is the same at both ends; None where all is."""
    old = before[start:stop]
    if old == text:
        return None
    most = min(len(old), len(text))
    left = next((i for i in range(most) if old[i] != text[i]), most)
    while _cuts(old, left) or _cuts(text, left):
        left -= 1
    right = 0
    while right < most - left and old[-1 - right] == text[-1 - right]:
        right += 1
    while _cuts(old, len(old) - right) or _cuts(text, len(text) - right):
        right -= 1
    return TextEdit(Span(start + left, stop - right), text[left : len(text) - right])


def _cuts(text: bytes, at: int) -> bool:
    r"""Whether a place is inside a character, or a "\r\n"."""
    if not 0 < at < len(text):
        return False
    return text[at] & CONTINUED == 0x80 or text[at - 1 : at + 1] == b"\r\n"  # noqa: PLR2004
