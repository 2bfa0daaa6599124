"""Rewriting: spans of a text are written anew, around what must stay in them.

What is kept is not offered to the model at all: the spans become the holes between the kept
texts, so it is there by construction. White space at the ends of a hole stays as well.

>>> source = Source.of("x = alpha(1)\\n")
>>> [(hole.start, hole.stop) for hole in holes_around(source, [Span(4, 12)], keep=["(1"])]
[(4, 9), (11, 12)]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from infill.edit.allowed import allowed
from infill.edit.grammars import Choice
from infill.edit.holes import Hole
from infill.edit.proposal import Proposal
from infill.edit.settings import Settings
from infill.edit.workbench import Frame, Workbench, proposed
from infill.errors import HoleError
from infill.models.catalogue import load
from infill.models.denoiser import Denoiser
from infill.text import Source, Span

SLACK = 4
"""Tokens that a rewritten stretch may be longer than the old one, where it is a long one."""


def rewrite(  # noqa: PLR0913 - the contract's options, all but the text by name
    text: str | bytes,
    spans: Iterable[Span],
    *,
    keep: Iterable[str | Span] = (),
    language: str | None = None,
    grammar: Choice = None,
    model: str | Denoiser = "embedded",
    settings: Settings | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Proposal:
    """Write some spans of a text anew, all of them jointly, and check the result.

    spans   byte offsets, half-open; everything outside stays as it is
    keep    what must stay in them: a text stays wherever it stands in the spans, a Span there

    The other options are those of `infill.fill` and `Workbench.stream`. Raises HoleError for spans
    that overlap, are empty or lie outside the text, for a `keep` that is not in them, and where
    nothing is left.
    """
    return proposed(
        rewriting(
            text,
            spans,
            keep=keep,
            language=language,
            grammar=grammar,
            model=model,
            settings=settings,
            cancelled=cancelled,
        )
    )


def rewriting(  # noqa: PLR0913 - as `rewrite`
    text: str | bytes,
    spans: Iterable[Span],
    *,
    keep: Iterable[str | Span] = (),
    language: str | None = None,
    grammar: Choice = None,
    model: str | Denoiser = "embedded",
    settings: Settings | None = None,
    name: str = "<text>",
    scope: Span | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Frame]:
    """Do as `rewrite` does, frame by frame; the last frame has the proposal."""
    source = Source.of(text, name)
    holes = holes_around(source, spans, keep=keep)
    denoiser = load(model) if isinstance(model, str) else model
    chosen = settings or Settings()
    sized_holes, own = sized(source, holes, denoiser, chosen)
    yield from Workbench(denoiser, own).stream(
        source.data,
        sized_holes,
        language=language,
        grammar=grammar,
        name=name,
        scope=scope,
        cancelled=cancelled,
    )


def holes_around(
    source: Source, spans: Iterable[Span], *, keep: Iterable[str | Span]
) -> tuple[Hole, ...]:
    """The stretches of the spans that are not kept, as holes. Raises HoleError; see `rewrite`."""
    ordered = allowed(source, spans)
    kept = sorted({place for wanted in keep for place in _places(source, ordered, wanted)})
    holes: list[Hole] = []
    for span in ordered:
        at = span.start
        for place in kept:
            if span.start <= place.start and place.stop <= span.stop:
                holes += _hole(source, at, place.start)
                at = max(at, place.stop)
        holes += _hole(source, at, span.stop)
    if not holes:
        raise HoleError(
            "nothing is left to rewrite",
            where=source.name,
            expected="text in the spans that is not kept",
            hint="keep less, or allow more",
        )
    return _apart(holes)


def _places(source: Source, spans: Sequence[Span], wanted: str | Span) -> list[Span]:
    """Where something to keep stands inside the spans."""
    if isinstance(wanted, Span):
        found = [wanted] if len(wanted) else []
    else:
        data = re.escape(wanted.encode())
        found = [Span(*match.span()) for match in re.finditer(data, source.data)] if data else []
    inside = [p for p in found if any(s.start <= p.start and p.stop <= s.stop for s in spans)]
    if inside:
        return inside
    where = ", ".join(f"bytes {span.start} to {span.stop}" for span in spans)
    raise HoleError(
        "what is to be kept does not stand in the spans",
        where=f"{source.name}, {where}",
        expected="text of the spans, exactly as it is there",
        got=repr(wanted),
        hint="it stands elsewhere in the text" if found else "look for another spelling",
    )


def _hole(source: Source, start: int, stop: int) -> list[Hole]:
    """What stands between two kept texts, without the white space at its ends, as a hole."""
    text = source.data[start:stop]
    inner = text.strip()
    if not inner:
        return []
    at = start + text.index(inner)
    return [Hole(at, at + len(inner))]


def _apart(holes: Sequence[Hole]) -> tuple[Hole, ...]:
    """The holes; those of spans that touch are one."""
    apart: list[Hole] = []
    for hole in holes:
        if apart and apart[-1].stop == hole.start:
            apart[-1] = Hole(apart[-1].start, hole.stop)
        else:
            apart.append(hole)
    return tuple(apart)


def sized(
    source: Source, holes: Sequence[Hole], denoiser: Denoiser, settings: Settings
) -> tuple[tuple[Hole, ...], Settings]:
    """The holes with room for somewhat more than what stands there, and settings for them."""
    room = min(settings.limits.context, denoiser.capabilities.context) // 2

    def longest(hole: Hole) -> int:
        old = len(denoiser.vocab.encode(source.data[hole.start : hole.stop]))
        wanted = max(settings.max_tokens, old + max(SLACK, old // 4))
        return min(wanted, settings.limits.hole, room)

    if any(b"\n" in source.data[hole.start : hole.stop] for hole in holes):
        settings = replace(settings, one_line=False)  # what took several lines may do so again
    return tuple(replace(hole, max_tokens=longest(hole)) for hole in holes), settings
