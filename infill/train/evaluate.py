"""How well a trained model predicts tokens of projects it never saw.

Cross-entropy by mask ratio, and whether it tells wrong visible tokens from right ones. What its
fills are worth is measured by `infill bench model`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from infill.models.tiny import TinyTransformer
from infill.train.corrupt import spoil
from infill.train.stream import Stream, draw
from infill.train.tokenizer import Codec, Special, is_special

RATIOS = (0.15, 0.5, 0.85)
"""Shares of tokens that are masked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much to measure: windows per mask ratio."""

    windows: int = 64
    seed: int = 0


def evaluate(
    model: TinyTransformer, codec: Codec, heldout: Stream, effort: Effort
) -> dict[str, Any]:
    """All figures as one JSON-able object."""
    model.eval()
    seed, windows = effort.seed, effort.windows
    return {
        "heldout": nats_by_ratio(model, heldout, RATIOS, windows=windows, seed=seed),
        "suspicion_auc": suspicion(model, heldout, codec, windows=windows, seed=seed),
    }


def nats_by_ratio(
    model: TinyTransformer, stream: Stream, ratios: Sequence[float], *, windows: int, seed: int
) -> dict[str, dict[str, float]]:
    """Held-out cross-entropy (nats per token) and top-1 at each mask ratio.

    Specials stay visible and do not count. Windows are as long as the context, or as the stream.
    """
    found: dict[str, dict[str, float]] = {}
    for ratio in ratios:
        rng = np.random.default_rng([seed, int(1000 * ratio)])
        T = min(model.config.context, stream.longest)
        ids = draw(stream, rng, B=windows, T=T).ids
        asked = (rng.random(ids.shape) < ratio) & ~is_special(ids)
        shown = torch.from_numpy(np.where(asked, Special.MASK, ids))
        logp = _ask(model, shown, torch.from_numpy(asked))
        target = torch.from_numpy(ids[asked])
        found[f"{ratio:g}"] = {
            "nats": round(-logp.gather(1, target[:, None]).mean().item(), 4),
            "top1": round((logp.argmax(1) == target).double().mean().item(), 4),
            "tokens": len(target),
        }
    return found


def suspicion(
    model: TinyTransformer, stream: Stream, codec: Codec, *, windows: int, seed: int
) -> float:
    """AUC of "this visible token is wrong", by the model's confidence in it; 0.5 is chance."""
    rng = np.random.default_rng([seed, 7])
    rows = draw(stream, rng, B=windows, T=model.config.context).ids
    spoilt = [spoil(row, codec, rng)[0] for row in rows]
    ids = np.stack(spoilt)
    visible = ~is_special(ids) & ~is_special(rows)
    logp = _ask(model, torch.from_numpy(ids), torch.from_numpy(visible))
    trust = logp.gather(1, torch.from_numpy(ids[visible])[:, None])[:, 0].double().numpy()
    wrong = (ids != rows)[visible]
    ranks = np.empty(len(trust))
    ranks[np.argsort(trust, kind="stable")] = np.arange(len(trust))
    bad = int(wrong.sum())
    above = ranks[~wrong].sum() - (len(trust) - bad) * (len(trust) - bad - 1) / 2
    return round(float(above / (bad * (len(trust) - bad))), 4)


@torch.no_grad()
def _ask(model: TinyTransformer, ids: Tensor, asked: Tensor) -> Tensor:
    """Log-probabilities [N, V] at the asked positions of [B, T], a few rows at a time."""
    parts: list[Tensor] = []
    device = model.embed.device
    for i in range(0, len(ids), 16):
        part = slice(i, i + 16)
        h = model.hidden(ids[part].to(device))
        parts.append(model.head(h[asked[part].to(device)]).float().log_softmax(dim=1).cpu())
    return torch.cat(parts)
