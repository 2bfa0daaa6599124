"""States of the lexer that only differ in the column that a newline will have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from infill.constrain.lexing.transducer import Lexer


@lru_cache(maxsize=16)
def twins(lexer: Lexer) -> list[int]:
    """Per state the first that only differs from it in what a newline's column will be.

    Between brackets newlines have no column, so that there the two are the same: the states of a
    partition refined by everything else (Moore).
    """
    symbols: dict[object, int] = {}
    names = [
        symbols.setdefault(replace(s, column=min(s.column, 0)), i)
        for i, s in enumerate(lexer.symbols)
    ]
    outs: dict[tuple[int, ...], int] = {}
    plain = [outs.setdefault(tuple(names[x] for x in out), len(outs)) for out in lexer.outs]
    blocks = _numbered(tuple(sorted({plain[out] for out in ends})) for ends in lexer.ends)
    while True:
        # what each set of alternatives means as long as states of one block are the same
        moves = _numbered(
            [(), *(tuple(sorted({(plain[o], blocks[q]) for o, q in move})) for move in lexer.moves)]
        )
        rows = np.array(moves, np.int32)[lexer.table + 1]
        finer = _numbered((blocks[q], row.tobytes()) for q, row in enumerate(rows))
        if max(finer) == max(blocks):
            break
        blocks = finer
    first: dict[int, int] = {}
    return [first.setdefault(block, q) for q, block in enumerate(blocks)]


def _numbered(keys: Iterable[object]) -> list[int]:
    numbers: dict[object, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]
