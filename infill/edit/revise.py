"""Revision of a text: the front door. A text that is good comes back as it is.

>>> revise("x = 1\\n", [Span(0, 3), Span(2, 5)])
Traceback (most recent call last):
infill.errors.HoleError: two allowed spans overlap
  where: <text>, bytes 2 to 3 (line 1, column 3)
  expected: spans that share no byte
  try: make them one span
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from infill.edit.allowed import allowed
from infill.edit.bounded import bounded
from infill.edit.changes import before
from infill.edit.grammars import Choice, chosen
from infill.edit.holes import Hole
from infill.edit.revised import Doubting, Revised
from infill.edit.reviser import Reviser, Trigger
from infill.edit.settings import Settings
from infill.edit.workbench import Frame, Workbench
from infill.goal import Goal
from infill.models.denoiser import Denoiser
from infill.text import Source, Span, TextEdit, apply_edits


def revise(  # noqa: PLR0913 - the contract's options, all but the text by name
    text: str | bytes,
    allowed_spans: Iterable[Span] | None = None,
    *,
    trigger: Trigger = None,
    language: str | None = None,
    grammar: Choice = None,
    goal: Goal | None = None,
    doubting: Doubting | None = None,
    model: str | Denoiser = "embedded",
    settings: Settings | None = None,
    name: str = "<text>",
    cancelled: Callable[[], bool] | None = None,
    watch: Callable[[Frame], None] | None = None,
) -> Revised:
    """Change as little as possible so that a text is good, and nothing where it is.

    allowed_spans  what may change (byte offsets, half-open); None is all of the text
    trigger        where to look. A TextEdit is made first and stays; what it made unlikely is
                   looked at, and the renaming of a Python name is carried to its other places.
                   Spans are diagnostics of another tool; "diagnostics" those of the language;
                   None is the language's, and without any what the model doubts
    goal           judges whole texts; a change never makes it less, and one that is reached ends
                   the look for doubts
    doubting       thresholds; see `Doubting`
    cancelled      asked before each forward; once it says yes, the work ends as past a budget
    watch          told each frame of what the model writes. Its `holes` are places of `text`; none
                   where what was changed before is written anew

    A change is kept when the result parses, nothing more is wrong with it, the goal does not
    fall, and the pseudo-likelihood of the change and its neighbours does not fall.
    The settings' `nfe_budget` and `time_limit` bound all of it: past either the changes so far
    are handed out, and `Revised.stopped` says why.
    Raises HoleError for spans that overlap, are empty or lie outside the text, FillError when the
    text does not parse and no change makes it, and BudgetError when a budget ends before the text
    parses, or before it was measured once (`Revised.before`).
    """
    source = Source.of(text, name)
    if isinstance(trigger, TextEdit):
        Source.of(apply_edits(source.data, [trigger]), name)  # it may reach too far, or be no text
    spans = None if allowed_spans is None else allowed(source, allowed_spans)
    if spans is None:
        spans = (Span(0, len(source.data)),) if source.data else ()
    denoiser, own = bounded(model, settings or Settings(), cancelled)
    choice = own.grammar if grammar is None else grammar
    reviser = Reviser(
        Workbench(denoiser, own),
        denoiser,
        doubting or Doubting(),
        language,
        chosen(choice, language),
        goal,
        source,
    )
    if watch is not None:
        reviser.bench = replace(reviser.bench, watch=partial(_tell, watch, reviser))
    return reviser.run(spans, trigger)


def _tell(watch: Callable[[Frame], None], reviser: Reviser, frame: Frame) -> None:
    """Hand on a frame of a text that was changed before, with the holes' places in the source."""
    places = (before(hole.span, reviser.edits) for hole in frame.holes)
    holes = tuple(Hole(place.start, place.stop) for place in places if place is not None)
    watch(replace(frame, holes=holes))
