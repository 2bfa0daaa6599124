"""The names that settings go by, on command lines and in editors, and what they stand for.

Names are plain data, so that `--help` needs no numpy; objects are made on demand. `where` is what
an error calls the option.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infill.edit.verify import CHECKERS
from infill.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from infill.decode.candidates import Sampling
    from infill.decode.policy import Policy
    from infill.decode.schedule import Schedule
    from infill.decode.search import Search
    from infill.edit.settings import Length

POLICIES = (
    "left-to-right",
    "confidence",
    "entropy",
    "margin",
    "threshold",
    "entropy-bounded",
    "blockwise",
    "partition-revision",
    "threshold-revision",
    "constraint-revision",
    "remdm-cap",
    "remdm-rescale",
    "remdm-conf",
    "remdm-loop",
    "p2",
)
SCHEDULES = ("linear", "cosine")
MARKER = "<FILL_ME>"
"""What marks a hole."""
UNCHECKED = "none"
LANGUAGES = (*sorted(CHECKERS, reverse=True), UNCHECKED)


def policy_named(name: str, sampling: Sampling) -> Policy:
    """The policy of a name, with its defaults, drawing tokens as `sampling` says."""
    from infill.decode import locating, policy, remdm, revision  # noqa: PLC0415 - numpy

    sure = policy.Confidence(sampling=sampling)
    hasty = policy.Threshold(at_least=0.6, sampling=sampling)
    makers: tuple[Callable[[], Policy], ...] = (
        lambda: policy.LeftToRight(sampling=sampling),
        lambda: sure,
        lambda: policy.Entropy(sampling=sampling),
        lambda: policy.Margin(sampling=sampling),
        lambda: policy.Threshold(sampling=sampling),
        lambda: policy.EntropyBounded(sampling=sampling),
        lambda: policy.Blockwise(sampling=sampling),
        lambda: revision.PartitionRevision(inner=sure),
        lambda: revision.ThresholdRevision(inner=hasty),
        lambda: revision.ConstraintRevision(inner=sure),
        lambda: remdm.ReMDMCap(inner=sure),
        lambda: remdm.ReMDMRescale(inner=sure),
        lambda: remdm.ReMDMConf(inner=sure),
        lambda: remdm.ReMDMLoop(inner=sure),
        # models that cannot plan by what they say of visible tokens, can so
        lambda: remdm.P2(inner=sure, locate=locating.Partition()),
    )
    by_name: dict[str, Callable[[], Policy]] = dict(zip(POLICIES, makers, strict=True))
    return by_name[name]()


def schedule_named(name: str, steps: int | None) -> Schedule:
    """The schedule of a name, in `steps` ticks."""
    from infill.decode import schedule  # noqa: PLC0415 - kept beside the policies

    return {"linear": schedule.Linear, "cosine": schedule.Cosine}[name](steps)


def search_named(text: str, *, where: str = "search") -> Search:
    """`greedy`, or a name and a width, as in `beam:4`. Raises OptionError."""
    from infill.decode import lanes, particles, search  # noqa: PLC0415 - numpy

    name, colon, width = text.partition(":")
    makers = {
        "beam": search.Beam,
        "best-of": lanes.BestOf,
        "particles": particles.Particles,
        "remasking": lanes.Remasking,
    }
    if text == "greedy":
        return search.Beam()
    if name not in makers or not colon or not width.isdecimal():
        expected = "greedy, or one of beam:N, best-of:N, particles:N, remasking:N"
        raise OptionError("there is no such search", where=where, expected=expected, got=text)
    return makers[name](int(width))


def length_named(text: str, *, where: str = "length") -> Length:
    """What `auto`, `coarse`, one number, a range `A-B` with both ends, or numbers with commas.

    >>> length_named("auto"), length_named("5"), length_named("2-4"), length_named("1,8")
    ('auto', 5, range(2, 5), [1, 8])
    """
    if text == "auto":
        return "auto"
    if text == "coarse":
        return "coarse"
    if found := re.fullmatch(r"(\d+)-(\d+)", text):
        return range(int(found[1]), int(found[2]) + 1)
    if re.fullmatch(r"\d+(,\d+)*", text):
        numbers = [int(number) for number in text.split(",")]
        return numbers if len(numbers) > 1 else numbers[0]
    expected = "auto, coarse, a number, A-B, or numbers with commas"
    raise OptionError("this is no length", where=where, expected=expected, got=text)
