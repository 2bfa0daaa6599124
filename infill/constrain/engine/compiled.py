"""The compiled library, and what of it needs no lattice (`_tokens.c`).

The package's build compiles it where there is a C compiler; without one the Python versions run.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from infill.constrain.lexing.modes import Follows
from infill.constrain.lexing.transducer import Lexer
from infill.errors import LimitError

LIBRARY = Path(__file__).with_name("_core.so")


@cache
def library() -> ctypes.CDLL | None:
    """The compiled core, or None where it was not built."""
    if not LIBRARY.exists():
        return None
    found = ctypes.CDLL(str(LIBRARY))
    found.core_new.restype = ctypes.c_void_p
    return found


def flat(rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Rows of different lengths as offsets [n + 1] and one run of numbers."""
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int32)
    return offsets, np.array([x for row in rows for x in row], np.int32)


def pairs(
    rows: Sequence[Sequence[tuple[int, int]]],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Rows of pairs as offsets [n + 1] and one run of pairs [m, 2]."""
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int32)
    return offsets, np.array([pair for row in rows for pair in row], np.int32).reshape(-1, 2)


def effects(
    lexer: Lexer, follows: Follows, states: Sequence[int], pieces: Sequence[bytes]
) -> NDArray[np.int32]:
    """[n, states] Numbers that are equal where sorted tokens do the same from a state."""
    found = library()
    assert found is not None  # noqa: S101 - our mistake, if it is one
    offsets = np.cumsum([0, *map(len, pieces)], dtype=np.int32)
    numbers = np.empty((len(pieces), len(states)), np.int32)
    arrays = (
        np.ascontiguousarray(lexer.table, np.int32),
        *pairs(lexer.moves),
        *flat(lexer.outs),
        follows.of,
        follows.after,
    )
    code = found.tokens_effects(
        *(len(states), pointer(np.array(states, np.int32))),
        *(pointer(row) for row in arrays),
        *(len(follows.after) - 1, len(lexer.symbols), len(pieces), pointer(offsets)),
        *(b"".join(pieces), pointer(numbers)),
    )
    if code:
        raise LimitError(
            "a token can be read in too many ways, or memory ran out",
            hint="the grammar needs fewer lexer modes",
        )
    return numbers


def pointer(array: NDArray[Any]) -> object:
    """The address of an array, which the caller keeps alive."""
    try:  # five times as fast as `array.ctypes`
        return ctypes.byref(ctypes.c_char.from_buffer(cast("bytearray", array)))
    except (TypeError, ValueError):  # one that is empty or must not be written to
        return array.ctypes.data_as(ctypes.c_void_p)
