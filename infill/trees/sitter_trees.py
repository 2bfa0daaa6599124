"""Trees by tree-sitter. A language is what its package gives, `tree_sitter_python.language()`.

Two kinds are of one type where the language puts them under one supertype (`identifier` and `call`
are both a `primary_expression`); a language without supertypes has each kind for itself. Lexemes
without a name of their own (`+`, `and`) are of one type: whether one may stand in the place of
another is up to the parser, and to the node above it, which must stay what it is.

>>> import tree_sitter_python
>>> python = SitterTrees(tree_sitter_python.language())
>>> parsed = python.read("x = f(1)\\n")
>>> [(path, parsed.text_of(node)) for path, node in parsed.tree.walk() if node.symbol == "call"]
[((0, 0, 2), 'f(1)')]
>>> pairs = ("identifier", "call"), ("call", "block"), ("+", "-"), ("+", "call")
>>> [python.exchangeable(*pair) for pair in pairs]
[True, False, True, False]
"""

from __future__ import annotations

from functools import cached_property

from infill.errors import OptionError
from infill.text import Source
from infill.trees.tree import Parsed, Tree

try:
    import tree_sitter
except ModuleNotFoundError as error:
    raise OptionError(
        "tree-sitter is not installed",
        where="infill.trees.SitterTrees",
        expected="the package tree-sitter, and that of the language",
        hint="pip install 'infill-lm[tree-sitter]' tree-sitter-python",
    ) from error


class SitterTrees:
    """Reads texts of one tree-sitter language; what has an error in it does not parse."""

    def __init__(self, language: object) -> None:
        self._language = tree_sitter.Language(language)
        self._parser = tree_sitter.Parser(self._language)

    def read(self, text: str | bytes) -> Parsed | None:
        """The text with its tree; None for a text that does not parse."""
        data = Source.of(text).data
        root = self._parser.parse(data).root_node
        return None if root.has_error else Parsed(data, _tree(root))

    def exchangeable(self, old: str, new: str) -> bool:
        """Whether the two kinds are the same, or have a supertype in common."""
        above = self._supertypes
        if old == new or not (self._named(old) or self._named(new)):
            return True
        return not above.get(old, frozenset()).isdisjoint(above.get(new, ()))

    def _named(self, kind: str) -> bool:
        return self._language.id_for_node_kind(kind, True) is not None  # noqa: FBT003 - theirs

    @cached_property
    def _supertypes(self) -> dict[str, frozenset[str]]:
        """Per kind, its supertypes and theirs; empty for languages compiled before ABI 15."""
        language = self._language
        if language.abi_version < 15:  # noqa: PLR2004 - where tree-sitter began to keep them
            return {}
        above: dict[str, set[str]] = {}
        for identity in language.supertypes:
            for below in language.subtypes(identity):
                name = language.node_kind_for_id(below) or ""
                above.setdefault(name, set()).add(language.node_kind_for_id(identity) or "")
        return {kind: frozenset(_closure(kind, above)) for kind in above}


def _closure(kind: str, above: dict[str, set[str]]) -> set[str]:
    found, waiting = set[str](), [kind]
    while waiting:
        fresh = above.get(waiting.pop(), set()) - found
        found |= fresh
        waiting += fresh
    return found


def _tree(node: tree_sitter.Node) -> Tree:
    """Our tree of theirs; a lexeme without text (the newline, a dedent) is an empty node."""
    start, stop = node.start_byte, node.end_byte
    if not node.children:
        leaf = stop > start
        return Tree.leaf(node.type, start, stop) if leaf else Tree.node(node.type, (), start)
    return Tree.node(node.type, tuple(_tree(child) for child in node.children), start)
