"""Which terminals are read together: the lexer modes that a grammar needs.

Most grammars need one. Where two terminals could begin the same text and no parser state ever
accepts both (the literal part of an f-string against any other lexeme), the parser has to say
which is meant, as in Lark's contextual lexer; their states get modes of their own. A literal never
forces that: `>>` is one lexeme everywhere, as in Lark's basic lexer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from infill.constrain.engine.tables import Tables
from infill.constrain.lexing.transducer import Lexer, conflicting
from infill.constrain.syntax import Syntax, Terminal

Mode = frozenset[str]


def assign(syntax: Syntax, tables: Tables) -> tuple[tuple[Mode, ...], Sequence[int]]:
    """The modes, none if one is enough, and the mode of each parser state (-1: reads nothing)."""
    of = {terminal.name: terminal for terminal in syntax.terminals}
    accepts = [tables.acceptable(state).intersection(of) for state in range(len(tables.shifts))]
    if syntax.lexing == "all":
        return (), [0] * len(accepts)
    together = {pair for names in set(accepts) for pair in combinations(sorted(names), 2)}
    used = sorted(frozenset().union(*accepts))
    apart = {
        (a, b)
        for a, b in combinations(used, 2)
        if (a, b) not in together
        and not (of[a].literal or of[b].literal)
        and conflicting(of[a], of[b])
    }
    modes: list[set[str]] = []
    chosen: dict[frozenset[str], int] = {frozenset(): -1}
    for names in sorted(set(accepts) - {frozenset()}, key=lambda n: (-len(n), sorted(n))):
        for index, mode in enumerate(modes):
            pairs = ((min(a, b), max(a, b)) for a in names for b in mode if a != b)
            if not any(pair in apart for pair in pairs):
                mode.update(names)
                chosen[names] = index
                break
        else:
            chosen[names] = len(modes)
            modes.append(set(names))
    found = tuple(frozenset(mode | _keywords(mode, of, together)) for mode in modes)
    return (found if len(found) > 1 else ()), [chosen[names] for names in accepts]


def _keywords(
    mode: set[str], of: Mapping[str, Terminal], together: set[tuple[str, str]]
) -> set[str]:
    """The literals that a pattern of the mode matches: a keyword is no name in any mode.

    Only of a pattern that stands beside the literal somewhere: the text of an f-string may be
    any word.
    """
    found = set[str]()
    for name in sorted(mode):
        if of[name].literal:
            continue
        pattern = re.compile(of[name].pattern, of[name].flags)
        found.update(
            other
            for other, terminal in of.items()
            if terminal.literal
            and (min(name, other), max(name, other)) in together
            and pattern.fullmatch(re.sub(r"\\(.)", r"\1", terminal.pattern))
        )
    return found


@dataclass(frozen=True, eq=False)
class Follows:
    """Which mode can come next, as far as the modes of parser states tell.

    What a token of several lexemes can be would otherwise grow with the modes to the power of
    its lexemes.

    of      int32 [S] per symbol of the lexer its mode, -1 for a lexeme
    after   uint64 [M + 1, S] per mode (the last row: unknown) and lexeme read in it, the modes
            that may follow, as bits
    """

    of: NDArray[np.int32]
    after: NDArray[np.uint64]

    def allows(self, run: Sequence[int], symbol: int) -> bool:
        """Whether the symbol can come after the run.

        Between two modes only ignored text was read, so that the mode is the same.
        """
        if not run or self.of[symbol] < 0:
            return True
        last, before = run[-1], self.of[run[-2]] if len(run) > 1 else -1
        if self.of[last] >= 0:
            return bool(self.of[last] == self.of[symbol])
        return bool(int(self.after[before, last]) >> int(self.of[symbol]) & 1)


def follows(tables: Tables, of: Sequence[int], lexer: Lexer) -> Follows:
    """Which mode can come after which lexeme."""
    symbols, count = lexer.symbols, max(of, default=0) + 1
    after = np.full((count + 1, len(symbols)), 2**64 - 1, np.uint64)
    if any(symbol.mode >= 0 for symbol in symbols):
        for mode in range(count + 1):
            found = {
                name: _modes_after(tables, of, name, mode if mode < count else None)
                for name in lexer.terminals
            }
            for i, symbol in enumerate(symbols):
                if symbol.mode < 0 and symbol.column < 0:  # blocks may end after a newline
                    bits = frozenset().union(*(found[lexer.terminals[t]] for t in symbol.terminals))
                    after[mode, i] = sum(1 << bit for bit in bits)
    return Follows(np.array([symbol.mode for symbol in symbols], np.int32), after)


def _modes_after(tables: Tables, of: Sequence[int], name: str, mode: int | None) -> frozenset[int]:
    """The modes of states that can be on top once a state of this mode read the terminal."""
    symbol = tables.terminals.index(name)
    work = [
        row[symbol]
        for state, row in enumerate(tables.shifts)
        if symbol in row and mode in (None, of[state])
    ]
    seen = set(work)
    while work:
        state = work.pop()
        for reduced, length in tables.reductions[state]:
            below = {state}
            for _ in range(length):
                below = {one for top in below for one in tables.above[top]}
            fresh = {tables.shifts[b][reduced] for b in below if reduced in tables.shifts[b]}
            work.extend(fresh - seen)
            seen |= fresh
    return frozenset(of[state] for state in seen if of[state] >= 0)
