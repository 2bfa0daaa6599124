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
from infill.edit.judging import Rule
from infill.edit.proposal import Proposal
from infill.edit.settings import Settings
from infill.edit.verify import CHECKERS, verify
from infill.errors import InputError
from infill.models.denoiser import Denoiser
from infill.text import Source

__all__ = ["Frame", "Workbench"]


@dataclass(frozen=True)
class Workbench:
    """Fills holes with one model under one set of settings."""

    denoiser: Denoiser
    settings: Settings = field(default_factory=Settings)

    def fill(  # noqa: PLR0913 - all but the text by name
        self,
        text: str | bytes,
        holes: Iterable[Hole] | None = None,
        *,
        language: str | None = None,
        grammar: Choice = None,
        name: str = "<text>",
        cancelled: Callable[[], bool] | None = None,
    ) -> Proposal:
        """Fill the holes; without `holes`, the marked ones. See `stream` for errors."""
        frames = self.stream(
            text, holes, language=language, grammar=grammar, name=name, cancelled=cancelled
        )
        *_, last = frames
        if last.proposal is None:
            raise AssertionError("a stream ends with a proposal or an error")
        return last.proposal

    def stream(  # noqa: PLR0913 - as `fill`
        self,
        text: str | bytes,
        holes: Iterable[Hole] | None = None,
        *,
        language: str | None = None,
        grammar: Choice = None,
        name: str = "<text>",
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[Frame]:
        """Fill the holes frame by frame; to cancel, stop iterating.

        language   whose parser must accept the result; None fills without a check
        grammar    what the whole text must be at every step: a Grammar, its name, or the path of
                   a .lark or .schema.json file; None takes the settings' choice, and without one
                   the language's grammar; False and "none" fill without
        cancelled  asked before each forward; once it says yes, the last frame has the best so
                   far, its open slots completed (`Settings.time_limit` does the same)
        Raises InputError for a text or holes that cannot be worked on, OptionError for what is
        not supported, FillError when no text of the grammar fits, UnverifiedError when no fill
        within `settings.tries` parses, and BudgetError when a budget ends before there is one.
        """
        source = Source.of(text, name)
        limits = self.settings.limits
        if len(source.data) > limits.text:
            expected = f"up to {limits.text} bytes (limits.text)"
            got = f"{len(source.data)} bytes"
            raise InputError("the text is too long", where=name, expected=expected, got=got)
        if language is not None and language not in CHECKERS:
            verify(b"", language)  # raises the error that names the known ones
        if holes is None:
            holes = find_holes(source, self.settings.marker, language=language)
        holes = checked(source, holes, limits)
        found = chosen(self.settings.grammar if grammar is None else grammar, language)
        rule = (
            None if found is None else Rule(found, constraint(found, self.denoiser.vocab, limits))
        )
        work = Job(self.denoiser, self.settings, source, holes, language, rule, cancelled)
        yield from work.run()
