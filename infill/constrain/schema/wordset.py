"""Sets of strings, combined: all of these, none of those, of such a length, as one expression.

The expressions of `ecma` are closed under union but have no "and" or "not"; finite automata
have. Knows nothing of JSON: strings here are what a JSON text *means*.

>>> from infill.constrain.schema.ecma import parse
>>> combine([parse("^[ab]+$")], [parse("^a")], low=1, high=1)
Chars(ranges=((98, 98),))
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from infill.constrain.schema.ecma import (
    ANY,
    EMPTY,
    Alt,
    Anchor,
    Chars,
    Node,
    Ranges,
    Repeat,
    Seq,
    union,
)
from infill.errors import LimitError

States: TypeAlias = frozenset[int]
Product: TypeAlias = tuple[tuple[States, ...], int]
Moves: TypeAlias = list[dict[int, int]]

STATES: Final = 1_000
"""States of one combined automaton; a second at most."""
SIZE: Final = 20_000
"""Leaves of the expression that comes out; a lexer is made from it later."""


def charsets(node: Node) -> Iterator[Ranges]:
    """Every set of code points that `node` speaks of."""
    match node:
        case Chars(ranges):
            yield ranges
        case Seq(items) | Alt(items):
            for item in items:
                yield from charsets(item)
        case Repeat(item):
            yield from charsets(item)
        case Anchor():
            return


def classes(nodes: Sequence[Node]) -> list[tuple[Ranges, frozenset[Ranges]]]:
    """The coarsest parts of all code points that no charset splits, each with its charsets."""
    known = {ANY.ranges, *(ranges for node in nodes for ranges in charsets(node))}
    turns: dict[int, list[tuple[Ranges, bool]]] = defaultdict(list)
    for ranges in known:
        for low, high in ranges:
            turns[low].append((ranges, True))
            turns[high + 1].append((ranges, False))
    parts: dict[frozenset[Ranges], list[tuple[int, int]]] = defaultdict(list)
    within: set[Ranges] = set()
    points = sorted(turns)
    for point, after in zip(points, [*points[1:], 0], strict=True):
        within.difference_update(ranges for ranges, enters in turns[point] if not enters)
        within.update(ranges for ranges, enters in turns[point] if enters)
        if ANY.ranges in within:
            parts[frozenset(within)].append((point, after - 1))
    return [(union(part), sets) for sets, part in parts.items()]


@dataclass(slots=True)
class _Thompson:
    """One expression as an automaton with silent moves."""

    silent: list[list[int]] = field(default_factory=list)
    steps: list[tuple[Ranges, int] | None] = field(default_factory=list)

    def state(self) -> int:
        if len(self.steps) > 20 * STATES:
            raise too_many("states")
        self.silent.append([])
        self.steps.append(None)
        return len(self.steps) - 1

    def add(self, node: Node, start: int) -> int:
        """Read `node` from `start`; gives the state after it."""
        match node:
            case Chars(ranges):
                end = self.state()
                middle = self.state()
                self.silent[start].append(middle)
                self.steps[middle] = (ranges, end)
                return end
            case Seq(items):
                for item in items:
                    start = self.add(item, start)
                return start
            case Alt(items):
                ends = [self.add(item, start) for item in items]
                end = self.state()
                for one in ends:
                    self.silent[one].append(end)
                return end
            case Repeat():
                return self.repeat(node, start)
            case Anchor():
                raise AssertionError("parse leaves no anchor")

    def repeat(self, node: Repeat, start: int) -> int:
        for _ in range(node.low):
            start = self.add(node.item, start)
        if node.high is None:
            inner = self.state()
            self.silent[start].append(inner)
            self.silent[self.add(node.item, inner)].append(inner)
            return inner
        end = self.state()
        for _ in range(node.high - node.low):
            self.silent[start].append(end)
            entry = self.state()
            self.silent[start].append(entry)
            start = self.add(node.item, entry)
        self.silent[start].append(end)
        return end

    def closed(self, states: set[int]) -> States:
        todo = list(states)
        while todo:
            for other in self.silent[todo.pop()]:
                if other not in states:
                    states.add(other)
                    todo.append(other)
        return frozenset(states)

    def after(self, states: States, sets: frozenset[Ranges]) -> States:
        taken = (self.steps[state] for state in states)
        return self.closed({step[1] for step in taken if step is not None and step[0] in sets})


def too_many(what: str) -> LimitError:
    """The error for patterns that are too large together."""
    return LimitError(
        f"patterns, lengths and excluded names together need too many {what}",
        expected=f"at most {STATES} states and an expression of {SIZE} parts",
        hint="give each string one pattern, and say its length inside the pattern",
    )


def _explore(
    must: Sequence[Node], never: Sequence[Node], low: int, high: int | None
) -> tuple[list[Ranges], Moves, set[int]]:
    """The deterministic automaton of the combination: labels, moves, accepting states."""
    machines: list[tuple[_Thompson, int, States]] = []
    for node in (*must, *never):
        machine = _Thompson()
        start = machine.state()
        machines.append((machine, machine.add(node, start), machine.closed({start})))
    parts = classes([*must, *never])
    first: Product = (tuple(start for _, _, start in machines), 0)
    numbers: dict[Product, int] = {first: 0}
    order: list[Product] = [first]
    moves: Moves = []
    accepting: set[int] = set()
    while len(moves) < len(order):
        sets, count = order[len(moves)]
        inside = [end in states for (_, end, _), states in zip(machines, sets, strict=True)]
        if all(inside[: len(must)]) and not any(inside[len(must) :]) and count >= low:
            accepting.add(len(moves))
        moves.append({})
        if count == high:
            continue
        onward = count + 1 if high is not None else min(count + 1, low)
        for label, (_, within) in enumerate(parts):
            pairs = zip(machines, sets, strict=True)
            after = tuple(machine.after(states, within) for (machine, _, _), states in pairs)
            if not all(after[: len(must)]):
                continue
            target: Product = (after, onward)
            if target not in numbers:
                numbers[target] = len(order)
                order.append(target)
            moves[-1][label] = numbers[target]
        if len(order) > STATES:
            raise too_many("states")
    return [part for part, _ in parts], moves, accepting


def _minimal(moves: Moves, accepting: set[int]) -> list[int]:
    """Which block each state belongs to (Moore's refinement)."""
    block = [int(state in accepting) for state in range(len(moves))]
    count = 0
    while True:
        names: dict[tuple[int, frozenset[tuple[int, int]]], int] = {}
        block = [
            names.setdefault(
                (block[state], frozenset((label, block[to]) for label, to in row.items())),
                len(names),
            )
            for state, row in enumerate(moves)
        ]
        if len(names) == count:
            return block
        count = len(names)


def _alt(one: Node | None, other: Node) -> Node:
    if one is None or one == other:
        return other
    parts = [*(one.items if isinstance(one, Alt) else [one])]
    parts += other.items if isinstance(other, Alt) else [other]
    ranges = [part.ranges for part in parts if isinstance(part, Chars)]
    rest: list[Node] = [part for part in parts if not isinstance(part, Chars)]
    if ranges:
        rest.insert(0, Chars(union(pair for part in ranges for pair in part)))
    unique = tuple(dict.fromkeys(rest))
    return unique[0] if len(unique) == 1 else Alt(unique)


def _seq(*nodes: Node) -> Node:
    items = [item for node in nodes for item in (node.items if isinstance(node, Seq) else [node])]
    return items[0] if len(items) == 1 else Seq(tuple(items))


def _size(node: Node) -> int:
    match node:
        case Seq(items) | Alt(items):
            return 1 + sum(map(_size, items))
        case Repeat(item):
            return 1 + _size(item)
        case _:
            return 1


class _Elimination:
    """States leave one by one; what they stood for goes onto the edges (Brzozowski-McCluskey)."""

    def __init__(self) -> None:
        self.out: dict[int, dict[int, Node]] = defaultdict(dict)
        self.into: dict[int, set[int]] = defaultdict(set)
        self.sizes: dict[tuple[int, int], int] = {}

    def join(self, one: int, other: int, node: Node) -> int:
        """Put `node` beside what leads from `one` to `other`; gives their size."""
        self.out[one][other] = _alt(self.out[one].get(other), node)
        self.into[other].add(one)
        self.sizes[one, other] = _size(self.out[one][other])
        return self.sizes[one, other]

    def weight(self, state: int) -> tuple[int, int]:
        """How much longer the expression gets when `state` leaves (Delgado and Morais)."""
        sources, targets = self.into[state] - {state}, self.out[state].keys() - {state}
        coming = sum(self.sizes[source, state] for source in sources) * (len(targets) - 1)
        going = sum(self.sizes[state, target] for target in targets) * (len(sources) - 1)
        loop = self.sizes.get((state, state), 0) if state in self.out[state] else 0
        return (coming + going + loop * (len(sources) * len(targets) - 1), state)

    def leave(self, state: int) -> int:
        """Take `state` away; gives the size of what was written."""
        out = self.out.pop(state, {})
        loop = out.pop(state, None)
        stay = EMPTY if loop is None else Repeat(loop, 0, None)
        written = 0
        for source in self.into.pop(state, set()) - {state}:
            coming = self.out[source].pop(state)
            for target, going in out.items():
                written += self.join(source, target, _seq(coming, stay, going))
        for target in out:
            self.into[target].discard(state)
        return written


def combine(
    must: Sequence[Node], never: Sequence[Node] = (), *, low: int = 0, high: int | None = None
) -> Node | None:
    """The strings in all of `must` and none of `never`, of `low` to `high` code points.

    None where there is no such string. Raises `LimitError` above `STATES` states or an
    expression of `SIZE` parts.
    """
    labels, moves, accepting = _explore(must, never, low, high)
    block = _minimal(moves, accepting)
    work = _Elimination()
    start, end = -1, -2
    work.join(start, block[0], EMPTY)
    for state in accepting:
        work.join(block[state], end, EMPTY)
    for state, row in enumerate(moves):
        for label, to in row.items():
            work.join(block[state], block[to], Chars(labels[label]))
    left = set(block)
    budget = 10 * SIZE
    while left:
        state = min(left, key=work.weight)
        left.remove(state)
        budget -= work.leave(state)
        if budget < 0:
            raise too_many("parts")
    found = work.out[start].get(end)
    if found is not None and _size(found) > SIZE:
        raise too_many("parts")
    return found
