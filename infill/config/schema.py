"""The settings: what each is called, what it must be, what it is by itself, who may set it.

A setting of the language server alone has the name of its table before a dot. Names are in
snake_case; in editors they are written in camelCase.

>>> KEYS["max_tokens"].default, KEYS["lsp.inline.debounce"].rule.expected
(24, 'a number from 0 to 10000')
>>> suggestion("max-token"), suggestion("maxTokens"), suggestion("debounce")
('max_tokens', 'max_tokens', 'lsp.inline.debounce')
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, cast

import infill_grammars

from infill.config.rules import SWITCH, TEXT, TEXTS, Rule, matching, number, one_of
from infill.edit.choices import LANGUAGES, POLICIES, SCHEDULES, UNCHECKED, length_named
from infill.edit.recipe import Recipe
from infill.limits import DEFAULT

COLORS = ("auto", "always", "never")
ENGINES = ("local", "ray")
AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One setting.

    default   None is nothing: no bound, or found out
    public    what a repository may say, where that is less than the rule
    nothing   the word that stands for None in files
    path      whether a text of it with a slash is a path, from the folder of the file that says it
    help      one line
    """

    name: str
    rule: Rule
    default: Any
    public: Rule | None = None
    nothing: str | None = None
    path: bool = False
    help: str

    @property
    def trusted(self) -> bool:
        """Whether only the user may set it."""
        return self.rule.trusted

    def taken(self, value: object) -> Any:  # noqa: ANN401 - of the rule's type
        """The value to work with, of one that fits."""
        if self.nothing is not None and value == self.nothing:
            return None
        if self.rule.schema.get("type") == "number":
            return float(cast("float", value))
        return value


def _possible_length(text: str) -> bool:
    length = length_named(text)
    if isinstance(length, str):
        return True
    numbers = (length,) if isinstance(length, int) else length
    if isinstance(numbers, range) and numbers:
        numbers = (numbers[0], numbers[-1])  # the others are between them
    return bool(numbers) and all(1 <= number <= DEFAULT.hole for number in numbers)


def _possible_search(text: str) -> bool:
    width = text.partition(":")[2]
    return not width or 1 <= int(width) <= DEFAULT.frontier


_GRAMMARS = one_of(AUTO, UNCHECKED, *infill_grammars.names())
_GRAMMAR = matching(
    f"{_GRAMMARS.expected} or a .lark or .json file",
    "|".join([*map(re.escape, (AUTO, UNCHECKED, *infill_grammars.names())), r".+\.(?:lark|json)"]),
)
_COUNT, _AMOUNT = number(0), number(0, whole=False)
_RECIPE: Mapping[str, tuple[Rule, str]] = {
    "seed": (number(0, 2**64 - 1), "Same seed, same fill."),
    "steps": (number(1), "Denoise steps of an attempt; not set: one for each token."),
    "schedule": (one_of(*SCHEDULES), "How steps share the tokens."),
    "policy": (one_of(*POLICIES), "Which tokens to write first."),
    "temperature": (_AMOUNT, "0 takes the likeliest token; above, tokens are drawn."),
    "top_p": (number(0, 1, whole=False, above=True), "Draw from the likeliest that reach this."),
    "top_k": (_COUNT, "Draw from this many tokens; 0 is all."),
    "tries": (number(1), "Attempts for each hole."),
    "max_tokens": (number(1, DEFAULT.hole), "The longest fill of a hole."),
    "search": (
        matching(
            f"greedy, or one of beam:N, best-of:N, particles:N, remasking:N with N from 1 to "
            f"{DEFAULT.frontier}",
            r"greedy|(?:beam|best-of|particles|remasking):[0-9]{1,4}",
            _possible_search,
        ),
        "How many fills go on side by side, and which are kept.",
    ),
    "goal": (replace(TEXT, trusted=True), "Tests that the text is for: a command."),
    "length": (
        matching(
            f"auto, coarse, a number, A-B, or numbers with commas, each from 1 to {DEFAULT.hole}",
            r"auto|coarse|[0-9]{1,4}-[0-9]{1,4}|[0-9]{1,4}(?:,[0-9]{1,4})*",
            _possible_length,
        ),
        "Tokens of a fill: found out (coarse: among few), or one of these numbers.",
    ),
    "candidates": (number(1), "Fills of different lengths to choose the best from."),
    "rank_by": (one_of("agreement", "boundary"), "The best of them: what says so."),
    "alternatives": (_COUNT, "Other fills to list."),
    "nfe_budget": (_COUNT, "Forwards that a text may take; not set: no bound."),
    "time_limit": (_AMOUNT, "Seconds that a text may take; then the best so far."),
    "one_line": (SWITCH, "Whether a hole with text before it on its line stays on that line."),
    "grammar": (_GRAMMAR, "What the text must be at every step; auto is by the language."),
    "marker": (TEXT, "What marks a hole."),
}
_SPECIAL: Mapping[str, Mapping[str, Any]] = {
    "grammar": {"public": _GRAMMARS, "nothing": AUTO, "path": True}
}


def _all() -> Iterator[Key]:
    defaults = Recipe()
    for name, (rule, text) in _RECIPE.items():
        special = _SPECIAL.get(name, {})
        yield Key(name=name, rule=rule, default=getattr(defaults, name), help=text, **special)
    user = True
    table: tuple[tuple[str, Any, Rule, bool, str], ...] = (
        ("model", "embedded", TEXT, user, "Who fills: a name, or a folder."),
        ("workspace", True, SWITCH, False, "Whether fills take after the project's texts."),
        ("language", None, one_of(*LANGUAGES), False, "Whose parser must accept the result."),
        (
            "jobs",
            None,
            number(1, 1024),
            user,
            "Processes, each with a model; not set: by the cores.",
        ),
        ("batch_size", 8, number(1, 4096), False, "Canvases in one forward."),
        ("threads", 0, number(0, 1024), user, "Threads of the model; 0 leaves it to torch."),
        ("color", AUTO, one_of(*COLORS), False, "Colour; auto asks the terminal."),
        ("verify_cmd", None, TEXT, user, "What must not find more wrong than before."),
        ("verify_timeout", 120.0, number(0, whole=False, above=True), False, "Its seconds."),
        ("engine", "local", one_of(*ENGINES), user, "Where the work is done."),
        ("ray_address", None, TEXT, user, "The Ray cluster to work on."),
        ("allow_dirty", False, SWITCH, user, "Whether to change files with uncommitted changes."),
        ("hidden", False, SWITCH, False, "Whether to walk into hidden files and folders."),
        ("exclude", [], TEXTS, False, "Files to leave out, as patterns of gitignore."),
        ("max_failures", None, number(1), False, "Stop after so many; not set: never."),
        ("lsp.notifications", False, SWITCH, user, "Whether infill/step and others are sent."),
        ("lsp.alternatives", 2, number(0, 16), False, "Other fills to offer in an editor."),
        ("lsp.time_limit", 20.0, number(0.05, 3600, whole=False), False, "Of one proposal."),
        ("lsp.accept", AUTO, one_of(AUTO, "ask", "at_once"), False, "Ask before a change."),
        ("lsp.live", True, SWITCH, False, "Denoising as inlay hints."),
        ("lsp.lenses", True, SWITCH, False, "Accept, Next, Reject over a proposal."),
        (
            "lsp.diagnostics",
            "completable",
            one_of("off", "holes", "completable"),
            False,
            "What to say of holes.",
        ),
        ("lsp.inline.enabled", True, SWITCH, False, "Inline completion."),
        ("lsp.inline.automatic", True, SWITCH, False, "Also without being asked."),
        ("lsp.inline.debounce", 150, number(0, 10_000), False, "Milliseconds of rest before."),
        ("lsp.inline.alternatives", 1, number(0, 8), False, "Other items."),
        ("lsp.inline.max_tokens", 12, number(1, 64), False, "The longest item."),
        ("lsp.inline.time_limit", 0.9, number(0.05, 600, whole=False), False, "Seconds."),
    )
    # a repository may not turn the check of what is written off
    checks = one_of(*(name for name in LANGUAGES if name != UNCHECKED))
    for name, default, rule, trusted, text in table:
        yield Key(
            name=name,
            rule=replace(rule, trusted=trusted),
            default=default,
            public=checks if name == "language" else None,
            path=name == "model",
            help=text,
        )


KEYS: Mapping[str, Key] = MappingProxyType({key.name: key for key in _all()})
"""Every setting by its name, in the order in which they are shown."""
TABLES = ("lsp", "lsp.inline")


def suggestion(name: str) -> str:
    """The setting that was probably meant; "" where none is close."""
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("-", "_").lower()
    if plain in KEYS:
        return plain
    last = plain.rpartition(".")[2]
    same = [key for key in KEYS if key.rpartition(".")[2] == last]
    close = difflib.get_close_matches(plain, [*KEYS, *TABLES], n=1)
    return (same[:1] or close or [""])[0]


def json_schema() -> dict[str, Any]:
    """What an `infill.toml` may hold, as JSON Schema; `[tool.infill]` holds the same."""
    root: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "infill.toml",
        **_table("Settings of infill; the same in [tool.infill] of pyproject.toml."),
    }
    for name, key in KEYS.items():
        place = root
        *tables, last = name.split(".")
        for table in tables:
            place = place["properties"].setdefault(table, _table("Of the language server."))
        remark = " Only the user may set it; a repository's file must be trusted." * key.trusted
        default = {} if key.default is None else {"default": key.default}
        place["properties"][last] = {
            **key.rule.schema,
            "description": key.help + remark,
            **default,
        }
    return root


def _table(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "type": "object",
        "additionalProperties": False,
        "properties": {},
    }
