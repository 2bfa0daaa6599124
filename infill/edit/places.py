"""Where a revision might change a text, the most promising first; and what might stand there.

A place is a word (a name, a number, an operator), a gap between words, two words, or a line:
levels 0 to 2, so that the smallest change is tried first.
"""

from __future__ import annotations

import difflib
import keyword
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from infill.decode.locating import Locator
from infill.edit.changes import words
from infill.edit.diagnosing import Diagnostic
from infill.edit.holes import STRINGS
from infill.edit.names import bound_at, names_in_reach
from infill.edit.reading import Reading
from infill.edit.spelling import alike, solitary
from infill.errors import InputError
from infill.text import Span, TextEdit, apply_edits

MARKS = (b"", b":", b",", b")", b"]", b"}", b"(", b"[", b"{", b"=", b".", b'"', b"'", b"):", b"in")
"""Texts that are often all that is missing, or too much; they are candidates like any fill."""
PROBES = (
    b"x",
    b"0",
    b"x:",
    b"x)",
    b"x,",
    b"+",
    b"x =",
    b"if",
    b"for",
    b"def",
    b"return x",
    b"pass",
)
"""Texts that show whether a place can be mended at all; they are not proposed."""
KEYWORDS = tuple(word.encode() for word in keyword.kwlist)
NAMES = 32
"""Names to try in the place of one that nothing binds."""
GAPS = 4
"""Places to insert at, before where a parser gave up."""


@dataclass(frozen=True, slots=True)
class Place:
    """A span to fill for trial.

    gap      nats that the model's best token is ahead of one that stands there
    fatal    the text does not parse, and this is to mend it
    unbound  a name that nothing binds
    text     what alone is to be tried there, where that is known
    """

    span: Span
    reason: str
    gap: float = 0.0
    level: int = 0
    fatal: bool = False
    unbound: bool = False
    text: bytes = b""


def pressing(
    own: Sequence[Diagnostic], foreign: Sequence[Span], spans: Sequence[Span], count: int
) -> tuple[list[Diagnostic], list[Diagnostic], list[Span]]:
    """The first diagnostics: own ones that may change, all that may not, and another tool's.

    Of the first and the last there are `count` at most, together.
    """
    inside = [one for one in own if one.fatal or clipped(one.span, spans)]
    outside = [one for one in own if one not in inside]
    inside = inside[:count]
    return inside, outside, list(foreign[: count - len(inside)])


def near(one: Diagnostic, reading: Reading, locate: Locator, count: int) -> list[Place]:
    """Around a diagnostic: the name itself, or what stands before the place a parser gave up."""
    if not one.fatal:
        return [Place(one.span, one.reason, unbound=True)]
    data, at = reading.source.data, one.span.start
    line = data.rfind(b"\n", 0, at) + 1
    above = data.rfind(b"\n", 0, max(0, line - 1)) + 1
    end = data.find(b"\n", at)
    stop = len(data) if end < 0 else end
    found = words(data, Span(above, stop))
    gaps = doubts_of(reading, {t for word in found for t in reading.tokens(word)}, locate)

    def gap(span: Span) -> float:
        return max((gaps.get(token, 0.0) for token in reading.tokens(span)), default=0.0)

    def place(span: Span, level: int) -> Place:
        return Place(span, one.reason, gap(span), level, fatal=True)

    spots = sorted({word.stop for word in found if word.stop <= at} | {at}, reverse=True)
    pairs = [Span(a.start, b.stop) for a, b in pairwise(found)]
    return [
        *(place(word, 0) for word in sorted(found, key=lambda word: -gap(word))[:count]),
        *(place(Span(spot, spot), 0) for spot in spots[:GAPS]),
        *(place(pair, 1) for pair in sorted(pairs, key=lambda pair: -gap(pair))[:count]),
        place(Span(line, stop), 2),
    ]


def bindings(complaints: Sequence[Diagnostic], data: bytes, spans: Sequence[Span]) -> list[Place]:
    """Where names are bound in `spans`, for each missing one that is read outside of them alone.

    There it cannot be changed; and if it is read twice it is no slip, but what was to bind it has
    another name.
    """
    missing: dict[bytes, list[Diagnostic]] = {}
    for one in complaints:
        if not one.fatal:
            missing.setdefault(data[one.span.start : one.span.stop], []).append(one)
    return [
        Place(spot, found[0].reason, text=name)
        for name, found in missing.items()
        if len(found) > 1 and not any(clipped(one.span, spans) for one in found)
        for spot in bound_at(data)
    ]


def doubtful(
    reading: Reading, gaps: Mapping[int, float], *, above: float, count: int
) -> list[Place]:
    """The words of the tokens with the largest gaps, `count` of them at most.

    None in comments and strings: prose is uncertain, and right all the same.
    """
    data, pattern = reading.source.data, STRINGS.get(reading.language or "")
    prose = [Span(*spot.span()) for spot in pattern.finditer(data)] if pattern else []
    worst = sorted((t for t in gaps if gaps[t] > above), key=lambda token: -gaps[token])
    places: dict[Span, Place] = {}
    for token in worst:
        for word in words(data, reading.span(token))[:1]:
            if not any(word.overlaps(span) for span in prose):
                places.setdefault(word, Place(word, "the model doubts it", gaps[token]))
    return list(places.values())[:count]


def doubts_of(reading: Reading, tokens: Iterable[int], locate: Locator) -> dict[int, float]:
    """The gap of each token (nats)."""
    doubts = reading.doubts(sorted(tokens), locate)
    return dict(zip(doubts.at.tolist(), doubts.gaps.tolist(), strict=True))


def risen(
    gaps: Mapping[int, float],
    now: Reading,
    before: Mapping[int, float],
    then: Reading,
    edit: TextEdit,
) -> dict[int, float]:
    """How much an edit raised the gap of each token that was there before it."""
    shift = len(edit.new) - len(edit.span)
    old = {
        then.span(token).start + shift * (then.span(token).start >= edit.span.stop): gap
        for token, gap in before.items()
    }
    rise = {token: gap - old.get(now.span(token).start, gap) for token, gap in gaps.items()}
    return {token: gap for token, gap in rise.items() if gap > 0}


def clipped(span: Span, allowed: Sequence[Span]) -> list[Span]:
    """The parts of a span that lie in the allowed ones; an empty one is whole or not at all."""
    if not len(span):
        return [span] if any(s.start <= span.start <= s.stop for s in allowed) else []
    parts = [(max(span.start, s.start), min(span.stop, s.stop)) for s in allowed]
    return [Span(start, stop) for start, stop in parts if start < stop]


def suggestions(place: Place, data: bytes, language: str | None) -> list[bytes]:
    """What might stand there besides what a model fills in: marks and keywords, or bound names.

    Names are for one that nothing binds: all that are like it, and that nothing else reads, first.
    """
    old = data[place.span.start : place.span.stop]
    if place.text:
        return [place.text]
    if place.fatal:
        words = KEYWORDS if language == "python" and old.isalpha() else ()
        return [*MARKS, *words]
    if language != "python" or not place.unbound or not old.decode(errors="replace").isidentifier():
        return []
    try:
        names = names_in_reach(data, place.span.start)
        lone = {data[span.start : span.stop].decode() for span in solitary(data)}
    except InputError:
        return []
    close = difflib.get_close_matches(old.decode(), names, n=len(names) or 1, cutoff=0.0)
    ranked = sorted(close, key=lambda name: (not alike(old.decode(), name), name not in lone))
    return [name.encode() for name in ranked[:NAMES]]


def evidence(place: Place, data: bytes, edit: TextEdit) -> tuple[float, float]:
    """What speaks for a name where nothing binds the one that stands there: more is better.

    It is like the old one; and it was named nowhere else, so that it is read at last.
    """
    if not place.unbound:
        return 0.0, 0.0
    old = data[edit.span.start : edit.span.stop].decode(errors="replace")
    try:
        fewer = len(solitary(data)) - len(solitary(apply_edits(data, [edit])))
    except InputError:
        return 0.0, 0.0
    close = alike(old, edit.new.decode(errors="replace"))
    return float(close), float(max(fewer, 0))
