"""What can be said of a text without a model: holes that wait, and why it is none of its language.

>>> found = checked(Source.of("x = <FILL_ME>\\ny = [1\\n", "a.py"), "python")
>>> [(one.rule, str(one.start)) for one in found]
[('hole', 'line 1, column 5')]
>>> [(one.rule, one.message) for one in checked(Source.of("y = [1\\n"), "python")]
[('syntax', "'[' was never closed")]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from infill.batch.findings import Finding
from infill.edit.choices import MARKER
from infill.edit.holes import Hole, quoted
from infill.edit.holes import checked as in_order
from infill.edit.verify import verify
from infill.errors import HoleError
from infill.limits import DEFAULT
from infill.text import Source, Span

Level: TypeAlias = Literal["error", "warning", "note"]

UNFILLED = "unfilled hole"
IN_STRING = "a marker is inside a string: fill will refuse it"
PLACE = re.compile(r" \(line \d+, column \d+\)$")
LONGEST = 200_000
"""Bytes of a text that is judged by a grammar as a whole; more would take minutes."""
QUOTED = 40
"""Characters of the text to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to look for.

    completable  whether to ask the grammar of a text with holes if anything can fill them
    grammar      the one to ask; None is by language
    """

    marker: str = MARKER
    completable: bool = False
    grammar: str | None = None


def checked(source: Source, language: str | None, asked: Asked | None = None) -> list[Finding]:
    """The findings of a text, in its order; without a language only of its holes.

    hole           is not filled
    marker         cannot be filled where it is; in a string it is a note, since it may be meant
    syntax         the text is not of its language
    incompletable  no text in the holes makes it so

    A text with holes is judged by its grammar, and only where `asked` says so: it takes seconds.
    Raises OptionError and GrammarError for a grammar that cannot be had.
    """
    asked = asked or Asked()
    strings = quoted(source, asked.marker, language=language)
    found = re.finditer(re.escape(asked.marker.encode()), source.data)
    spans = [Span(*one.span()) for one in found]
    holes = [span for span in spans if span not in set(strings)]
    findings = [_finding(source, span, "marker", "note", IN_STRING) for span in strings]
    findings += [_finding(source, span, "hole", "warning", UNFILLED) for span in holes]
    if holes:
        findings += _judged(source, holes, language, asked) if asked.completable else ()
    elif language is not None:
        findings += _parsed(source, language)
    return sorted(findings, key=lambda one: (one.start, one.stop, one.rule))


def _parsed(source: Source, language: str) -> Iterator[Finding]:
    check = verify(source.data, language)
    if not check.ok:
        place = Span(check.offset, check.offset)
        yield _finding(source, place, "syntax", "error", PLACE.sub("", check.reason))


def _judged(
    source: Source, spans: list[Span], language: str | None, asked: Asked
) -> Iterator[Finding]:
    """Why nothing in the holes makes the text one of its grammar; nothing where something does."""
    from infill.edit.explain import Reading  # noqa: PLC0415 - numpy
    from infill.edit.grammars import chosen  # noqa: PLC0415 - numpy

    grammar = chosen(asked.grammar, language)
    if grammar is None or len(source.data) > LONGEST:
        return
    try:
        holes = in_order(source, [Hole(span.start, span.stop) for span in spans], DEFAULT)
    except HoleError as error:  # two touch, or there are too many
        yield _finding(source, spans[0], "marker", "warning", error.what)
        return
    conflict = Reading(source, holes, grammar).conflict()
    if conflict is None:
        return
    effect, cause = conflict.effect, conflict.cause
    if not len(effect):
        message = f"the text ends before it is one of the grammar {grammar.name}"
    else:
        message = f"{_quoted(source, effect)} cannot stand here in {grammar.name}"
    if len(effect) and len(cause) and cause != effect:
        message += f" because of {_quoted(source, cause)} at {source.position(cause.start)}"
    message = f"this file can no longer be completed: {message}"
    yield _finding(source, effect, "incompletable", "error", message)


def _quoted(source: Source, span: Span) -> str:
    text = source.data[span.start : span.stop].decode(errors="replace")
    return repr(text if len(text) <= QUOTED else f"{text[: QUOTED - 1]}…")


def _finding(source: Source, span: Span, rule: str, level: Level, message: str) -> Finding:
    start, stop = source.position(span.start), source.position(span.stop)
    return Finding(source.name, rule, level, message, start, stop)
