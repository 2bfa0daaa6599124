"""Where a revision might change a text, the most promising first; and what might stand there.

A place is a word (a name, a number, an operator), a gap between words, two words, or a line:
levels 0 to 2, so that the smallest change is tried first.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from infill.decode.locating import Locator
from infill.edit.changes import words
from infill.edit.diagnosing import Diagnostic
from infill.edit.holes import STRINGS
from infill.edit.names import names_in_reach
from infill.edit.reading import Reading
from infill.errors import InputError
from infill.text import Span, TextEdit

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
NAMES = 8
"""Names to try in the place of one that nothing binds."""
GAPS = 4
"""Places to insert at, before where a parser gave up."""


@dataclass(frozen=True, slots=True)
class Place:
    """A span to fill for trial.

    gap      nats that the model's best token is ahead of one that stands there
    fatal    the text does not parse, and this is to mend it
    unbound  a name that nothing binds
    """

    span: Span
    reason: str
    gap: float = 0.0
    level: int = 0
    fatal: bool = False
    unbound: bool = False


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
    """What might stand there besides what a model fills in: marks, or names that are bound.

    Names are for one that nothing binds, the most similar first: it is misspelt as a rule.
    """
    if place.fatal:
        return list(MARKS)
    old = data[place.span.start : place.span.stop]
    if language != "python" or not place.unbound or not old.decode(errors="replace").isidentifier():
        return []
    try:
        names = names_in_reach(data, place.span.start)
    except InputError:
        return []
    close = difflib.get_close_matches(old.decode(), names, n=NAMES, cutoff=0.0)
    return [name.encode() for name in close]
