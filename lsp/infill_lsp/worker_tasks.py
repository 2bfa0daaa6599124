"""What a worker's tasks are: calls of the workbench, told as messages."""

from __future__ import annotations

import keyword
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from infill.edit.blocks import block_around
from infill.edit.details import TokenDetail, details
from infill.edit.enclosing import enclosing
from infill.edit.explain import Reading
from infill.edit.following import by_words, following
from infill.edit.grammars import chosen
from infill.edit.holes import Hole
from infill.edit.holes import checked as in_order
from infill.edit.proposal import Proposal
from infill.edit.revise import revise
from infill.edit.rewrite import rewriting
from infill.edit.settings import Settings
from infill.edit.standins import StoodIn, stood_in
from infill.edit.workbench import Frame, Workbench
from infill.errors import BudgetError, FillError, LimitError, UnverifiedError
from infill.limits import DEFAULT
from infill.models.counted import Counted
from infill.models.denoiser import Denoiser
from infill.text import Source, Span, TextEdit, apply_edits
from infill_lsp.messages import (
    Checkable,
    Checked,
    Detail,
    Details,
    Finished,
    Message,
    Moment,
    Place,
    Task,
    Token,
    Version,
)
from infill_lsp.worker_frames import region, whole

PERIOD = 0.1
"""Seconds between two moments; the first of an attempt is always one."""
LONG = 24_000
"""Bytes of a text from which on its grammar holds over a block: to read it all takes longer than
a person waits."""
DETAILED = 96
"""Tokens of a fill that details are worth their forwards for."""
EFFORT = 1.0
"""Of `Limits.effort`: a person waits, and another length may do."""
NAME = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*")
UNCHECKED = "nothing was checked: no grammar of this language is known"
QUOTED = 40
"""Characters of the user's text in a message."""
KEYWORDS = frozenset(word.encode() for word in keyword.kwlist)


@dataclass
class Bench:
    """A workbench that says what it does."""

    denoiser: Denoiser
    say: Callable[[Message], None]
    cancelled: set[str]
    _said: float = field(default=0.0)
    _attempt: int = field(default=-1)
    counted: Counted = field(init=False)

    def __post_init__(self) -> None:
        self.counted = Counted(self.denoiser)  # of one task

    def answer(self, task: Task) -> Iterator[Message]:
        """Do a task."""
        begun = time.perf_counter()
        source = Source.of(task.text, task.name)
        self.counted = Counted(self.denoiser)
        if task.kind == "revise":
            yield self._revised(task, source, begun)
            return
        proposal, stood, message = self._proposed(task, source)
        yield _finished(task, proposal, stood, message, 1e3 * (time.perf_counter() - begun))
        tokens = sum(len(trace.header.canvas.holes) for trace in proposal.traces[-1:])
        if task.details and tokens <= DETAILED and task.job not in self.cancelled:
            rows = details(proposal, self.denoiser)
            yield Details(task.job, tuple(tuple(map(_detail, row)) for row in rows))

    def _proposed(self, task: Task, source: Source) -> tuple[Proposal, StoodIn, str]:
        """Fill or rewrite; where the file is long or broken elsewhere, its block is judged."""
        spans = [Span(place.start, place.stop) for place in task.places or ()]
        block = block_around(source, task.language, spans)
        known = task.language is not None or task.grammar not in {None, "none"}
        part = known and task.language == "python" and len(block) < 0.9 * len(source.data)
        reason = "it is long"
        if not part or len(source.data) <= LONG:
            try:
                return *self._run(task, source, spans, None), "the file parses" if known else ""
            except (FillError, LimitError) as error:
                if not part or isinstance(error, BudgetError | UnverifiedError):
                    raise
                reason = "it cannot be completed elsewhere"
        proposal, stood = self._run(task, source, spans, block)
        ends = block.start, max(block.start, block.stop - 1)  # the next block begins at its stop
        first, last = (source.position(at).line for at in ends)
        message = f"lines {first} to {last} parse; the rest of the file was left out, as {reason}"
        return proposal, stood, message

    def _run(
        self, task: Task, source: Source, spans: Sequence[Span], scope: Span | None
    ) -> tuple[Proposal, StoodIn]:
        """Fill or rewrite, with something in the marked holes that are not asked for."""
        settings = _settings(task)
        bench = Workbench(self.counted, settings)
        others = _others(source, settings.marker, spans, scope)
        stood = stood_in(
            bench,
            source,
            spans,
            others,
            language=task.language,
            grammar=task.grammar,
            scope=scope,
        )
        spans = [stood.forth_span(span) for span in spans]
        common: dict[str, Any] = {
            "language": task.language,
            "grammar": task.grammar,
            "name": task.name,
            "scope": scope and stood.forth_span(scope),
            "cancelled": lambda: task.job in self.cancelled,
        }
        data = stood.inside.data
        if task.kind == "rewrite":
            keep = [*task.keep, *(_names(data, spans) if task.keep_names else ())]
            frames = rewriting(
                data, spans, keep=keep, model=self.counted, settings=settings, **common
            )
        else:
            holes = [Hole(span.start, span.stop) for span in spans]
            frames = bench.stream(data, holes, **common)
        order = {} if task.kind == "rewrite" else {span: i for i, span in enumerate(spans)}
        last = None
        for frame in frames:
            self._watch(task, frame, order, stood)
            last = frame.proposal
        if last is None:
            raise AssertionError("a stream ends with a proposal or an error")
        return last, stood

    def _watch(self, task: Task, frame: Frame, order: dict[Span, int], stood: StoodIn) -> None:
        """Say how far it is, not too often. `order` has the numbers of holes that are known."""
        now = time.monotonic()
        if frame.attempt == self._attempt and now - self._said < PERIOD and len(frame.canvas.holes):
            return
        self._said, self._attempt = now, frame.attempt
        rows = dict[int, tuple[Token, ...]]()
        places = dict[int, Place]()
        for number, hole in enumerate(frame.holes):
            index = order.setdefault(hole.span, len(order))
            rows[index] = tuple(region(frame, number))
            start = stood.back(hole.start)
            places[index] = Place(start, start + len(hole.span))
        self.say(
            Moment(
                job=task.job,
                attempt=frame.attempt,
                tick=frame.tick,
                forwards=self.counted.forwards,
                open=len(frame.canvas.holes),
                holes=rows,
                places=places,
            )
        )

    def _revised(self, task: Task, source: Source, begun: float) -> Finished:
        """Let the text follow an edit, or mend it; the places are of the text after the edit."""
        edit = task.edit and TextEdit(
            Span(task.edit.start, task.edit.stop), task.edit.text.encode()
        )
        edit = edit and by_words(source.data, edit)
        now = source.data if edit is None else apply_edits(source.data, [edit])
        spans = None
        if task.scope != "file" and task.language == "python":
            spans = [enclosing(source.data, task.at, task.scope, task.language)]
        wrong = [Span(place.start, place.stop) for place in task.wrong or ()]
        result = revise(
            source.data,
            spans,
            trigger=edit or wrong or "diagnostics",
            language=task.language,
            grammar=task.grammar,
            model=self.counted,
            settings=_settings(task),
            name=task.name,
            cancelled=lambda: task.job in self.cancelled,
            watch=lambda frame: self._watch(task, frame, {}, StoodIn(source)),
        )
        places = tuple(map(_place, following(result, edit, now)))
        ms = 1e3 * (time.perf_counter() - begun)
        return Finished(
            job=task.job,
            versions=(
                Version(places=places, scores=tuple(0.0 for _ in places), score=result.after),
            ),
            choices=tuple(() for _ in places),
            checked="file" if task.language else "none",
            message="; ".join(one.reason for one in result.complaints)
            or ("the file parses" if task.language else UNCHECKED),
            forwards=result.forwards,
            ms=ms,
            stopped=result.stopped,
            trace="".join(line for trace in result.traces for line in trace.lines()),
        )


def checked(task: Task) -> Iterator[Message]:
    """Whether a text with holes can be completed, and what is in the way if not."""
    source = Source.of(task.text, task.name)
    grammar = chosen(task.grammar, task.language)
    if grammar is None:
        yield Checkable(job=task.job, completable=True)
        return
    limits = replace(DEFAULT, effort=EFFORT)
    holes = in_order(source, [Hole(p.start, p.stop) for p in task.places or ()], limits)
    reading = Reading(source, holes, grammar, limits)
    conflict = None if reading.places() is not None else reading.conflict()
    if conflict is None:
        yield Checkable(job=task.job, completable=True)
        return
    cause, effect = (
        Place(span.start, span.stop, _start(source.data[span.start : span.stop]))
        for span in (conflict.cause, conflict.effect)
    )
    at = source.position(conflict.cause.start)
    what = repr(effect.text) if effect.text else "the end of the text"
    yield Checkable(
        job=task.job,
        completable=False,
        cause=cause,
        effect=effect,
        message=f"{what} cannot follow {cause.text!r} at {at}, whatever the holes hold",
    )


def _start(data: bytes) -> str:
    """The first line of a text, shortened."""
    line, _, rest = data.decode(errors="replace").partition("\n")
    return line if len(line) <= QUOTED and not rest else f"{line[:QUOTED]}…"


def _settings(task: Task) -> Settings:
    """The settings that a task comes with."""
    given = dict(task.settings)
    limits = replace(DEFAULT, effort=EFFORT)
    if (context := given.pop("context", None)) is not None:
        limits = replace(limits, context=int(context))
    return Settings.of(**given, limits=limits)


def _detail(one: TokenDetail) -> Detail:
    return Detail(
        text=whole(one.text),
        probability=one.probability,
        step=one.step,
        candidates=tuple((whole(text), share) for text, share in one.candidates),
    )


def _others(source: Source, marker: str, spans: Sequence[Span], scope: Span | None) -> list[Span]:
    """The markers that are not asked for, as far as they are judged; in strings as well."""
    inside = scope or Span(0, len(source.data))
    pattern = re.compile(re.escape(marker.encode()))
    found = [Span(*m.span()) for m in pattern.finditer(source.data, inside.start, inside.stop)]
    return [one for one in found if not any(one.overlaps(span) for span in spans)]


def _names(data: bytes, spans: Sequence[Span]) -> list[Span]:
    """The names in spans of a text."""
    found = [m for span in spans for m in NAME.finditer(data, span.start, span.stop)]
    return [Span(*match.span()) for match in found if match[0] not in KEYWORDS]


def _finished(task: Task, proposal: Proposal, stood: StoodIn, message: str, ms: float) -> Finished:
    versions = [_version(one, stood) for one in (proposal, *proposal.alternatives)]
    judged: Checked = "none"
    if proposal.checks:
        judged = "file" if proposal.scope is None else "block"
    return Finished(
        job=task.job,
        versions=tuple(versions),
        choices=tuple(hole.alternatives for hole in proposal.holes),
        checked=judged,
        message=("time ran out, the grammar alone completed it; " if proposal.witnessed else "")
        + (message or UNCHECKED),
        forwards=proposal.forwards,
        ms=ms,
        stopped=proposal.stopped,
        witnessed=proposal.witnessed,
        trace="".join(line for trace in proposal.traces for line in trace.lines()),
    )


def _version(proposal: Proposal, stood: StoodIn) -> Version:
    """The edits of a fill, as places of the text without stand-ins."""
    edits = [
        Place(stood.back(start), stood.back(start) + len(edit.span), edit.new.decode())
        for edit in proposal.edits
        for start in (edit.span.start,)
    ]
    scores = tuple(hole.score for hole in proposal.holes)
    return Version(places=tuple(edits), scores=scores, score=proposal.score)


def _place(edit: TextEdit) -> Place:
    return Place(edit.span.start, edit.span.stop, edit.new.decode(errors="replace"))
