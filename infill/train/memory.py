"""How much memory a run takes, said before it begins.

The factors were measured on a CPU in fp32 (models of 1 to 10 M parameters, peak resident memory
within 10 % of what this says); bf16 takes less.

>>> from infill.train.presets import PRESETS
>>> round(needed(PRESETS["tiny"]) / 1e9, 1)
2.0
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import torch

from infill.errors import LimitError
from infill.models.layers import TinyConfig
from infill.train.presets import RunConfig

STATES = 24
"""Bytes per parameter: weight, gradient, optimiser in fp32, and a copy to judge and to save."""
KEPT, ASKED = 28, 3
"""Numbers per token that backward needs: so many times the width in a layer; per logit."""
LIBRARIES = 150_000_000


def parameters(model: TinyConfig) -> int:
    """How many numbers a model of this shape has."""
    D, mixing = model.width, 2 * (2 * model.mix + 1)
    layer = 4 * D * D + 3 * D * model.ff + (2 + mixing) * D + 2 * (D // model.heads)
    return model.vocab * D + model.layers * layer + D


def needed(config: RunConfig, *, size: int = 1) -> int:
    """Bytes that one of `size` processes takes."""
    model = config.model
    numbers = config.tokens / size * (model.layers * KEPT * model.width + ASKED * model.vocab)
    return LIBRARIES + STATES * parameters(model) + round(4 * numbers)


def free(device: str) -> int | None:
    """Bytes that are free on a device, or that this process group may still take; None unknown."""
    if device.startswith("cuda"):
        return torch.cuda.mem_get_info(device)[0]
    found: list[int] = []
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found.append(1024 * int(next(x for x in lines if x.startswith("MemAvailable")).split()[1]))
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        most, now = ((group / name).read_text() for name in ("memory.max", "memory.current"))
        found.append(int(most) - int(now))
    if not found:
        with suppress(OSError, ValueError):
            found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=None)


def require(config: RunConfig, device: str, *, size: int = 1) -> None:
    """Raise LimitError where a run does not fit, with what would."""
    there, wanted = free(device), needed(config, size=size)
    if there is None or wanted * (1 if device.startswith("cuda") else size) <= there:
        return
    share = there if device.startswith("cuda") else there // size
    fixed = LIBRARIES + STATES * parameters(config.model)
    per_token = (wanted - fixed) / config.tokens
    fits = int((share - fixed) / per_token) // 256 * 256
    smaller = f"--tokens {fits}" if fits >= config.model.context else "--width and --layers"
    raise LimitError(
        "there is not enough memory for this run", where=device,
        expected=f"{wanted / 1e9:.1f} GB free, for {parameters(config.model) / 1e6:.1f} M "
        f"parameters and {config.tokens} tokens a step",
        got=f"{share / 1e9:.1f} GB", hint=f"lower {smaller}",
    )  # fmt: skip
