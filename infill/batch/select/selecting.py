"""What `--select` says, told apart by its shape or by a prefix, and what it stands for in a text.

    (call function: (identifier) @f) or query:…    a tree-sitter query
    re.sub($A, $$$B) or pattern:…                  an ast-grep pattern
    a.py::Class.method, outer.inner or name:…      Python definitions; * is any name, ** any names
    3:1-4:10, 3-4, 3 or at:…                       lines and columns, from 1; the end not included

>>> text = Source.of("def f(x):\\n    return g(x)\\n")
>>> chosen = selector("f", part="body").spans(text, "python")
>>> [text.data[span.start : span.stop] for span in chosen]
[b'return g(x)']
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from infill.batch.select import definitions, positions
from infill.errors import OptionError
from infill.text import Source, Span

KINDS = ("query", "pattern", "name", "at")
RANGE = re.compile(r"\d+(?::\d+)?(?:-\d+(?::\d+)?)?")
NAME = re.compile(r"(?:[^:()\s$]*::)?[\w*<>]+(?:\.[\w*<>]+)*")
WHERE = "--select"

Finder = Callable[[Source, str | None], Iterable[Span]]


@dataclass(frozen=True, slots=True)
class Selection:
    """The places that were found, in order and apart.

    nested   how many more there were, inside of these
    """

    spans: tuple[Span, ...]
    nested: int = 0


@dataclass(frozen=True, slots=True)
class Selector:
    """Finds places in texts.

    kind   one of "query", "pattern", "name" and "at"
    part   of what is found, which part is meant
    """

    kind: str
    text: str
    part: str | None
    _find: Finder = field(repr=False, compare=False)

    def spans(self, source: Source, language: str | None) -> tuple[Span, ...]:
        """The places; none where nothing matches. Errors: see `select`."""
        return self.select(source, language).spans

    def select(self, source: Source, language: str | None) -> Selection:
        """The places, of those inside of each other the outermost.

        Raises OptionError for what cannot be asked of this language, and HoleError for a text
        that has no such line or does not parse.
        """
        found = [_whole_line_ends(source.data, span) for span in self._find(source, language)]
        kept = list[Span]()
        for span in sorted(found, key=lambda one: (one.start, -one.stop)):
            if not kept or not (span.overlaps(kept[-1]) or span.stop <= kept[-1].stop):
                kept.append(span)
        return Selection(tuple(kept), len(found) - len(kept))


def selector(text: str, *, part: str | None = None) -> Selector:
    """What a text stands for. Raises OptionError where that can be told without a language.

    part   of a query, a capture; of a pattern, a variable; of a name, one of
           `infill.batch.select.definitions.PARTS`
    """
    prefix, colon, rest = text.partition(":")
    named = bool(colon) and prefix in KINDS and not rest.startswith(":")
    kind, asked = (prefix, rest.strip()) if named else (_kind(text.strip()), text.strip())
    if not asked:
        raise OptionError(
            "nothing is selected",
            where=WHERE,
            expected="a query, a pattern, a name, or lines",
            hint="for instance --select 'Class.method', or --select 're.sub($A, $$$B)'",
        )
    return Selector(kind, asked, part, _finder(kind, asked, part))


def _kind(text: str) -> str:
    if text.startswith(("(", "[")):
        return "query"
    if RANGE.fullmatch(text):
        return "at"
    return "name" if NAME.fullmatch(text) else "pattern"


def _finder(kind: str, text: str, part: str | None) -> Finder:
    if kind == "query":
        from infill.batch.select.queries import query  # noqa: PLC0415 - tree-sitter

        return query(text, part)
    if kind == "pattern":
        from infill.batch.select.patterns import pattern  # noqa: PLC0415 - ast-grep

        return pattern(text, part)
    return definitions.named(text, part) if kind == "name" else positions.at(text, part)


def _whole_line_ends(data: bytes, span: Span) -> Span:
    r"""The span, not cutting a "\r\n": parsers take the "\r" for a part of what is before it."""
    start, stop = (
        at - 1 if 0 < at < len(data) and data[at - 1 : at + 1] == b"\r\n" else at
        for at in (span.start, span.stop)
    )
    return Span(start, stop)
