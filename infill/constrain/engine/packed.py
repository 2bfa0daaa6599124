"""What a grammar and a vocabulary are compiled to, as arrays: how it is kept, and what C takes.

The objects that the Python lattice and the tests read are made from the arrays when they are asked
for: for a large grammar they are some hundred thousand tuples. Knows nothing of files.

Rows of different lengths are offsets, and the rows one after another:

>>> _rows(np.array([0, 2, 2, 3], np.int32), np.array([5, 6, 7], np.int32))
((5, 6), (), (7,))
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from infill.constrain.engine.compiled import flat, pairs
from infill.constrain.engine.tables import Tables
from infill.constrain.lexing.modes import Follows
from infill.constrain.lexing.tokens import Tokens
from infill.constrain.lexing.transducer import Lexer, Symbol

Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Packed:
    """Arrays, in the shapes that `_core.c` takes.

    Rows of different lengths have offsets, `…_at`: row i is from offset i to offset i + 1. `S`
    states and `X` symbols of the parser, `Q` states and `Y` symbols of the lexer, `C` classes of
    tokens, `M` modes, `V` tokens.

    names               uint8 [n] JSON: the parser's terminals, and all of its `X` symbols
    empty               bool [] whether the empty text belongs to the language
    shift_at, shifts    [S + 1], [n, 2] per parser state (symbol, next state)
    reduction_at, reductions    [S + 1], [n, 2] per parser state (symbol, length)
    above_at, above     [S + 1], [n] per parser state those that can be right below it
    accepting, inside   [S] 1 for a state that accepts; for one between brackets
    state_mode          [S] the mode that a parser state reads in, -1 for none
    lexed               [n] per terminal of the lexer its index among the parser's
    symbol_at, symbol_terminals    [Y + 1], [n] per symbol its terminals, of the lexer's
    symbol_column, symbol_mode     [Y] as in `Symbol`
    out_at, outs        runs of symbols
    move_at, moves      [n + 1], [n, 2] alternatives (out, next state)
    table               [Q, 256] indices into the moves, -1 for none
    end_at, ends        [Q + 1], [n] per state the outs that the text may end with
    twin                [Q] per state the one that is the same between brackets
    after               uint64 [M + 1, Y] as in `Follows`
    classes             [V] the class of each token, -1 for none
    sample_at, samples  [C + 1], uint8 [n] a token of each class
    plain               [n] classes enough to say most things shortly

    All int32 but for what says otherwise.
    """

    names: NDArray[np.uint8]
    empty: NDArray[np.bool_]
    shift_at: Ints
    shifts: Ints
    reduction_at: Ints
    reductions: Ints
    above_at: Ints
    above: Ints
    accepting: Ints
    inside: Ints
    state_mode: Ints
    lexed: Ints
    symbol_at: Ints
    symbol_terminals: Ints
    symbol_column: Ints
    symbol_mode: Ints
    out_at: Ints
    outs: Ints
    move_at: Ints
    moves: Ints
    table: Ints
    end_at: Ints
    ends: Ints
    twin: Ints
    after: NDArray[np.uint64]
    classes: Ints
    sample_at: Ints
    samples: NDArray[np.uint8]
    plain: Ints

    @cached_property
    def _names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        terminals, symbols = json.loads(self.names.tobytes())
        return tuple(terminals), tuple(symbols)

    @property
    def terminals(self) -> tuple[str, ...]:
        """The names of the parser's terminals."""
        return self._names[0]

    def shift(self) -> Ints:
        """[S, X] Per parser state and symbol the next state, -1 for none."""
        counts = np.diff(self.shift_at)
        found = np.full((len(counts), len(self._names[1])), -1, np.int32)
        found[np.repeat(np.arange(len(counts)), counts), self.shifts[:, 0]] = self.shifts[:, 1]
        return found

    @cached_property
    def tables(self) -> Tables:
        """The parser's tables."""
        terminals, symbols = self._names
        return Tables(
            terminals=terminals,
            symbols=symbols,
            shifts=tuple(map(dict, _tuples(self.shift_at, self.shifts))),
            reductions=_tuples(self.reduction_at, self.reductions),
            above=tuple(map(frozenset, _rows(self.above_at, self.above))),
            accepting=frozenset(np.flatnonzero(self.accepting).tolist()),
            inside=tuple(self.inside.astype(bool).tolist()),
            empty=bool(self.empty),
        )

    @cached_property
    def modes(self) -> Sequence[int]:
        """The mode of each parser state."""
        return self.state_mode.tolist()

    @cached_property
    def lexer(self) -> Lexer:
        """The transducer."""
        terminals = _rows(self.symbol_at, self.symbol_terminals)
        columns, modes = self.symbol_column.tolist(), self.symbol_mode.tolist()
        return Lexer(
            terminals=tuple(self.terminals[i] for i in self.lexed.tolist()),
            symbols=tuple(map(Symbol, terminals, columns, modes)),
            outs=_rows(self.out_at, self.outs),
            moves=_tuples(self.move_at, self.moves),
            table=self.table,
            ends=_rows(self.end_at, self.ends),
        )

    @cached_property
    def tokens(self) -> Tokens:
        """What each token does to the lexer."""
        data = self.samples.tobytes()
        return Tokens(
            *(lambda: self.lexer, Follows(self.symbol_mode, self.after)),
            twins=self.twin.tolist(),
            classes=self.classes,
            samples=tuple(data[start:stop] for start, stop in pairwise(self.sample_at.tolist())),
            plain=frozenset(self.plain.tolist()),
        )


def pack(tables: Tables, modes: Sequence[int], tokens: Tokens) -> Packed:
    """The arrays of what was compiled; `modes` per parser state."""
    lexer, follows = tokens.lexer, tokens.follows
    shift_at, shifts = pairs([tuple(row.items()) for row in tables.shifts])
    reduction_at, reductions = pairs(tables.reductions)
    above_at, above = flat([sorted(row) for row in tables.above])
    symbol_at, symbol_terminals = flat([symbol.terminals for symbol in lexer.symbols])
    out_at, outs = flat(lexer.outs)
    move_at, moves = pairs(lexer.moves)
    end_at, ends = flat(lexer.ends)
    sample_at, samples = flat(tokens.samples)
    accepting = [state in tables.accepting for state in range(len(tables.shifts))]
    return Packed(
        names=np.frombuffer(json.dumps([tables.terminals, tables.symbols]).encode(), np.uint8),
        empty=np.array(tables.empty),
        shift_at=shift_at,
        shifts=shifts,
        reduction_at=reduction_at,
        reductions=reductions,
        above_at=above_at,
        above=above,
        accepting=np.array(accepting, np.int32),
        inside=np.array(tables.inside, np.int32),
        state_mode=np.array(modes, np.int32),
        lexed=np.array([tables.terminals.index(name) for name in lexer.terminals], np.int32),
        symbol_at=symbol_at,
        symbol_terminals=symbol_terminals,
        symbol_column=np.array([symbol.column for symbol in lexer.symbols], np.int32),
        symbol_mode=follows.of,
        out_at=out_at,
        outs=outs,
        move_at=move_at,
        moves=moves,
        table=np.ascontiguousarray(lexer.table, np.int32),
        end_at=end_at,
        ends=ends,
        twin=np.array(tokens.twins, np.int32),
        after=follows.after,
        classes=tokens.classes,
        sample_at=sample_at,
        samples=samples.astype(np.uint8),
        plain=np.array(sorted(tokens.plain), np.int32),
    )


def _rows(at: Ints, values: Ints) -> tuple[tuple[int, ...], ...]:
    """Rows of numbers, as tuples."""
    listed = values.tolist()
    return tuple(tuple(listed[start:stop]) for start, stop in pairwise(at.tolist()))


def _tuples(at: Ints, values: Ints) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Rows of pairs, as tuples."""
    listed = [(one, other) for one, other in values.tolist()]
    return tuple(tuple(listed[start:stop]) for start, stop in pairwise(at.tolist()))
