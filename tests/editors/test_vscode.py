"""The extension in a real VS Code: `make test-editors`. What was seen comes from `drive.mjs`.

Pictures of it go to the folder `$INFILL_SHOTS`, if that is set.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "vscode"
VSIX = Path(__file__).parents[2] / "dist" / "infill.vsix"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MARKER = "<FILL_ME>"


@pytest.fixture(scope="session")
def home():
    """The folder that code-server is installed in."""
    done = subprocess.run(  # noqa: S603 - our own script
        [HERE / "setup.sh"], stdout=subprocess.PIPE, text=True, check=True
    )
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def seen(home, tmp_path_factory):
    """What was seen of each scenario."""
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert chromium, f"needs one of {BROWSERS}"
    assert VSIX.exists(), "make vsix"
    workspace, data = tmp_path_factory.mktemp("workspace"), tmp_path_factory.mktemp("data")
    untrusted = tmp_path_factory.mktemp("untrusted")
    # folders that would choose what runs; nothing below works if they may
    chosen = {"infill.command": ["no-such-command"], "infill.model": "no-such-model"}
    for folder, more in ((workspace, {}), (untrusted, {"infill.marker": "<HERE>"})):
        (folder / ".vscode").mkdir()
        (folder / ".vscode" / "settings.json").write_text(json.dumps(chosen | more))
    places = ["--user-data-dir", data, "--extensions-dir", data / "extensions"]
    entry = home / "node_modules/code-server/out/node/entry.js"
    install = ["node", entry, *places, "--install-extension", VSIX]
    subprocess.run(install, check=True, stdout=subprocess.PIPE, timeout=120)  # noqa: S603
    options = {
        "home": str(home),
        "data": str(data),
        "workspace": str(workspace),
        "untrusted": str(untrusted),
        "settings": {"infill.command": [sys.executable, "-m", "infill_lsp"]},
        "chromium": chromium,
        "shots": os.environ.get("INFILL_SHOTS"),
    }
    drive = ["node", HERE / "drive.mjs", json.dumps(options)]
    done = subprocess.run(  # noqa: S603 - our own driver
        drive, check=True, stdout=subprocess.PIPE, text=True, timeout=600
    )
    return json.loads(done.stdout)


@pytest.fixture
def facts(seen, request):
    """What was seen of the scenario that the test's name says."""
    first, *others = request.node.originalname.removeprefix("test_").split("_")
    found = seen["".join([first, *map(str.capitalize, others)])]
    assert "error" not in found, found
    return found


def functions(text):
    """The functions of the long example, each as its lines."""
    return [function.splitlines() for function in text.rstrip("\n").split("\n\n\n")]


def test_all_holes(facts):
    assert any("▒" in text for text in facts["steps"])
    assert "loading" in facts["working"]
    assert len(facts["proposed"]) == 2
    assert [lens.split()[0] for lens in facts["lenses"][:1]] == ["Accept"]
    assert facts["before"].count(MARKER) == 2, "nothing is written before it is accepted"
    before, middle, after = facts["before"].split(MARKER)
    first, second = facts["proposed"]
    assert facts["text"] == before + first + middle + second + after
    assert facts["left"] == []


def test_ghost_text(facts):
    assert facts["shown"].strip()
    start = "def mean(values):\n    total = sum(values)\n    return total / "
    assert facts["text"] == start + facts["shown"] + "\n"


def test_reject(facts):
    assert facts == {"text": facts["before"], "before": facts["before"]}
    assert MARKER in facts["text"]


def test_next(facts):
    (first,), (second,) = facts["first"], facts["second"]
    assert first != second
    assert facts["text"].endswith(f"return {second}\n")


def test_accept_hole(facts):
    assert facts["text"].count(MARKER) == 1
    assert "return <FILL_ME>" in facts["text"]
    assert len(facts["left"]) == 1


def test_edit_inside(facts):
    assert facts["text"].endswith("return <FxILL_ME>\n")


def test_edit_one(facts):
    first, *others = functions(facts["text"])
    assert "<F" in first[1]
    assert "x" in first[1]
    assert "_ME>" in first[1]
    assert all(MARKER not in line for function in others for line in function)
    assert [function[0] for function in others] == [f"def {name}(values):" for name in "bcdefgh"]


def test_edit_above(facts):
    assert "loading" in facts["typed"], "the fill was over before anything was typed"
    assert set(facts["lines"]) == {"    total = <FILL_ME>", "    return <FILL_ME>"}
    assert facts["text"].startswith("import math\n\ndef a(values):\n    total = ")
    assert MARKER not in facts["text"]
    assert [len(function) for function in functions(facts["text"])] == [5, *[3] * 7]


def test_rewrite(facts):
    assert facts["proposed"]
    assert "[]" in facts["removed"], "the difference is shown beside the text"
    assert facts["text"] == "def double(values):\n    result = []\n    return result\n"


def test_revise(facts):
    assert facts["proposed"] == ["numbers"], "whole words are shown"
    assert facts["text"] == "def double(numbers):\n    return [2 * n for n in numbers]\n"


def test_astral_and_crlf(facts):
    start, end = 's = "\U0001d4b3"; t = ', "\r\nu = t\r\n"
    assert facts["text"].startswith(start)
    assert facts["text"].endswith(end)
    assert MARKER not in facts["text"]


def test_cancel(facts):
    assert facts["ms"] < 1_000
    assert facts["text"].count(MARKER) == 16


def test_trace(facts):
    assert json.loads(facts["shown"])["schema"] == 1


@pytest.mark.parametrize("state", ["ready", "accepted"])
def test_hover(facts, state):
    found = facts[state]
    first, second, others = found["text"].split("\n\n")[:3]
    assert first.startswith(f"infill: {state}, ")
    assert second == "Checked: the file parses"
    assert len(others.removeprefix("Others: ").split(", ")) == 2
    assert found["text"].count(others.split(": ")[1]) == 1, "each thing is told once"
    head, *rows = found["table"]
    assert head == ["token", "p when written", "step", "candidates now"]
    tokens, chances, steps, candidates = zip(*rows, strict=True)
    assert "".join(tokens) == facts["proposed"]
    assert all(0 < float(chance) <= 1 for chance in chances)
    forwards = int(re.findall(r"(\d+) forwards", first)[0])
    assert all(0 <= int(step) < forwards for step in steps)
    for row in candidates:
        shares = [float(one) for one in re.findall(r" (\d\.\d\d)(?:, |$)", row)]
        assert len(shares) == 5
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) <= 1.03
    assert facts["text"].endswith(f"return {facts['proposed']}\n")


@pytest.mark.parametrize("when", ["before", "after"])
def test_restricted_mode(facts, when):
    found = facts[when]
    assert found["status"].split() == ["infill:", "idle", "infill-small", "on", "cpu"]
    [proposed] = found["proposed"]
    # what the folder may choose is taken from it: its settings were read
    assert found["text"].endswith(f"return {proposed}\n")
    assert facts["notices"] == []


def test_restart(facts):
    assert facts["proposed"]


def test_a_command_that_is_not_there(facts):
    assert "error" in facts["status"]
    (notice,) = facts["notices"]
    assert "no-such-command did not start" in notice
