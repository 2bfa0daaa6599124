"""Which places of a text a command line means: marked holes, lines, what a selector finds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from infill.batch.jobs import Finding, Job
from infill.batch.planning import Edited, Finder
from infill.cli.request import Request
from infill.edit.allowed import allowed, line_spans
from infill.edit.holes import Hole, checked, find_holes
from infill.errors import NoHoleError, OptionError
from infill.limits import DEFAULT
from infill.text import Source, Span, TextEdit

if TYPE_CHECKING:
    from infill.batch.select import Prepared, Selector

MISSING = "missing-docstring"
"""The part of a definition that is not there yet."""


def finder_of(request: Request) -> Finder:
    """What finds the places of each text. Raises OptionError for a selector that is none."""
    if request.operation == "fill" and not request.select:
        return _marked(request.recipe.marker)
    if request.part == MISSING:
        return _undocumented(request)
    selectors = _selectors(request) if request.select else []
    literal, variables = _kept(request, selectors)

    def spans(source: Source, language: str | None) -> tuple[Span, ...]:
        found = list(line_spans(source, request.lines))
        for one in selectors:
            found += one.spans(source, language)
        if not found and (selectors or request.operation == "rewrite"):
            raise _nothing(source, request)
        return allowed(source, _outermost(found)) if found else ()

    def taken(source: Source, language: str | None) -> tuple[Hole, ...]:
        return tuple(Hole(span.start, span.stop) for span in spans(source, language))

    def rewritten(source: Source, language: str | None) -> tuple[Hole, ...]:
        from infill.edit.rewrite import holes_around  # noqa: PLC0415 - numpy

        found, keep = spans(source, language), list[str | Span](literal)
        if selectors:  # what one place must keep another need not have
            texts = [source.data[span.start : span.stop] for span in found]
            keep = [one for one in literal if any(one.encode() in text for text in texts)]
        for one in variables:
            keep += [
                span
                for span in one.spans(source, language)
                if len(span) and any(f.start <= span.start and span.stop <= f.stop for f in found)
            ]
        return holes_around(source, found, keep=keep)

    return rewritten if request.operation == "rewrite" else taken


def _kept(request: Request, selectors: Sequence[Selector]) -> tuple[list[str], list[Selector]]:
    """What is to be kept as it is spelt, and what finds the rest: a pattern's own $VARIABLES."""
    from infill.batch.select import selector  # noqa: PLC0415 - parsers

    literal: list[str] = []
    variables: list[Selector] = []
    for one in request.keep:
        having = [s.text for s in selectors if s.kind == "pattern" and one in _variables(s.text)]
        variables += [selector(f"pattern:{text}", part=one) for text in having]
        literal += [] if having else [one]
    return literal, variables


def _variables(pattern: str) -> set[str]:
    return set(re.findall(r"\${1,3}[A-Z_][A-Z0-9_]*", pattern))


def _undocumented(request: Request) -> Finder:
    """What makes places for the docstrings that are missing."""
    if request.operation != "fill":
        raise OptionError(
            "a docstring that is missing can only be filled",
            where="--part",
            expected=f"infill fill … --part {MISSING}",
            got=f"infill {request.operation}",
        )
    selectors = _selectors(request)

    def find(source: Source, language: str | None) -> Prepared:
        from infill.batch.select import missing_docstrings  # noqa: PLC0415 - parsers

        places = {span for one in selectors for span in one.spans(source, language)}
        if not places:
            raise _nothing(source, request)
        return missing_docstrings(source, places=places)

    return find


def _nothing(source: Source, request: Request) -> NoHoleError:
    return NoHoleError(
        "nothing is selected in the text",
        where=source.name,
        expected=", ".join(request.select) or "--lines or --select",
        hint=f"try the selector on one file first: infill {request.operation} FILE --select … "
        "--check",
    )


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
