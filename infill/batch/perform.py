"""A task and a model make an outcome. What was found is checked once more, by other code."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from infill.batch.checks import checked
from infill.batch.task import Doubts, Failure, Outcome, Piece, Task
from infill.decode.trace import Trace
from infill.edit.changes import beside, composed, shifted
from infill.edit.denoising import Frame
from infill.edit.following import by_words, following, trimmed
from infill.edit.goals import Command
from infill.edit.proposal import Proposal
from infill.edit.revise import revise
from infill.edit.revised import Doubting, Revised
from infill.edit.rewrite import sized
from infill.edit.settings import Settings
from infill.edit.workbench import Workbench
from infill.edit.workspace import Workspace
from infill.errors import InfillError, OptionError
from infill.models.denoiser import Denoiser
from infill.text import Source, Span, TextEdit, apply_edits

Watch = Callable[[Frame], None]


@dataclass(frozen=True)
class _Work:
    """What `performed` is asked for."""

    task: Task
    denoiser: Denoiser
    workspace: Workspace | None
    watch: Watch | None
    traces: bool


def performed(
    task: Task,
    denoiser: Denoiser,
    *,
    workspace: Workspace | None = None,
    watch: Watch | None = None,
    traces: bool = False,
) -> Outcome:
    """The outcome of a task; an InfillError becomes its `failure`.

    workspace   what lies around the text, which a fill may take after
    watch       told every frame
    traces      whether to keep how it was sampled, also where that failed
    """
    started = time.perf_counter()
    try:
        outcome = _OPERATIONS[task.operation](_Work(task, denoiser, workspace, watch, traces))
        outcome = replace(outcome, checks=checked(task, outcome.edits))
    except InfillError as error:
        lines = _lines(getattr(error, "traces", ())) if traces else ()
        outcome = Outcome(failure=Failure.of(error), traces=lines)
    return replace(outcome, seconds=time.perf_counter() - started)


def _filled(work: _Work) -> Outcome:
    task = work.task
    bench = Workbench(work.denoiser, _settings(task), work.watch, work.workspace)
    holes = task.holes or None
    data = apply_edits(task.data, task.prepared)
    found = bench.fill(data, holes, language=task.language, name=task.name)
    return _onto(task.prepared, _outcome(found, traces=work.traces))


def _onto(prepared: Sequence[TextEdit], outcome: Outcome) -> Outcome:
    """The fills of a prepared text, as edits of the text before: one in each that prepared it.

    A fill that closes what is around it, and goes on after that, ends there.
    """
    if not prepared:
        return outcome
    edits, pieces, shift = list[TextEdit](), list[Piece](), 0
    for first, edit, piece in zip(prepared, outcome.edits, outcome.pieces, strict=True):
        at = edit.span.start - first.span.start - shift
        shift += len(first.new) - len(first.span)
        before, after = first.new[:at], first.new[at + len(edit.span) :]
        closing, fills = after.strip(), [edit.new, *(one.encode() for one in piece.alternatives)]
        cut = (one.partition(closing)[0] if closing else one for one in fills)
        new, *others = (before + one + after for one in cut)
        edits.append(TextEdit(first.span, new))
        pieces.append(Piece(new.decode(), piece.score, tuple(one.decode() for one in others)))
    return replace(outcome, edits=tuple(edits), pieces=tuple(pieces))


def _rewritten(work: _Work) -> Outcome:
    task = work.task
    source = Source.of(task.data, task.name)
    holes, settings = sized(source, task.holes, work.denoiser, _settings(task))
    bench = Workbench(work.denoiser, settings, work.watch)
    found = bench.fill(task.data, holes, language=task.language, name=task.name)
    return _outcome(found, traces=work.traces)


def _revised(work: _Work) -> Outcome:
    task = work.task
    settings = _settings(task)
    again = partial(
        revise,
        language=task.language,
        goal=settings.goal,
        doubting=_doubting(task.doubts),
        model=work.denoiser,
        settings=settings,
        name=task.name,
        watch=work.watch,
    )
    spans = [hole.span for hole in task.holes]
    if task.edited:
        return _followed(task, spans, again, traces=work.traces)
    trigger = "diagnostics" if task.doubts.diagnostics else None
    revised = again(task.data, spans or None, trigger=trigger)
    return _revision(revised.edits, [revised], traces=work.traces)


def _followed(
    task: Task, spans: list[Span], work: Callable[..., Revised], *, traces: bool
) -> Outcome:
    """Let the text follow each edit of the user's in turn; all of theirs stay as they are."""
    text, edits, found = task.data, tuple[TextEdit, ...](), list[Revised]()
    spans = spans or [Span(0, len(text))]
    pinned = [edit.span for edit in task.edited]
    for index, edited in enumerate(task.edited):
        here = pinned[index]
        back = TextEdit(here, edited.new)
        old = apply_edits(text, [back])
        before = Span(here.start, here.start + len(edited.new))
        edit = by_words(old, TextEdit(before, text[here.start : here.stop]))
        may = list(spans)
        for other in (span for span in pinned if span != here):
            may = beside(may, other)
        allowed = [span for span in shifted(may, back) if len(span)]
        if not allowed:
            continue
        found.append(work(old, allowed, trigger=edit))
        for change in reversed(following(found[-1], edit, text)):
            least = trimmed(text, change)  # its word may have what the user typed, or not allowed
            if any(_overlap(least.span, span) for span in pinned if span != pinned[index]):
                continue
            if _overlap(least.span, own := pinned[index]):  # both sides of it were changed as one
                start, stop = min(own.start, least.span.start), max(own.stop, least.span.stop)
                pinned[index] = Span(start, stop)
            edits = composed(task.data, edits, change)
            text = apply_edits(text, [change])
            spans, pinned = shifted(spans, least), shifted(pinned, least)
    return _revision(edits, found, traces=traces)


def _overlap(one: Span, other: Span) -> bool:
    """Whether two spans share a byte, or one that is empty is inside of the other."""
    return one.start < other.stop and other.start < one.stop


def _revision(edits: tuple[TextEdit, ...], found: Sequence[Revised], *, traces: bool) -> Outcome:
    return Outcome(
        edits=edits,
        pieces=tuple(Piece(edit.new.decode(errors="replace")) for edit in edits),
        forwards=sum(one.forwards for one in found),
        stopped=next((one.stopped for one in found if one.stopped), ""),
        remarks=tuple(remark for one in found for remark in _remarks(one)),
        traces=_lines([trace for one in found for trace in one.traces]) if traces else (),
    )


_OPERATIONS = {"fill": _filled, "rewrite": _rewritten, "revise": _revised}


def _settings(task: Task) -> Settings:
    """The settings of a task, with its goal: what the command makes of the text in its place."""
    settings, command = task.recipe.settings(), task.recipe.command()
    if command is None:
        return settings
    if task.folder is None:
        expected = "a file below the current directory, on this machine"
        raise OptionError("a goal's command has no place here", where=task.name, expected=expected)
    folder = Path(task.folder)
    try:
        path = (folder / task.name).resolve().relative_to(folder.resolve())
    except ValueError as error:
        raise OptionError(
            "a goal's command runs in a copy of the current directory",
            where=task.name,
            expected="a file below the current directory",
            hint="change to its project's folder first",
        ) from error
    return replace(settings, goal=Command(argv=command, path=str(path), folder=folder))


def _doubting(doubts: Doubts) -> Doubting:
    return Doubting(
        doubt=doubts.doubt, gain=doubts.gain, places=doubts.places, rounds=doubts.rounds
    )


def _outcome(proposal: Proposal, *, traces: bool) -> Outcome:
    return Outcome(
        edits=proposal.edits,
        pieces=tuple(Piece(h.text, h.score, h.alternatives) for h in proposal.holes),
        attempts=len({trace.header.attempt for trace in proposal.traces}),
        forwards=proposal.forwards,
        stopped=proposal.stopped,
        traces=_lines(proposal.traces) if traces else (),
    )


def _remarks(revised: Revised) -> Iterable[str]:
    places = len(revised.located)
    yield f"{places} place{'s' * (places != 1)} in doubt"
    yield f"mean logp {revised.before:.2f} to {revised.after:.2f}"
    yield from (f"still: {one.reason}" for one in revised.complaints)


def _lines(traces: Sequence[Trace]) -> tuple[str, ...]:
    return tuple(line for trace in traces for line in trace.lines())
