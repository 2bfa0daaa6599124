"""Holes: where text is wanted. Found by a marker, or given as byte spans.

>>> source = Source.of("def f(x):\\n    return <FILL_ME>\\n")
>>> [(hole.start, hole.stop) for hole in find_holes(source, "<FILL_ME>", language="python")]
[(21, 30)]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from infill.errors import HoleError, NoHoleError, OptionError
from infill.limits import Limits
from infill.text import Source, Span

if TYPE_CHECKING:
    from infill.constrain.grammar import Grammar  # an editor's server has no numpy


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


DOUBLE = rb'"(?:[^"\\\n]++|\\.)*+"'
SINGLE = DOUBLE.replace(b'"', b"'")
LONG = rb'"""(?:[^"\\]++|\\.|"(?!""))*+"""'
STRINGS = {
    "python": re.compile(
        b"|".join((rb"\#[^\n]*+", LONG, LONG.replace(b'"', b"'"), DOUBLE, SINGLE)), re.DOTALL
    ),
    "json": re.compile(DOUBLE, re.DOTALL),
}
"""Comments and whole string literals; an unfinished one is code that a hole may finish."""


def find_holes(
    source: Source, marker: str, *, language: str | None, scope: Span | None = None
) -> tuple[Hole, ...]:
    """The marked holes of a text, in order; those of a part, which is in no string, for a scope.

    Raises NoHoleError when there is none, and HoleError when one is inside a string literal: that
    is nearly always text about markers, and filling it would change what the program says.
    """
    found = [*_marked(source, marker, language, scope or Span(0, len(source.data)))]
    if not found:
        raise NoHoleError(
            "there is no hole in the text",
            where=source.name if scope is None else f"{source.name}, {_bytes(scope)}",
            expected=f"the marker {marker}",
            hint=f"write {marker} where code is wanted, or choose another marker",
        )
    kind = HoleError if any(string is None for _, string in found) else NoHoleError
    for hole, string in found:
        if string is not None:
            raise kind(
                "a marker is inside a string",
                where=f"{source.name}, {source.position(hole.start)}",
                expected="a marker where code is wanted",
                got=string[:40].decode(errors="replace"),
                hint="choose another marker, or give the hole as a byte span: "
                f"Hole({hole.start}, {hole.stop})",
            )
    return tuple(hole for hole, _ in found)


def quoted(source: Source, marker: str, *, language: str | None) -> tuple[Span, ...]:
    """The markers that are inside a string, for which `find_holes` refuses a text."""
    everything = Span(0, len(source.data))
    found = _marked(source, marker, language, everything)
    return tuple(hole.span for hole, string in found if string is not None)


def _marked(
    source: Source, marker: str, language: str | None, inside: Span
) -> Iterator[tuple[Hole, bytes | None]]:
    """The markers, each with the string that it is in."""
    strings = _strings(source.data, language, inside.start)
    string = next(strings, None)
    pattern = re.compile(re.escape(marker.encode()))
    for found in pattern.finditer(source.data, inside.start, inside.stop):
        start, stop = found.span()
        while string is not None and string.end() <= start:
            string = next(strings, None)
        held = string is not None and string.start() <= start and not string[0].startswith(b"#")
        yield Hole(start, stop), string[0] if string is not None and held else None


def _strings(data: bytes, language: str | None, first: int) -> Iterator[re.Match[bytes]]:
    """The comments and string literals from `first` on, which is in none."""
    pattern = STRINGS.get(language or "")
    return iter(()) if pattern is None else pattern.finditer(data, first)


def checked(
    source: Source, holes: Iterable[Hole], limits: Limits, scope: Span | None = None
) -> tuple[Hole, ...]:
    """The holes in order, once they are known to be inside the text, apart, and possible.

    And inside the scope, where there is one. Raises HoleError or OptionError.
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
    if scope is not None:
        _check_scope(source, ordered, scope)
    return tuple(ordered)


def _check(source: Source, hole: Hole, limits: Limits) -> None:
    where = f"{source.name}, {_bytes(hole.span)}"
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


def _check_scope(source: Source, ordered: Sequence[Hole], scope: Span) -> None:
    where = f"{source.name}, {_bytes(scope)}"
    if scope.stop > len(source.data):
        expected = f"stop <= {len(source.data)}"
        raise HoleError("the scope reaches past the end", where=where, expected=expected)
    if not source.is_boundary(scope.start) or not source.is_boundary(scope.stop):
        hint = "offsets count UTF-8 bytes, not characters"
        raise HoleError("the scope cuts a character or a line ending", where=where, hint=hint)
    for hole in ordered:
        if hole.start < scope.start or scope.stop < hole.stop:
            raise HoleError(
                "a hole lies outside of the scope",
                where=f"{source.name}, {_bytes(hole.span)}",
                expected=f"a hole within {_bytes(scope)}",
                hint="choose a scope around all holes, or none",
            )


def _bytes(span: Span) -> str:
    return f"bytes {span.start} to {span.stop}"


def _check_apart(source: Source, ordered: Sequence[Hole]) -> None:
    for left, right in pairwise(ordered):
        if left.stop >= right.start:
            raise HoleError(
                "two holes touch or overlap",
                where=f"{source.name}, bytes {right.start} to {left.stop}",
                expected="text between any two holes",
                hint="make them one hole",
            )
