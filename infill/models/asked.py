"""The last block of a `TinyTransformer` at the slots that are asked for, and at no others.

Nothing is approximated: whatever block comes after one sees all of its slots, so only the last
can be spared any. Its keys and values are of all slots; its queries, its MLP and the norm after
it are needed where the result is read. Before the MLP a slot is mixed with its neighbours, so
attention is run on those as well. With 16 holes of 256 slots a fifth of a forward is saved.

What is computed for a row depends on that row alone, to the bit where one thread computes: which
way it goes is decided row by row, and no product of matrices has fewer than `FEWEST` rows, which
have kernels of their own (seen in MKL with 1 to 3).

Letters as in `tiny.py`; `Q` slots of a row that attention is run on, `K` slots that are mixed.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from infill.models.layers import Block, Stream
from infill.models.tiny import TinyTransformer

FEWEST = 4
"""Rows of a product of matrices; with fewer, other kernels add in another order."""


class Hidden:
    """The hidden states of one batch, computed when they are asked for.

    The first to be asked for (the holes, all at once) are computed alone in rows where they are
    few; whoever asks again gets them from a run of the last block over all slots, which is kept.
    """

    def __init__(self, model: TinyTransformer, stream: Stream) -> None:
        self._model, self._stream = model, stream
        self._asked, self._whole = False, None

    def at(self, rows: Tensor, at: Tensor) -> Tensor:
        """[N, D] of the slots at these rows and positions, both int64 [N]."""
        B, T, D = self._stream.x.shape
        if not len(at):
            return self._stream.x.new_empty(0, D)
        few = self._few(torch.bincount(rows, minlength=B), T)[rows]
        if few.all():
            return hidden_at(self._model, self._stream, rows, at)
        if self._whole is None:
            self._whole = self._model.finish(self._stream)
        found = self._whole[rows, at]
        if few.any():
            found[few] = hidden_at(self._model, self._stream, rows[few], at[few])
        return found

    def _few(self, counts: Tensor, slots: int) -> Tensor:
        """Whether a row's slots are computed alone, bool [B]: where few are asked, and at first."""
        first, self._asked = not self._asked, True
        return 2 * counts <= (slots if first else -1)


def hidden_at(model: TinyTransformer, stream: Stream, rows: Tensor, at: Tensor) -> Tensor:
    """[N, D] What `model.finish(stream)` says at rows [N] and positions [N], N > 0."""
    if (count := len(at)) < FEWEST:
        rows, at = (torch.cat((part, part[-1:].expand(FEWEST - count))) for part in (rows, at))
        return hidden_at(model, stream, rows, at)[:count]
    x, rope, inside, keys = stream
    block = cast("Block", model.blocks[-1])
    T, radius = x.shape[1], model.config.mix
    window = at[:, None] + torch.arange(-radius, radius + 1, device=at.device)  # [N, K]
    beyond = (window < 0) | (window >= T)
    window = window.clamp(0, T - 1)
    rows_of = rows[:, None]
    wanted = torch.zeros(x.shape[:2], dtype=torch.bool, device=at.device)
    wanted[rows_of, window] = True
    index = wanted.cumsum(1) - 1  # [B, T] where a wanted slot stands among its row's
    most = min(T, -(-int(wanted.sum(1).max()) // FEWEST) * FEWEST)
    near = wanted.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, :most]  # [B, Q]

    h = block.attention_norm(x)
    h = block.attention_mix(h if inside is None else h * inside)
    y = x.gather(1, near[:, :, None].expand(-1, -1, x.shape[2]))
    y = y + block.attention.at(h, near, rope, keys)

    around = block.mlp_norm(y)[rows_of, index[rows_of, window]]  # [N, K, D]
    around = around.masked_fill(beyond[:, :, None], 0.0)
    if inside is not None:
        around = around * inside[rows_of, window]
    mixed = (around * block.mlp_mix.kernel()).sum(1)
    return model.norm(y[rows, index[rows, at]] + block.mlp(mixed))
