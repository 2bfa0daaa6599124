"""Token ids and the bytes they stand for. Knows nothing of models or grammars.

A special token renders to nothing. `mask` marks a hole for the model and is never a result;
`blank` is the token that fills a slot with nothing (the model's delete or pad token).

>>> vocab = Vocab([b"", b"a", b"b", b"ab"], mask=0)
>>> vocab.encode(b"abba"), vocab.decode([3, 2, 1])
((3, 2, 1), b'abba')
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from infill.errors import EncodingError, ModelError

Bitmask = Annotated[NDArray[np.int32], "ceil(V/32)"]
"""A set of tokens: bit `id % 32`, least significant first, of word `id // 32`.

The layout that llguidance and xgrammar use, so masks can be exchanged with them.
"""

Bools = Annotated[NDArray[np.bool_], "V"]
Encoder = Callable[[bytes], Sequence[int]]


def pack(tokens: Bools) -> Bitmask:
    """The bitmask of a boolean row of any length."""
    padded = np.zeros(-(-len(tokens) // 32) * 32, dtype=bool)
    padded[: len(tokens)] = tokens
    return np.packbits(padded, bitorder="little").view("<i4")


def unpack(bitmask: Bitmask, size: int) -> Bools:
    """The boolean row [V] of a bitmask; `size` is V.

    >>> unpack(pack(np.array([True, False, True])), 3).tolist()
    [True, False, True]
    """
    octets = np.ascontiguousarray(bitmask, dtype="<i4").view(np.uint8)
    return np.unpackbits(octets, bitorder="little", count=size).astype(bool)


class Vocab:
    """The tokens of a model: `tokens[id]` is the bytes that `id` renders to.

    mask        the id that shows a hole to the model
    eos         the end-of-sequence id, if the model has one
    blank       the id that stands for "nothing here"; a virtual id is added where there is none
    expand      the id by which the model asks for two slots in place of one, if it has one
    delete      the id by which it asks for a slot to go, if it has one; it may be the eos
    specials    further ids that render to nothing and are never written (pad, bos, …)
    encoder     the tokenizer's own encoding; greedy longest match without one
    """

    def __init__(  # noqa: PLR0913 - the ids are the vocabulary's definition
        self,
        tokens: Sequence[bytes],
        *,
        mask: int,
        eos: int | None = None,
        blank: int | None = None,
        expand: int | None = None,
        delete: int | None = None,
        specials: Iterable[int] = (),
        encoder: Encoder | None = None,
    ) -> None:
        listed = [*tokens] if blank is not None else [*tokens, b""]
        self.mask, self.eos, self.expand, self.delete = mask, eos, expand, delete
        self.model_size = len(tokens)
        """How many ids the model itself scores; a virtual blank lies beyond them."""
        self.blank = len(tokens) if blank is None else blank
        further = (token for token in (eos, expand, delete) if token is not None)
        named = {mask, self.blank, *specials, *further}
        if wrong := sorted(i for i in named if not 0 <= i < len(listed)):
            raise ModelError(
                "a special token lies outside the vocabulary",
                expected=f"ids from 0 to {len(listed) - 1}",
                got=", ".join(map(str, wrong)),
                hint="look at the model's tokenizer files",
            )
        if mask == self.blank:
            raise ModelError("mask and blank are the same token", got=f"id {mask} for both")
        asks, others = {expand, delete} - {None}, {mask, self.blank}
        if asks & others or (expand is not None and expand in {delete, eos}):
            raise ModelError(
                "expand or delete is also another token",
                expected="ids of their own; only delete may be the eos",
                got=f"expand={expand}, delete={delete}, mask={mask}, blank={self.blank}, eos={eos}",
            )
        self.specials = frozenset(named)
        for i in self.specials:
            listed[i] = b""
        self._tokens = tuple(listed)
        self._encoder = encoder

    def __len__(self) -> int:
        return len(self._tokens)

    def token_bytes(self, token: int) -> bytes:
        """The bytes that a token renders to; nothing for a special one."""
        return self._tokens[token]

    def decode(self, ids: Iterable[int]) -> bytes:
        """The bytes of a run of tokens."""
        return b"".join(self._tokens[i] for i in ids)

    def encode(self, data: bytes) -> tuple[int, ...]:
        """The tokens of `data`: the attached tokenizer's, else greedy longest match.

        Raises EncodingError for bytes that no token begins with.
        """
        if self._encoder is None:
            return self._longest_match(data)
        ids = tuple(self._encoder(data))
        if self.decode(ids) != data:  # a tokenizer that normalises would move the user's bytes
            return self._longest_match(data)
        return ids

    @cached_property
    def writable(self) -> Bools:
        """[V] The tokens that a slot may be given: the ones that render, and the blank.

        The mask token is not among them, nor any other special: models do propose them. Nor is
        a NUL byte, which would make a text file binary.
        """
        row = np.array([bool(piece) and b"\0" not in piece for piece in self._tokens])
        row[self.blank] = True
        row.flags.writeable = False
        return row

    @cached_property
    def digest(self) -> str:
        """sha256 of the tokens in their order: two vocabularies with one digest are the same."""
        named = [self.mask, self.eos, self.blank]
        if self.expand is not None or self.delete is not None:
            named += [self.expand, self.delete]
        digest = hashlib.sha256(repr(tuple(named)).encode())
        for piece in self._tokens:
            digest.update(len(piece).to_bytes(4, "little") + piece)
        return digest.hexdigest()

    @cached_property
    def _ids(self) -> dict[bytes, int]:
        first: dict[bytes, int] = {}
        for token, piece in enumerate(self._tokens):
            if piece:
                first.setdefault(piece, token)
        return first

    @cached_property
    def longest(self) -> int:
        """Bytes in the longest token."""
        return max((len(piece) for piece in self._tokens), default=0)

    def _longest_match(self, data: bytes) -> tuple[int, ...]:
        ids: list[int] = []
        at = 0
        while at < len(data):
            for size in range(min(self.longest, len(data) - at), 0, -1):
                if (token := self._ids.get(data[at : at + size])) is not None:
                    ids.append(token)
                    at += size
                    break
            else:
                raise EncodingError(
                    "no token stands for these bytes",
                    where=f"byte {at}",
                    got=repr(data[at : at + 8]),
                    hint="use a vocabulary that holds all 256 single bytes",
                )
        return tuple(ids)
