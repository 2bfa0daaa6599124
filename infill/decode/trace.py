r"""Traces: what a fill did, as JSON lines. One format for player, tests, editors and pages.

A trace is a header, one line per step, and an end. A file may hold several, one after the
other: one per attempt and canvas. Schema 1:

    {"schema": 1, "type": "header", "model": {"name", "digest", "tokenizer"},
     "grammar": null | name, "language": null | name, "path", "holes": [[start, stop], …],
     "attempt", "seed", "settings": {…},
     "canvas": {"ids": [T], "slots": "GGHHFG", "logps": [T], "texts": [T]}}
    {"type": "step", "tick", "ms", "moves": [["write", at, token, logp, text] | ["reopen", at]
     | ["splice", at, delete, holes]]}
    {"type": "end", "outcome": "filled" | "unparsable" | "incomplete", "reason", "score"}

`holes` are byte spans of the text at `path`; `tokenizer` and `digest` are sha256. `texts` and
`text` are what tokens render to, so that a player needs no model; bytes that are not UTF-8 on
their own are lone surrogates (Python's "surrogateescape").

>>> start = Canvas([3, 0], [Slot.GIVEN, Slot.HOLE])
>>> vocab = Vocab([b"", b"a", b"b", b"c"], mask=0)
>>> trace = Trace(Header(canvas=start, texts=texts_of(start, vocab)),
...               (TraceStep(tick=0, ms=1.5, moves=(Write(1, 2, -0.25),), texts=("b",)),))
>>> trace.replay().ids.tolist(), Trace.parse(trace.lines())[0] == trace
([3, 2], True)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from infill.canvas import Canvas, Move, Reopen, Slot, Splice, Step, Write
from infill.decode.hypothesis import Hypothesis
from infill.errors import MoveError, TraceError
from infill.vocab import Vocab

SCHEMA = 1
LETTERS = {Slot.GIVEN: "G", Slot.HOLE: "H", Slot.FILLED: "F"}
SLOTS = {letter: slot for slot, letter in LETTERS.items()}

Json = dict[str, Any]


def shown(data: bytes) -> str:
    """Token bytes as a JSON string; lossless."""
    return data.decode("utf-8", "surrogateescape")


def texts_of(canvas: Canvas, vocab: Vocab) -> tuple[str, ...]:
    """What each slot renders to; nothing at a hole."""
    return tuple(
        "" if slot == Slot.HOLE else shown(vocab.token_bytes(token))
        for token, slot in zip(canvas.ids.tolist(), canvas.slots.tolist(), strict=True)
    )


@dataclass(frozen=True, kw_only=True)
class Header:
    """What was asked: enough to run it again."""

    canvas: Canvas
    texts: tuple[str, ...]
    model: Mapping[str, str] = field(default_factory=dict[str, str])
    grammar: str | None = None
    language: str | None = None
    path: str = ""
    holes: tuple[tuple[int, int], ...] = ()
    attempt: int = 0
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def json(self) -> Json:
        """The header's line."""
        canvas = {
            "ids": self.canvas.ids.tolist(),
            "slots": "".join(LETTERS[Slot(slot)] for slot in self.canvas.slots.tolist()),
            "logps": self.canvas.logps.tolist(),
            "texts": list(self.texts),
        }
        return {
            "schema": SCHEMA,
            "type": "header",
            "model": dict(self.model),
            "grammar": self.grammar,
            "language": self.language,
            "path": self.path,
            "holes": [list(span) for span in self.holes],
            "attempt": self.attempt,
            "seed": self.seed,
            "settings": dict(self.settings),
            "canvas": canvas,
        }

    @classmethod
    def parse(cls, line: Json) -> Header:
        """The header of a line; raises KeyError, ValueError or MoveError for one not whole."""
        _require(line, canvas=dict, model=dict, path=str, attempt=int, seed=int, settings=dict)
        holes = tuple((start, stop) for start, stop in line["holes"])
        canvas = line["canvas"]
        if len(canvas["texts"]) != len(canvas["ids"]):
            raise ValueError(f"{len(canvas['texts'])} texts for {len(canvas['ids'])} slots")
        return cls(
            canvas=Canvas(
                canvas["ids"], [SLOTS[letter] for letter in canvas["slots"]], canvas["logps"]
            ),
            texts=tuple(map(_string, canvas["texts"])),
            holes=holes,
            **{
                name: line[name]
                for name in ("model", "grammar", "language", "path", "attempt", "seed", "settings")
            },
        )


@dataclass(frozen=True, kw_only=True)
class TraceStep:
    """One tick: the moves that were admitted, and how long it took (milliseconds)."""

    tick: int
    ms: float
    moves: Step
    texts: tuple[str, ...]
    """What each write renders to, in the order of the writes."""

    def json(self) -> Json:
        """The step's line."""
        texts = iter(self.texts)
        moves = [_move_json(move, texts) for move in self.moves]
        return {"type": "step", "tick": self.tick, "ms": self.ms, "moves": moves}

    @classmethod
    def parse(cls, line: Json) -> TraceStep:
        """The step of a line; raises KeyError, TypeError or ValueError for one not whole."""
        _require(line, tick=int, ms=(int, float), moves=list)
        return cls(
            tick=line["tick"],
            ms=line["ms"],
            moves=tuple(_parse_move(move) for move in line["moves"]),
            texts=tuple(move[4] for move in line["moves"] if move[0] == "write"),
        )


@dataclass(frozen=True)
class Trace:
    """A header, its steps, and how it ended."""

    header: Header
    steps: tuple[TraceStep, ...] = ()
    outcome: str = "filled"
    reason: str = ""

    @classmethod
    def of(  # noqa: PLR0913 - a trace is made of these
        cls,
        header: Header,
        best: Hypothesis,
        *,
        vocab: Vocab,
        ms: Iterable[float],
        outcome: str = "filled",
        reason: str = "",
    ) -> Trace:
        """The trace of the path that led to `best`; `ms` has one figure per tick."""
        steps = tuple(
            TraceStep(
                tick=tick,
                ms=round(took, 3),
                moves=hypothesis.step,
                texts=tuple(
                    shown(vocab.token_bytes(move.token))
                    for move in hypothesis.step
                    if isinstance(move, Write)
                ),
            )
            for tick, (hypothesis, took) in enumerate(
                zip(best.lineage()[1:], ms, strict=False)  # a search may drop a tick's step
            )
        )
        return cls(header, steps, outcome, reason)

    def canvases(self) -> Iterator[Canvas]:
        """The canvas at the start and after each step."""
        canvas = self.header.canvas
        yield canvas
        for number, step in enumerate(self.steps):
            try:
                canvas = canvas.apply(step.moves)
            except (MoveError, OverflowError) as error:
                raise TraceError(
                    "a step of the trace does not fit its canvas",
                    where=f"step {number}",
                    got=str(error).partition("\n")[0],
                    hint="the file was edited or mixed up; record the trace again",
                ) from error
            yield canvas

    def replay(self) -> Canvas:
        """The canvas that the steps lead to."""
        *_, last = self.canvases()
        return last

    def lines(self) -> Iterator[str]:
        """The trace as JSON lines, each with its newline."""
        score = self.replay().mean_score
        end = {"type": "end", "outcome": self.outcome, "reason": self.reason, "score": score}
        for line in (self.header.json(), *(step.json() for step in self.steps), end):
            yield json.dumps(line, ensure_ascii=True) + "\n"

    @classmethod
    def parse(cls, lines: Iterable[str], *, name: str = "<trace>") -> list[Trace]:
        """All traces of a file's lines.

        Raises TraceError for a line that is no JSON, of another schema, or out of place; a
        trace that breaks off keeps its whole lines and has the outcome "incomplete".
        """
        traces: list[Trace] = []
        ended = True
        for number, text in enumerate(lines, 1):
            where = f"{name}, line {number}"
            line = _json_line(text, where)
            try:
                if line["type"] == "header":
                    _check_schema(line, where)
                    traces.append(cls(Header.parse(line), outcome="incomplete"))
                    ended = False
                    continue
                if ended:
                    raise ValueError(f"a line of type {line['type']!r} after the end")
                last = traces.pop()
                if line["type"] == "step":
                    steps = (*last.steps, TraceStep.parse(line))
                    traces.append(cls(last.header, steps, last.outcome))
                elif line["type"] == "end":
                    _require(line, outcome=str, reason=str)
                    traces.append(cls(last.header, last.steps, line["outcome"], line["reason"]))
                    ended = True
                else:
                    raise ValueError(f"no such type: {line['type']!r}")
            except (KeyError, TypeError, ValueError, OverflowError, MoveError) as error:
                raise TraceError(
                    "a line of the trace is not whole or out of place",
                    where=where,
                    expected="a header, then steps, then an end",
                    got=f"{type(error).__name__}: {error}",
                    hint="record the trace again with --trace",
                ) from error
        if not traces:
            raise TraceError("the trace is empty", where=name, hint="record it with --trace")
        return traces


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _require(line: Json, **kinds: type | tuple[type, ...]) -> None:
    """Raise KeyError or TypeError for a field that is missing or of another kind."""
    for name, kind in kinds.items():
        if not isinstance(line[name], kind) or isinstance(line[name], bool):
            raise TypeError(f"{name!r} is {line[name]!r}")


def _check_schema(line: Json, where: str) -> None:
    if line["schema"] != SCHEMA:
        raise TraceError(
            "the trace has another schema",
            where=where,
            expected=str(SCHEMA),
            got=str(line["schema"]),
            hint="play it with the version of infill that wrote it",
        )


def _json_line(text: str, where: str) -> Json:
    try:
        line: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise TraceError(
            "a line of the trace is not JSON", where=where, got=str(error), expected="JSON lines"
        ) from error
    if not isinstance(line, dict):
        raise TraceError("a line of the trace is no object", where=where, got=text[:40].strip())
    return cast("Json", line)


def _move_json(move: Move, texts: Iterator[str]) -> list[Any]:
    match move:
        case Write(at, token, logp):
            return ["write", at, token, logp, next(texts)]
        case Reopen(at):
            return ["reopen", at]
        case Splice(at, delete, holes):
            return ["splice", at, delete, holes]


def _parse_move(move: list[Any]) -> Move:
    if any(isinstance(part, bool) for part in move):  # which are ints to Python
        raise ValueError(f"no such move: {move!r}")
    match move:
        case ["write", int(at), int(token), int() | float() as logp, str()]:
            return Write(at, token, float(logp))
        case ["reopen", int(at)]:
            return Reopen(at)
        case ["splice", int(at), int(delete), int(holes)]:
            return Splice(at, delete, holes)
        case _:
            raise ValueError(f"no such move: {move!r}")
