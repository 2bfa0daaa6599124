"""A grammar as data: terminals, productions, what is ignored, how indentation counts.

Every front end (Lark, JSON Schema, regex) makes a `Syntax`; lexing and tables read it. Knows
nothing of vocabularies or canvases.

>>> digits = Terminal("INT", "[0-9]+")
>>> plus = Terminal("PLUS", r"\\+", literal=True)
>>> rules = (Rule("sum", ("INT",)), Rule("sum", ("sum", "PLUS", "INT")))
>>> Syntax((digits, plus), rules, start="sum").nonterminals
('sum',)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Terminal:
    """What one kind of lexeme looks like.

    pattern     a regular expression in Python's syntax, over text
    flags       of `re`: IGNORECASE, DOTALL, MULTILINE, VERBOSE
    priority    the greater wins where several match
    literal     the pattern is one fixed string, escaped; such a terminal wins over a pattern
                that matches the same text (a keyword over a name)
    """

    name: str
    pattern: str
    flags: int = 0
    priority: int = 0
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One production: `origin` may be written as `expansion` (names of either kind)."""

    origin: str
    expansion: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Indentation:
    """Columns that become terminals, as Lark's `Indenter` has it.

    The terminal `newline` ends with the next line's white space; between an `opening` and its
    `closing` terminal it is ignored. A deeper column is followed by `indent`, a shallower one
    by one `dedent` per level.

    tab             columns that a tab counts
    implied_end     a text is read as if a newline stood before it; it need not end with one, and
                    white space at its very end has no column (as CPython reads it); without it,
                    as Lark reads it
    suspending      terminals after which newlines count again, brackets or not, to the end of the
                    expansion (the field of an f-string)
    units           how many columns deeper a block may be that is opened in an open slot; given
                    text may use any. With every depth possible at every level, what a hole of
                    20 tokens can be would fill the memory
    """

    newline: str
    indent: str
    dedent: str
    opening: frozenset[str]
    closing: frozenset[str]
    tab: int = 8
    implied_end: bool = False
    suspending: frozenset[str] = frozenset()
    units: tuple[int, ...] = (4,)

    def plain(self) -> dict[str, Any]:
        """As JSON can say it, and the same in every process: sets are sorted lists."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in values.items()
        }

    @staticmethod
    def from_plain(plain: dict[str, Any]) -> Indentation:
        """What `plain` made."""
        values = dict(plain)
        values |= {name: frozenset(plain[name]) for name in ("opening", "closing", "suspending")}
        values["units"] = tuple(plain["units"])
        return Indentation(**values)


@dataclass(frozen=True)
class Syntax:
    """A context-free grammar over lexemes.

    terminals   in no particular order; `lexing` says which one a text is
    lexing      "first": as Lark's lexers, the first match in their order (priority, then
                longest possible match, then longest pattern); what matches is decided once.
                "all": the longest lexeme of any terminal, and it is every terminal that
                matches all of it; the grammar decides (JSON Schema, regex)
    ignore      terminals that may stand between any two others
    """

    terminals: tuple[Terminal, ...]
    rules: tuple[Rule, ...]
    start: str
    ignore: frozenset[str] = frozenset()
    indentation: Indentation | None = None
    lexing: Literal["first", "all"] = "first"

    @cached_property
    def nonterminals(self) -> tuple[str, ...]:
        """The origins of the rules, in the order of their first rule."""
        return tuple(dict.fromkeys(rule.origin for rule in self.rules))

    @cached_property
    def roles(self) -> dict[str, str]:
        """Per terminal of the rules the first that stands in all the same places (`+`, `-`)."""
        places: dict[str, set[tuple[str, int, tuple[str, ...]]]] = {}
        for rule in self.rules:
            for at, name in enumerate(rule.expansion):
                others = (*rule.expansion[:at], "", *rule.expansion[at + 1 :])
                places.setdefault(name, set()).add((rule.origin, at, others))
        first: dict[frozenset[object], str] = {}
        names = {terminal.name for terminal in self.terminals} & set(places)
        return {name: first.setdefault(frozenset(places[name]), name) for name in sorted(names)}

    @cached_property
    def digest(self) -> str:
        """sha256 of the JSON: what a compiled form is kept under."""
        import hashlib  # noqa: PLC0415 - rarely asked

        return hashlib.sha256(self.json.encode()).hexdigest()

    @cached_property
    def json(self) -> str:
        """All of it in one text, the same in every process: sets are sorted."""
        return json.dumps(
            {
                "terminals": [
                    (one.name, one.pattern, one.flags, one.priority, one.literal)
                    for one in self.terminals
                ],
                "rules": [(rule.origin, rule.expansion) for rule in self.rules],
                "start": self.start,
                "ignore": sorted(self.ignore),
                "indentation": self.indentation and self.indentation.plain(),
                "lexing": self.lexing,
            }
        )

    @staticmethod
    def from_json(text: str) -> Syntax:
        """What has this JSON; ValueError, TypeError or KeyError for a text that is none."""
        plain = json.loads(text)
        columns = plain["indentation"]
        return Syntax(
            terminals=tuple(Terminal(*one) for one in plain["terminals"]),
            rules=tuple(Rule(origin, tuple(names)) for origin, names in plain["rules"]),
            start=plain["start"],
            ignore=frozenset(plain["ignore"]),
            indentation=None if columns is None else Indentation.from_plain(columns),
            lexing=plain["lexing"],
        )
