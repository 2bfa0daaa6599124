"""N-gram back-off: the likeliest next token after the longest context that was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BITS = 13


@dataclass(frozen=True, slots=True, eq=False)
class NGram:
    """For each order, longest first, the likeliest next token of each context that was seen.

    tables   per order n: contexts uint64 [·], n ids packed and ascending; their best next token
    """

    tables: tuple[tuple[NDArray[np.uint64], NDArray[np.uint16]], ...]

    @classmethod
    def learn(cls, ids: NDArray[np.uint16], banned: NDArray[np.bool_], *, n: int = 5) -> NGram:
        """Count `n`-grams and shorter in ids [S]; tokens `banned` [V] are never predicted.

        Ids must be below 8,192 and n at most 5, so that a context fits 52 bits.
        """
        return cls(tuple(_table(ids, banned, order) for order in range(n - 1, -1, -1)))

    def next(self, before: Sequence[int]) -> int:
        """The token after `before`, from the longest context that was seen."""
        for order, (contexts, best) in zip(
            range(len(self.tables) - 1, -1, -1), self.tables, strict=True
        ):
            if order > len(before):
                continue
            key = np.uint64(0)
            for token in before[len(before) - order :]:
                key = (key << np.uint64(_BITS)) | np.uint64(token)
            at = int(np.searchsorted(contexts, key))
            if at < len(contexts) and contexts[at] == key:
                return int(best[at])
        raise AssertionError("the empty context is always there")


def _table(
    ids: NDArray[np.uint16], banned: NDArray[np.bool_], order: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint16]]:
    """Contexts of `order` ids, ascending, each with its most frequent allowed successor."""
    token = ids[order:]
    context = np.zeros(len(token), dtype=np.uint64)
    for i in range(order):
        context = (context << np.uint64(_BITS)) | ids[i : i + len(token)].astype(np.uint64)
    keep = ~banned[token]
    token, context = token[keep], context[keep]
    sort = np.lexsort((token, context))
    token, context = token[sort], context[sort]
    new = np.ones(len(token), dtype=np.bool_)
    new[1:] = (token[1:] != token[:-1]) | (context[1:] != context[:-1])
    first = np.flatnonzero(new)
    count = np.diff(np.append(first, len(token)))
    token, context = token[first], context[first]
    sort = np.lexsort((token, -count, context))
    token, context = token[sort], context[sort]
    top = np.ones(len(token), dtype=np.bool_)
    top[1:] = context[1:] != context[:-1]
    return context[top], token[top]
