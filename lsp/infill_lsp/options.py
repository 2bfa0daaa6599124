"""The settings of the server: typed, and checked one by one. A bad one is told, and left out.

>>> options, faults = Options().updated({"seed": 7, "inline": {"debounce": -1, "colour": "red"}})
>>> options.seed, options.inline.debounce
(7, 150)
>>> print(*faults, sep="\\n")
infill.inline.debounce: expected a number from 0 to 10000, got -1; 150 is kept
infill.inline.colour: there is no such setting; did you mean something else of: alternatives, ...
>>> Options().updated({"model": "/tmp/evil"}, trusted=False)[1]
['infill.model: may not be set by a workspace; set it in the editor itself']
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar, cast

import infill_grammars


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must be."""

    expected: str
    fits: Callable[[object], bool]
    trusted: bool = False
    """Whether only the editor may set it, never a workspace."""


def _number(low: float, high: float, *, whole: bool = True) -> Rule:
    kinds = int if whole else (int, float)

    def fits(value: object) -> bool:
        return isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high

    return Rule(f"a number from {low:g} to {high:g}", fits)


def _one_of(*names: str) -> Rule:
    return Rule(" or ".join(repr(name) for name in names), lambda value: value in names)


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


SWITCH = Rule("true or false", lambda value: isinstance(value, bool))
TEXT = Rule("some text", _text)


def _setting(default: Any, rule: Rule, *, trusted: bool = False) -> Any:  # noqa: ANN401 - as `field`
    rule = replace(rule, trusted=trusted)
    return field(default=default, metadata={"rule": rule})


@dataclass(frozen=True, kw_only=True)
class Inline:
    """Inline completion. `debounce` is in milliseconds, `timeLimit` in seconds."""

    enabled: bool = _setting(default=True, rule=SWITCH)
    automatic: bool = _setting(default=True, rule=SWITCH)
    debounce: int = _setting(150, _number(0, 10_000))
    alternatives: int = _setting(1, _number(0, 8))
    maxTokens: int = _setting(12, _number(1, 64))  # noqa: N815 - as it is written in settings
    timeLimit: float = _setting(0.9, _number(0.05, 600, whole=False))  # noqa: N815


@dataclass(frozen=True, kw_only=True)
class Options:
    """See docs/lsp.md for what they mean."""

    model: str = _setting("embedded", TEXT, trusted=True)
    notifications: bool = _setting(default=False, rule=SWITCH, trusted=True)
    threads: int = _setting(0, _number(0, 1024), trusted=True)
    grammar: str = _setting("auto", _one_of("auto", "none", *infill_grammars.names()))
    marker: str = _setting("<FILL_ME>", TEXT)
    seed: int = _setting(0, _number(0, 2**53))
    maxTokens: int = _setting(24, _number(1, 256))  # noqa: N815
    alternatives: int = _setting(2, _number(0, 16))
    timeLimit: float = _setting(20.0, _number(0.05, 3600, whole=False))  # noqa: N815
    accept: str = _setting("auto", _one_of("auto", "ask", "at_once"))
    live: bool = _setting(default=True, rule=SWITCH)
    lenses: bool = _setting(default=True, rule=SWITCH)
    diagnostics: str = _setting("completable", _one_of("off", "holes", "completable"))
    inline: Inline = field(default_factory=Inline)

    def updated(
        self, values: Mapping[str, object], *, trusted: bool = True
    ) -> tuple[Options, list[str]]:
        """The options with those values that can be taken, and what is wrong with the others."""
        faults: list[str] = []
        return _updated(self, values, "infill", faults, trusted=trusted), faults

    def differing(self, other: Options) -> set[str]:
        """The names of the settings that are not the same."""
        return {e.name for e in fields(self) if getattr(self, e.name) != getattr(other, e.name)}


Group = TypeVar("Group", Options, Inline)


def _updated(
    options: Group, values: Mapping[str, object], where: str, faults: list[str], *, trusted: bool
) -> Group:
    known = {entry.name: entry for entry in fields(options)}
    found: dict[str, Any] = {}
    for name, value in _unfolded(values):
        here, now = f"{where}.{name}", getattr(options, name, None)
        if name not in known:
            faults.append(f"{here}: there is no such setting; did you mean {_close(name, known)}")
        elif is_dataclass(now):
            if isinstance(value, Mapping):
                inner = cast("Mapping[str, object]", value)
                before = cast("Inline", found.get(name, now))
                found[name] = _updated(before, inner, here, faults, trusted=trusted)
            else:
                faults.append(f"{here}: expected an object, got {value!r}")
        else:
            rule = cast("Rule", known[name].metadata["rule"])
            if value is None or value == now:
                continue
            if rule.trusted and not trusted:
                faults.append(f"{here}: may not be set by a workspace; set it in the editor itself")
            elif rule.fits(value):
                found[name] = value
            else:
                faults.append(f"{here}: expected {rule.expected}, got {value!r}; {now!r} is kept")
    return replace(options, **found)


def _unfolded(values: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """The settings; one that is written with dots is inside of another."""
    for name, value in values.items():
        first, dot, rest = name.partition(".")
        yield (first, {rest: value}) if dot else (name, value)


def _close(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"{close[0]!r}?" if close else f"something else of: {', '.join(sorted(known))}?"
