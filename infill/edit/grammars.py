"""Which grammar a text must keep to: by name, from a file, as given, by language, or none.

>>> chosen("none", "python") is None, chosen(None, None) is None
(True, True)
>>> chosen("pyton", None)
Traceback (most recent call last):
infill.errors.OptionError: there is no grammar 'pyton'
  expected: one of calculator, json, python, ..., a .lark or .schema.json file, or none
  try: did you mean 'python'?
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from infill.constrain.grammar import Grammar
from infill.constrain.grammatical import Grammatical
from infill.edit.files import open_file
from infill.errors import GrammarError, OptionError
from infill.limits import Limits
from infill.vocab import Vocab

Choice: TypeAlias = "Grammar | str | PathLike[str] | Literal[False] | None"
"""A grammar, a name, a file's path; None is by language, False or "none" is without."""

NONE = "none"
BY_LANGUAGE = {"python": "python", "json": "json"}
"""The languages whose grammar holds where no other is named."""
BY_SUFFIX = {".py": "python", ".pyi": "python", ".pyw": "python"} | {
    f".{name}": name for name in ("json", "sql", "toml")
}


def names() -> tuple[str, ...]:
    """The grammars that ship with the library."""
    import infill_grammars  # noqa: PLC0415 - data, read when it is asked for

    return infill_grammars.names()


def chosen(choice: Choice, language: str | None) -> Grammar | None:
    """The grammar that a choice stands for; None for a text that need not keep to one.

    Raises OptionError for what is no grammar, PathError for a file that cannot be read, and
    GrammarError for one that does not compile.
    """
    if choice is None:
        choice = BY_LANGUAGE.get(language or "", NONE)
    if choice is False or choice == NONE:
        return None
    if isinstance(choice, Grammar):
        return choice
    given = cast("object", choice)
    if not isinstance(given, str | PathLike):
        raise OptionError(
            "this is no grammar",
            expected="a Grammar, a name, a path, False or None",
            got=repr(given),
        )
    text = fspath(choice)
    if text in names():
        return _named(text)
    if Path(text).suffix in {".lark", ".json"}:
        return _read(Path(text))
    close = difflib.get_close_matches(text, [*names(), NONE], n=1)
    raise OptionError(
        f"there is no grammar {text!r}",
        expected=f"one of {', '.join(names())}, a .lark or .schema.json file, or {NONE}",
        hint=f"did you mean {close[0]!r}?" if close else "",
    )


PIECES = 50_000
"""Pieces of known text that a lattice may hold: those of some 200 files, 30 MB. It forgets none."""


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A vocabulary by its tokens: two that are the same share what is compiled."""

    digest: str
    vocab: Vocab = field(compare=False, repr=False)


def constraint(
    grammar: Grammar, vocab: Vocab, limits: Limits, *, exact_length: bool = False
) -> Grammatical:
    """The grammar over a vocabulary's tokens; compiled once for both lengths."""
    held = _compiled(grammar, _Tokens(vocab.digest, vocab), limits)
    if len(held[0].lattice.numbers) > PIECES:
        held[0] = grammar.constraint(vocab, limits)  # 10 ms; who has the old one keeps it
    return held[0].within(b"", b"", exact_length=exact_length)


@lru_cache(maxsize=8)
def _compiled(grammar: Grammar, tokens: _Tokens, limits: Limits) -> list[Grammatical]:
    """Seconds for a large grammar, and some ten megabytes: kept for as long as it is in use."""
    return [grammar.constraint(tokens.vocab, limits)]


@lru_cache(maxsize=16)
def _named(name: str) -> Grammar:
    return Grammar.named(name)


def _read(path: Path) -> Grammar:
    """A grammar from a file of Lark or JSON Schema; read again when the file has changed."""
    opened = open_file(path)  # its errors name the path
    return _parsed(path, opened.source.data)


@lru_cache(maxsize=16)
def _parsed(path: Path, data: bytes) -> Grammar:
    if path.suffix == ".lark":
        return Grammar.lark(path)
    try:
        schema = json.loads(data)
    except ValueError as error:
        raise GrammarError("a JSON Schema must be JSON", where=str(path), got=str(error)) from error
    if not isinstance(schema, dict | bool):
        raise GrammarError(
            "a JSON Schema is an object, true or false",
            where=str(path),
            got=type(schema).__name__,
            hint="name the schema, not a document that it describes",
        )
    return replace(Grammar.json_schema(cast("dict[str, Any] | bool", schema)), name=path.name)
