"""How much less is wrong with a text after a change. Knows nothing of models."""

from __future__ import annotations

from collections.abc import Sequence

from infill.edit.diagnosing import Diagnostic
from infill.edit.places import Place
from infill.text import TextEdit

PARSES = 1e6
"""What it is worth that a text parses; more than any number of names."""


def progress(
    place: Place,
    edit: TextEdit,
    then: Sequence[Diagnostic],
    now: Sequence[Diagnostic],
    grown: int,
) -> float:
    """How much less is wrong: `PARSES` where the text parses now, then names.

    Where it still does not, 1 if for another word the parser gives up later, past the edit:
    several things may be wrong at once. A larger change may not; it might be all of a line.
    then, now   what is wrong with the text before and after the edit
    grown       bytes by which the edit makes the text longer
    """
    stuck = next((one.span.start for one in now if one.fatal), None)
    was = next((one.span.start for one in then if one.fatal), None)
    if stuck is None:
        return (0.0 if was is None else PARSES) + len(then) - len(now)
    if was is None or place.level:
        return -PARSES
    further = stuck - was > grown
    return float(further and stuck > edit.span.start + len(edit.new)) or -1.0
