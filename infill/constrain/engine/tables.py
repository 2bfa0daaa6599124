"""LR(0) tables of a grammar, every conflict kept: the stacks decide, not the table.

A set of stacks is advanced by all actions at once, so lookahead would only save work, and
without it a set is reduced once instead of once per terminal. Knows nothing of texts.

What is rewritten first, without changing the language: symbols that derive nothing or cannot
be reached are dropped; empty expansions are removed; nonterminals that derive each other alone
become one. With an `Indentation`, a nonterminal that stands between brackets is another one
than outside, so that a state knows whether newlines count.

>>> from infill.constrain.syntax import Rule, Syntax, Terminal
>>> a, b = Terminal("A", "a", literal=True), Terminal("B", "b", literal=True)
>>> nested = Syntax((a, b), (Rule("s", ("A", "s", "B")), Rule("s", ())), start="s")
>>> tables = build(nested)
>>> tables.empty, tables.terminals, len(tables.shifts)
(True, ('A', 'B'), 6)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from infill.constrain.syntax import Indentation, Syntax
from infill.errors import GrammarError, LimitError

Production = tuple[str, tuple[str, ...]]
Item = tuple[int, int]
"""A production's index, and how many of its symbols stand left of the dot."""

START = "$start"
INSIDE = "'"
"""Marks a nonterminal that stands between brackets."""


@dataclass(frozen=True, eq=False)
class Tables:
    """What a set of stacks needs; states and symbols are small integers, state 0 is the start.

    terminals   [n] names; symbol i is a terminal for i < n, else nonterminals that are pushed
                together (`_Automaton`)
    shifts      per state: symbol → state
    reductions  per state: (symbol, length) of its complete items, length ≥ 2
    above       per state: those that can be right below it on a stack
    accepting   the states that hold the complete start symbol
    inside      per state: it stands between brackets, so that newlines do not count
    empty       whether the empty text belongs to the language
    """

    terminals: tuple[str, ...]
    symbols: tuple[str, ...]
    shifts: tuple[Mapping[int, int], ...]
    reductions: tuple[tuple[tuple[int, int], ...], ...]
    above: tuple[frozenset[int], ...]
    accepting: frozenset[int]
    inside: tuple[bool, ...]
    empty: bool

    def acceptable(self, state: int) -> frozenset[str]:
        """The terminals that a state shifts."""
        count = len(self.terminals)
        return frozenset(self.terminals[x] for x in self.shifts[state] if x < count)


def build(syntax: Syntax, *, limit: int = 100_000) -> Tables:
    """The tables of a grammar.

    Raises GrammarError for an empty language, an undefined symbol or brackets that do not close
    in one expansion; LimitError for more than `limit` states or productions.
    """
    terminals = tuple(terminal.name for terminal in syntax.terminals)
    if syntax.indentation is not None:
        terminals += (syntax.indentation.indent, syntax.indentation.dedent)
    terminals = tuple(dict.fromkeys(terminals))
    _check_names(syntax, set(terminals))
    rules: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for origin, expansion in _instances(syntax):
        rules[origin].add(expansion)
    start, empty = _simplify(rules, syntax.start, frozenset(terminals), limit)
    return _automaton(rules, start, terminals, syntax.indentation, empty=empty, limit=limit)


def _check_names(syntax: Syntax, terminals: set[str]) -> None:
    known = terminals | set(syntax.nonterminals)
    for rule in syntax.rules:
        if missing := [name for name in rule.expansion if name not in known]:
            raise GrammarError(
                "a rule uses a symbol that is not defined",
                where=f"rule {rule.origin}",
                got=missing[0],
                hint="define it, or correct its name",
            )
    if syntax.start not in syntax.nonterminals:
        raise GrammarError("the start symbol has no rule", got=syntax.start)


def _instances(syntax: Syntax) -> Iterable[Production]:
    """The rules; with an indentation, those that stand between brackets apart."""
    if syntax.indentation is None:
        return [(rule.origin, rule.expansion) for rule in syntax.rules]
    opening, closing = syntax.indentation.opening, syntax.indentation.closing
    nonterminals = set(syntax.nonterminals)
    found: list[Production] = []
    for rule in syntax.rules:
        for mark in ("", INSIDE):
            depth, outer, expansion = 0, mark, list[str]()
            for name in rule.expansion:
                depth -= name in closing
                inside = outer or (INSIDE if depth > 0 else "")
                expansion.append(name + inside if name in nonterminals else name)
                depth += name in opening
                outer = "" if name in syntax.indentation.suspending else outer
                if depth < 0:
                    break
            if depth:
                raise GrammarError(
                    "brackets must open and close in one expansion where indentation counts",
                    where=f"rule {rule.origin}",
                    got=" ".join(rule.expansion),
                    hint="move the bracket into the rule that closes it",
                )
            found.append((rule.origin + mark, tuple(expansion)))
    return found


def _simplify(
    rules: dict[str, set[tuple[str, ...]]], start: str, terminals: frozenset[str], limit: int
) -> tuple[str, bool]:
    """Drop what is useless, empty or circular, in place; the start symbol, and if it is empty."""
    nullable = _closure(rules, lambda name, done: name in done, set())
    productive = _closure(rules, lambda name, done: name in terminals or name in done, set())
    if start not in productive:
        raise GrammarError(
            "the language is empty: no text at all matches the grammar",
            where=f"start symbol {start}",
            hint="some rule refers to itself in every alternative",
        )
    for name in list(rules):
        full = [e for e in rules[name] if all(x in terminals or x in productive for x in e)]
        rules[name] = _without_empty(full, nullable, limit)
    empty = start in nullable
    start = _merge_circular(rules, start)
    kept = _closure(rules, lambda name, done: name in terminals or name in done, set())
    for name in list(rules):  # the others derived the empty text only
        rules[name] = {e for e in rules[name] if all(x in terminals or x in kept for x in e)}
        if not rules[name]:
            del rules[name]
    reached, work = {start}, [start]
    while work:
        for expansion in rules.get(work.pop(), ()):
            fresh = [x for x in expansion if x in rules and x not in reached]
            reached.update(fresh)
            work.extend(fresh)
    for name in [name for name in rules if name not in reached]:
        del rules[name]
    return start, empty


def _closure(
    rules: Mapping[str, set[tuple[str, ...]]],
    holds: Callable[[str, set[str]], bool],
    done: set[str],
) -> set[str]:
    """Nonterminals with an expansion of symbols that all hold, as a least fixed point."""
    while True:
        found = {
            name
            for name, expansions in rules.items()
            if name not in done and any(all(holds(x, done) for x in e) for e in expansions)
        }
        if not found:
            return done
        done |= found


def _without_empty(
    expansions: Iterable[tuple[str, ...]], nullable: set[str], limit: int
) -> set[tuple[str, ...]]:
    """Each expansion with its nullable symbols there or not, the empty one left out."""
    found: set[tuple[str, ...]] = set()
    for expansion in expansions:
        choices = [((x,), ()) if x in nullable else ((x,),) for x in expansion]
        for picked in product(*choices):
            if flat := tuple(x for part in picked for x in part):
                found.add(flat)
            if len(found) > limit:
                raise LimitError(
                    "a rule has too many optional parts",
                    expected=f"at most {limit} expansions (limit: grammar)",
                    hint="split the rule",
                )
    return found


def _merge_circular(rules: dict[str, set[tuple[str, ...]]], start: str) -> str:
    """Make one nonterminal of those that derive each other alone (a: b, b: a)."""
    reach: dict[str, set[str]] = {}
    for name in rules:
        seen, work = set[str](), [name]
        while work:
            for expansion in rules[work.pop()]:
                one = expansion[0] if len(expansion) == 1 else ""
                if one in rules and one not in seen:
                    seen.add(one)
                    work.append(one)
        reach[name] = seen
    leader = {
        name: min({name} | {other for other in reach[name] if name in reach[other]})
        for name in rules
    }
    merged: dict[str, set[tuple[str, ...]]] = {name: set() for name in leader.values()}
    for name, expansions in rules.items():
        for expansion in expansions:
            renamed = tuple(leader.get(x, x) for x in expansion)
            if renamed != (leader[name],):
                merged[leader[name]].add(renamed)
    rules.clear()
    rules.update(merged)
    return leader.get(start, start)


class _Automaton:
    """The states, found from the start state outward.

    A state is a set of items; what derives the same piece of text on the same stack is pushed
    as one: a terminal together with every nonterminal that it alone can be, the origins of
    complete items of one length together with every nonterminal that they alone can be. So a
    ladder of operator levels costs one state on the stack, not one per level, and is still exact:
    an item is valid by the state below it and the pieces of text between, whoever shares its set.
    """

    def __init__(
        self, rules: Mapping[str, set[tuple[str, ...]]], start: str, terminals: tuple[str, ...]
    ) -> None:
        self.rules, self.terminals = rules, terminals
        # a language of nothing but the empty text leaves no rule
        self.productions: list[Production] = [(START, (start,) if start in rules else ())]
        self.of: dict[str, list[int]] = defaultdict(list)
        self.alone: dict[str, set[str]] = defaultdict(set)
        for name in rules:
            for expansion in sorted(rules[name]):
                if len(expansion) == 1:
                    self.alone[expansion[0]].add(name)
                    continue
                self.of[name].append(len(self.productions))
                self.productions.append((name, expansion))
        self.symbols: dict[frozenset[str], int] = {}
        for name in terminals:
            self.symbols[frozenset({name})] = len(self.symbols)
        self.pushes = [self.up({name}) for name in terminals]
        self.kernels: dict[frozenset[Item], int] = {}
        self.states: list[frozenset[Item]] = []
        self.nexts: list[dict[str, set[Item]]] = []
        self.shifts: list[dict[int, int]] = []
        self.above: list[set[int]] = []
        """Per state the states below it on some stack."""
        self.reductions: list[tuple[tuple[int, int], ...]] = []
        self.state(frozenset({(0, 0)}))

    def up(self, names: Iterable[str]) -> frozenset[str]:
        """The symbols, and every nonterminal that is one of them and nothing else."""
        found, work = set(names), list(names)
        while work:
            fresh = self.alone[work.pop()] - found
            found |= fresh
            work.extend(fresh)
        return frozenset(found)

    def symbol(self, origins: frozenset[str]) -> int:
        """The number of nonterminals that are pushed together."""
        if origins not in self.symbols:
            self.symbols[origins] = len(self.symbols)
            self.pushes.append(self.up(origins))
        return self.symbols[origins]

    def state(self, kernel: frozenset[Item]) -> int:
        """The number of a set of items."""
        if kernel in self.kernels:
            return self.kernels[kernel]
        number = self.kernels[kernel] = len(self.states)
        self.states.append(kernel)
        complete: dict[int, set[str]] = defaultdict(set)
        for p, dot in kernel:
            if p and dot == len(self.productions[p][1]):
                complete[dot].add(self.productions[p][0])
        self.nexts.append(self._closure(kernel))
        self.shifts.append({})
        self.above.append(set())
        self.reductions.append(
            tuple((self.symbol(frozenset(complete[n])), n) for n in sorted(complete))
        )
        return number

    def _closure(self, kernel: frozenset[Item]) -> dict[str, set[Item]]:
        """Per symbol right of a dot, the items after it."""
        found: dict[str, set[Item]] = defaultdict(set)
        work, predicted = list(kernel), set[str]()
        while work:
            p, dot = work.pop()
            expansion = self.productions[p][1]
            if dot == len(expansion):
                continue
            found[expansion[dot]].add((p, dot + 1))
            names = [expansion[dot]]
            while names:
                name = names.pop()
                if name in self.rules and name not in predicted:
                    predicted.add(name)
                    work.extend((child, 0) for child in self.of[name])
                    names.extend(e[0] for e in self.rules[name] if len(e) == 1)
        return found

    def shift(self, state: int, symbol: int) -> bool:
        """Make the transition if there is one; whether it is new."""
        if symbol in self.shifts[state]:
            return False
        nexts = self.nexts[state]
        kernel = frozenset(item for name in self.pushes[symbol] for item in nexts.get(name, ()))
        if not kernel:
            return False
        target = self.shifts[state][symbol] = self.state(kernel)
        self.above[target].add(state)
        return True

    def run(self, limit: int) -> None:
        """Every state and transition that some text leads to."""
        done = 0
        while True:
            while done < len(self.states):
                for terminal in range(len(self.terminals)):
                    self.shift(done, terminal)
                done += 1
                if done > limit:
                    raise LimitError(
                        "the grammar needs too many states",
                        expected=f"at most {limit} (limit: grammar)",
                    )
            fresh = [
                self.shift(below, symbol)
                for state, reductions in enumerate(self.reductions)
                for symbol, length in reductions
                for below in self._below(state, length)
            ]
            if not any(fresh):
                return

    def _below(self, state: int, count: int) -> set[int]:
        """The states that may be `count` below a state."""
        states = {state}
        for _ in range(count):
            states = {below for one in states for below in self.above[one]}
        return states


def _automaton(  # noqa: PLR0913 - the parts of the tables
    rules: Mapping[str, set[tuple[str, ...]]],
    start: str,
    terminals: tuple[str, ...],
    indentation: Indentation | None,
    *,
    empty: bool,
    limit: int,
) -> Tables:
    """The LR(0) automaton by the subset construction over items."""
    built = _Automaton(rules, start, terminals)
    built.run(limit)
    return Tables(
        terminals=terminals,
        symbols=tuple(" ".join(sorted(names)) for names in built.symbols),
        shifts=tuple(built.shifts),
        reductions=tuple(built.reductions),
        above=tuple(map(frozenset, built.above)),
        accepting=frozenset(s for s, kernel in enumerate(built.states) if (0, 1) in kernel),
        inside=tuple(_inside(kernel, built.productions, indentation) for kernel in built.states),
        empty=empty,
    )


def _inside(
    kernel: frozenset[Item], productions: list[Production], indentation: Indentation | None
) -> bool:
    """Whether the dot stands between brackets; the same for every item of a state."""
    if indentation is None:
        return False
    p, dot = next(iter(kernel))
    origin, expansion = productions[p]
    before = expansion[:dot]
    depth = sum((x in indentation.opening) - (x in indentation.closing) for x in before)
    outer = origin.endswith(INSIDE) and indentation.suspending.isdisjoint(before)
    return outer or depth > 0
