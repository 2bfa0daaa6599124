"""What the server and its worker say to each other: JSON lines, one message each.

Offsets are UTF-8 bytes, half-open. Texts may hold lone surrogates, which JSON carries escaped.

>>> line = encode(Cancel("j1"))
>>> decode(line)
Cancel(job='j1')
>>> decode(b'{"type": "Cansel"}')
Traceback (most recent call last):
infill_lsp.messages.MessageError: a message between server and worker is not whole: 'Cansel'
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast, get_args

from cattrs import Converter
from cattrs.errors import BaseValidationError

Kind = Literal["fill", "rewrite", "revise", "check"]
Checked = Literal["file", "block", "none"]
Scope = Literal["function", "class", "file"]


class MessageError(Exception):
    """A line that is no message."""


@dataclass(frozen=True, slots=True)
class Place:
    """The bytes `start` to `stop` of a text; `text` is what is put there, where something is."""

    start: int
    stop: int
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something for a worker to do.

    places    fill: the holes; rewrite: the spans; revise: what may change. None: the marked holes,
              or all of the text
    keep      texts that a rewrite keeps; `keep_names`: all names in it, too
    edit      revise: the user's last edit, of `text`; without one, what is wrong is looked for
    wrong     revise: where other tools complain
    scope     revise: what may change, around the byte `at`
    settings  by the names of `infill.Settings`, where JSON has the value
    details   whether to say more about each token once the work is done
    """

    job: str
    kind: Kind
    text: str
    name: str
    language: str | None = None
    grammar: str | None = None
    places: tuple[Place, ...] | None = None
    keep: tuple[str, ...] = ()
    keep_names: bool = False
    edit: Place | None = None
    wrong: tuple[Place, ...] | None = None
    scope: Scope = "file"
    at: int = 0
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    details: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop a job within a denoise step."""

    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The model is there."""

    model: str
    device: str
    ms: float


@dataclass(frozen=True, slots=True)
class Unloadable:
    """The model is not there, and why; the next task tries again."""

    message: str


@dataclass(frozen=True, slots=True)
class Token:
    """A slot of a canvas as it is now; `text` is what it renders to, "" while it is open."""

    text: str
    slot: Literal["hole", "filled"]
    logp: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A moment of a sample.

    holes    the slots of those that are worked on, by their index
    places   where they are in the task's text
    """

    job: str
    attempt: int
    tick: int
    forwards: int
    open: int
    holes: dict[int, tuple[Token, ...]]
    places: dict[int, Place]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One way to change the text, the places in order; scores are nats per token."""

    places: tuple[Place, ...]
    scores: tuple[float, ...]
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The ways to change the text, the best first; none where nothing is to change.

    witnessed whether time ran out, so that the grammar alone completed the best
    choices   per place other texts, of other versions
    trace     JSON lines, as `infill trace` reads them
    """

    job: str
    versions: tuple[Version, ...]
    choices: tuple[tuple[str, ...], ...]
    checked: Checked
    message: str
    forwards: int
    ms: float
    stopped: str
    witnessed: bool = False
    trace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A token of a fill: how sure the model was, when it settled, what else it thinks of."""

    text: str
    probability: float
    step: int
    candidates: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Details:
    """Per place of the best version, its tokens."""

    job: str
    holes: tuple[tuple[Detail, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkable:
    """Whether a text with holes can be completed; if not, where the conflict is, in bytes."""

    job: str
    completable: bool
    cause: Place | None = None
    effect: Place | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The work came to nothing. `error` is the name of the error; "cancelled" where it was."""

    job: str
    error: str
    message: str


Message = (
    Task | Cancel | Loaded | Unloadable | Moment | Finished | Details | Checkable | Failed
)  # fmt: skip
_TYPES: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Message)}
_CONVERTER = Converter()


def encode(message: Message) -> bytes:
    """A message as a line, with its newline."""
    fields = asdict(message)
    return json.dumps({"type": type(message).__name__, **fields}).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """The message of a line. Raises MessageError."""
    kind = "?"
    try:
        fields = cast("dict[str, Any]", json.loads(line))
        kind = str(fields.pop("type"))
        return _CONVERTER.structure(fields, _TYPES[kind])
    except (ValueError, KeyError, AttributeError, TypeError, BaseValidationError) as error:
        got = f"a message between server and worker is not whole: {kind!r}"
        raise MessageError(got) from error
