"""What the extension for VS Code says of settings is what the server takes."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from infill_lsp.options import Options

FOLDER = Path(__file__).parents[2] / "lsp" / "editors" / "vscode"
PACKAGE = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
OFFERED = PACKAGE["contributes"]["configuration"]["properties"]
OF_THE_CLIENT = {"infill.command", "infill.languages", "infill.decorations"}


def settings(options=None, prefix="infill."):
    """Name, default and rule of each setting of the server that a user may set."""
    for one in fields(options := options or Options()):
        value = getattr(options, one.name)
        if is_dataclass(value):
            yield from settings(value, f"{prefix}{one.name}.")
        elif one.name != "notifications":  # the client asks for them itself
            yield f"{prefix}{one.name}", value, one.metadata["rule"]


def test_the_same_settings_are_offered_as_are_taken():
    assert set(OFFERED) - OF_THE_CLIENT == {name for name, *_ in settings()}


@pytest.mark.parametrize(("name", "default", "rule"), [*settings()])
def test_a_setting_has_the_same_default_and_the_same_limits(name, default, rule):
    offered = OFFERED[name]
    assert offered["default"] == default
    assert offered["markdownDescription"].endswith(".")
    if limits := re.fullmatch(r"a number from (\S+) to (\S+)", rule.expected):
        low, high = map(float, limits.groups())
        assert offered["minimum"] == low
        assert offered.get("maximum", float(2**53)) == pytest.approx(high)
    if "enum" in offered:
        assert all(map(rule.fits, offered["enum"]))
        assert len(offered["enumDescriptions"]) == len(offered["enum"])


def test_what_runs_is_chosen_by_the_user_alone():
    restricted = PACKAGE["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    machine = {name for name, one in OFFERED.items() if one.get("scope") == "machine"}
    assert machine == set(restricted)
    assert machine == {"infill.command", *(name for name, _, rule in settings() if rule.trusted)}


def test_each_command_is_in_the_code_and_each_key_and_menu_names_a_command():
    contributes = PACKAGE["contributes"]
    commands = {one["command"] for one in contributes["commands"]}
    code = "".join(path.read_text(encoding="utf-8") for path in (FOLDER / "src").iterdir())
    assert all(re.search(rf"\b{name.rpartition('.')[2]}\b", code) for name in commands)
    rows = [*contributes["keybindings"], *contributes["menus"]["infill.menu"]]
    assert {row["command"] for row in rows} <= commands
