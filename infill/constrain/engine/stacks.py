"""Sets of parser stacks: what a generalised LR parser holds after some text, as one number.

A set is a map from the state on top to the set of stacks below it; equal sets are one object
(hash-consed), so equality is identity, hypotheses share all they have in common, and every
operation is done once per pair of arguments. This is a graph-structured stack (Tomita) in the
form of a minimal automaton. Sets are always closed: whatever can be reduced, has been.

`step` goes forward over a terminal; `back` asks which stacks of a set were those that led into
another set. Both are exact. Knows nothing of lexemes, tokens or canvases.

>>> from infill.constrain.engine import tables
>>> from infill.constrain.syntax import Rule, Syntax, Terminal
>>> a, b = Terminal("A", "a", literal=True), Terminal("B", "b", literal=True)
>>> nested = Syntax((a, b), (Rule("s", ("A", "s", "B")), Rule("s", ("A", "B"))), start="s")
>>> stacks = Stacks(tables.build(nested))
>>> once = stacks.step(stacks.start, 0)
>>> [stacks.accepts(stacks.step(s, 1)) for s in (once, stacks.step(once, 0))]
[True, False]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from infill.constrain.engine.tables import Tables
from infill.errors import LimitError

Set = int
"""A set of stacks, by its number in one `Stacks`."""

EMPTY: Set = 0
ROOT: Set = 1
"""The set that holds the stack of nothing."""

COLUMN = 1 << 20
"""A state on a stack is `state + COLUMN * column`, the column of its block's indentation."""


class Stacks:
    """The arena of the sets of one grammar.

    `limit` bounds the entries of all tables together; a `LimitError` then names it.
    """

    def __init__(self, tables: Tables, *, limit: int = 20_000_000) -> None:
        self.tables = tables
        self._limit = limit
        terminals = range(len(tables.terminals))
        self._useful = [
            s in tables.accepting or any(x in row for x in terminals)
            for s, row in enumerate(tables.shifts)
        ]
        # nothing leads back to state 0: it is on top where nothing was read yet
        self._complete = (*tables.accepting, 0) if tables.empty else tuple(tables.accepting)
        self.reset()

    def reset(self) -> None:
        """Forget all sets; the numbers of those that there were mean nothing any more."""
        self._sets: list[tuple[tuple[int, Set], ...]] = [(), ()]
        self._ids: dict[tuple[tuple[int, Set], ...], Set] = {(): EMPTY}
        self._memo: dict[tuple[int, ...], Set] = {}
        self.start = self._make({0: ROOT})

    @property
    def used(self) -> float:
        """Share of the limit that is taken."""
        return (len(self._sets) + len(self._memo)) / self._limit

    def __len__(self) -> int:
        return len(self._sets)

    def tops(self, stacks: Set) -> tuple[tuple[int, Set], ...]:
        """The states on top, each with the set of stacks below it."""
        return self._sets[stacks]

    # -- algebra

    def _make(self, tops: dict[int, Set]) -> Set:
        key = tuple(sorted(tops.items()))
        found = self._ids.get(key)
        if found is None:
            if self.used > 1:
                raise LimitError(
                    "the grammar's stacks need too much memory",
                    expected=f"at most {self._limit} entries (limit: stacks)",
                    hint="use shorter holes, or raise the limit",
                )
            found = self._ids[key] = len(self._sets)
            self._sets.append(key)
        return found

    def union(self, a: Set, b: Set) -> Set:
        """The stacks of either."""
        if b in (a, EMPTY):
            return a
        if a == EMPTY:
            return b
        key = (0, a, b) if a < b else (0, b, a)
        found = self._memo.get(key)
        if found is None:
            tops = dict(self._sets[a])
            for top, below in self._sets[b]:
                tops[top] = self.union(tops[top], below) if top in tops else below
            found = self._memo[key] = self._make(tops)
        return found

    def unions(self, sets: Iterable[Set]) -> Set:
        """The stacks of any."""
        total = EMPTY
        for one in sets:
            total = self.union(total, one)
        return total

    def meet(self, a: Set, b: Set) -> Set:
        """The stacks of both."""
        if a == b or EMPTY in (a, b):
            return a if a == b else EMPTY
        key = (1, a, b) if a < b else (1, b, a)
        found = self._memo.get(key)
        if found is None:
            others = dict(self._sets[b])
            both = {
                top: met
                for top, below in self._sets[a]
                if top in others and (met := self.meet(below, others[top]))
            }
            found = self._memo[key] = self._make(both)
        return found

    def _pop(self, stacks: Set, count: int) -> Set:
        """The stacks without their topmost `count` states."""
        if not count or stacks == EMPTY:
            return stacks
        key = (2, stacks, count)
        found = self._memo.get(key)
        if found is None:
            below = self.unions(below for _, below in self._sets[stacks])
            found = self._memo[key] = self._pop(below, count - 1)
        return found

    def _unpop(self, stacks: Set, count: int, kept: Set) -> Set:
        """The stacks that are in `kept` once `count` states are popped."""
        if not count:
            return self.meet(stacks, kept)
        if EMPTY in (stacks, kept):
            return EMPTY
        key = (3, stacks, count, kept)
        found = self._memo.get(key)
        if found is None:
            tops = {
                top: left
                for top, below in self._sets[stacks]
                if (left := self._unpop(below, count - 1, kept))
            }
            found = self._memo[key] = self._make(tops)
        return found

    # -- moves of the parser

    def _pushed(self, stacks: Set, symbol: int, column: int = -1) -> dict[int, Set]:
        """Each state that comes on top by the symbol, with the stacks it comes on top of."""
        shifts = self.tables.shifts
        groups: dict[int, dict[int, Set]] = defaultdict(dict)
        for top, below in self._sets[stacks]:
            target = shifts[top % COLUMN].get(symbol)
            if target is not None:
                own = top // COLUMN if column < 0 else column
                groups[target + COLUMN * own][top] = below
        return {target: self._make(tops) for target, tops in groups.items()}

    def step(self, stacks: Set, symbol: int, column: int = -1) -> Set:
        """The stacks after the symbol, reduced in every way; `column` is that of an INDENT."""
        if stacks == EMPTY:
            return EMPTY
        key = (4, stacks, symbol, column)
        found = self._memo.get(key)
        if found is None:
            pushed = self._pushed(stacks, symbol, column)
            useful = {top: on for top, on in pushed.items() if self._useful[top % COLUMN]}
            total = self._make(useful)
            for top, on in pushed.items():
                for symbol_, length in self.tables.reductions[top % COLUMN]:
                    total = self.union(total, self.step(self._pop(on, length - 1), symbol_))
            found = self._memo[key] = total
        return found

    def back(self, stacks: Set, symbol: int, after: Set, column: int = -1) -> Set:
        """The stacks that the symbol leads into `after`, in at least one way."""
        if EMPTY in (stacks, after):
            return EMPTY
        key = (5, stacks, symbol, after, column)
        found = self._memo.get(key)
        if found is None:
            wanted, total = dict(self._sets[after]), EMPTY
            for top, on in self._pushed(stacks, symbol, column).items():
                if top in wanted:
                    total = self.union(total, self.meet(on, wanted[top]))
                for symbol_, length in self.tables.reductions[top % COLUMN]:
                    kept = self.back(self._pop(on, length - 1), symbol_, after)
                    total = self.union(total, self._unpop(on, length - 1, kept))
            found = self._memo[key] = total
        return found

    def having(self, stacks: Set, tops: Iterable[int]) -> Set:
        """The stacks with one of these on top."""
        wanted = set(tops)
        return self._make({top: below for top, below in self._sets[stacks] if top in wanted})

    def accepts(self, stacks: Set) -> bool:
        """Whether one of the stacks is that of a complete text."""
        return self.accepted(stacks) != EMPTY

    def accepted(self, stacks: Set) -> Set:
        """The stacks of a complete text (at column 0)."""
        return self.having(stacks, self._complete)
