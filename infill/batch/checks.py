"""The last look at a result, by code that had no part in making it."""

from __future__ import annotations

from collections.abc import Sequence

from infill.batch.task import Task
from infill.edit.verify import Check, verify, verify_untouched
from infill.errors import UnverifiedError
from infill.text import TextEdit, apply_edits


def checked(task: Task, edits: Sequence[TextEdit]) -> tuple[str, ...]:
    """The names of the checks that a task's text passes with these edits.

    Raises UnverifiedError where a byte outside of them changed, or the language's parser refuses.
    """
    after = apply_edits(task.data, edits)
    checks: list[Check] = [verify_untouched(task.data, edits, after)]
    if task.language is not None and edits:
        checks.append(verify(after, task.language))
    for check in checks:
        if not check.ok:
            raise UnverifiedError(
                f"the result does not pass the check {check.name!r}",
                proposal=None,
                where=f"{task.name}: {check.reason}",
            )
    return tuple(check.name for check in checks)
