"""Holes: where text is wanted. Found by a marker, or given as byte spans.

>>> source = Source.of("def f(x):\\n    return <FILL_ME>\\n")
>>> [(hole.start, hole.stop) for hole in find_holes(source, "<FILL_ME>", language="python")]
[(21, 30)]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from infill.constrain.grammar import Grammar
from infill.errors import HoleError, OptionError
from infill.limits import Limits
from infill.text import Source, Span


@dataclass(frozen=True, slots=True)
class Hole:
    """The bytes `start` to `stop` are to be replaced by a fill.

    min_tokens, max_tokens   bounds of its length in tokens; None takes the settings' maximum
    grammar                  what this hole must be, where that differs from the file's language
    keep                     spans inside it that must stay
    """

    start: int
    stop: int
    min_tokens: int = 0
    max_tokens: int | None = None
    grammar: Grammar | None = None
    keep: tuple[Span, ...] = ()

    @property
    def span(self) -> Span:
        """Where it is."""
        return Span(self.start, self.stop)


DOUBLE = rb'"(?:\\.|[^"\\\n])*"'
STRINGS = {
    "python": re.compile(
        rb'\#[^\n]*|"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|'
        + DOUBLE
        + rb"|'(?:\\.|[^'\\\n])*'",
        re.DOTALL,
    ),
    "json": re.compile(DOUBLE, re.DOTALL),
}
"""Comments and whole string literals; an unfinished one is code that a hole may finish."""


def find_holes(source: Source, marker: str, *, language: str | None) -> tuple[Hole, ...]:
    """The marked holes of a text, in order.

    Raises HoleError when there is none, and when one is inside a string literal: that is nearly
    always text about markers, and filling it would change what the program says.
    """
    wanted = marker.encode()
    found = [match.span() for match in re.finditer(re.escape(wanted), source.data)]
    if not found:
        raise HoleError(
            "there is no hole in the text",
            where=source.name,
            expected=f"the marker {marker}",
            hint=f"write {marker} where code is wanted, or choose another marker",
        )
    for start, _ in found:
        if string := _string_around(source.data, start, language):
            raise HoleError(
                "a marker is inside a string",
                where=f"{source.name}, {source.position(start)}",
                expected="a marker where code is wanted",
                got=string,
                hint="choose another marker, or give the hole as a byte span: "
                f"Hole({start}, {start + len(wanted)})",
            )
    return tuple(Hole(start, stop) for start, stop in found)


def _string_around(data: bytes, at: int, language: str | None) -> str:
    """The string literal that `at` lies in, shortened; "" outside of one."""
    pattern = STRINGS.get(language or "")
    for match in pattern.finditer(data) if pattern else ():
        if match.start() > at:
            break
        if at < match.end() and not match[0].startswith(b"#"):
            return match[0][:40].decode(errors="replace")
    return ""


def checked(source: Source, holes: Iterable[Hole], limits: Limits) -> tuple[Hole, ...]:
    """The holes in order, once they are known to be inside the text, apart, and possible.

    Raises HoleError or OptionError.
    """
    ordered = sorted(holes, key=lambda hole: (hole.start, hole.stop))
    if not ordered:
        raise HoleError("no holes were given", where=source.name, hint="give at least one Hole")
    if len(ordered) > limits.holes:
        raise HoleError(
            "there are too many holes in one text",
            where=source.name,
            expected=f"up to {limits.holes} (limits.holes)",
            got=str(len(ordered)),
        )
    for hole in ordered:
        _check(source, hole, limits)
    _check_apart(source, ordered)
    return tuple(ordered)


def _check(source: Source, hole: Hole, limits: Limits) -> None:
    where = f"{source.name}, bytes {hole.start} to {hole.stop}"
    if hole.span.stop > len(source.data):
        expected = f"stop <= {len(source.data)}"
        raise HoleError("a hole reaches past the end", where=where, expected=expected)
    for offset in (hole.start, hole.stop):
        if not source.is_boundary(offset):
            raise HoleError(
                "a hole begins or ends inside a character or a line ending",
                where=f"{source.name}, byte {offset}",
                hint="offsets count UTF-8 bytes, not characters: use len(text[:i].encode())",
            )
    longest = limits.hole if hole.max_tokens is None else hole.max_tokens
    if not 0 <= hole.min_tokens <= longest <= limits.hole:
        raise HoleError(
            "a hole's length bounds are impossible",
            where=where,
            expected=f"0 <= min_tokens <= max_tokens <= {limits.hole} (limits.hole)",
            got=f"min_tokens={hole.min_tokens}, max_tokens={hole.max_tokens}",
        )
    for name, value in (("grammar", hole.grammar), ("keep", hole.keep)):
        if value:
            raise OptionError(f"a hole's own {name!r} cannot be honoured yet", where=where)


def _check_apart(source: Source, ordered: Sequence[Hole]) -> None:
    for left, right in pairwise(ordered):
        if left.stop >= right.start:
            raise HoleError(
                "two holes touch or overlap",
                where=f"{source.name}, bytes {right.start} to {left.stop}",
                expected="text between any two holes",
                hint="make them one hole",
            )
