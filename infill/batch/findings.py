"""What was found in a file, for people and for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from infill.text import Position, TextEdit


@dataclass(frozen=True, slots=True)
class Finding:
    """Something at a place of a file, and what would mend it.

    rule    what kind it is, as `hole` or `syntax`
    fix     edits of the file as it is, which belong together
    """

    path: str
    rule: str
    level: Literal["error", "warning", "note"]
    message: str
    start: Position
    stop: Position
    fix: tuple[TextEdit, ...] = ()
