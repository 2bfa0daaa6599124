"""How to fill: one frozen object that everything above the loop takes.

>>> Settings.of(tris=3)
Traceback (most recent call last):
infill.errors.OptionError: there is no setting 'tris'
  expected: exact_length, grammar, limits, marker, max_tokens, one_line, policy, schedule, ...
  got: tris=3
  try: did you mean 'tries'?
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, fields
from typing import Any

from infill.decode.policy import Confidence, Policy
from infill.decode.schedule import Linear, Schedule
from infill.decode.search import Beam, Search
from infill.edit.grammars import Choice
from infill.errors import OptionError
from infill.limits import DEFAULT, Limits

MARKER = "<FILL_ME>"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a fill.

    seed        the same seed, model and text give the same result
    policy      which holes to fill in a tick, and how tokens are drawn
    schedule    how many holes each tick fills; `Linear(steps=…)` is the step budget
    search      which hypotheses to keep; `Beam(1)` is greedy
    tries       how many fills to try for each hole before giving up on one that parses
    max_tokens  the longest fill to consider, where a hole does not say
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
    exact_length: bool = True
    one_line: bool = True
    grammar: Choice = None
    marker: str = MARKER
    limits: Limits = DEFAULT

    def __post_init__(self) -> None:
        for name, kind in (("seed", int), ("tries", int), ("max_tokens", int), ("marker", str)):
            if not isinstance(value := getattr(self, name), kind):
                raise OptionError(
                    f"{name} is of another type", expected=kind.__name__, got=repr(value)
                )
        longest = self.limits.hole
        for name, fine, expected in (
            ("seed", 0 <= self.seed < 2**64, "from 0 to 2**64 - 1"),
            ("tries", self.tries >= 1, "1 or more"),
            ("max_tokens", 1 <= self.max_tokens <= longest, f"from 1 to {longest} (limits.hole)"),
            ("marker", bool(self.marker.strip()), "some text"),
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
