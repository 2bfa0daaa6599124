"""Which terminals may stand next to each other, by a grammar's rules alone.

Knows nothing of lexing: terminals that are ignored, and columns, are the caller's business.

>>> from infill.constrain.syntax import Rule
>>> rules = (Rule("sum", ("INT",)), Rule("sum", ("sum", "PLUS", "INT")))
>>> sorted((name, sorted(after)) for name, after in following(rules).items())
[('INT', ['PLUS']), ('PLUS', ['INT'])]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from infill.constrain.syntax import Rule

Sets = dict[str, set[str]]


def following(rules: Sequence[Rule]) -> Sets:
    """Per terminal, those that can come directly after it in some sentential form."""
    origins = {rule.origin for rule in rules}
    empty = _empty(rules)
    first = _edge(rules, origins, empty, lambda expansion: expansion)
    last = _edge(rules, origins, empty, lambda expansion: expansion[::-1])
    after: Sets = defaultdict(set)
    for left, right in {pair for rule in rules for pair in _neighbours(rule.expansion, empty)}:
        for terminal in last[left] if left in origins else (left,):
            after[terminal] |= first[right] if right in origins else {right}
    return dict(after)


def _empty(rules: Sequence[Rule]) -> set[str]:
    """The nonterminals that derive nothing."""
    empty = set[str]()
    while True:
        found = {rule.origin for rule in rules if empty.issuperset(rule.expansion)}
        if found <= empty:
            return empty
        empty |= found


def _edge(
    rules: Sequence[Rule],
    origins: set[str],
    empty: set[str],
    order: Callable[[tuple[str, ...]], tuple[str, ...]],
) -> Sets:
    """Per nonterminal, the terminals that what it derives can begin with, read in an order."""
    edge: Sets = {origin: set() for origin in origins}
    grown = True
    while grown:
        grown = False
        for rule in rules:
            found, size = edge[rule.origin], len(edge[rule.origin])
            for name in order(rule.expansion):
                found |= edge[name] if name in origins else {name}
                if name not in empty:
                    break
            grown = grown or len(found) > size
    return edge


def _neighbours(expansion: tuple[str, ...], empty: set[str]) -> Iterable[tuple[str, str]]:
    """The pairs of symbols with nothing, or only what can be nothing, between them."""
    for start, left in enumerate(expansion):
        for right in expansion[start + 1 :]:
            yield left, right
            if right not in empty:
                break
