"""What a value must be: told to a person, checked, said as JSON Schema, and read from a text.

>>> rule = number(1, 8)
>>> rule.fits(8), rule.fits(9), rule.fits(True), rule.expected
(True, False, False, 'a number from 1 to 8')
>>> rule.read("7"), rule.read("many"), SWITCH.read("off")
(7, 'many', False)
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

WORDS: Mapping[str, bool] = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
"""What a switch is called in the environment."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must be."""

    expected: str
    fits: Callable[[object], bool]
    trusted: bool = False
    """Whether only the user may set it, never a repository or a workspace."""
    schema: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The same as JSON Schema, as far as that can say it."""

    def read(self, text: str) -> object:
        """The value that a text stands for; the text itself where it stands for none."""
        with suppress(ValueError):
            match self.schema.get("type"):
                case "integer":
                    return int(text)
                case "number":
                    return float(text)
                case "boolean":
                    return WORDS.get(text.strip().lower(), text)
                case "array":
                    return shlex.split(text)
                case _:
                    pass
        return text


def number(low: float, high: float = math.inf, *, whole: bool = True, above: bool = False) -> Rule:
    """A number from `low` (with `above`: from anything above it) to `high`, both ends included."""
    kinds = int if whole else (int, float)

    def fits(value: object) -> bool:
        if not isinstance(value, kinds) or isinstance(value, bool) or not _finite(value):
            return False
        return (low < value if above else low <= value) and value <= high

    bounded = math.isfinite(high)
    least, most = f"{low:{'' if whole else 'g'}}", f"{high:{'' if whole else 'g'}}"
    if above:
        said = f"a number above {least}" + (f", up to {most}" if bounded else "")
    else:
        said = f"a number from {least} to {most}" if bounded else f"a number, {least} or more"
    schema = {"type": "integer" if whole else "number"}
    bounds: dict[str, Any] = {"exclusiveMinimum" if above else "minimum": low}
    return Rule(said, fits, schema=schema | bounds | ({"maximum": high} if bounded else {}))


def _finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def one_of(*names: str) -> Rule:
    """One of some names."""
    said = " or ".join(repr(name) for name in names)
    return Rule(said, lambda value: value in names, schema={"type": "string", "enum": [*names]})


def matching(expected: str, pattern: str, also: Callable[[str], bool] = lambda _: True) -> Rule:
    """A text that a regular expression describes wholly, and of which `also` holds."""

    def fits(value: object) -> bool:
        return isinstance(value, str) and bool(re.fullmatch(pattern, value)) and also(value)

    return Rule(expected, fits, schema={"type": "string", "pattern": f"^(?:{pattern})$"})


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value


def _texts(value: object) -> bool:
    return isinstance(value, Sequence) and all(map(_text, cast("Sequence[object]", value)))


SOME = r"[\s\S]*\S[\s\S]*"
SWITCH = Rule("true or false", lambda v: isinstance(v, bool), schema={"type": "boolean"})
TEXT = Rule("some text", _text, schema={"type": "string", "pattern": SOME})
TEXTS = Rule(
    "a list of texts",
    lambda value: not isinstance(value, str) and _texts(value),
    schema={"type": "array", "items": {"type": "string", "pattern": SOME}},
)
