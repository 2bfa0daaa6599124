"""Trees of any parser, and edits that replace one node of them. Knows no parser and no model.

A node is named by its path, the child indices from the root: two nodes may start at one byte
and equal siblings are different places, so neither an offset nor the text would do.

>>> tree = Tree.node("sum", (Tree.leaf("INT", 0, 1), Tree.leaf("INT", 2, 3)))
>>> [(path, node.symbol) for path, node in tree.walk()]
[((), 'sum'), ((0,), 'INT'), ((1,), 'INT')]
>>> Edit((1,), Span(2, 3), "10").made(b"1 2")
b'1 10'
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from infill.text import Span, TextEdit, apply_edits

Path = tuple[int, ...]


def is_below(path: Path, ancestor: Path) -> bool:
    """Whether a node lies below another; none lies below itself.

    >>> is_below((0, 1), (0,)), is_below((0,), (0,)), is_below((1, 0), (0,))
    (True, False, False)
    """
    return len(path) > len(ancestor) and path[: len(ancestor)] == ancestor


@dataclass(frozen=True, slots=True)
class Tree:
    """A node: its grammar symbol, the bytes it spans, its children, and how many leaves it has.

    A leaf is a lexeme. A node without children that is no leaf (an empty production) has 0 leaves.
    """

    symbol: str
    span: Span
    children: tuple[Tree, ...]
    leaves: int

    @staticmethod
    def leaf(symbol: str, start: int, stop: int) -> Tree:
        """A lexeme."""
        return Tree(symbol, Span(start, stop), (), 1)

    @staticmethod
    def node(symbol: str, children: tuple[Tree, ...], at: int = 0) -> Tree:
        """A node from its first leaf to its last; one without any stands at byte `at`."""
        full = [child.span for child in children if child.leaves]
        span = Span(full[0].start, full[-1].stop) if full else Span(at, at)
        return Tree(symbol, span, children, sum(child.leaves for child in children))

    def at(self, path: Path) -> Tree | None:
        """The node that a path leads to; None where it leads nowhere."""
        node = self
        for index in path:
            if not 0 <= index < len(node.children):
                return None
            node = node.children[index]
        return node

    def walk(self) -> Iterator[tuple[Path, Tree]]:
        """Every node with its path, parents before their children, from left to right."""
        waiting: list[tuple[Path, Tree]] = [((), self)]
        while waiting:
            path, node = waiting.pop()
            yield path, node
            below = [((*path, index), child) for index, child in enumerate(node.children)]
            waiting += reversed(below)


@dataclass(frozen=True)
class Parsed:
    """A text and its tree."""

    data: bytes
    tree: Tree

    @property
    def text(self) -> str:
        """The text as a string."""
        return self.data.decode()

    def text_of(self, node: Tree) -> str:
        """The text of one of the tree's nodes."""
        return self.data[node.span.start : node.span.stop].decode()

    @cached_property
    def key(self) -> str:
        """The canonical text: symbols and lexemes, so that white space makes no difference."""
        return self.key_of(self.tree)

    def key_of(self, root: Tree, *, hidden: Tree | None = None) -> str:
        """The canonical text of a node, without what is below `hidden`."""
        parts, waiting = list[str](), list[Tree | str]([root])
        while waiting:
            node = waiting.pop()
            if isinstance(node, str):
                parts.append(node)
            elif node is hidden:
                parts.append("?")
            elif node.children or not node.leaves:
                parts.append(f"({node.symbol}")
                waiting += [")", *reversed(node.children)]
            else:
                parts.append(repr(self.text_of(node)))  # quotes keep lexemes apart
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `new` in the place of the node at `path`, which spans `span`.

    logp   how sure its proposer is (nats); 0 where it does not say
    """

    path: Path
    span: Span
    new: str
    logp: float = 0.0

    def made(self, data: bytes) -> bytes:
        """The text with the edit made."""
        return apply_edits(data, [TextEdit(self.span, self.new.encode())])


class Reader(Protocol):
    """A parser."""

    def read(self, text: str | bytes) -> Parsed | None:
        """The text with its tree; None for a text that does not parse."""
        ...

    def exchangeable(self, old: str, new: str) -> bool:
        """Whether a node of symbol `new` may stand where one of symbol `old` stood."""
        ...


def edited(reader: Reader, parsed: Parsed, edit: Edit) -> Parsed | None:
    """The text after an edit; None unless it replaced one node by one of the same type.

    The text is parsed again: what was drawn as a subtree may merge with its neighbours (`1` and
    `2` next to each other, a `-` that binds tighter), and then it is another edit than it says.
    """
    after = reader.read(edit.made(parsed.data))
    old = parsed.tree.at(edit.path)
    new = None if after is None else after.tree.at(edit.path)
    if after is None or old is None or new is None:
        return None
    inside = edit.new.encode()
    lead = len(inside) - len(inside.lstrip())
    expected = Span(edit.span.start + lead, edit.span.start + max(lead, len(inside.rstrip())))
    if new.span != expected or not reader.exchangeable(old.symbol, new.symbol):
        return None
    before = parsed.key_of(parsed.tree, hidden=old)
    return after if before == after.key_of(after.tree, hidden=new) else None
