"""A small bidirectional transformer: ids in, hidden states out, logits only where asked.

It does not know canvases, grammars, noise or schedules: it maps token ids to vectors. The
shape is that of the training notes: pre-norm RMSNorm, RoPE, QK-norm, SwiGLU, no biases, tied
embedding with unit-RMS input, no timestep input, and a depthwise mix of each token with its
two neighbours on either side before attention and before the MLP (in the pilot's A/B at equal
cost 6.10 against 6.37 nats).

Letters: `B` rows, `T` slots, `D` width, `H` heads, `N` asked positions, `V` vocabulary.

>>> model = TinyTransformer(TinyConfig(vocab=64, width=32, layers=1, heads=2, ff=64))
>>> h = model.hidden(torch.zeros(1, 5, dtype=torch.long))
>>> h.shape, model.head(h[0, 2:3]).shape
(torch.Size([1, 5, 32]), torch.Size([1, 64]))
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional

from infill.errors import OptionError, WeightsError

WEIGHTS, CONFIG, TOKENIZER = "model.safetensors", "config.json", "tokenizer.json"
FORMAT = 1
MATRIX = 2  # axes


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyConfig:
    """The shape of a `TinyTransformer`.

    vocab      tokens, specials included
    width      `D`, a multiple of `heads`; width / heads must be even (RoPE turns pairs)
    ff         inner width of SwiGLU, about 8/3 of `width`
    context    tokens per row at training; longer rows run, untested
    mix        radius of the token mixing, in slots to either side
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

    def __init__(self, width: int, radius: int) -> None:
        super().__init__()
        self.radius = radius
        self.weight = nn.Parameter(torch.zeros(2 * radius + 1, width))

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D] → [B, T, D]."""
        itself = functional.one_hot(torch.tensor(self.radius), len(self.weight))
        kernel = (self.weight + itself[:, None].to(self.weight)).t().unsqueeze(1)
        mixed = functional.conv1d(
            x.transpose(1, 2), kernel, padding=self.radius, groups=x.shape[-1]
        )
        return mixed.transpose(1, 2)


class Attention(nn.Module):
    """Full self-attention with RoPE and normalised queries and keys."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)
        self.q_norm = RMSNorm(config.width // config.heads, config.eps)
        self.k_norm = RMSNorm(config.width // config.heads, config.eps)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], keys: Tensor | None) -> Tensor:
        """[B, T, D] → [B, T, D]; `keys` bool [B, 1, 1, T] is true where a key may be seen."""
        B, T, D = x.shape
        qkv = self.qkv(x).view(B, T, 3, self.heads, D // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        q = _turn(self.q_norm(q), rope).to(v.dtype)
        k = _turn(self.k_norm(k), rope).to(v.dtype)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=keys)
        return self.out(mixed.transpose(1, 2).reshape(B, T, D))


class SwiGLU(nn.Module):
    """down(silu(gate) · up) (Shazeer 2020)."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.gate_up = nn.Linear(config.width, 2 * config.ff, bias=False)
        self.down = nn.Linear(config.ff, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D] → [B, T, D]."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        return self.down(functional.silu(gate) * up)


class Block(nn.Module):
    """norm → mix → attention, then norm → mix → SwiGLU, each added to the stream."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(config.width, config.eps)
        self.attention_mix = Mix(config.width, config.mix)
        self.attention = Attention(config)
        self.mlp_norm = RMSNorm(config.width, config.eps)
        self.mlp_mix = Mix(config.width, config.mix)
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


class TinyTransformer(nn.Module):
    """The whole model; parameters are drawn from `generator` (torch's own when None)."""

    def __init__(self, config: TinyConfig, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Parameter(torch.empty(config.vocab, config.width))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.width, config.eps)
        self._initialise(generator)

    def _initialise(self, generator: torch.Generator | None) -> None:
        """Matrices at 1/√fan-in, those that write to the stream smaller by √(2·layers)."""
        calm = (2 * self.config.layers) ** -0.5
        with torch.no_grad():
            self.embed.normal_(0.0, 0.02, generator=generator)
            for name, weight in self.named_parameters():
                if weight.dim() == MATRIX and name != "embed" and "mix" not in name:
                    scale = calm if name.endswith(("out.weight", "down.weight")) else 1.0
                    weight.normal_(0.0, scale * weight.shape[1] ** -0.5, generator=generator)

    def hidden(self, ids: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Hidden states of every slot: ids long [B, T], lengths long [B] → [B, T, D].

        Row `b` is `ids[b, :lengths[b]]`; what lies beyond is never seen by it (its own output
        there means nothing). `lengths=None` says that all rows are full.
        """
        T = ids.shape[1]
        rope = _rope(T, self.config.width // self.config.heads, self.config.theta, ids.device)
        inside = keys = None
        if lengths is not None and bool((lengths < T).any()):
            seen = torch.arange(T, device=ids.device)[None, :] < lengths[:, None]
            inside, keys = seen[:, :, None].to(self.embed.dtype), seen[:, None, None, :]
        x = functional.embedding(ids, self.embed)
        x = functional.rms_norm(x, (self.config.width,), eps=self.config.eps)
        for block in self.blocks:
            x = block(x, rope, inside, keys)
        return self.norm(x)

    def head(self, h: Tensor) -> Tensor:
        """Logits of the asked positions: [N, D] → [N, V]; specials are not masked out."""
        return functional.linear(h, self.embed)

    def forward(self, ids: Tensor, lengths: Tensor | None = None) -> Tensor:
        """`hidden`, so that the module can be called."""
        return self.hidden(ids, lengths)


def parameters_in(model: nn.Module) -> int:
    """How many numbers a module holds, tied ones once."""
    return sum(weight.numel() for weight in model.parameters())


def save_model(
    model: TinyTransformer, tokenizer_json: str, folder: Path, *, extra: Mapping[str, Any]
) -> None:
    """Write weights (fp16), config and tokenizer, each file whole or not at all.

    `extra` goes into the config beside the model's shape: its name, special ids, provenance. The
    config carries the sha256 of the other two files and is written last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = model.state_dict()
    tensors = {k: v.detach().to("cpu", torch.float16).contiguous() for k, v in state.items()}
    files = {WEIGHTS: save(tensors), TOKENIZER: tokenizer_json.encode()}
    config = {
        **extra,
        "format": FORMAT,
        "model": asdict(model.config),
        "parameters": parameters_in(model),
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    files[CONFIG] = (json.dumps(config, indent=2) + "\n").encode()
    for name, data in files.items():
        (folder / f"{name}.part").write_bytes(data)
    for name in files:
        (folder / f"{name}.part").replace(folder / name)


def load_model(
    folder: Path, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
) -> tuple[TinyTransformer, dict[str, Any], str]:
    """The model in evaluation mode, its config, and its tokenizer as JSON text.

    Hashes are checked before a byte of weights or tokenizer is parsed. fp16 weights are upcast:
    on most CPUs half precision is slower than fp32 (measured, a factor of 6.7). Raises
    `WeightsError`.
    """
    config = _read_config(folder)
    data = {name: _read_checked(folder / name, config["sha256"]) for name in (WEIGHTS, TOKENIZER)}
    model = TinyTransformer(TinyConfig(**config["model"]))
    try:
        model.load_state_dict(load(data[WEIGHTS]))
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise WeightsError(
            "the weights do not fit the model that the config describes",
            where=str(folder / WEIGHTS),
            got=str(error),
        ) from error
    return model.to(device=device, dtype=dtype).eval(), config, data[TOKENIZER].decode()


def _read_config(folder: Path) -> dict[str, Any]:
    """The config, with its shape checked as far as loading needs it."""
    path = folder / CONFIG
    hint = f"a model is a folder with {CONFIG}, {WEIGHTS} and {TOKENIZER}"
    try:
        config: dict[str, Any] = json.loads(path.read_bytes())
        if config["format"] != FORMAT:
            raise WeightsError(
                "a config of another format", where=str(path), expected=str(FORMAT),
                got=str(config["format"]), hint="another version of infill wrote it",
            )  # fmt: skip
        TinyConfig(**config["model"])
        _ = config["sha256"][WEIGHTS], config["sha256"][TOKENIZER]
    except OSError as error:
        raise WeightsError("no model here", where=str(folder), got=str(error), hint=hint) from error
    except (ValueError, KeyError, TypeError, OptionError) as error:
        raise WeightsError(
            "a config that is not one", where=str(path), got=repr(error), hint=hint
        ) from error
    return config


def _read_checked(path: Path, hashes: Mapping[str, str]) -> bytes:
    """A file's bytes, once their sha256 agrees with the config."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(
            "a file of the model is missing", where=str(path), got=str(error)
        ) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != hashes[path.name]:
        raise WeightsError(
            "a file of the model is truncated or not the one published", where=str(path),
            expected=f"sha256 {hashes[path.name]}", got=f"sha256 {digest} ({len(data)} bytes)",
            hint="install or download the model again",
        )  # fmt: skip
    return data


def _rope(T: int, width: int, theta: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines [T, width / 2] of Su et al. 2021, for a head of `width`."""
    turns = theta ** -(torch.arange(0, width, 2, device=device, dtype=torch.float32) / width)
    angles = torch.arange(T, device=device, dtype=torch.float32)[:, None] * turns
    return angles.cos(), angles.sin()


def _turn(x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate the two halves of the last axis of [B, H, T, D/H] by position."""
    cos, sin = (part.to(x.dtype) for part in rope)
    left, right = x.chunk(2, dim=-1)
    return torch.cat((left * cos - right * sin, left * sin + right * cos), dim=-1)
