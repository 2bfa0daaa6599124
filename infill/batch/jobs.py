"""Jobs: lines of JSON that say what to do with which text; all are read before any is done.

>>> import io
>>> plan = Plan(operation="fill", recipe=Recipe(), find=lambda source, language: ())
>>> line = b'{"id": "a", "text": "x = <FILL_ME>", "language": "python"}'
>>> [row.id for row in rows(io.BytesIO(line), "jobs.jsonl", plan, finder=lambda _: plan.find)]
['a']
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, BinaryIO, cast

from infill.batch.journal import Row
from infill.batch.planning import Finder, Plan
from infill.batch.task import Failure
from infill.batch.walk import lies_in
from infill.config.rules import TEXT, TEXTS, Rule, number, one_of
from infill.config.schema import KEYS
from infill.edit.choices import LANGUAGES, UNCHECKED
from infill.edit.holes import Hole, checked
from infill.edit.recipe import Recipe
from infill.errors import InfillError, InputError, OptionError
from infill.limits import DEFAULT
from infill.text import Source

OPERATIONS = ("fill", "rewrite", "revise")
HOLE = ("start", "end", "min_tokens", "max_tokens")
LINE = 2 * DEFAULT.text
"""Bytes of a line: a text of `limits.text`, half of which JSON escapes."""
FREE = frozenset(("goal",))
"""Settings that a job may not say: a command to run comes from whoever runs the jobs."""


@dataclass(frozen=True, slots=True)
class Job:
    """One line. Offsets count bytes of the UTF-8 text.

    path, text   one of the two; a text is in no file, and its result is in the report alone
    holes        where to write; without any, the markers (fill) or what `select` finds
    keep         text of those places that must stay (rewrite)
    settings     what differs from the command line, by the names of `Recipe`
    """

    id: str | None
    path: str | None
    text: str | None
    operation: str
    language: str | None
    holes: tuple[Hole, ...]
    select: tuple[str, ...]
    part: str | None
    keep: tuple[str, ...]
    settings: Mapping[str, Any]


Finding = Callable[[Job], Finder]
"""What finds the places of a job that names no holes."""


def rows(  # noqa: PLR0913 - what jobs may do
    lines: BinaryIO,
    name: str,
    plan: Plan,
    *,
    finder: Finding,
    root: str | None = None,
    judged: bool = False,
) -> Iterator[Row]:
    """The rows of jobs. Raises InputError for a line that is none, naming it.

    root     the folder that files are written below; None where none is written
    judged   whether a command judges what comes of them, which takes files

    A text that cannot be worked on is no such error; its row says what is wrong with it.
    """
    seen: dict[str, int] = {}
    n = 0
    for at, line in enumerate(_bounded(lines, name), 1):
        if not line.strip():
            continue
        where = f"{name}, line {at}"
        job = _job(line, where, plan)
        if job.id is not None and seen.setdefault(job.id, at) != at:
            raise _wrong(where, "an id of its own", f"{job.id!r}, as in line {seen[job.id]}")
        if root is not None and job.path is not None and not lies_in(job.path, root):
            hint = "run from a folder above it, or leave out --write"
            raise _wrong(where, f"a file below {root}, since files are written", job.path, hint)
        if judged and job.path is None:
            hint = "put the text into a file, or leave out --verify-cmd"
            raise _wrong(where, "a path, since --verify-cmd judges files", "a text", hint)
        yield _row(n, job, plan, finder, f"{name}:{at}")
        n += 1


def _bounded(lines: BinaryIO, name: str) -> Iterator[bytes]:
    """The lines, none of which fills the memory. Raises InputError for one that is too long."""
    at = 0
    while line := lines.readline(LINE + 1):
        at += 1
        if len(line) > LINE:
            raise _wrong(f"{name}, line {at}", f"a line of up to {LINE} bytes", "a longer one")
        yield line


def _row(n: int, job: Job, plan: Plan, finder: Finding, name: str) -> Row:
    own = replace(
        plan,
        operation=cast("Any", job.operation),
        recipe=replace(plan.recipe, **job.settings),
        language=job.language or plan.language,
        find=_given(job.holes, job) if job.holes else finder(job),
    )
    if job.path is not None:
        row = next(own.files([job.path], named=lambda _: True, skip=lambda: None))
        return replace(row, n=n, id=job.id)
    try:
        if own.language is None and own.recipe.grammar in {None, UNCHECKED}:
            raise OptionError(
                "the language of the text is not known",
                where=name,
                expected='"language" in the job, or --language',
                hint=f"say {UNCHECKED} to fill without a parser's check",
            )
        row = own.text(n, job.id or name, (job.text or "").encode(), language_name=None)
    except InfillError as error:
        row = Row(n, job.id or name, None, "", "{}", failure=Failure.of(error))
    return replace(row, id=job.id)


def _given(holes: tuple[Hole, ...], job: Job) -> Finder:
    """Finds the holes that a job says, around what is kept in them."""

    def find(source: Source, _: str | None) -> tuple[Hole, ...]:
        if job.operation != "rewrite":
            return checked(source, holes, DEFAULT)
        from infill.edit.rewrite import holes_around  # noqa: PLC0415 - numpy

        return holes_around(source, [hole.span for hole in holes], keep=job.keep)

    return find


_KEYS: Mapping[str, Rule] = {
    "id": Rule("text or a number", lambda value: type(value) in {str, int}),
    "path": TEXT,
    "text": Rule("some text", lambda value: isinstance(value, str)),
    "operation": one_of(*OPERATIONS),
    "language": one_of(*LANGUAGES),
    "holes": Rule("a list of holes", lambda value: isinstance(value, list) and bool(value)),
    "select": TEXTS,
    "part": TEXT,
    "keep": TEXTS,
}
_SETTINGS: Mapping[str, Rule] = {
    entry.name: KEYS[entry.name].rule for entry in fields(Recipe) if entry.name not in FREE
}


def _job(line: bytes, where: str, plan: Plan) -> Job:
    found = _object(line, where)
    _only(found, {**_KEYS, **_SETTINGS}, where)
    if ("path" in found) == ("text" in found):
        got = "both" if "path" in found else "neither"
        raise _wrong(where, "a path or a text", got)
    holes = tuple(_hole(one, where) for one in found.get("holes", ()))
    settings = {name: KEYS[name].taken(found[name]) for name in _SETTINGS if name in found}
    try:
        replace(plan.recipe, **settings).settings()
    except InfillError as error:
        raise _wrong(where, error.expected or "settings that are possible", str(error)) from error
    own = found.get("id")
    return Job(
        id=None if own is None else str(own),
        path=found.get("path"),
        text=found.get("text"),
        operation=found.get("operation", plan.operation),
        language=found.get("language"),
        holes=holes,
        select=tuple(found.get("select", ())),
        part=found.get("part"),
        keep=tuple(found.get("keep", ())),
        settings=settings,
    )


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _wrong(where, "an object in JSON", str(error)) from error
    if not isinstance(found, dict):
        raise _wrong(where, "an object in JSON", type(found).__name__)
    return cast("dict[str, Any]", found)


def _only(found: Mapping[str, Any], known: Mapping[str, Rule], where: str) -> None:
    """Raise InputError for a key that is not known, or a value that is no such thing."""
    for name, value in found.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else ""
            if name in FREE:
                hint = f"pass --{name} to infill batch: it is for whoever runs the jobs to say"
            raise _wrong(where, ", ".join(sorted(known)), repr(name), hint)
        rule = known[name]
        if not rule.fits(value):
            raise _wrong(where, f"{name}: {rule.expected}", json.dumps(value)[:200])
        if not _sayable(value, path=name == "path"):
            raise _wrong(where, f"{name}: text that UTF-8 can say", json.dumps(value)[:200])


def _sayable(value: object, *, path: bool) -> bool:
    """Whether a text has no half of a pair of surrogates; in a path one may stand for a byte."""
    texts = cast("list[object]", value) if isinstance(value, list) else [value]
    try:
        for text in texts:
            if isinstance(text, str):
                os.fsencode(text) if path else text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _hole(found: object, where: str) -> Hole:
    if not isinstance(found, dict):
        raise _wrong(where, 'a hole as {"start": 3, "end": 9}', json.dumps(found)[:200])
    values = cast("dict[str, Any]", found)
    _only(values, dict.fromkeys(HOLE, number(0)), f"{where}, holes")
    if not {"start", "end"} <= values.keys():
        raise _wrong(where, 'a hole as {"start": 3, "end": 9}', json.dumps(values)[:200])
    lengths = {name: values[name] for name in ("min_tokens", "max_tokens") if name in values}
    return Hole(values["start"], values["end"], **lengths)


def _wrong(where: str, expected: str, got: str, hint: str = "") -> InputError:
    hint = hint or "nothing was done; mend the line and run again"
    return InputError("a job cannot be read", where=where, expected=expected, got=got, hint=hint)
