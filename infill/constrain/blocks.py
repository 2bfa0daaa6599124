"""What the blocks of a language with indentation look like, read off its grammar."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infill.constrain.syntax import Indentation, Rule, Syntax, Terminal

SAMPLES = ("x", "1", '""')
"""One of them is a lexeme of most terminals that are no literals."""


@dataclass(frozen=True)
class Blocks:
    """What blocks look like.

    opener          the text that begins one, without its line end (`if x:`)
    unit            how many columns deeper it is
    continuations   words that go on with the statement of a block that has ended (`else`)
    """

    opener: bytes
    unit: int
    continuations: tuple[bytes, ...]

    @staticmethod
    def of(syntax: Syntax) -> Blocks | None:
        """None for a language without blocks, or without a statement that is nothing but one.

        >>> from infill.constrain.grammar import Grammar
        >>> found = Blocks.of(Grammar.named("python").syntax)
        >>> found.opener, found.continuations
        (b'if x:', (b'elif', b'else', b'except', b'finally'))
        """
        if (columns := syntax.indentation) is None:
            return None
        grown = _Grown(syntax)
        if (opener := grown.opener(columns)) is None:
            return None
        return Blocks(opener.encode(), columns.units[0], grown.continuations(columns))


class _Grown:
    """Least fixed points over the rules of a grammar.

    empty       nonterminals that can be empty
    shortest    per symbol the lexemes of a shortest text of it, where one is known
    """

    def __init__(self, syntax: Syntax) -> None:
        self.syntax = syntax
        self.empty: set[str] = set()
        for _ in _until_still(self.empty):
            self.empty |= {r.origin for r in syntax.rules if self.empty.issuperset(r.expansion)}
        self.shortest: dict[str, tuple[str, ...]] = {
            t.name: (text,) for t in syntax.terminals if (text := _sample(t))
        }
        self._shorten()

    def opener(self, columns: Indentation) -> str | None:
        """What stands before a block in a statement that ends with one.

        The shortest; of several the one that can go on in most ways.
        """
        blocks = {columns.indent}
        for _ in _until_still(blocks):
            blocks |= {r.origin for r in self.syntax.rules if self._begins(r, columns, blocks)}
        goes_on = Counter(name for rule in self.syntax.rules for name in rule.expansion[:-1])
        leading = self._corners({self.syntax.start})
        found: list[tuple[tuple[int, int], int, str]] = []
        for rule in self.syntax.rules:
            *head, last = rule.expansion or ("",)
            if rule.origin in leading and last in blocks and (words := self._words(head)):
                found.append((_size(words), -goes_on[rule.origin], _spaced(words)))
        return min(found)[-1] if found else None

    def _begins(self, rule: Rule, columns: Indentation, blocks: set[str]) -> bool:
        names = [name for name in rule.expansion if name != columns.newline]
        return bool(names) and names[0] in blocks

    def continuations(self, columns: Indentation) -> tuple[bytes, ...]:
        """The words that may follow a block, and begin no text."""
        last, following = {columns.dedent}, set[str]()
        for _ in _until_still(last):
            for rule in self.syntax.rules:
                names = [name for name in rule.expansion if name not in self.empty]
                if names and names[-1] in last:
                    last.add(rule.origin)
        for rule in self.syntax.rules:
            for at, name in enumerate(rule.expansion):
                if name in last:
                    self._begin(rule.expansion[at + 1 :], following)
        following = self._corners(following) - self._corners({self.syntax.start})
        literals = [t for t in self.syntax.terminals if t.literal and t.name in following]
        words = [word for word in map(_sample, literals) if word and word.isidentifier()]
        return tuple(sorted(word.encode() for word in words))

    def _corners(self, symbols: set[str]) -> set[str]:
        """What a text of one of the symbols can begin with: terminals, and what they make."""
        found = set(symbols)
        for _ in _until_still(found):
            for rule in self.syntax.rules:
                if rule.origin in found:
                    self._begin(rule.expansion, found)
        return found

    def _begin(self, symbols: Sequence[str], found: set[str]) -> None:
        for name in symbols:
            found.add(name)
            if name not in self.empty:
                break

    def _words(self, symbols: Sequence[str]) -> tuple[str, ...] | None:
        parts = [self.shortest.get(name) for name in symbols]
        return None if None in parts else tuple(word for part in parts if part for word in part)

    def _shorten(self) -> None:
        changed = True
        while changed:
            changed = False
            for rule in self.syntax.rules:
                words, known = self._words(rule.expansion), self.shortest.get(rule.origin)
                if words is not None and (known is None or _size(words) < _size(known)):
                    self.shortest[rule.origin], changed = words, True


def _spaced(words: tuple[str, ...]) -> str:
    """With spaces where words would run into each other."""
    return re.sub(r"\b \B|\B \b|\B \B", "", " ".join(words))


def _size(words: tuple[str, ...]) -> tuple[int, int]:
    return len(words), sum(map(len, words))


def _sample(terminal: Terminal) -> str | None:
    if terminal.literal:
        return re.sub(r"\\(.)", r"\1", terminal.pattern, flags=re.DOTALL)
    try:
        pattern = re.compile(terminal.pattern, terminal.flags)
    except re.error:  # written in another syntax
        return None
    return next((text for text in SAMPLES if pattern.fullmatch(text)), None)


def _until_still(*sets: set[str]) -> Iterator[None]:
    """Again and again, until none of the sets has grown."""
    size = -1
    while size != sum(map(len, sets)):
        size = sum(map(len, sets))
        yield
