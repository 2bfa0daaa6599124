"""Matrix products in 8 bits: a model's weights by row, what they are applied to by slot.

Both are scaled so that their largest is 127 (dynamic symmetric quantisation; LLM.int8(),
arXiv:2208.07339, without its outliers in full precision, which a model of this size lacks). Sums
are of whole numbers, so exact: a slot's result depends on that slot alone, to the bit.

Embedding, head, norms, mixing and attention itself stay as they are.

>>> exact = Linear(64, 8)
>>> x = torch.randn(3, 64)
>>> bool((Int8Linear(exact)(x) - exact(x)).abs().max() < 0.05)
True
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from infill.errors import ModelError
from infill.models.catalogue import INT8
from infill.models.layers import ALL, Linear
from infill.models.tiny import TinyTransformer

MOST = 127.0
TINY = 1e-30  # a row of zeros has a scale too


class Int8Linear(nn.Module):
    """What a `Linear` says, nearly: weights int8 [in, out], and their scales [out]."""

    weight: Tensor
    scales: Tensor

    def __init__(self, exact: Linear) -> None:
        """Quantise a layer. Raises ModelError where this machine multiplies wrongly."""
        super().__init__()
        weight, scales = quantised(exact.weight.detach())
        self.register_buffer("weight", weight.t().contiguous())
        self.register_buffer("scales", scales[:, 0])
        # torch's kernel is not a public one, and returns garbage for one input
        probe = torch.arange(3 * len(self.weight)).view(3, -1).remainder(255).sub(127)
        right = probe @ self.weight.long()
        if not torch.equal(_product(probe.to(torch.int8), self.weight).long(), right):
            raise ModelError(
                "products of 8-bit numbers come out wrong on this machine",
                where=f"{exact.in_features} inputs, {exact.out_features} outputs",
                hint=f"use the model without {INT8}",
            )

    def forward(self, x: Tensor, rows: slice = ALL) -> Tensor:
        """[…, in] → […, out], or those of the outputs."""
        whole, scales = quantised(x.flatten(0, -2))
        sums = _product(whole, self.weight[:, rows])
        found = sums.to(x.dtype).mul_(scales).mul_(self.scales[rows])
        return found.view(*x.shape[:-1], -1)


def _product(left: Tensor, right: Tensor) -> Tensor:
    """int8 [N, K] times int8 [K, M] → int32 [N, M]."""
    # it has no other name
    return torch._int_mm(left, right)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]


def quantised(x: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers int8 [N, K], and what each row [N, 1] of them is to be multiplied by."""
    scales = x.abs().amax(1, keepdim=True).clamp_min(TINY) / MOST
    return torch.round(x / scales).to(torch.int8), scales


def to_int8(model: TinyTransformer) -> TinyTransformer:
    """The same model with its `Linear` layers quantised, in place."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, Linear):
                setattr(module, name, Int8Linear(child))
    return model
