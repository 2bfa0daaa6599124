"""In which order and how often the members of a JSON object may come: small automata.

A move goes from node to node over a pair (or over nothing: ""); what a pair looks like is not
known here. A declared pair comes at most once, other pairs as often as they like; a text may
repeat their keys, so any number of them surely has one distinct key, and no more.

>>> members = any_order(["a", "b"], frozenset({0}), "", 0, None)
>>> len(members.moves), len(members.final)
(4, 2)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Node: TypeAlias = tuple[Any, int]
Move: TypeAlias = tuple[Node, str, Node]

COUNTED: Final = 32
"""Other properties that are counted, for minProperties and maxProperties."""


@dataclass(frozen=True, slots=True)
class Members:
    """An automaton: its moves, where it starts (before any pair), where it may end."""

    moves: tuple[Move, ...]
    start: Node
    final: frozenset[Node]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every node, in the order of the moves."""
        return tuple(dict.fromkeys(node for move in self.moves for node in (move[0], move[2])))


def _counts(
    declared: int, required: int, others: str, low: int, high: int | None
) -> tuple[int, int | None] | None:
    """The bounds that say more than `required` does; None where they cannot be held to.

    Other pairs may repeat a key, so only the first of them surely adds a property.
    """
    low = 0 if low <= required else low
    high = None if high is not None and not others and high >= declared else high
    if (others and low > required + 1) or max(low, high or 0) > COUNTED:
        return None
    return low, high


def _explored(start: Node, steps: Callable[[Node], Iterable[tuple[str, Node]]]) -> tuple[Move, ...]:
    moves: list[Move] = []
    seen, todo = {start}, [start]
    while todo:
        source = todo.pop()
        for pair, target in steps(source):
            moves.append((source, pair, target))
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return tuple(moves)


def any_order(
    pairs: Sequence[str], required: AbstractSet[int], others: str, low: int, high: int | None
) -> Members | None:
    """Every order: a node is the set of declared pairs so far, so there are 2**n of them."""
    counts = _counts(len(pairs), len(required), others, low, high)
    if counts is None:
        return None
    least, most = counts
    start: Node = (None, 0)

    def steps(node: Node) -> Iterator[tuple[str, Node]]:
        had, count = node
        if most is not None and count >= most:
            return
        onward = count + 1 if most is not None else min(count + 1, least)
        seen: frozenset[int] = had if isinstance(had, frozenset) else frozenset()
        for at, pair in enumerate(pairs):
            if at not in seen:
                yield pair, (seen | {at}, onward)
        if others:
            yield others, (seen, onward)

    moves = _explored(start, steps)
    nodes = {start, *(target for _, _, target in moves)}
    final = (node for node in nodes if required <= (node[0] or frozenset()) and node[1] >= least)
    return Members(moves, start, frozenset(final))


def declared_order(
    pairs: Sequence[str], required: AbstractSet[int], others: str, low: int, high: int | None
) -> Members | None:
    """The declared order, other pairs anywhere: nodes grow linearly.

    A node `("last", i)` has just had the i-th pair, and perhaps others; `("past", i)` has had or
    passed over it.
    """
    counts = _counts(len(pairs), len(required), others, low, high)
    if counts is None:
        return None
    least, most = counts
    if not pairs:
        return any_order(pairs, required, others, low, high)
    start: Node = (None, 0)
    first = min(required, default=len(pairs) - 1)

    def steps(node: Node) -> Iterator[tuple[str, Node]]:
        (place, at), count = node[0] or ("start", -1), node[1]
        onward = count + 1 if most is not None else min(count + 1, least)
        may_grow = most is None or count < most
        if place == "last":
            yield "", (("past", at), count)
        if place == "past" and at + 1 < len(pairs) and at + 1 not in required:
            yield "", (("past", at + 1), count)
        if may_grow and place == "past" and at + 1 < len(pairs):
            yield pairs[at + 1], (("last", at + 1), onward)
        if may_grow and place == "start":
            yield from ((pairs[i], (("last", i), onward)) for i in range(first + 1))
        if may_grow and place != "past" and others:
            yield others, (("last", at), onward)

    moves = _explored(start, steps)
    ends = [target for _, _, target in moves if target[0] == ("past", len(pairs) - 1)]
    final = {node for node in ends if node[1] >= least}
    return Members(moves, start, frozenset(final | ({start} if not (required or least) else set())))
