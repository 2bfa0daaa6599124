"""A small bidirectional transformer: ids in, hidden states out, logits only where asked.

It does not know canvases, grammars, noise or schedules: it maps token ids to vectors. The
shape is that of the training notes: pre-norm RMSNorm, RoPE, QK-norm, SwiGLU, no biases, tied
embedding with unit-RMS input, no timestep input, and a depthwise mix of each token with its
two neighbours on either side before attention and before the MLP (in the pilot's A/B at equal
cost 6.10 against 6.37 nats). Its layers are in `layers.py`.

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
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional

from infill.errors import ModelError, OptionError, WeightsError
from infill.models.layers import Block, RMSNorm, Shade, Stream, TinyConfig, rope_of

WEIGHTS, CONFIG, TOKENIZER = "model.safetensors", "config.json", "tokenizer.json"
FORMAT = 1
MATRIX = 2  # axes


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

    def stream(self, ids: Tensor, lengths: Tensor | None = None) -> Stream:
        """What the last block reads: ids [B, T], and how long each row is [B].

        Row `b` is `ids[b, :lengths[b]]`; what lies beyond is never seen by it (its own output
        there means nothing). `lengths=None` says that all rows are full.
        """
        rope, inside, keys = self._frame(ids, lengths)
        x = self._embedded(ids)
        for block in self.blocks[:-1]:
            x = block(x, rope, inside, keys)
        return Stream(x, rope, inside, keys)

    def finish(self, stream: Stream) -> Tensor:
        """[B, T, D] The hidden states of every slot; `asked.py` has those of some."""
        return self.norm(self.blocks[-1](*stream))

    def hidden(self, ids: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Hidden states of every slot: ids and lengths as in `stream` → [B, T, D]."""
        return self.finish(self.stream(ids, lengths))

    def shadowed(
        self, ids: Tensor, at: Tensor, mask: int, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """What `hidden` says [B, T, D], and a second look at the slots `at` [B, S] → [B, S, D].

        Beside each of these stands a mask token at the same position, its shadow, which sees the
        row but for the slot it stands for, and which nothing else sees (WINO, arXiv:2507.18578;
        there the shadow tokens see each other too). So each slot is judged as if it alone were
        masked, all of them in one forward of T + S slots.

        The first layer's queries and direct keys are then as in exact leave-one-out. But the other
        slots have seen the token: from the second layer on what they say of themselves holds a
        trace of it, and within the radius of a `Mix` (whose shadow row has the canvas's neighbours
        with the mask in the middle) already in the first. Exact with one layer and no mixing.
        """
        rope, inside, keys = self._frame(ids, lengths)
        shade = Shade.of(at, ids.shape[1], inside, keys)
        x, shadow = self._embedded(ids), self._embedded(torch.full_like(at, mask))
        for module in self.blocks:
            block = cast("Block", module)
            x, shadow = block.shadowed(x, shadow, rope, shade)
        return self.norm(x), self.norm(shadow)

    def _frame(
        self, ids: Tensor, lengths: Tensor | None
    ) -> tuple[tuple[Tensor, Tensor], Tensor | None, Tensor | None]:
        """Turns per position, and for ragged rows what lies inside and which keys are seen."""
        T = ids.shape[1]
        rope = rope_of(T, self.config.width // self.config.heads, self.config.theta, ids.device)
        if lengths is None or self.config.causal or not bool((lengths < T).any()):
            return rope, None, None  # nothing before a row's end sees what is beyond it
        seen = torch.arange(T, device=ids.device)[None, :] < lengths[:, None]
        return rope, seen[:, :, None].to(self.embed.dtype), seen[:, None, None, :]

    def _embedded(self, ids: Tensor) -> Tensor:
        """[B, T] → [B, T, D], of unit RMS."""
        x = functional.embedding(ids, self.embed)
        return functional.rms_norm(x, (self.config.width,), eps=self.config.eps)

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


def require_both_sides(model: TinyTransformer, card: Mapping[str, Any]) -> None:
    """Raise ModelError for a model that is no denoiser; `card` is its config."""
    if model.config.causal:
        raise ModelError(
            "this model sees only what is left of a slot",
            expected="a denoiser, which sees both sides",
            got=f"{card['name']}, an autoregressive control",
            hint="infill bench model --control takes it",
        )


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
