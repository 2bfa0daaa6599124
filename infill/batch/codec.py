"""Tasks and outcomes as JSON, for the journal. A task's text is kept beside it, not in it.

>>> task = Task(name="a.py", data=b"x", language="python", recipe=Recipe(seed=3))
>>> task_from(task_to(task), b"x") == task
True
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from infill.batch.task import Doubts, Failure, Outcome, Piece, Task
from infill.edit.holes import Hole
from infill.edit.recipe import Recipe
from infill.text import Span, TextEdit


def task_to(task: Task) -> str:
    """All of a task but its text."""
    holes = [[h.start, h.stop, h.min_tokens, h.max_tokens] for h in task.holes]
    return json.dumps(
        {
            "name": task.name,
            "language": task.language,
            "recipe": asdict(task.recipe),
            "operation": task.operation,
            "holes": holes,
            "prepared": [_edit(edit) for edit in task.prepared],
            "doubts": asdict(task.doubts),
            "edited": [_edit(edit) for edit in task.edited],
            "folder": task.folder,
        }
    )


def task_from(line: str, data: bytes) -> Task:
    """The task again, with its text."""
    found: dict[str, Any] = json.loads(line)
    return Task(
        name=found["name"],
        data=data,
        language=found["language"],
        recipe=Recipe(**found["recipe"]),
        operation=found["operation"],
        holes=tuple(Hole(a, b, c, d) for a, b, c, d in found["holes"]),
        prepared=tuple(map(_read, found["prepared"])),
        doubts=Doubts(**found["doubts"]),
        edited=tuple(map(_read, found["edited"])),
        folder=found["folder"],
    )


def outcome_to(outcome: Outcome) -> str:
    """An outcome, without its traces."""
    found = {
        "edits": [_edit(edit) for edit in outcome.edits],
        "pieces": [[p.text, p.score, list(p.alternatives)] for p in outcome.pieces],
        "checks": list(outcome.checks),
        "attempts": outcome.attempts,
        "forwards": outcome.forwards,
        "seconds": outcome.seconds,
        "stopped": outcome.stopped,
        "remarks": list(outcome.remarks),
        "failure": outcome.failure and asdict(outcome.failure),
    }
    return json.dumps(found)


def outcome_from(line: str) -> Outcome:
    """The outcome again."""
    found: dict[str, Any] = json.loads(line)
    return Outcome(
        edits=tuple(map(_read, found["edits"])),
        pieces=tuple(Piece(text, score, tuple(others)) for text, score, others in found["pieces"]),
        checks=tuple(found["checks"]),
        attempts=found["attempts"],
        forwards=found["forwards"],
        seconds=found["seconds"],
        stopped=found["stopped"],
        remarks=tuple(found["remarks"]),
        failure=None if found["failure"] is None else Failure(**found["failure"]),
    )


def _edit(edit: TextEdit) -> list[object]:
    return [edit.span.start, edit.span.stop, edit.new.decode()]  # the text it makes is UTF-8


def _read(found: list[Any]) -> TextEdit:
    start, stop, new = found
    return TextEdit(Span(start, stop), new.encode())
