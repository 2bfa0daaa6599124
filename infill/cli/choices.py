"""The names that options take, and the objects they stand for.

Names are plain data, so that `--help` needs no numpy; objects are made on demand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infill.edit.verify import CHECKERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from infill.decode.candidates import Sampling
    from infill.decode.policy import Policy
    from infill.decode.schedule import Schedule

POLICIES = (
    "left-to-right",
    "confidence",
    "entropy",
    "margin",
    "threshold",
    "entropy-bounded",
    "blockwise",
)
SCHEDULES = ("linear", "cosine")
UNCHECKED = "none"
LANGUAGES = (*sorted(CHECKERS, reverse=True), UNCHECKED)


def policy_named(name: str, sampling: Sampling) -> Policy:
    """The policy of a name, with its defaults, drawing tokens as `sampling` says."""
    from infill.decode import policy  # noqa: PLC0415 - numpy

    classes = (
        policy.LeftToRight,
        policy.Confidence,
        policy.Entropy,
        policy.Margin,
        policy.Threshold,
        policy.EntropyBounded,
        policy.Blockwise,
    )
    by_name: dict[str, Callable[..., Policy]] = dict(zip(POLICIES, classes, strict=True))
    return by_name[name](sampling=sampling)


def schedule_named(name: str, steps: int | None) -> Schedule:
    """The schedule of a name, in `steps` ticks."""
    from infill.decode import schedule  # noqa: PLC0415 - kept beside the policies

    return {"linear": schedule.Linear, "cosine": schedule.Cosine}[name](steps)
