"""The two optimisers: Muon for matrices inside the blocks, AdamW for everything else.

Muon (Jordan et al. 2024) is written out because `torch.optim.Muon` runs its Newton–Schulz steps
in bf16, which on most CPUs costs more than the rest of the training step (measured: 7.4 against
0.31 core-seconds for 3 M parameters on a CPU without bf16 instructions).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimConfig:
    """Rates at the flat part of the schedule.

    muon_lr    for the matrices in the blocks; updates have the RMS that AdamW's would (0.2·lr·√max)
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
    """About U·Vᵀ of the matrix's singular value decomposition, by quintic Newton–Schulz in fp32."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.float()
    wide = x.shape[0] > x.shape[1]
    x = (x.T if wide else x) / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if wide else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; for 2-d parameters only."""

    def __init__(self, weights: Iterable[nn.Parameter], config: OptimConfig) -> None:
        defaults = {"lr": config.muon_lr, "momentum": config.momentum, "decay": config.decay}
        super().__init__(list(weights), defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore  # torch's own signature
        """One update of every parameter that has a gradient."""
        if closure is not None:
            raise NotImplementedError("Muon takes no closure")
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, group)

    def _update(self, weight: nn.Parameter, group: dict[str, Any]) -> None:
        state = self.state[weight]
        velocity = state.setdefault("velocity", torch.zeros_like(weight))
        velocity.lerp_(weight.grad, 1 - group["momentum"])
        update = orthogonal(torch.lerp(weight.grad, velocity, group["momentum"]))
        weight.mul_(1 - group["lr"] * group["decay"])
        weight.add_(update, alpha=-group["lr"] * max(1.0, weight.shape[0] / weight.shape[1]) ** 0.5)


def optimisers(model: nn.Module, config: OptimConfig) -> tuple[Muon, AdamW]:
    """Muon over the blocks' matrices (mixing kernels apart), AdamW over the rest."""
    named = list(model.named_parameters())
    inner = [w for n, w in named if n.startswith("blocks.") and w.ndim == 2 and "mix" not in n]
    matrices = {id(w) for w in inner}
    rest = [(n, w) for n, w in named if id(w) not in matrices]
    groups = [
        {"params": [w for n, w in rest if n == "embed"], "weight_decay": config.decay},
        {"params": [w for n, w in rest if n != "embed"], "weight_decay": 0.0},
    ]
    return Muon(inner, config), AdamW(groups, lr=config.adam_lr, betas=(0.9, 0.95), eps=1e-8)
