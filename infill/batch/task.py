"""One text to work on and what comes of it, as plain data: to send, to keep and to compare.

>>> from infill.text import Span
>>> task = Task(name="a.py", data=b"x = <FILL_ME>\\n", language="python", recipe=Recipe())
>>> task.key("weights") == replace(task, name="b.py").key("weights")
True
>>> task.key("weights") == replace(task, recipe=Recipe(seed=1)).key("weights")
False
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from infill import errors
from infill.edit.files import open_file
from infill.edit.holes import Hole
from infill.edit.recipe import Recipe
from infill.errors import InfillError
from infill.text import TextEdit, apply_edits
from infill.version import VERSION

__all__ = ["Doubts", "Failure", "Outcome", "Piece", "Task", "replace"]

IMPORTS = re.compile(rb"^\s*%import\s+\.", re.MULTILINE)
"""A line of a grammar that takes rules from a file beside it."""

Operation = Literal["fill", "rewrite", "revise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """When a revision changes something; see `infill.edit.revised.Doubting`.

    diagnostics   whether only what the language finds wrong is changed
    """

    doubt: float = 5.0
    gain: float = 30.0
    places: int = 6
    rounds: int = 4
    diagnostics: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One text, and what to do with it.

    name       what errors call it: its path as the user named it
    holes      what to fill, or to write anew; for a revision, what may change (none is all)
    prepared   edits that make the places to fill, one around each hole; with them holes count bytes
    edited     for a revision: what was edited last, and what stood there; the rest is to follow
    folder     what a goal's command gets a copy of, and `name` lies in
    """

    name: str
    data: bytes
    language: str | None
    recipe: Recipe
    operation: Operation = "fill"
    holes: tuple[Hole, ...] = ()
    prepared: tuple[TextEdit, ...] = ()
    doubts: Doubts = field(default_factory=Doubts)
    edited: tuple[TextEdit, ...] = ()
    folder: str | None = None

    @property
    def repeatable(self) -> bool:
        """Whether the same task has the same outcome: a goal's command asks more than the text.

        So does a grammar that takes rules from files beside it.
        """
        return self.recipe.goal is None and not IMPORTS.search(_grammar(self.recipe.grammar))

    def key(self, model: str, around: str = "") -> str:
        """A digest of all that decides the outcome.

        model    the weights' digest
        around   that of the texts which a fill may take after; other operations do not

        Raises InfillError where the grammar is a file that cannot be read.
        """
        holes = [[h.start, h.stop, h.min_tokens, h.max_tokens] for h in self.holes]
        edited, prepared = (
            [[e.span.start, e.span.stop, e.new.hex()] for e in edits]
            for edits in (self.edited, self.prepared)
        )
        parts = [
            VERSION,
            model,
            self.operation,
            hashlib.sha256(self.data).hexdigest(),
            self.language,
            holes,
            prepared,
            edited,
            asdict(self.recipe),
            hashlib.sha256(_grammar(self.recipe.grammar)).hexdigest(),
            asdict(self.doubts) if self.operation == "revise" else None,
            around if self.operation == "fill" else "",
        ]
        if not self.repeatable:
            parts += [self.name, self.folder]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _grammar(choice: str | None) -> bytes:
    """The text of a grammar that is a file; a name says all there is to know."""
    path = Path(choice or "")
    return open_file(path).source.data if path.suffix in {".lark", ".json"} else b""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one edit of an outcome puts there.

    score         mean log-probability of its tokens (nats); None where no model wrote it
    alternatives  other texts for the place, the best first
    """

    text: str
    score: float | None = None
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no outcome: the name of an error of `infill.errors`, and its five answers."""

    kind: str
    what: str
    where: str = ""
    expected: str = ""
    got: str = ""
    hint: str = ""

    @classmethod
    def of(cls, error: InfillError) -> Failure:
        """What an error says."""
        kind = type(error).__name__
        return cls(kind, error.what, error.where, error.expected, error.got, error.hint)

    def error(self) -> InfillError:
        """The error again, without what it carried along."""
        kind: Any = getattr(errors, self.kind, InfillError)
        answers = asdict(self)
        del answers["kind"], answers["what"]
        if issubclass(kind, errors.UnverifiedError):
            answers["proposal"] = None  # it stayed where the work was done
        return kind(self.what, **answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a task.

    edits      what to change, in order; none where it failed or is good as it is
    pieces     per edit, what it puts there
    checks     the names of the checks that the changed text passed
    attempts   that were made; `forwards` canvases that the model scored; `seconds` it took
    stopped    why it ended early with the best so far: a budget's name; else ""
    remarks    what a person should know, one line each
    traces     how it was sampled, as JSON lines, where that was asked for
    """

    edits: tuple[TextEdit, ...] = ()
    pieces: tuple[Piece, ...] = ()
    checks: tuple[str, ...] = ()
    attempts: int = 0
    forwards: int = 0
    seconds: float = 0.0
    stopped: str = ""
    remarks: tuple[str, ...] = ()
    failure: Failure | None = None
    traces: tuple[str, ...] = ()

    def result(self, data: bytes) -> bytes:
        """The changed text."""
        return apply_edits(data, self.edits)
