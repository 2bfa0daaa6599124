"""Stand-ins: what the holes of a text hold for now, while others of its holes are filled.

A text with open holes is no text of its grammar. So that one hole can be filled alone, the others
get the shortest that the grammar takes there; nothing of it ever reaches the user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from infill.edit.denoising import Denoising
from infill.edit.grammars import Choice
from infill.edit.holes import Hole
from infill.edit.workbench import Workbench
from infill.text import Source, Span, TextEdit, apply_edits


@dataclass(frozen=True)
class StoodIn:
    """A text, and the edits that put something into some of its holes.

    >>> stood = StoodIn(Source.of("<a> = <b>; c"), (TextEdit(Span(6, 9), b"0"),))
    >>> stood.inside.text, stood.forth(11), stood.back(9)
    ('<a> = 0; c', 9, 11)
    """

    source: Source
    edits: tuple[TextEdit, ...] = ()

    @cached_property
    def inside(self) -> Source:
        """The text with the edits made."""
        return Source(apply_edits(self.source.data, self.edits), self.source.name)

    def forth(self, at: int) -> int:
        """Where a place of the text, outside of the edits, is in the other."""
        growths = (len(e.new) - len(e.span) for e in self.edits if e.span.stop <= at)
        return at + sum(growths)

    def back(self, at: int) -> int:
        """Where a place of the other, outside of the edits, is in the text."""
        for edit in sorted(self.edits, reverse=True):
            stop = self.forth(edit.span.stop)
            if at >= stop:
                return at - stop + edit.span.stop
        return at

    def forth_span(self, span: Span) -> Span:
        """Where a span is in the other text."""
        return Span(self.forth(span.start), self.forth(span.stop))


def stood_in(  # noqa: PLR0913 - as the workbench's own
    bench: Workbench,
    source: Source,
    wanted: Sequence[Span],
    others: Sequence[Span],
    *,
    language: str | None,
    grammar: Choice,
    scope: Span | None,
) -> StoodIn:
    """Something for the `others`, with which the `wanted` can be filled; no model is asked.

    Where no grammar holds they stay as they are. Raises what `Workbench.stream` raises.
    """
    if not others:
        return StoodIn(source)
    holes = [Hole(span.start, span.stop) for span in (*wanted, *others)]
    judge = bench.judge(source, holes, language=language, grammar=grammar, scope=scope)
    denoising = Denoising(bench.denoiser, bench.settings, judge)
    denoising.find_stand_ins()
    edits = [
        TextEdit(hole.span, judge.restored(index, denoising.stand_ins[index]))
        for index, hole in enumerate(judge.holes if denoising.stand_ins else ())
        if hole.span in others
    ]
    return StoodIn(source, tuple(edits))
