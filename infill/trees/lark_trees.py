"""Trees by Lark: one node for each rule that was applied, whatever the grammar makes of it.

Lark's own trees rename nodes by aliases and leave out `?rules`, `_rules` and punctuation; a typed
edit needs the symbol that a subtree was derived from. So the reductions of Lark's LALR parser are
watched, and only the helpers that it makes for EBNF are folded into their parents.

>>> sums = LarkTrees('start: pair\\n?pair: N "+" N -> add\\nN: /[0-9]/\\n%ignore " "')
>>> parsed = sums.read("1 + 2")
>>> [(node.symbol, parsed.text_of(node)) for _, node in parsed.tree.walk()]
[('start', '1 + 2'), ('pair', '1 + 2'), ('N', '1'), ('PLUS', '+'), ('N', '2')]
>>> sums.read("1 +") is None
True
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import Any

from lark import Lark, Token
from lark.exceptions import LarkError
from lark.parsers.lalr_parser_state import ParseConf

from infill.errors import GrammarError
from infill.text import Source
from infill.trees.tree import Parsed, Tree


class LarkTrees:
    """Reads texts of a grammar in Lark's notation, with its LALR parser.

    Raises GrammarError for a grammar that Lark refuses, that is not LALR, or that needs an indenter
    (use tree-sitter where indentation counts).
    """

    def __init__(self, grammar: str, *, start: str = "start") -> None:
        options: dict[str, Any] = {"maybe_placeholders": False, "keep_all_tokens": True}
        try:
            self._lark = Lark(grammar, parser="lalr", lexer="contextual", start=start, **options)
        except (LarkError, OSError, AssertionError) as error:
            raise GrammarError(
                "no trees can be had of this grammar",
                expected="a grammar that Lark's LALR parser takes, without an indenter",
                got=str(error).strip(),
                hint="remove what is ambiguous; for indented languages use SitterTrees",
            ) from error
        conf = self._lark.parse_interactive("").parser_state.parse_conf
        callbacks: dict[Any, Callable[[list[Any]], Any]] = {
            rule: partial(_reduced, str(rule.origin.name)) for rule in self._lark.rules
        }
        self._conf = ParseConf(conf.parse_table, callbacks, conf.start)

    def read(self, text: str | bytes) -> Parsed | None:
        """The text with its tree; None for a text that does not parse."""
        source = Source.of(text)
        parser = self._lark.parse_interactive(source.text)
        parser.parser_state.parse_conf = self._conf
        try:
            tokens = parser.exhaust_lexer()
            root = parser.feed_eof(tokens[-1] if tokens else None)
        except LarkError:
            return None
        offsets = range(len(source.text) + 1)
        if len(source.data) != len(source.text):
            offsets = [0, *accumulate(len(character.encode()) for character in source.text)]
        return Parsed(source.data, _placed(root, offsets)[0])

    def exchangeable(self, old: str, new: str) -> bool:
        """A node may take the place of one of the same symbol."""
        return old == new


_Node = tuple[str, "list[_Node | Token]"]


def _reduced(symbol: str, values: list[_Node | Token]) -> _Node:
    """One reduction; what Lark made for EBNF gives its children to its parent."""
    children = list[_Node | Token]()
    for value in values:
        if not isinstance(value, Token) and value[0].startswith("__"):
            children += value[1]
        else:
            children.append(value)
    return symbol, children


def _placed(node: _Node, offsets: range | list[int], at: int = 0) -> tuple[Tree, int]:
    """The tree with byte spans, and where its last lexeme ends; empty nodes stand at such ends."""
    symbol, values = node
    children = list[Tree]()
    for value in values:
        if isinstance(value, Token):
            start, at = offsets[value.start_pos or 0], offsets[value.end_pos or 0]
            children.append(Tree.leaf(str(value.type), start, at))
        else:
            child, at = _placed(value, offsets, at)
            children.append(child)
    return Tree.node(symbol, tuple(children), at), at
