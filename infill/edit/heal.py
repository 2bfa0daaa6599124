"""Token healing: how many tokens next to a hole to offer again, so that the join is natural.

Text that is cut at a hole is tokenised as the model never saw it: "retu" is two tokens where
"return" is one. The bytes of such tokens become an affix of the hole, which the constraint
holds, and the model chooses the tokens anew. A line's ending and indentation stay as they are.

>>> vocab = Vocab([b"", b"a", b"b", b"ab"], mask=0)
>>> split_left(vocab, [2, 1])
([2], [1])
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

from infill.vocab import Vocab

REACH = 8  # tokens to look back; a natural token is rarely cut into more


@lru_cache(maxsize=8)
def _sorted(vocab: Vocab, *, reverse: bool) -> tuple[bytes, ...]:
    pieces = (vocab.token_bytes(token) for token in range(len(vocab)))
    return tuple(sorted(piece[::-1] if reverse else piece for piece in pieces if piece))


def _extends(pieces: Sequence[bytes], start: bytes) -> bool:
    """Whether some piece begins with `start` and is longer."""
    after = bisect_right(pieces, start)
    return after < len(pieces) and pieces[after].startswith(start)


def split_left(vocab: Vocab, ids: Sequence[int]) -> tuple[list[int], list[int]]:
    """The tokens left of a hole: those that stay, and those to offer again."""
    pieces = _sorted(vocab, reverse=False)
    count = max((n for n, run in _tails(vocab, ids) if _extends(pieces, run)), default=0)
    return list(ids[: len(ids) - count]), list(ids[len(ids) - count :])


def split_right(vocab: Vocab, ids: Sequence[int]) -> tuple[list[int], list[int]]:
    """The tokens right of a hole: those to offer again, and those that stay."""
    pieces = _sorted(vocab, reverse=True)
    runs = _tails(vocab, ids[::-1], reverse=True)
    count = max((n for n, run in runs if _extends(pieces, run)), default=0)
    return list(ids[:count]), list(ids[count:])


def _tails(vocab: Vocab, ids: Sequence[int], *, reverse: bool = False) -> list[tuple[int, bytes]]:
    """(n, the bytes of the last n tokens) up to a line's end; spelt backwards with `reverse`."""
    runs: list[tuple[int, bytes]] = []
    run = b""
    for count, token in enumerate(ids[: -REACH - 1 : -1], 1):
        piece = vocab.token_bytes(token)
        run = (piece[::-1] if reverse else piece) + run
        if b"\n" in piece or not piece:
            break
        runs.append((count, run))
    return runs
