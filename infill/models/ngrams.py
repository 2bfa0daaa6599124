"""Counts of tokens by what stands around them: the memory of a cache model.

A context is the tokens at some offsets from a slot, left, right or on both sides of it; which
offsets, a template says. All counts lie in one sorted array, so that many contexts are looked up
at once; counts add up, and can be taken away. Knows neither models nor canvases.

A key holds the template's number, a hash of the context, and in its low bits the token. That two
contexts share a hash is as unlikely as 10⁻⁷ per look-up among a million, and costs a wrong count.

>>> counts = Counts.of([np.array([1, 2, 1, 2, 1, 3])], bits=2, templates=[(-1,)],
...     told=np.ones(4, np.bool_))
>>> row, known = np.array([1, 0]), np.array([True, False])
>>> found = looked([counts], contexts(row, known, np.array([1]), bits=2, templates=[(-1,)])[0])
>>> found.tokens.tolist(), found.counts.tolist()
([2, 3], [2, 1])
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Ids = Annotated[NDArray[np.int64], "T"]
Bools = Annotated[NDArray[np.bool_], "T"]
Context = Annotated[NDArray[np.uint64], "Q"]
"""Keys with no bits where the token goes."""
Template = tuple[int, ...]
"""Offsets from a slot, none of them 0."""

BREAK = -1  # in a row of ids: nothing is counted across it
ABSENT = np.uint64(0)
"""The context of a slot some of whose tokens are not known; nothing is counted under it."""
_NUMBER = np.uint64(58)  # a template's number, from 1 on, is above
_SALT, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_Key = TypeVar("_Key", np.uint64, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What was counted under Q contexts, by context and token: all arrays [N].

    queries   which of the contexts, ascending
    tokens    ascending within a context
    counts    never 0
    """

    queries: NDArray[np.int64]
    tokens: NDArray[np.int64]
    counts: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """How often each token stood in each context: keys [N] ascending, counts [N] int32.

    bits   of a key that hold the token
    """

    keys: NDArray[np.uint64]
    counts: NDArray[np.int32]
    bits: int

    @classmethod
    def of(
        cls, rows: Iterable[Ids], *, bits: int, templates: Sequence[Template], told: Bools
    ) -> Counts:
        """Count in rows of ids below 2^bits, `BREAK` where the text does not go on.

        Only tokens in `told` [V] are counted; the others stand in contexts.
        """
        edge = np.full(_reach(templates), BREAK)
        ids = np.concatenate([edge, *(part for row in rows for part in (row, edge))])
        known = ids != BREAK
        at = np.flatnonzero(known & told[ids])
        tokens = ids[at].astype(np.uint64)
        keys, counts = [np.empty(0, np.uint64)], [np.empty(0, np.int32)]
        for number in range(len(templates)):  # one after the other, for the memory that it takes
            found = _context(ids, known, at, bits, number, templates[number])
            there = found != ABSENT
            row = np.sort(found[there] | tokens[there])
            first = _firsts(row)
            keys.append(row[first])
            counts.append(np.diff(first, append=len(row)).astype(np.int32))
        return cls(np.concatenate(keys), np.concatenate(counts), bits)

    @classmethod
    def summed(cls, parts: Sequence[Counts]) -> Counts:
        """The counts of one part or more, all of one width of tokens, together."""
        keys = np.concatenate([part.keys for part in parts])
        counts = np.concatenate([part.counts for part in parts])
        return cls(*_added(keys, counts), parts[0].bits)

    def times(self, weight: int) -> Counts:
        """Every count multiplied."""
        return Counts(self.keys, self.counts * np.int32(weight), self.bits)


def looked(layers: Sequence[Counts], wanted: Context) -> Found:
    """What the layers, all of one width of tokens, have counted together under the contexts."""
    bits = layers[0].bits
    low = np.uint64((1 << bits) - 1)
    asked = np.flatnonzero(wanted != ABSENT)
    wanted = wanted[asked]
    keys, counts = list[NDArray[np.int64]](), list[NDArray[np.int32]]()
    for layer in layers:
        start = np.searchsorted(layer.keys, wanted)
        sizes = np.searchsorted(layer.keys, wanted | low, side="right") - start
        place = np.arange(sizes.sum()) + np.repeat(start - np.cumsum(sizes) + sizes, sizes)
        token = (layer.keys[place] & low).astype(np.int64)
        keys.append(np.repeat(asked, sizes) << bits | token)
        counts.append(layer.counts[place])
    key, count = keys[0], counts[0]
    if len(layers) > 1:
        key, count = _added(np.concatenate(keys), np.concatenate(counts))
    return Found(key >> bits, key & int(low), count)


def contexts(
    ids: Ids, known: Bools, at: NDArray[np.int64], *, bits: int, templates: Sequence[Template]
) -> NDArray[np.uint64]:
    """[H, J] The contexts of H slots of a row, by J templates.

    `ABSENT` where an offset leads out of the row or to a token that is not known. A template's
    number is its place among `templates`: keep it.
    """
    reach = _reach(templates)
    ids, known = np.pad(ids, reach), np.pad(known, reach)
    columns = [
        _context(ids, known, at + reach, bits, number, template)
        for number, template in enumerate(templates)
    ]
    return np.stack(columns, axis=1) if columns else np.empty((len(at), 0), np.uint64)


def _context(  # noqa: PLR0913, PLR0917 - a row, where in it, and how
    ids: Ids, known: Bools, at: NDArray[np.int64], bits: int, number: int, template: Template
) -> NDArray[np.uint64]:
    """[H] By one template; no offset leads out of the row. SplitMix64's mixing, shortened."""
    value, there = np.full(len(at), _SALT), np.ones(len(at), dtype=np.bool_)
    for offset in template:
        there &= known[at + offset]
        value = (value + ids[at + offset].astype(np.uint64)) * _MIX
        value ^= value >> np.uint64(29)
    middle = ((np.uint64(1) << _NUMBER) - np.uint64(1)) ^ np.uint64((1 << bits) - 1)
    return np.where(there, value & middle | np.uint64(number + 1) << _NUMBER, ABSENT)


def _reach(templates: Sequence[Template]) -> int:
    """How far from a slot the farthest offset is."""
    return max((abs(offset) for template in templates for offset in template), default=0)


def _firsts(keys: NDArray[Any]) -> NDArray[np.int64]:
    """Where each key of an ascending row first stands."""
    new = np.ones(len(keys), dtype=np.bool_)
    new[1:] = keys[1:] != keys[:-1]
    return np.flatnonzero(new)


def _added(
    keys: NDArray[_Key], counts: NDArray[np.int32]
) -> tuple[NDArray[_Key], NDArray[np.int32]]:
    """Each key once, ascending, with the sum of its counts where that is not 0."""
    order = np.argsort(keys, kind="stable")  # quick: the rows were joined from sorted ones
    keys, counts = keys[order], counts[order]
    first = _firsts(keys)
    if not len(first):
        return keys, counts
    total = np.add.reduceat(counts, first)
    return keys[first][total != 0], total[total != 0]
