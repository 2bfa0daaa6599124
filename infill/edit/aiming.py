"""The search of one window, told what the whole text is for. Knows nothing of attempts."""

from __future__ import annotations

from collections.abc import Sequence

from infill.canvas import Canvas
from infill.decode.search import Search
from infill.edit.goals import OnCanvases
from infill.edit.judging import Judge
from infill.edit.settings import Settings
from infill.edit.window import Window


def aimed(  # noqa: PLR0913, PLR0917 - what a canvas's whole text is made of
    settings: Settings,
    judge: Judge,
    window: Window,
    group: range,
    fills: Sequence[bytes | None],
    stand_ins: Sequence[bytes],
) -> Search:
    """The search for the goal over whole texts, if it has none of its own.

    A canvas says what is in the holes of its window, `group`; the others have their present
    fill or, while they are open, what stands in for it (nothing, where there are no stand-ins).
    """
    search, goal = settings.search, settings.goal
    if goal is None or search.goal is not None:
        return search
    others = list(fills)
    for index, stand_in in enumerate(stand_ins):
        if others[index] is None:
            others[index] = judge.restored(index, stand_in)

    def text(canvas: Canvas) -> str:
        present = list(others)
        for index, fill in zip(group, window.fills(canvas), strict=True):
            present[index] = judge.restored(index, fill)
        return judge.text(present)

    return search.aimed(OnCanvases(goal, text))
