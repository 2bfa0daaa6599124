"""How to fill: one frozen object that everything above the loop takes.

>>> Settings.of(tris=3)
Traceback (most recent call last):
infill.errors.OptionError: there is no setting 'tris'
  expected: alternatives, candidates, exact_length, goal, grammar, length, limits, marker, ...
  got: tris=3
  try: did you mean 'tries'?
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any, Literal

from infill.decode.policy import Confidence, Policy
from infill.decode.schedule import Linear, Schedule
from infill.decode.search import Beam, Search
from infill.edit.choices import MARKER
from infill.edit.grammars import Choice
from infill.errors import OptionError
from infill.goal import Goal
from infill.limits import DEFAULT, Limits

Length = Literal["auto", "coarse"] | int | Sequence[int]
"""Tokens of a fill: found out, found out among few, so many, or one of several."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a fill.

    seed        the same seed, model and text give the same result
    policy      which holes to fill in a tick, and how tokens are drawn
    schedule    how many holes each tick fills; `Linear(steps=…)` is the step budget
    search      which hypotheses to keep; `Beam(1)` is greedy
    tries       how many fills to try for each hole before giving up on one that parses
    max_tokens  the longest fill to consider, where a hole does not say
    length      tokens of a fill: "auto" finds out, "coarse" too, but among few that double, for
                half the forwards; a number, or the numbers to choose from; with the policy
                `Lengthening`, what it begins with
    candidates  fills that parse, of different lengths, before the best of them is taken
    alternatives  other fills to hand out, distinct and ranked; they take as many more fills. Each
                has another length of one hole: its window is denoised anew, and so is each after it
                that shows what was. Windows that do not see each other keep their fills
    rank_by     which of several fills is best: the likeliest together with the tokens beside it
                ("boundary" pseudo-likelihood, four forwards each), or the one most like the others
                ("agreement")
    goal        what the whole text is for: the fill that scores best is taken, and the work ends
                with the first that reaches it. A search is steered by it in every window; the
                holes of other windows then have their present fill, or a stand-in
    nfe_budget  forwards (canvases scored) that a text may take; None is no bound
    time_limit  seconds that a text may take. Past either the best so far is handed out, its open
                slots completed under the grammar
    exact_length  whether a tried length is met exactly; else slots may stay blank
    grammar     what the whole text must be: a Grammar, a name, a file; None is by language
    one_line    whether a hole with text before it on its line stays on that line
    marker      the text that marks a hole
    limits      the bounds everything runs under
    """

    seed: int = 0
    policy: Policy = field(default_factory=Confidence)
    schedule: Schedule = field(default_factory=Linear)
    search: Search = field(default_factory=Beam)
    tries: int = 8
    max_tokens: int = 24
    length: Length = "auto"
    candidates: int = 1
    alternatives: int = 0
    rank_by: Literal["agreement", "boundary"] = "boundary"
    goal: Goal | None = None
    nfe_budget: int | None = None
    time_limit: float | None = None
    exact_length: bool = True
    one_line: bool = True
    grammar: Choice = None
    marker: str = MARKER
    limits: Limits = DEFAULT

    def __post_init__(self) -> None:
        for name, fine, expected in _types(self):
            if not fine:
                got = repr(getattr(self, name))
                raise OptionError(f"{name} is of another type", expected=expected, got=got)
        object.__setattr__(self, "seed", int(self.seed))  # traces say it as JSON
        if self.search.width > self.limits.frontier:
            raise OptionError(
                "the search is too wide",
                expected=f"{self.limits.frontier} hypotheses at once, or fewer (limits.frontier)",
                got=str(self.search.width),
                hint="search with fewer, or raise limits.frontier",
            )
        longest = self.limits.hole
        for name, fine, expected in (
            ("seed", 0 <= self.seed < 2**64, "from 0 to 2**64 - 1"),
            ("tries", self.tries >= 1, "1 or more"),
            ("max_tokens", 1 <= self.max_tokens <= longest, f"from 1 to {longest} (limits.hole)"),
            ("marker", bool(self.marker.strip()), "some text"),
            ("candidates", self.candidates >= 1, "1 or more"),
            ("alternatives", self.alternatives >= 0, "0 or more"),
            ("rank_by", self.rank_by in {"agreement", "boundary"}, "agreement or boundary"),
            ("nfe_budget", self.nfe_budget is None or self.nfe_budget >= 0, "0 or more"),
            ("time_limit", self.time_limit is None or self.time_limit >= 0, "0 seconds or more"),
            ("length", _possible(self.length, longest), f"auto, coarse, or from 1 to {longest}"),
        ):
            if not fine:
                got = repr(getattr(self, name))
                raise OptionError(f"{name} is out of range", expected=expected, got=got)

    @classmethod
    def of(cls, **options: Any) -> Settings:  # noqa: ANN401 - the fields check what they take
        """Settings from names and values; an unknown name is an error with a suggestion."""
        known = sorted(entry.name for entry in fields(cls))
        for name, value in options.items():
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                raise OptionError(
                    f"there is no setting {name!r}",
                    expected=", ".join(known),
                    got=f"{name}={value!r}",
                    hint=f"did you mean {close[0]!r}?" if close else "",
                )
        return cls(**options)


_TYPES: tuple[tuple[str, type, bool, str], ...] = (
    ("seed", Integral, False, "int"),
    ("tries", Integral, False, "int"),
    ("max_tokens", Integral, False, "int"),
    ("candidates", Integral, False, "int"),
    ("alternatives", Integral, False, "int"),
    ("nfe_budget", Integral, True, "int or None"),
    ("time_limit", Real, True, "a number or None"),
    ("marker", str, False, "str"),
    ("limits", Limits, False, "Limits"),
)
"""Per setting its type, whether it may be None, and what to call that."""


def _types(settings: Settings) -> Iterator[tuple[str, bool, str]]:
    """Settings by name, whether each is of its type, and which that is."""
    for name, kind, optional, expected in _TYPES:
        value = getattr(settings, name)
        yield name, _is(value, kind) or (optional and value is None), expected
    width = getattr(settings.search, "width", None)
    yield "search", _is(width, Integral), "a search, such as Beam(4)"
    yield "length", _is_length(settings.length), "'auto', 'coarse', int, or several of int"


def _is(value: object, kind: type) -> bool:
    """Whether it is of a type; a bool is no number."""
    return isinstance(value, kind) and value is not True and value is not False


def _is_length(value: object) -> bool:
    """Whether it is of the type `Length`; a range is, and may be too long to be gone over."""
    if isinstance(value, str | range):
        return True
    numbers: Collection[object] = value if isinstance(value, Collection) else [value]
    return all(_is(number, Integral) for number in numbers)


def _possible(length: Length, longest: int) -> bool:
    if isinstance(length, str):
        return length in {"auto", "coarse"}
    if isinstance(length, range) and length:
        length = (length[0], length[-1])  # the others are between them
    numbers = length if isinstance(length, Collection) else [length]
    return len(numbers) > 0 and all(1 <= number <= longest for number in numbers)
