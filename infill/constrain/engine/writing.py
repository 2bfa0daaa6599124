"""Writing lexemes on sets of stacks: terminals, newlines with their columns, modes, the end.

Joins what the lexer says (`Symbol`) with what the parser does (`Stacks`). Indentation follows
Lark's `Indenter`: a deeper column is an INDENT, each level that a shallower one leaves is a
DEDENT and must end at a column that is open, newlines between brackets do not count.
Each operation goes forward (`write`) and backward (`unwrite`: which stacks led there).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from infill.constrain.engine.stacks import COLUMN, EMPTY, Set, Stacks
from infill.constrain.lexing.tokens import Run
from infill.constrain.lexing.transducer import Lexer, Symbol
from infill.constrain.syntax import Indentation


class Writer:
    """`modes[state]` is the lexer mode of a parser state, where there is more than one."""

    def __init__(
        self,
        lexer: Lexer,
        stacks: Stacks,
        indentation: Indentation | None,
        modes: Sequence[int] = (),
    ) -> None:
        self.stacks = stacks
        self._symbols = lexer.symbols
        self._ids = [stacks.tables.terminals.index(name) for name in lexer.terminals]
        self._modes = modes
        self._inside = stacks.tables.inside
        names = stacks.tables.terminals
        self._indent = names.index(indentation.indent) if indentation else -1
        self._dedent = names.index(indentation.dedent) if indentation else -1
        self._units = indentation.units if indentation else ()
        self._memo: dict[tuple[Set, Run], Set] = {}

    def reset(self) -> None:
        """Forget what was written on which stacks, and those."""
        self._memo.clear()
        self.stacks.reset()

    def ours(self, run: Run) -> Run:
        """The run as an open slot writes it: its newlines open no block but by `units`."""
        if self._indent < 0:
            return run
        count = len(self._symbols)
        return tuple(s + count if self._symbols[s].column >= 0 else s for s in run)

    def write(self, stacks: Set, run: Run) -> Set:
        """The stacks after a run of symbols."""
        if not run or stacks == EMPTY:
            return stacks
        key = (stacks, run)
        found = self._memo.get(key)
        if found is None:
            before = self.write(stacks, run[:-1])
            found = self._memo[key] = self._one(before, run[-1])
        return found

    def unwrite(self, stacks: Set, run: Run, after: Set) -> Set:
        """Those of the stacks that the run leads into `after`."""
        for end in range(len(run), 0, -1):
            if after == EMPTY:
                return EMPTY
            after = self._un_one(self.write(stacks, run[: end - 1]), run[end - 1], after)
        return self.stacks.meet(stacks, after)

    def end(self, stacks: Set) -> Set:
        """The stacks of complete texts among those, every open block closed."""
        return self.stacks.accepted(self.stacks.unions(self._closings(stacks)))

    def un_end(self, stacks: Set) -> Set:
        """Those of the stacks that are of a complete text once every open block is closed."""
        kept = EMPTY
        for closing in reversed(self._closings(stacks)):
            back = self.stacks.back(self._where(closing, lambda c: c > 0), self._dedent, kept)
            kept = self.stacks.union(self.stacks.accepted(closing), back)
        return kept

    def _one(self, stacks: Set, number: int) -> Set:
        ours, symbol = self._symbol(number)
        if symbol.mode >= 0:
            return self._in_mode(stacks, symbol.mode)
        if symbol.column >= 0 and self._indent >= 0:
            return self._newline(stacks, self._ids[symbol.terminals[0]], symbol.column, ours=ours)
        return self.stacks.unions(self.stacks.step(stacks, self._ids[t]) for t in symbol.terminals)

    def _symbol(self, number: int) -> tuple[bool, Symbol]:
        count = len(self._symbols)
        return number >= count, self._symbols[number % count]

    def _un_one(self, stacks: Set, number: int, after: Set) -> Set:
        ours, symbol = self._symbol(number)
        if symbol.mode >= 0:
            return self.stacks.meet(self._in_mode(stacks, symbol.mode), after)
        if symbol.column >= 0 and self._indent >= 0:
            newline = self._ids[symbol.terminals[0]]
            return self._un_newline(stacks, newline, symbol.column, after, ours=ours)
        return self.stacks.unions(
            self.stacks.back(stacks, self._ids[t], after) for t in symbol.terminals
        )

    def _in_mode(self, stacks: Set, mode: int) -> Set:
        tops = self.stacks.tops(stacks)
        return self.stacks.having(
            stacks, [top for top, _ in tops if self._modes[top % COLUMN] == mode]
        )

    # -- indentation

    def _where(self, stacks: Set, holds: Callable[[int], bool]) -> Set:
        """The stacks whose block's column is such."""
        tops = self.stacks.tops(stacks)
        return self.stacks.having(stacks, [top for top, _ in tops if holds(top // COLUMN)])

    def sides(self, stacks: Set) -> tuple[Set, Set]:
        """The stacks that stand between brackets, and the others."""
        tops = [top for top, _ in self.stacks.tops(stacks)]
        inside = [top for top in tops if self._inside[top % COLUMN]]
        outside = [top for top in tops if not self._inside[top % COLUMN]]
        return self.stacks.having(stacks, inside), self.stacks.having(stacks, outside)

    def _deeper(self, stacks: Set, column: int, *, ours: bool) -> Set:
        """The stacks whose block may be followed by one at the column."""
        units = self._units
        return self._where(stacks, lambda c: column - c in units if ours else c < column)

    def _newline(self, stacks: Set, newline: int, column: int, *, ours: bool) -> Set:
        inside, outside = self.sides(stacks)
        levels = self._levels(self.stacks.step(outside, newline), lambda c: c > column)
        deeper = self._deeper(levels[0], column, ours=ours)
        indented = self.stacks.step(deeper, self._indent, column)
        same = self.stacks.unions(self._where(level, lambda c: c == column) for level in levels)
        return self.stacks.unions((inside, indented, same))

    def _un_newline(self, stacks: Set, newline: int, column: int, after: Set, *, ours: bool) -> Set:
        inside, outside = self.sides(stacks)
        levels = self._levels(self.stacks.step(outside, newline), lambda c: c > column)
        kept = EMPTY
        for level in reversed(levels):
            back = self.stacks.back(self._where(level, lambda c: c > column), self._dedent, kept)
            same = self.stacks.meet(self._where(level, lambda c: c == column), after)
            kept = self.stacks.union(back, same)
        deeper = self._deeper(levels[0], column, ours=ours)
        kept = self.stacks.union(kept, self.stacks.back(deeper, self._indent, after, column))
        back = self.stacks.back(outside, newline, kept)
        return self.stacks.union(self.stacks.meet(inside, after), back)

    def _levels(self, stacks: Set, leave: Callable[[int], bool]) -> list[Set]:
        """The stacks, and those after one DEDENT more each, as long as blocks are to be left."""
        levels = [stacks]
        while self._dedent >= 0:
            stacks = self.stacks.step(self._where(stacks, leave), self._dedent)
            if stacks == EMPTY:
                break
            levels.append(stacks)
        return levels

    def _closings(self, stacks: Set) -> list[Set]:
        return self._levels(stacks, lambda column: column > 0)
