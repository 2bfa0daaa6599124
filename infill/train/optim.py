"""The two optimisers: Muon for matrices inside the blocks, AdamW for everything else.

Muon (Jordan et al. 2024) is written out because `torch.optim.Muon` runs its Newton-Schulz steps
in bf16, which on most CPUs costs more than the rest of the training step (measured: 7.4 against
0.31 core-seconds for 3 M parameters on a CPU without bf16 instructions).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.optim import AdamW

from infill.train.parallel import like

_MATRIX = 2  # axes


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimConfig:
    """Rates at the flat part of the schedule.

    muon_lr    for the matrices in the blocks; an update has RMS 0.2·lr, as AdamW's (Moonlight)
    adam_lr    for the embedding, norms and mixing
    decay      decoupled weight decay of matrices and embedding, per unit of lr
    clip       largest gradient norm over all parameters
    """

    muon_lr: float = 6e-3
    adam_lr: float = 2e-3
    momentum: float = 0.95
    decay: float = 0.05
    clip: float = 1.0


def orthogonal(matrix: Tensor, *, steps: int = 5) -> Tensor:
    """About U·Vᵀ of the matrix's singular value decomposition, by quintic Newton-Schulz in fp32."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.float()
    wide = x.shape[0] > x.shape[1]
    x = (x.T if wide else x) / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if wide else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; for 2-d parameters only.

    A group's `parts` says how many matrices are stacked in each of its parameters (queries, keys
    and values are three); each is orthogonalised for itself.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], config: OptimConfig) -> None:
        defaults = {"lr": config.muon_lr, "momentum": config.momentum, "decay": config.decay}
        super().__init__(groups, defaults | {"parts": 1})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One update of every parameter that has a gradient; there is no closure to call."""
        del closure
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, weight.grad, group)

    def _update(self, weight: nn.Parameter, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        velocity = state.setdefault("velocity", torch.zeros_like(weight))
        velocity.lerp_(grad, 1 - group["momentum"])
        nesterov = torch.lerp(grad, velocity, group["momentum"])
        matrix = nesterov.full_tensor() if isinstance(nesterov, DTensor) else nesterov
        turned = torch.cat([orthogonal(part) for part in matrix.chunk(group["parts"])])
        update = like(turned, weight)
        rms = 0.2 * max(weight.shape[0] // group["parts"], weight.shape[1]) ** 0.5
        weight.mul_(1 - group["lr"] * group["decay"])
        weight.add_(update, alpha=-group["lr"] * rms)


def optimisers(model: nn.Module, config: OptimConfig) -> tuple[Muon | None, AdamW]:
    """Muon over the blocks' matrices (mixing kernels and adapters apart), AdamW over the rest.

    Only what is trained; there is no Muon where that is adapters alone.
    """
    named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    inner = [
        n
        for n, w in named
        if n.startswith("blocks.") and w.dim() == _MATRIX and "mix" not in n and "lora_" not in n
    ]
    stacked = [{"params": [w], "parts": _parts(n)} for n, w in named if n in inner]
    rest = [(n, w) for n, w in named if n not in inner]
    groups = [
        {"params": [w for n, w in rest if n == "embed"], "weight_decay": config.decay},
        {"params": [w for n, w in rest if n != "embed"], "weight_decay": 0.0},
    ]
    adam = AdamW(groups, lr=config.adam_lr, betas=(0.9, 0.95), eps=1e-8)
    return Muon(stacked, config) if stacked else None, adam


def _parts(name: str) -> int:
    """How many matrices `infill.models.tiny` stacks in the parameter of this name."""
    return 3 if name.endswith("qkv.weight") else 2 if name.endswith("gate_up.weight") else 1
