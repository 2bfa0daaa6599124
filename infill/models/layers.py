"""The layers of a `TinyTransformer`, and its shape. Each also takes a shadow beside the canvas.

Letters: `B` rows, `T` slots, `D` width, `H` heads, `S` slots with a shadow.

>>> mix = Mix(width=1, radius=1)
>>> with torch.no_grad():
...     _ = mix.weight.copy_(torch.tensor([[0.5], [0.0], [0.25]]))
>>> row = torch.tensor([[[1.0], [2.0], [4.0]]])
>>> mix(row).flatten().tolist()
[1.5, 3.5, 5.0]
>>> mix.shadowed(row, torch.tensor([[[0.0]]]), torch.tensor([[1]])).flatten().tolist()
[1.5]
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from infill.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyConfig:
    """The shape of a `TinyTransformer`.

    vocab      tokens, specials included
    width      `D`, a multiple of `heads`; width / heads must be even (RoPE turns pairs)
    ff         inner width of SwiGLU, about 8/3 of `width`
    context    tokens per row at training; longer rows run, untested
    mix        radius of the token mixing, in slots to either side
    causal     whether a slot sees those before it only, in attention and in mixing, where it has
               as many neighbours, all on its left: the same size at the same cost
    eps        added to the mean square in RMSNorm
    theta      RoPE base; its lowest frequency turns once in about 2π·theta slots
    """

    vocab: int
    width: int
    layers: int
    heads: int
    ff: int
    context: int = 256
    mix: int = 2
    eps: float = 1e-6
    theta: float = 10_000.0
    causal: bool = False

    def __post_init__(self) -> None:
        if min(self.vocab, self.width, self.layers, self.heads, self.ff, self.context) < 1:
            raise OptionError(
                "a size of the model is not positive", where="TinyConfig", got=repr(asdict(self))
            )
        if self.width % (2 * self.heads):
            raise OptionError(
                "the width cannot be split over the heads",
                where="TinyConfig",
                expected=f"a multiple of {2 * self.heads}",
                got=str(self.width),
            )

    @classmethod
    def names(cls) -> frozenset[str]:
        """The names of all fields, for checking a config file."""
        return frozenset(f.name for f in fields(cls))


ALL = slice(None)


class Linear(nn.Linear):
    """x·Wᵀ, without a bias; also for some of the outputs alone."""

    def __init__(self, wide: int, out: int) -> None:
        super().__init__(wide, out, bias=False)

    def forward(self, x: Tensor, rows: slice = ALL) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """[…, in] → […, out], or those of the outputs."""
        return functional.linear(x, self.weight[rows])


class RMSNorm(nn.Module):
    """x / rms(x) · weight over the last axis (Zhang and Sennrich 2019)."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """[…, D] → […, D]."""
        # one dtype throughout: mixed ones miss torch's fused kernel (measured, bf16 autocast)
        return functional.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), self.eps)


class Mix(nn.Module):
    """Each slot plus a weighted sum, per channel, of its neighbours within `radius`.

    Slots beyond a row's end must already be zero, as they are beyond the array's edge; that is
    what makes a ragged batch equal to its rows alone.
    """

    def __init__(self, width: int, radius: int, *, causal: bool = False) -> None:
        super().__init__()
        self.radius, self.itself = radius, 2 * radius if causal else radius
        self.weight = nn.Parameter(torch.zeros(2 * radius + 1, width))

    def kernel(self) -> Tensor:
        """[2·radius + 1, D] What each slot near one counts for it; itself in the middle.

        Itself is the last where the mixing is causal.
        """
        itself = functional.one_hot(torch.tensor(self.itself), len(self.weight))
        return self.weight + itself[:, None].to(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D] → [B, T, D]."""
        kernel = self.kernel().t().unsqueeze(1)
        mixed = functional.conv1d(
            x.transpose(1, 2), kernel, padding=self.itself, groups=x.shape[-1]
        )
        return mixed[:, :, : x.shape[1]].transpose(1, 2)

    def shadowed(self, x: Tensor, shadow: Tensor, at: Tensor) -> Tensor:
        """[B, S, D] → [B, S, D]: as if each of `shadow` stood in its slot `at` [B, S]."""
        kernel, rows = self.kernel(), torch.arange(len(x), device=x.device)[:, None]
        around = functional.pad(x, (0, 0, self.radius, self.radius))
        mixed = shadow * kernel[self.radius]
        for shift, weight in enumerate(kernel):
            if shift != self.radius:
                mixed = mixed + around[rows, at + shift] * weight
        return mixed


@dataclass(frozen=True, eq=False)
class Shade:
    """What a shadow stands for and may see.

    at           long [B, S] the slots that are looked at
    inside       [B, T, 1] is 0 beyond a row's end and 1 within; None where all rows are full
    keys         bool [B, 1, 1, T] what the canvas sees; None where that is all of itself
    shadow_keys  bool [B, 1, S, T + S] what the shadow sees: the row but for the slot itself, and
                 of the shadow only itself
    """

    at: Tensor
    inside: Tensor | None
    keys: Tensor | None
    shadow_keys: Tensor

    @classmethod
    def of(cls, at: Tensor, slots: int, inside: Tensor | None, keys: Tensor | None) -> Shade:
        """The shade of `at` over rows of so many slots."""
        everywhere = torch.arange(slots, device=at.device)
        others = (everywhere != at[:, :, None])[:, None]
        others = others if keys is None else others & keys
        itself = torch.eye(at.shape[1], dtype=torch.bool, device=at.device)
        seen = torch.cat((others, itself.expand(len(at), 1, -1, -1)), -1)
        return cls(at, inside, keys, seen)


class Attention(nn.Module):
    """Self-attention with RoPE and normalised queries and keys; full, or causal."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.heads, self.causal = config.heads, config.causal
        self.qkv = Linear(config.width, 3 * config.width)
        self.out = Linear(config.width, config.width)
        self.q_norm = RMSNorm(config.width // config.heads, config.eps)
        self.k_norm = RMSNorm(config.width // config.heads, config.eps)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], keys: Tensor | None) -> Tensor:
        """[B, T, D] → [B, T, D]; `keys` bool [B, 1, 1, T] is true where a key may be seen."""
        return self._attend(*self._split(x, rope), keys, causal=self.causal)

    def shadowed(
        self, x: Tensor, shadow: Tensor, rope: tuple[Tensor, Tensor], seen: Shade
    ) -> tuple[Tensor, Tensor]:
        """Both streams, [B, T, D] and [B, S, D]: a canvas that sees itself, and its shadow."""
        q, k, v = self._split(x, rope)
        at = (rope[0][seen.at][:, None], rope[1][seen.at][:, None])
        asks, own_k, own_v = self._split(shadow, at)
        k_all, v_all = torch.cat((k, own_k), 2), torch.cat((v, own_v), 2)
        return self._attend(q, k, v, seen.keys), self._attend(asks, k_all, v_all, seen.shadow_keys)

    def at(
        self, x: Tensor, slots: Tensor, rope: tuple[Tensor, Tensor], keys: Tensor | None
    ) -> Tensor:
        """[B, T, D] → [B, Q, D]: `forward` at these slots of each row, int64 [B, Q]."""
        B, T, D = x.shape
        own, others = slice(D), slice(D, None)
        k, v = self.qkv(x, others).view(B, T, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        picked = x.gather(1, slots[:, :, None].expand(-1, -1, D))
        q = self.qkv(picked, own).view(B, slots.shape[1], self.heads, -1).transpose(1, 2)
        cos, sin = (part[slots][:, None] for part in rope)
        q = _turn(self.q_norm(q), (cos, sin)).to(v.dtype)
        return self._attend(q, _turn(self.k_norm(k), rope).to(v.dtype), v, keys)

    def _split(self, x: Tensor, rope: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each [B, H, T, D/H]."""
        B, T, D = x.shape
        qkv = self.qkv(x).view(B, T, 3, self.heads, D // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        return _turn(self.q_norm(q), rope).to(v.dtype), _turn(self.k_norm(k), rope).to(v.dtype), v

    def _attend(
        self, q: Tensor, k: Tensor, v: Tensor, keys: Tensor | None, *, causal: bool = False
    ) -> Tensor:
        """[B, T, D] of q [B, H, T, D/H]; `keys` bool is true where a query may see a key."""
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=keys, is_causal=causal)
        return self.out(mixed.transpose(1, 2).flatten(2))


class SwiGLU(nn.Module):
    """down(silu(gate) · up) (Shazeer 2020)."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.gate_up = Linear(config.width, 2 * config.ff)
        self.down = Linear(config.ff, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D] → [B, T, D]."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        return self.down(functional.silu(gate) * up)


class Block(nn.Module):
    """norm → mix → attention, then norm → mix → SwiGLU, each added to the stream."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(config.width, config.eps)
        self.attention_mix = Mix(config.width, config.mix, causal=config.causal)
        self.attention = Attention(config)
        self.mlp_norm = RMSNorm(config.width, config.eps)
        self.mlp_mix = Mix(config.width, config.mix, causal=config.causal)
        self.mlp = SwiGLU(config)

    def forward(
        self, x: Tensor, rope: tuple[Tensor, Tensor], inside: Tensor | None, keys: Tensor | None
    ) -> Tensor:
        """[B, T, D] → [B, T, D]; `inside` [B, T, 1] is 0 beyond a row's end and 1 within."""
        h = self.attention_norm(x)
        h = self.attention_mix(h if inside is None else h * inside)
        x = x + self.attention(h, rope, keys)
        h = self.mlp_norm(x)
        h = self.mlp_mix(h if inside is None else h * inside)
        return x + self.mlp(h)

    def shadowed(
        self, x: Tensor, shadow: Tensor, rope: tuple[Tensor, Tensor], shade: Shade
    ) -> tuple[Tensor, Tensor]:
        """The canvas [B, T, D], as `forward` has it, and its shadow [B, S, D]."""
        inside = 1 if shade.inside is None else shade.inside
        h, g = self.attention_norm(x) * inside, self.attention_norm(shadow)
        g = self.attention_mix.shadowed(h, g, shade.at)
        h, g = self.attention.shadowed(self.attention_mix(h), g, rope, shade)
        x, shadow = x + h, shadow + g
        h, g = self.mlp_norm(x) * inside, self.mlp_norm(shadow)
        g = self.mlp_mix.shadowed(h, g, shade.at)
        return x + self.mlp(self.mlp_mix(h)), shadow + self.mlp(g)


class Stream(NamedTuple):
    """What a block reads: the stream of every slot, and what is known of the rows.

    x       [B, T, D]
    rope    cosines and sines [T, D / (2 · H)]
    inside  [B, T, 1], 0 beyond a row's end and 1 within; None where all rows are full
    keys    bool [B, 1, 1, T], true where a key may be seen; None where all may
    """

    x: Tensor
    rope: tuple[Tensor, Tensor]
    inside: Tensor | None
    keys: Tensor | None


def rope_of(T: int, width: int, theta: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines [T, width / 2] of Su et al. 2021, for a head of `width`."""
    turns = theta ** -(torch.arange(0, width, 2, device=device, dtype=torch.float32) / width)
    angles = torch.arange(T, device=device, dtype=torch.float32)[:, None] * turns
    return angles.cos(), angles.sin()


def _turn(x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate the two halves of the last axis of [B, H, T, D/H] by position."""
    cos, sin = (part.to(x.dtype) for part in rope)
    left, right = x.chunk(2, dim=-1)
    return torch.cat((left * cos - right * sin, left * sin + right * cos), dim=-1)
