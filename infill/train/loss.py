"""The training loss: plain cross-entropy at the asked positions.

Plain cross-entropy rather than the 1/t-weighted ELBO (arXiv:2602.15014), each row weighted by
1/√n of its n asked tokens: between the ELBO, where every row weighs the same, and the flat mean,
where a row weighs as much as it hides.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from infill.models.tiny import TinyTransformer


class Objective(nn.Module):
    """A model and what it is asked, as one module: what is compiled, replicated or sharded.

    dense   logits for every slot, in shapes that stay: for a compiler. Else only where asked.
    """

    def __init__(self, model: TinyTransformer, *, dense: bool = False) -> None:
        super().__init__()
        self.model, self.dense = model, dense

    def forward(self, ids: Tensor, targets: Tensor, shares: Tensor) -> Tensor:
        """The sum of nats times `shares`, a scalar; ids and targets long [B, T], shares [B, T]."""
        hidden = self.model.hidden(ids)
        if not self.dense:
            asked = shares > 0
            hidden, targets, shares = hidden[asked], targets[asked], shares[asked]
        logits = self.model.head(hidden).float().flatten(0, -2)
        nats = functional.cross_entropy(logits, targets.flatten(), reduction="none")
        return (nats * shares.flatten()).sum()


def shares_of(weights: Tensor) -> Tensor:
    """How much each slot counts in a mean over a whole batch: [B, T] → [B, T], of sum 1."""
    rows = row_weights(weights)
    return rows / rows.sum().clamp_min(1e-9)


def row_weights(weights: Tensor) -> Tensor:
    """Each row's weights divided by the square root of their sum: [B, T] → [B, T]."""
    return weights / torch.sqrt(weights.sum(dim=1, keepdim=True).clamp_min(1.0))
