"""The lattice in C (`_core.c`): the same answers as `PythonLattice`, some hundred times faster."""

from __future__ import annotations

import ctypes
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infill.constrain.engine.compiled import library, pointer
from infill.constrain.engine.lattice import (
    Classes,
    Close,
    Front,
    Guard,
    Open,
    Piece,
    Text,
    Token,
)
from infill.constrain.engine.packed import Packed
from infill.constrain.engine.search import Chosen, Steps, Sweep
from infill.constrain.syntax import Indentation
from infill.errors import LimitError
from infill.vocab import Bitmask

ENTRIES = 8_000_000
"""Entries of all tables of one lattice together, some 20 bytes each."""

CACHED = 60_000
"""As many are looked up at full speed; past that memory is waited for."""

FAILURES = {
    -2: ("memory ran out", ""),
    -3: ("the grammar's stacks need too much memory", "stacks"),
    -4: ("a text is nested too deeply", "depth"),
}


class CoreLattice:
    """The lattice in C, of what a grammar and a vocabulary are compiled to.

    `limit` bounds the entries of all tables together (`ENTRIES`).
    """

    def __init__(
        self, packed: Packed, indentation: Indentation | None, *, limit: int = ENTRIES
    ) -> None:
        found = library()
        assert found is not None  # noqa: S101 - our mistake, if it is one
        self.tokens, self._lib, self._limit = packed.tokens, found, limit
        self.generation = 0
        self.numbers: dict[Piece, int] = {}
        self._open: dict[int, Open] = {}
        self._guards: dict[int, tuple[int, Guard]] = {}
        self._handle = ctypes.c_void_p(self._parser(packed, indentation, limit))
        if not self._handle:
            raise MemoryError("the constraint engine could not be set up")
        self._lexer(packed, indentation)
        self._tokens(packed)
        self.start: Front = self._call("core_start")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._lib.core_free(self._handle)

    def _call(self, name: str, *arguments: int | bytes | ArrayLike) -> int:
        raw = [pointer(a) if isinstance(a, np.ndarray) else a for a in arguments]
        result = int(getattr(self._lib, name)(self._handle, *raw))
        if result < -1:
            what, limit = FAILURES[result]
            raise LimitError(
                what,
                expected=f"within the bounds of the engine (limit: {limit})",
                hint="use shorter holes or a smaller text, or raise the limit",
            )
        return result

    def _parser(self, packed: Packed, indentation: Indentation | None, limit: int) -> int | None:
        names, shift = packed.terminals, packed.shift()
        indent = names.index(indentation.indent) if indentation else -1
        dedent = names.index(indentation.dedent) if indentation else -1
        sizes = np.array([*shift.shape, len(names), packed.empty, indent, dedent], np.int32)
        rows = (
            *(sizes, shift, packed.reduction_at, packed.reductions),
            *(packed.inside, packed.accepting, packed.state_mode),
        )
        return self._lib.core_new(*map(pointer, rows), ctypes.c_int64(limit))

    def _lexer(self, packed: Packed, indentation: Indentation | None) -> None:
        units = indentation.units if indentation else ()
        self._call(
            "core_lexer",
            *(len(packed.table), packed.table),
            *(len(packed.symbol_mode), packed.symbol_at, packed.lexed[packed.symbol_terminals]),
            *(packed.symbol_column, packed.symbol_mode),
            *(len(packed.out_at) - 1, packed.out_at, packed.outs),
            *(len(packed.move_at) - 1, packed.move_at, packed.moves),
            *(packed.end_at, packed.ends),
            packed.twin,
            *(len(units), np.array(units, np.int32)),
        )

    def _tokens(self, packed: Packed) -> None:
        self._call(
            "core_tokens",
            *(len(packed.sample_at) - 1, packed.sample_at, packed.samples),
            *(len(packed.after) - 1, packed.symbol_mode, packed.after),
        )

    # -- the lattice

    def tidy(self, *, soon: bool = False) -> None:
        """Forget all fronts if half of the memory is used; `generation` then is another.

        soon    already where they do not fit the processor's caches
        """
        if self.used * self._limit > (CACHED if soon else self._limit / 2):
            self.reset()

    @property
    def used(self) -> float:
        """Share of the memory that is taken by what can be forgotten."""
        counts = self.counts
        taken = counts["entries"] + counts["remembered"] - counts["runs"]  # those stay
        return taken / self._limit

    def reset(self) -> None:
        """Forget all fronts."""
        self._call("core_reset")
        self.start = self._call("core_start")
        self.generation += 1

    def register(self, piece: Piece) -> int:
        """The number of a piece."""
        if piece not in self.numbers:
            self.numbers[piece] = self._register(piece)
        return self.numbers[piece]

    def _register(self, piece: Piece) -> int:
        match piece:
            case Text(data):
                return self._call("core_text", data, len(data))
            case Token(kind, pairs, ours):
                row = np.array(pairs, np.int32)
                return self._call("core_token", kind, int(ours), len(pairs), row)
            case Close(guard):
                return self._call("core_close", self._guard(guard))
            case Open(guard, blanks, quiet):
                number = self._call("core_open", self._guard(guard), int(blanks), int(quiet))
                self._open[number] = piece
                return number

    def _guard(self, guard: Guard) -> int:
        if id(guard) not in self._guards:
            rows = [edge[2] for edge in guard.edges if edge[2] is not None]
            members = np.zeros((len(rows), len(self.tokens.samples)), np.uint8)
            triples, row = list[int](), 0
            for a, b, kinds in guard.edges:
                triples += [a, b, -1 if kinds is None else row]
                if kinds is not None:
                    members[row, [kind for kind in kinds if kind >= 0]] = 1
                    row += 1
            number = self._call(
                *("core_guard", guard.states, guard.final),
                *(len(guard.edges), np.array(triples, np.int32), len(rows), members),
            )
            self._guards[id(guard)] = number, guard  # held, so that the id stays its own
        return self._guards[id(guard)][0]

    def ended(self, front: Front) -> Front:
        """What of the front is a complete text."""
        return self._call("core_ended", front)

    def advance(self, front: Front, piece: int) -> Front:
        """What can stand right of the piece."""
        return self._call("core_advance", front, piece)

    def _no_classes(self, piece: int) -> NDArray[np.uint8]:
        edges = len(self._open[piece].guard.edges)
        return np.zeros((edges, len(self.tokens.samples)), np.uint8)

    def sweep(
        self, entry: Front, steps: Steps, width: int, *, uneven: bool = False, room: float = 0.0
    ) -> Sweep:
        """From the left over pieces that can be one of several."""
        layers = np.zeros((len(steps) + 1, width + 1), np.int32)
        lows = np.zeros(len(steps) + 1, np.int32)
        layers[0, 0] = entry
        sizes = (len(steps), width, int(uneven), int(room * self._limit))
        passed = self._call("core_sweep", *sizes, steps, layers, lows)
        return Sweep(steps, uneven, passed, layers, lows, self.generation)

    def read(self, swept: Sweep) -> Chosen | None:
        """What to put into each place for the cheapest text; None if no text ends here."""
        size = len(swept.steps)
        if swept.passed < size:
            return None
        chosen = np.empty((size, 2), np.int32)
        rows = (swept.steps, swept.layers, swept.lows, chosen)
        return (
            chosen if self._call("core_read", size, swept.width, int(swept.uneven), *rows) else None
        )

    def rights(self, swept: Sweep, start: int) -> NDArray[np.int32]:
        """What of the layers from a place on can be completed."""
        found = np.zeros_like(swept.layers)
        rows = (swept.steps, swept.layers, swept.lows, found)
        sizes = (len(swept.steps), start, swept.width, int(swept.uneven))
        self._call("core_rights", *sizes, *rows)
        return found

    def fits(self, swept: Sweep, ahead: NDArray[np.int32], at: int) -> tuple[Classes, bool]:
        """`allowed` of the open piece that stands at a place at no cost."""
        found = self._no_classes(int(swept.steps[at, 0]))
        rows = (swept.steps, swept.layers, swept.lows, ahead, found)
        blank = self._call("core_fits", at, swept.width, *rows)
        return found.view(np.bool_), bool(blank)

    def mask(self, swept: Sweep, ahead: NDArray[np.int32], at: int) -> tuple[Bitmask, bool]:
        """The tokens that `fits` finds where the piece has no guard; and if a blank fits."""
        found = np.zeros(self._words, np.int32)
        rows = (swept.steps, swept.layers, swept.lows, ahead, found)
        return found, bool(self._call("core_mask", at, swept.width, *rows))

    def union(self, classes: Classes) -> Bitmask:
        """The tokens of the classes marked in bool [C]."""
        found = np.zeros(self._words, np.int32)
        self._call("core_union", np.ascontiguousarray(classes), found)
        return found

    @cached_property
    def _words(self) -> int:
        """int32 words of a mask; what it takes to make one is laid out when first asked for."""
        classes = self.tokens.classes
        self._call("core_members", len(classes), np.ascontiguousarray(classes, np.int32))
        return -(-len(classes) // 32)

    @property
    def counts(self) -> dict[str, int]:
        """How many sets, their entries, remembered results and runs there are."""
        found = np.zeros(4, np.int64)
        self._lib.core_counts(self._handle, found.ctypes.data_as(ctypes.c_void_p))
        return dict(zip(("sets", "entries", "remembered", "runs"), found.tolist(), strict=True))
