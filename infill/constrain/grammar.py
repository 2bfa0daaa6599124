"""What a user names: a grammar, from Lark, JSON Schema, a regular expression or by name.

>>> import numpy as np
>>> from infill.canvas import Canvas, Slot, Write
>>> from infill.vocab import Vocab, unpack
>>> sums = Grammar.lark('start: INT ("+" INT)*\\nINT: /[0-9]+/')
>>> vocab = Vocab([b"", b"1", b"2", b"+"], mask=0)
>>> state = sums.constraint(vocab).start(Canvas([0, 0], [Slot.HOLE, Slot.HOLE]))
>>> state.after(Write(0, 3, 0.0)) is None  # no sum begins with a plus
True
"""

from __future__ import annotations

import ast
import json
import sqlite3
import tomllib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infill.constrain.engine import compiled, kept
from infill.constrain.engine.core import CoreLattice
from infill.constrain.engine.lattice import PythonLattice
from infill.constrain.engine.stacks import Stacks
from infill.constrain.engine.writing import Writer
from infill.constrain.grammatical import Grammatical, Known
from infill.constrain.syntax import Indentation, Syntax
from infill.errors import GrammarError
from infill.limits import DEFAULT, Limits
from infill.vocab import Vocab

Judge = Callable[[str], str | None]
"""An independent parser: None for a text it accepts, else what it says is wrong."""

_PYTHON = Indentation(
    *("_NEWLINE", "_INDENT", "_DEDENT"),
    opening=frozenset({"LPAR", "LSQB", "LBRACE"}),
    closing=frozenset({"RPAR", "RSQB", "RBRACE"}),
    implied_end=True,
    suspending=frozenset({"FIELD_OPEN"}),
)


@dataclass(frozen=True, eq=False)
class Grammar:
    """A language, by its syntax; `judge` is a parser that is not ours, for finished texts."""

    syntax: Syntax
    name: str = "grammar"
    judge: Judge | None = field(default=None, repr=False)

    @staticmethod
    def lark(text_or_path: str | Path, start: str = "start", **options: Any) -> Grammar:  # noqa: ANN401
        """A grammar as Lark takes it, from its text or a file; GrammarError where it is wrong.

        Terminals keep their flags and priorities; `%ignore`, `%import`, `%declare` with an
        indenter (`indentation=`), templates and EBNF are Lark's own.
        """
        from infill.constrain import lark  # noqa: PLC0415 - lark is imported when it is needed

        syntax = lark.load(text_or_path, start=start, **options)
        judge = lark.judge(text_or_path, start=start, **options)
        name = text_or_path.stem if isinstance(text_or_path, Path) else "grammar"
        return Grammar(syntax, name, judge)

    @staticmethod
    def named(name: str) -> Grammar:
        """One of the grammars that come along: python, json, toml, sql, calculator."""
        import infill_grammars  # noqa: PLC0415 - package data, read when it is needed

        if name not in infill_grammars.names():
            raise GrammarError(
                "no grammar has this name",
                expected=", ".join(infill_grammars.names()),
                got=name,
                hint="give the path of a .lark file, or Grammar.lark(text)",
            )
        text, indentation = infill_grammars.text(name), _PYTHON if name == "python" else None

        def build() -> Syntax:
            from infill.constrain import lark  # noqa: PLC0415 - where nothing is kept yet

            return lark.load(text, indentation=indentation)

        return Grammar(kept.syntax_of(text, indentation, build), name, _JUDGES.get(name))

    @staticmethod
    def regex(pattern: str) -> Grammar:
        """The texts that a Python regular expression matches in full."""
        from infill.constrain import regex  # noqa: PLC0415 - read when it is needed

        return Grammar(regex.syntax(pattern), "regex", regex.judge(pattern))

    @staticmethod
    def json_schema(schema: Mapping[str, Any] | bool) -> Grammar:  # noqa: FBT001 - JSON Schema's own form
        """The JSON texts that a schema admits; what is not supported is refused by name."""
        from infill.constrain.schema import compiling  # noqa: PLC0415 - read when it is needed

        plain = schema if isinstance(schema, bool) else dict(schema)
        return Grammar(compiling.compile_schema(plain), "schema", compiling.judge)

    def constraint(
        self,
        vocab: Vocab,
        limits: Limits = DEFAULT,
        *,
        exact_length: bool = False,
        exact: bool = False,
    ) -> Grammatical:
        """This grammar over the tokens of a vocabulary; what it takes to build is kept on disk.

        exact   solve all open slots together, however many (see `Grammatical`)

        Raises GrammarError for a grammar that does not compile, LimitError past `limits`.
        """
        parts = kept.parts(self.syntax, vocab)
        indentation = self.syntax.indentation
        if compiled.library() is not None:
            lattice = CoreLattice(parts, indentation)
        else:
            writer = Writer(parts.lexer, Stacks(parts.tables), indentation, parts.modes)
            lattice = PythonLattice(parts.lexer, parts.tokens, writer)
        lead = b"\n" if indentation and indentation.implied_end else b""
        return Grammatical(
            *(vocab, lattice),
            exact_length=exact_length,
            exact=exact,
            changes=limits.changes,
            effort=limits.effort,
            lead=lead,
            known=Known(self.syntax),
        )


def _by(parse: Callable[[str], object]) -> Judge:
    def judge(text: str) -> str | None:
        try:
            with warnings.catch_warnings():  # an unknown escape is no error
                warnings.simplefilter("ignore")
                parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
            return f"{type(error).__name__}: {error}"
        return None

    return judge


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _sql(text: str) -> str | None:
    """SQLite's parser: what it says of tables that are not there is not about syntax."""
    with sqlite3.connect(":memory:") as connection:
        try:
            connection.executescript(text)
        except sqlite3.Error as error:
            said = str(error)
            return said if "syntax error" in said or "unrecognized token" in said else None
    return None


_JUDGES: dict[str, Judge] = {
    "python": _by(ast.parse),
    "json": _by(lambda text: json.loads(text, parse_constant=_no_constant)),
    "toml": _by(tomllib.loads),
    "sql": _sql,
}
