"""Random subtrees, as text: from a grammar with a bound on their size, or out of other trees.

The bound counts leaves. As in Tree Diffusion (arXiv:2405.20519, §3.1) a symbol is expanded by one
of its rules at random, among those that still fit. Knows nothing of the text around a subtree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from infill.constrain.syntax import Syntax
from infill.errors import OptionError
from infill.trees.tree import Parsed

DEEPEST = 40  # rules below each other; past it the flattest rule is taken, so that drawing ends


class Subtrees(Protocol):
    """A source of random subtrees of a symbol."""

    def draw(self, symbol: str, most: int, rng: np.random.Generator) -> str | None:
        """The text of one with at most `most` leaves; None where there is none."""
        ...


@dataclass(frozen=True)
class Derived:
    """Subtrees derived from a grammar's rules.

    syntax   the grammar (`infill.constrain.lark.load`)
    words    what terminals that are no fixed text may be, by name

    >>> from infill.constrain.lark import load
    >>> sums = load('start: N | N "+" start\\nN: /[0-9]/\\n%ignore " "')
    >>> subtrees = Derived(sums, {"N": "123"})
    >>> subtrees.draw("start", 5, np.random.default_rng(3))
    '1 + 1'
    >>> subtrees.draw("start", 0, np.random.default_rng(3)) is None
    True

    Raises OptionError where a terminal has no words, or one that does not match it.
    """

    syntax: Syntax
    words: Mapping[str, Sequence[str]]

    def __post_init__(self) -> None:
        used = {name for rule in self.syntax.rules for name in rule.expansion}
        for terminal in self.syntax.terminals:
            if terminal.name not in used or terminal.literal:
                continue
            words = self.words.get(terminal.name, ())
            pattern = re.compile(terminal.pattern, terminal.flags)
            if wrong := [word for word in words if pattern.fullmatch(word) is None]:
                raise OptionError(
                    "a word does not match its terminal",
                    where=terminal.name,
                    expected=terminal.pattern,
                    got=repr(wrong[0]),
                )
            if not words:
                raise OptionError(
                    "a terminal that is a pattern needs words to draw from",
                    where=terminal.name,
                    expected=f"some texts that match {terminal.pattern}",
                    hint=f"words={{{terminal.name!r}: [...]}}; `words_of` takes them from a text",
                )

    def draw(self, symbol: str, most: int, rng: np.random.Generator) -> str | None:
        """The text of a random subtree with at most `most` leaves; None where none is so small."""
        if self._sizes.get(symbol, most + 1) > most:
            return None
        words = list[str]()
        self._derive(symbol, most, 0, rng, words)
        return (" " if self._spaced else "").join(words)

    def _derive(
        self, symbol: str, most: int, depth: int, rng: np.random.Generator, out: list[str]
    ) -> int:
        """Write a subtree's lexemes to `out`; returns how many."""
        if symbol in self._texts:
            texts = self._texts[symbol]
            out.append(texts[int(rng.integers(len(texts)))])
            return 1
        fitting = [
            (heights, expansion) for size, heights, expansion in self._rules[symbol] if size <= most
        ]
        if depth >= DEEPEST:
            flattest = min(height for height, _ in fitting)
            fitting = [rule for rule in fitting if rule[0] == flattest]
        _, expansion = fitting[rng.integers(len(fitting))]
        shares = self._shares(expansion, most, rng)
        used = 0
        for name, share in zip(expansion, shares, strict=True):
            used += self._derive(name, share, depth + 1, rng, out)
        return used

    def _shares(self, expansion: tuple[str, ...], most: int, rng: np.random.Generator) -> list[int]:
        """`most` leaves shared out at random: each symbol gets its least, and some of the rest."""
        shares = [self._sizes[name] for name in expansion]
        growing = [at for at, name in enumerate(expansion) if name not in self._texts]
        if rest := (most - sum(shares)) if growing else 0:
            cuts = np.sort(rng.integers(rest + 1, size=len(growing) - 1))
            for at, extra in zip(growing, np.diff([0, *cuts, rest]), strict=True):
                shares[at] += int(extra)
        return shares

    @cached_property
    def _texts(self) -> dict[str, Sequence[str]]:
        """Per terminal, what it may be."""
        return {
            terminal.name: (re.sub(r"\\(.)", r"\1", terminal.pattern, flags=re.DOTALL),)
            if terminal.literal
            else tuple(self.words.get(terminal.name, ()))
            for terminal in self.syntax.terminals
        }

    @cached_property
    def _sizes(self) -> dict[str, int]:
        """Per symbol, the leaves of its smallest subtree; a symbol that has none is left out."""
        return _least(self.syntax, dict.fromkeys(self._texts, 1), sum)

    @cached_property
    def _rules(self) -> dict[str, list[tuple[int, int, tuple[str, ...]]]]:
        """Per symbol, its rules: fewest leaves, least height, expansion."""
        leaves = dict.fromkeys(self._texts, 0)
        heights = _least(self.syntax, leaves, lambda below: 1 + max(below, default=0))
        rules: dict[str, list[tuple[int, int, tuple[str, ...]]]] = {}
        for rule in self.syntax.rules:
            if all(name in self._sizes for name in rule.expansion):
                size = sum(self._sizes[name] for name in rule.expansion)
                height = max((heights[name] for name in rule.expansion), default=0)
                rules.setdefault(rule.origin, []).append((size, height, rule.expansion))
        return rules

    @cached_property
    def _spaced(self) -> bool:
        """Whether a space may stand between any two lexemes."""
        return any(
            re.compile(terminal.pattern, terminal.flags).fullmatch(" ")
            for terminal in self.syntax.terminals
            if terminal.name in self.syntax.ignore
        )


def _least(
    syntax: Syntax, known: dict[str, int], combine: Callable[[list[int]], int]
) -> dict[str, int]:
    """The least value of each symbol over its rules, by iteration to the fixed point."""
    values, changed = dict(known), True
    while changed:
        changed = False
        for rule in syntax.rules:
            if not all(name in values for name in rule.expansion):
                continue
            value = combine([values[name] for name in rule.expansion])
            if value < values.get(rule.origin, value + 1):
                values[rule.origin], changed = value, True
    return values


@dataclass(frozen=True)
class Donated:
    """Subtrees that stand in other texts (or elsewhere in the same): for any parser.

    >>> from infill.trees.tree import Tree
    >>> ones = Parsed(b"1 22", Tree.node("s", (Tree.leaf("N", 0, 1), Tree.leaf("N", 2, 4))))
    >>> sorted(Donated([ones]).draw("N", 1, np.random.default_rng(seed)) for seed in range(4))
    ['1', '22', '22', '22']
    """

    donors: Sequence[Parsed]

    def draw(self, symbol: str, most: int, rng: np.random.Generator) -> str | None:
        """One of the donors' subtrees with at most `most` leaves; equal texts count once."""
        fitting = [text for leaves, text in self._bank.get(symbol, ()) if leaves <= most]
        return fitting[rng.integers(len(fitting))] if fitting else None

    @cached_property
    def _bank(self) -> dict[str, list[tuple[int, str]]]:
        found: dict[str, dict[tuple[int, str], None]] = {}
        for donor in self.donors:
            for _, node in donor.tree.walk():
                if node.leaves:
                    entry = (node.leaves, donor.text_of(node))
                    found.setdefault(node.symbol, {})[entry] = None
        return {symbol: list(entries) for symbol, entries in found.items()}


def words_of(texts: Iterable[Parsed]) -> dict[str, list[str]]:
    """Per terminal the lexemes that some texts have, sorted: words for `Derived`."""
    found: dict[str, set[str]] = {}
    for parsed in texts:
        for _, node in parsed.tree.walk():
            if node.leaves and not node.children:
                found.setdefault(node.symbol, set()).add(parsed.text_of(node))
    return {name: sorted(words) for name, words in found.items()}
