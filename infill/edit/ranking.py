"""How likely a proposed line is what a hole wants, and how likely what the model wrote is.

One logit for each proposal and 0 for "none of them", as in a conditional logit model (McFadden
1974): the chances of all and of none add up to 1, and say how much to trust the best. The weights
are fitted by `benchmarks/model/rank_lines.py`, on projects that no model here was trained on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

# Fitted on 2,400 gaps, 200 of each of huggingface_hub, hypothesis, transformers (utils,
# generation), pygls, filelock, torch (optim), pathspec, fire, xgrammar, matplotlib, pynvim; 2,281
# of them one line. Of these the line stood elsewhere in the project for .342, was among the
# proposals for .329, among the best eight for .292, and was the best for .215 (cross-validated by
# project; .09 to .44). Of the 119 gaps of several lines 2 were among the proposals, none was best.
WEIGHTS: Mapping[str, float] = {
    "share above": 5.392,
    "share below": 3.952,
    "share both": -5.015,
    "share shapes": 0.932,
    "share heads": 2.771,
    "share scope": 2.392,
    "share transferred": 2.750,
    "votes above": 0.331,
    "votes below": -0.110,
    "votes both": 1.515,
    "votes shapes": -2.327,
    "votes heads": 0.624,
    "votes scope": -0.345,
    "votes transferred": 1.177,
    "unknown names": -0.767,
    "near names": 1.168,
    "block names": 0.700,
    "beside names": 0.836,
    "new names": -0.410,
    "binds wanted": 1.977,
    "binds unused": -2.518,
    "wanted unbound": -0.149,
    "depth": 0.092,
    "shape depth": 0.716,
    "frequent": 0.290,
    "repeats": -3.790,
    "lines": 0.266,
    "length": -0.328,
    "aligned": 0.570,
    "opens": 2.803,
    "leaves": 0.427,
}
BIAS = -10.261
LOOK = (0.78, 0.125)
"""How much the log-odds against none count once a model has looked, and its mean log-probability.

Fitted on 171 other gaps of the same projects, the embedded model of 4 M parameters looking at the
best 8: the log loss falls from 106.1 to 104.0 nats and as many are right (cross-validated); a sum
and a bias add nothing. A better model will be worth more weight.
"""
OWN = (0.5, -4.0)
"""Weight of the log-probability of what a model wrote, and bias.

Not fitted: of 37 fills of unknown length none was right, however sure the model was, and of the
200 in `benchmarks/LOG.md` one was. With these the 37 have a mean of 0.004, the surest first.
"""


def chances(proposals: Sequence[Mapping[str, float]]) -> list[float]:
    """Per proposal, by its traits, the probability that it is exactly what the hole wants.

    >>> chances([])
    []
    """
    logits = [BIAS + sum(WEIGHTS.get(k, 0.0) * v for k, v in one.items()) for one in proposals]
    return _against_none(np.array(logits)).tolist()


def looked(before: Sequence[float], logps: Sequence[float], tokens: Sequence[int]) -> list[float]:
    """The chances after a model's look at the proposals, each in the hole, all of it hidden.

    before   the chances by traits alone
    logps    the sum of each one's log-probabilities (nats), and how many `tokens` that is
    """
    if not before:
        return []
    odds, mean = LOOK
    none = math.log(max(1e-9, 1 - sum(before)))
    logits = [
        odds * (math.log(max(1e-9, chance)) - none) + mean * logp / max(1, count)
        for chance, logp, count in zip(before, logps, tokens, strict=True)
    ]
    return _against_none(np.array(logits)).tolist()


def own(logp: float) -> float:
    """The probability that what a model wrote is exactly right, by its log-probability (nats)."""
    weight, bias = OWN
    return 1 / (1 + math.exp(min(-(weight * logp + bias), 700.0)))  # a float ends soon after


def _against_none(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    top = max(0.0, float(logits.max(initial=0.0)))
    weights = np.exp(logits - top)
    return weights / (math.exp(-top) + weights.sum())
