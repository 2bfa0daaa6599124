"""Which places of a text a command line means: marked holes, lines, what a selector finds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from infill.batch.jobs import Finding, Job
from infill.batch.planning import Edited, Finder
from infill.cli.request import Request
from infill.edit.allowed import allowed, line_spans
from infill.edit.holes import Hole, checked, find_holes
from infill.errors import NoHoleError
from infill.limits import DEFAULT
from infill.text import Source, Span, TextEdit

if TYPE_CHECKING:
    from infill.batch.select import Selector


def finder_of(request: Request) -> Finder:
    """What finds the places of each text. Raises OptionError for a selector that is none."""
    if request.operation == "fill":
        return _marked(request.recipe.marker)
    selectors = _selectors(request) if request.select else []

    def spans(source: Source, language: str | None) -> tuple[Span, ...]:
        found = list(line_spans(source, request.lines))
        for one in selectors:
            found += one.spans(source, language)
        if not found and (selectors or request.operation == "rewrite"):
            raise NoHoleError(
                "nothing is selected in the text",
                where=source.name,
                expected=", ".join(request.select) or "--lines or --select",
                hint="try the selector on one file first: infill rewrite FILE --select … --check",
            )
        return allowed(source, _outermost(found)) if found else ()

    def revised(source: Source, language: str | None) -> tuple[Hole, ...]:
        return tuple(Hole(span.start, span.stop) for span in spans(source, language))

    def rewritten(source: Source, language: str | None) -> tuple[Hole, ...]:
        from infill.edit.rewrite import holes_around  # noqa: PLC0415 - numpy

        found, keep = spans(source, language), request.keep
        if selectors:  # what one place must keep another need not have
            texts = [source.data[span.start : span.stop] for span in found]
            keep = tuple(one for one in keep if any(one.encode() in text for text in texts))
        return holes_around(source, found, keep=keep)

    return rewritten if request.operation == "rewrite" else revised


def finder_for(request: Request) -> Finding:
    """What finds the places of a job that names none: its markers, or what it selects."""

    def finder(job: Job) -> Finder:
        own = replace(
            request,
            command=cast("Any", job.operation),
            recipe=replace(request.recipe, **job.settings),
            select=job.select,
            part=job.part,
            keep=job.keep,
        )
        return finder_of(own)

    return finder


def edited_by(request: Request) -> Edited:
    """What finds the edits that a revision follows: those since a commit."""
    revision = request.since
    if revision is None:
        return lambda _: ()
    from infill.batch.differing import edits_between  # noqa: PLC0415 - as the next
    from infill.batch.git import before_of  # noqa: PLC0415 - starts git

    def edited(source: Source) -> tuple[TextEdit, ...]:
        before = before_of(revision, source.name)
        found = edits_between(source.data, before) if before is not None else ()
        if not found:
            raise NoHoleError(
                "nothing was edited in the text", where=source.name, expected=f"since {revision}"
            )
        return found

    return edited


def _selectors(request: Request) -> list[Selector]:
    from infill.batch.select import selector  # noqa: PLC0415 - parsers

    return [selector(text, part=request.part) for text in request.select]


def _marked(marker: str) -> Finder:
    def find(source: Source, language: str | None) -> tuple[Hole, ...]:
        return checked(source, find_holes(source, marker, language=language), DEFAULT)

    return find


def _outermost(spans: list[Span]) -> list[Span]:
    """The spans that lie in no other."""
    found = list[Span]()
    for span in sorted(set(spans), key=lambda one: (one.start, -one.stop)):
        if not found or span.stop > found[-1].stop:
            found.append(span)
    return found
