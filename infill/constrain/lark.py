"""Grammars written for Lark, taken as Lark takes them: its own loader compiles them.

Templates, EBNF, `%import`, `%override`, priorities and aliases are thus whatever the installed
Lark makes of them, and its lexer's order is kept. `judge` lets Lark itself parse a finished
text. Knows nothing of automata, tables or vocabularies.

>>> syntax = load('start: "a" NUMBER+ \\n %import common.NUMBER')
>>> [(terminal.name, terminal.literal) for terminal in syntax.terminals]
[('NUMBER', False), ('A', True)]
>>> accepts = judge('start: "a" NUMBER+ \\n %import common.NUMBER')
>>> accepts("a12"), accepts("a").splitlines()[0]
(None, 'Unexpected end-of-input. Expected one of: ')
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark
from lark.exceptions import LarkError
from lark.indenter import Indenter
from lark.lexer import TerminalDef

from infill.constrain.syntax import Indentation, Rule, Syntax, Terminal
from infill.errors import GrammarError, PathError

Indenting = Indentation | Indenter | type[Indenter]
"""How columns become terminals: as data, or as one of Lark's post-lexers says it."""

_FLAGS = {
    "i": re.IGNORECASE,
    "m": re.MULTILINE,
    "s": re.DOTALL,
    "x": re.VERBOSE,
    "u": 0,
}
_PYTHON = Indentation(
    newline="_NEWLINE",
    indent="_INDENT",
    dedent="_DEDENT",
    opening=frozenset({"LPAR", "LSQB", "LBRACE"}),
    closing=frozenset({"RPAR", "RSQB", "RBRACE"}),
)
"""What a grammar with these names is taken to mean: Lark's `PythonIndenter`."""


def load(
    text_or_path: str | Path,
    *,
    start: str = "start",
    indentation: Indenting | None = None,
    implied_end: bool = False,
) -> Syntax:
    """A grammar in Lark's notation, as data.

    text_or_path    the grammar, or a path that ends in .lark, which imports are relative to
    indentation     for grammars that `%declare` terminals; found by itself where the names
                    are those of Lark's `PythonIndenter`
    implied_end     as in `Indentation`: a last newline may be left out

    Raises GrammarError for what Lark refuses or a `%declare` that nothing explains, PathError
    for a file that cannot be read.
    """
    text, source = _read(text_or_path)
    compiled = _compile(text, source, start)
    terminals = tuple(_terminal(terminal, source) for terminal in compiled.terminals)
    rules = tuple(
        Rule(str(rule.origin.name), tuple(str(symbol.name) for symbol in rule.expansion))
        for rule in compiled.rules
    )
    names = {terminal.name for terminal in terminals}
    used = {symbol.name for rule in compiled.rules for symbol in rule.expansion if symbol.is_term}
    declared = {str(name) for name in used if name not in names}
    columns = _indentation(indentation, declared, names, source)
    if columns is not None and implied_end:
        columns = replace(columns, implied_end=True)
    return Syntax(
        terminals=terminals,
        rules=tuple(dict.fromkeys(_reachable(rules, start))),
        start=start,
        ignore=frozenset(str(name) for name in compiled.ignore_tokens),
        indentation=columns,
    )


def judge(
    text_or_path: str | Path,
    *,
    start: str = "start",
    indentation: Indenting | None = None,
    implied_end: bool = False,
) -> Callable[[str], str | None]:
    """An independent parser of the same grammar: a text → None, or Lark's message against it.

    Lark's LALR parser is asked first, where the grammar allows one. It prefers to shift, so
    where it refuses, Earley (slower: 20 kB of Python take it minutes) has the last word. Both
    use the basic lexer, for which terminals do not depend on where they stand.
    """
    text, source = _read(text_or_path)
    columns = load(
        text_or_path, start=start, indentation=indentation, implied_end=implied_end
    ).indentation
    options: dict[str, Any] = {"start": start, "lexer": "basic", "source_path": source}
    if columns is not None:
        options["postlex"] = _indenter(columns)
    earley = cache(lambda: Lark(text, parser="earley", **options))
    try:
        quick = Lark(text, parser="lalr", **options)
    except LarkError:
        quick = None
    ends = ("", "\n") if columns is not None and columns.implied_end else ("",)

    def refusal(finished: str) -> str | None:
        messages = list[str]()
        for find in (lambda: quick, earley):
            if parser := find():
                messages = [_refusal(parser, finished + end) for end in ends]
                if "" in messages:
                    return None
        return messages[-1]

    return refusal


def _refusal(parser: Lark, text: str) -> str:
    """Why Lark refuses a text; "" if it does not."""
    try:
        parser.parse(text)
    except (LarkError, AssertionError, IndexError) as error:  # the last two from its Indenter
        return str(error) or "the brackets or lines of the text do not match"
    return ""


def _read(text_or_path: str | Path) -> tuple[str, str]:
    """A grammar's text, and the path that its imports are relative to."""
    if isinstance(text_or_path, str) and (
        "\n" in text_or_path or not text_or_path.endswith(".lark")
    ):
        if "\n" in text_or_path or ":" in text_or_path:
            return text_or_path, "<string>"
        raise GrammarError(
            "neither a grammar nor the path of one",
            expected="rules such as start: NAME, or a path that ends in .lark",
            got=text_or_path,
        )
    path = Path(text_or_path)
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        raise PathError("the grammar cannot be read", where=str(path), got=str(error)) from error


def _compile(text: str, source: str, start: str) -> Lark:
    """The grammar with Lark's Earley parser, which takes every context-free one."""
    try:
        return Lark(
            text,
            parser="earley",
            lexer="basic",
            start=start,
            source_path=source,
            maybe_placeholders=False,
        )
    except (LarkError, OSError, AssertionError) as error:
        place = re.search(r"line (\d+),? column (\d+)", str(error))
        where = f"{source}:{place[1]}:{place[2]}" if place else source
        raise GrammarError(
            f"Lark refuses the grammar: {str(error).strip()}", where=where, hint=_hint(str(error))
        ) from error


def _hint(message: str) -> str:
    """What to try, for the messages of Lark that are met most often."""
    remedies = {
        "used but not defined": "define it, correct its name, or choose another start",
        "Using an undefined rule": "define it, correct its name, or choose another start",
        "zero-width": "let the terminal match at least one character, and be optional in rules",
        "defined twice": "remove one, or use %override",
        "defined more than once": "remove one, or use %override",
        "No such file": "a file's imports are searched beside it, then among Lark's own",
        "line": "correct the grammar there",
    }
    return next((remedy for part, remedy in remedies.items() if part in message), "")


def _terminal(terminal: TerminalDef, source: str) -> Terminal:
    flags = 0
    for letter in terminal.pattern.flags:
        if letter not in _FLAGS:
            raise GrammarError(
                "a terminal depends on the locale", where=f"{source}, {terminal.name}", got=letter
            )
        flags |= int(_FLAGS[letter])
    literal = terminal.pattern.type == "str"
    value = str(terminal.pattern.value)
    return Terminal(
        name=str(terminal.name),
        pattern=re.escape(value) if literal else value,
        flags=flags,
        priority=int(terminal.priority),
        literal=literal,
    )


def _indentation(
    given: Indenting | None, declared: set[str], names: set[str], source: str
) -> Indentation | None:
    """What makes the declared terminals; None where there are none."""
    columns = _as_data(given) if given is not None else None
    python = {_PYTHON.indent, _PYTHON.dedent}
    if columns is None and declared == python and _PYTHON.newline in names:
        columns = replace(_PYTHON, opening=_PYTHON.opening & names, closing=_PYTHON.closing & names)
    made = {columns.indent, columns.dedent} if columns else set[str]()
    if missing := sorted(declared - made):
        raise GrammarError(
            "a terminal is declared, and nothing says what it is",
            where=source,
            got=", ".join(missing),
            hint="give it a pattern, or give the indentation that makes it",
        )
    if columns and columns.newline not in names:
        raise GrammarError(
            "the newline terminal of the indentation is not in the grammar",
            where=source,
            got=columns.newline,
            hint="name the terminal that matches line ends and the white space after them",
        )
    return columns


def _as_data(indenting: Indenting) -> Indentation:
    if isinstance(indenting, Indentation):
        return indenting
    return Indentation(
        newline=str(indenting.NL_type),
        indent=str(indenting.INDENT_type),
        dedent=str(indenting.DEDENT_type),
        opening=frozenset(_names(indenting.OPEN_PAREN_types)),
        closing=frozenset(_names(indenting.CLOSE_PAREN_types)),
        tab=int(str(indenting.tab_len)),
    )


def _names(given: object) -> Iterable[str]:
    return [str(name) for name in given] if isinstance(given, Iterable) else []


def _indenter(columns: Indentation) -> Indenter:
    """Lark's post-lexer for an indentation."""
    members: dict[str, object] = {
        "NL_type": columns.newline,
        "INDENT_type": columns.indent,
        "DEDENT_type": columns.dedent,
        "OPEN_PAREN_types": sorted(columns.opening),
        "CLOSE_PAREN_types": sorted(columns.closing),
        "tab_len": columns.tab,
    }
    made: Indenter = type("Columns", (Indenter,), members)()
    return made


def _reachable(rules: tuple[Rule, ...], start: str) -> Iterable[Rule]:
    """The rules that a derivation from `start` can use, in their order."""
    reached, work = {start}, [start]
    while work:
        origin = work.pop()
        fresh = {name for rule in rules if rule.origin == origin for name in rule.expansion}
        fresh -= reached
        reached |= fresh
        work.extend(fresh)
    return [rule for rule in rules if rule.origin in reached]
