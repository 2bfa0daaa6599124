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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from infill.config.files import Config
from infill.config.rules import Rule, number
from infill.config.schema import KEYS


def _setting(name: str, *, rule: Rule | None = None) -> Any:  # noqa: ANN401 - as `field`
    """A setting of the schema. `rule` is narrower, where JSON or an editor cannot say all."""
    key = KEYS[name]
    rule = replace(rule or key.public or key.rule, trusted=key.trusted)
    default = key.nothing if key.default is None else key.default
    return field(default=default, metadata={"rule": rule, "key": name})


@dataclass(frozen=True, kw_only=True)
class Inline:
    """Inline completion. `debounce` is in milliseconds, `timeLimit` in seconds."""

    enabled: bool = _setting("lsp.inline.enabled")
    automatic: bool = _setting("lsp.inline.automatic")
    debounce: int = _setting("lsp.inline.debounce")
    alternatives: int = _setting("lsp.inline.alternatives")
    maxTokens: int = _setting("lsp.inline.max_tokens")  # noqa: N815 - as it is written in settings
    timeLimit: float = _setting("lsp.inline.time_limit")  # noqa: N815


@dataclass(frozen=True, kw_only=True)
class Options:
    """See docs/lsp.md for what they mean."""

    model: str = _setting("model")
    notifications: bool = _setting("lsp.notifications")
    threads: int = _setting("threads")
    grammar: str = _setting("grammar")
    marker: str = _setting("marker")
    seed: int = _setting("seed", rule=number(0, 2**53))  # beyond it JSON's numbers are inexact
    maxTokens: int = _setting("max_tokens")  # noqa: N815
    alternatives: int = _setting("lsp.alternatives")
    timeLimit: float = _setting("lsp.time_limit")  # noqa: N815
    accept: str = _setting("lsp.accept")
    live: bool = _setting("lsp.live")
    lenses: bool = _setting("lsp.lenses")
    diagnostics: str = _setting("lsp.diagnostics")
    inline: Inline = field(default_factory=Inline)

    def updated(
        self, values: Mapping[str, object], *, trusted: bool = True
    ) -> tuple[Options, list[str]]:
        """The options with those values that can be taken, and what is wrong with the others."""
        faults: list[str] = []
        return _updated(self, values, "infill", faults, trusted=trusted), faults


def of_config(config: Config) -> tuple[Options, list[str]]:
    """The options that files and the environment say, and what is wrong with the others.

    >>> from infill.config.files import load
    >>> options, faults = of_config(load(environ={"INFILL_MAX_TOKENS": "3"}, files=False))
    >>> options.maxTokens, faults
    (3, [])
    """
    options, faults = Options(), list[str]()
    for name, key in _spelled(options):
        if name in config.given:
            value = config.given[name]
            said = KEYS[name].nothing if value is None else value
            options, more = options.updated({key: said})
            faults += [f"{config.origin(name)}: {fault}" for fault in more]
    return options, faults


def _spelled(options: Options | Inline, prefix: str = "") -> Iterator[tuple[str, str]]:
    for entry in fields(options):
        if "key" in entry.metadata:
            yield entry.metadata["key"], prefix + entry.name
        else:
            yield from _spelled(getattr(options, entry.name), f"{prefix}{entry.name}.")


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
