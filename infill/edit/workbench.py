"""The workbench: a text with holes goes in, a checked proposal comes out.

Editors and the command line stand on this. It finds the holes and the grammar, and lets a
`Job` do the work. It never writes a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from infill.edit.denoising import Frame
from infill.edit.grammars import Choice, chosen, constraint
from infill.edit.holes import Hole, checked, find_holes
from infill.edit.job import Job
from infill.edit.judging import Judge, Rule
from infill.edit.proposal import Proposal
from infill.edit.settings import Settings
from infill.edit.verify import CHECKERS, verify
from infill.edit.workspace import Workspace
from infill.errors import InputError
from infill.models.denoiser import Denoiser
from infill.text import Source, Span

__all__ = ["Frame", "Workbench", "proposed"]


@dataclass(frozen=True)
class Workbench:
    """Fills holes with one model under one set of settings.

    watch      told every frame, before it is handed out
    workspace  the project's texts, whose lines are proposed beside what the model writes; the text
               being filled is known there by its name
    """

    denoiser: Denoiser
    settings: Settings = field(default_factory=Settings)
    watch: Callable[[Frame], None] | None = None
    workspace: Workspace | None = None

    def fill(  # noqa: PLR0913 - all but the text by name
        self,
        text: str | bytes,
        holes: Iterable[Hole] | None = None,
        *,
        language: str | None = None,
        grammar: Choice = None,
        name: str = "<text>",
        scope: Span | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Proposal:
        """Fill the holes; without `holes`, the marked ones. See `stream` for errors."""
        return proposed(
            self.stream(
                text,
                holes,
                language=language,
                grammar=grammar,
                name=name,
                scope=scope,
                cancelled=cancelled,
            )
        )

    def stream(  # noqa: PLR0913 - as `fill`
        self,
        text: str | bytes,
        holes: Iterable[Hole] | None = None,
        *,
        language: str | None = None,
        grammar: Choice = None,
        name: str = "<text>",
        scope: Span | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[Frame]:
        """Fill the holes frame by frame; to cancel, stop iterating.

        language   whose parser must accept the result; None fills without a check
        grammar    what the whole text must be at every step: a Grammar, its name, or the path of
                   a .lark or .schema.json file; None takes the settings' choice, and without one
                   the language's grammar; False and "none" fill without
        scope      the part of the text that grammar and parser judge, with its fills, where the
                   rest may be broken or is too long; it holds all holes, and begins in no string.
                   The model is shown the text around it all the same
        cancelled  asked before each forward; once it says yes, the last frame has the best so
                   far, its open slots completed (`Settings.time_limit` does the same)
        Raises InputError for a text or holes that cannot be worked on, OptionError for what is
        not supported, FillError when no text of the grammar fits, UnverifiedError when no fill
        within `settings.tries` parses, and BudgetError when a budget ends before there is one.
        """
        source = Source.of(text, name)
        judge = self.judge(source, holes, language=language, grammar=grammar, scope=scope)
        for frame in Job(self.denoiser, self.settings, judge, cancelled, self.workspace).run():
            if self.watch is not None:
                self.watch(frame)
            yield frame

    def judge(
        self,
        source: Source,
        holes: Iterable[Hole] | None,
        *,
        language: str | None,
        grammar: Choice,
        scope: Span | None,
    ) -> Judge:
        """What a fill of a text is judged by; see `stream`."""
        limits = self.settings.limits
        if len(source.data) > limits.text:
            expected = f"up to {limits.text} bytes (limits.text)"
            got = f"{len(source.data)} bytes"
            where = source.name
            raise InputError("the text is too long", where=where, expected=expected, got=got)
        if language is not None and language not in CHECKERS:
            verify(b"", language)  # raises the error that names the known ones
        if holes is None:
            holes = find_holes(source, self.settings.marker, language=language, scope=scope)
        ordered = checked(source, holes, limits, scope)
        found = chosen(self.settings.grammar if grammar is None else grammar, language)
        rule = (
            None if found is None else Rule(found, constraint(found, self.denoiser.vocab, limits))
        )
        return Judge(source, ordered, language, rule, scope)


def proposed(frames: Iterable[Frame]) -> Proposal:
    """What a stream of frames ends with."""
    *_, last = frames
    if last.proposal is None:
        raise AssertionError("a stream ends with a proposal or an error")
    return last.proposal
