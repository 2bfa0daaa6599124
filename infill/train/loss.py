"""The training loss: plain cross-entropy at the asked positions.

Plain cross-entropy rather than the 1/t-weighted ELBO (arXiv:2602.15014), each row weighted by
1/√n of its n asked tokens: between the ELBO, where every row weighs the same, and the flat mean,
where a row weighs as much as it hides.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from infill.models.tiny import TinyTransformer


def loss(model: TinyTransformer, ids: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean nats per asked token, a scalar; ids and targets long [B, T], weights [B, T].

    Logits exist only where a weight is positive.
    """
    asked = weights > 0
    logits = model.head(model.hidden(ids)[asked])
    nats = functional.cross_entropy(logits.float(), targets[asked], reduction="none")
    shares = row_weights(weights)[asked]
    return (nats * shares).sum() / shares.sum().clamp_min(1e-9)


def row_weights(weights: Tensor) -> Tensor:
    """Each row's weights divided by the square root of their sum: [B, T] → [B, T]."""
    return weights / torch.sqrt(weights.sum(dim=1, keepdim=True).clamp_min(1.0))
