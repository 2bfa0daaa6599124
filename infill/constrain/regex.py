"""A Python regular expression as a grammar: the texts that it matches in full.

Knows nothing of automata: `lexing/patterns.py` reads the expression.

>>> [rule.expansion for rule in syntax("a*").rules]
[('TEXT',), ()]
"""

from __future__ import annotations

import re
from collections.abc import Callable

from infill.constrain.lexing.patterns import parse
from infill.constrain.syntax import Rule, Syntax, Terminal


def matches_empty(pattern: str, flags: int = 0) -> bool:
    """Whether the empty text is one of a pattern's texts."""
    parse(pattern, flags)
    return re.fullmatch(pattern, "", flags) is not None


def syntax(pattern: str, flags: int = 0) -> Syntax:
    """The grammar of the texts that `re.fullmatch` accepts: one lexeme, or nothing."""
    rules = [Rule("text", ("TEXT",))]
    if matches_empty(pattern, flags):
        rules.append(Rule("text", ()))
    terminal = Terminal("TEXT", pattern, flags=int(flags))
    return Syntax((terminal,), tuple(rules), start="text", lexing="all")


def judge(pattern: str, flags: int = 0) -> Callable[[str], str | None]:
    """`re` itself as the independent judge: a text → None, or that it does not match."""
    parse(pattern, flags)
    matcher = re.compile(pattern, flags)
    return lambda text: None if matcher.fullmatch(text) else f"does not match {pattern}"
