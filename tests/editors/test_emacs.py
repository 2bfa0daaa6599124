"""Eglot in a real Emacs, with the real server and its model: `make test-editors`.

What is done there is in `emacs/drive.el`; here is what must have been seen.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "emacs"
CLIENT = Path(__file__).parents[2] / "lsp" / "editors" / "emacs" / "infill.el"
MARKER = "<FILL_ME>"
TIME_LIMIT = 300
MISSING = "needs Emacs with Eglot: `apt-get install emacs-nox elpa-eglot`, or Emacs 29 or newer"


def watched(process: subprocess.Popen[bytes], terminal: int) -> str:
    """What an editor last drew; it is ended when its time is over."""
    drawn, last = b"", time.monotonic() + TIME_LIMIT
    while process.poll() is None:
        if time.monotonic() > last:
            process.kill()
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                drawn = (drawn + os.read(terminal, 65536))[-4000:]
            except OSError:  # how Linux says that the other end is closed
                break
    process.wait(timeout=10)
    return drawn.decode(errors="replace")


@pytest.fixture(scope="session")
def played(tmp_path_factory):
    """What was seen of each scenario, or its error."""
    emacs = shutil.which(os.environ.get("EMACS", "emacs"))
    assert emacs, MISSING
    eglot = "(progn (require 'package) (package-initialize) (require 'eglot))"
    found = subprocess.run([emacs, "-q", "--batch", "--eval", eglot], check=False)  # noqa: S603
    assert found.returncode == 0, MISSING
    folder = tmp_path_factory.mktemp("emacs")
    (folder / "work").mkdir()
    environment = {
        **os.environ,
        "TERM": "xterm",
        "OMP_NUM_THREADS": "1",
        "INFILL_CLIENT": str(CLIENT),
        "INFILL_COMMAND": json.dumps([sys.executable, "-m", "infill_lsp"]),
        "INFILL_WORKSPACE": str(folder / "work"),
        "INFILL_SEEN": str(folder / "seen"),
    }
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - the editor of this machine
        [emacs, "-t", os.ttyname(theirs), "-q", "-l", HERE / "drive.el"],
        cwd=folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        drawn = watched(process, ours)
    finally:
        process.kill()
        os.close(ours)
    seen = folder / "seen"
    assert seen.exists(), drawn
    lines = [json.loads(line) for line in seen.read_text("utf-8").splitlines()]
    return {line["scenario"]: line for line in lines}


@pytest.fixture
def facts(played, request):
    """What was seen of the scenario that the test's name says."""
    found = played.get(request.node.name.removeprefix("test_"), {"error": "not reached"})
    assert "error" not in found, found
    return found["seen"]


def filled(text, template):
    """Whether a text is a template with something written for each of its marked holes."""
    pattern = ".+?".join(map(re.escape, template.split(MARKER)))
    return re.fullmatch(pattern, text, re.DOTALL) is not None and MARKER not in text


def test_connect(facts):
    assert facts["status"]["state"] == "idle"
    assert facts["status"]["model"]


def test_fill(facts):
    assert "Fill this hole" in facts["offered"]
    start = "def mean(values):\n    total = sum(values)\n"
    assert filled(facts["text"], f"{start}    return {MARKER}\n")


def test_astral(facts):
    assert filled(facts["text"], f's = "\U0001d4b3"; t = {MARKER}\nu = "\U0001d4b3" + {MARKER}\n')


def test_above(facts):
    assert facts["typed"].startswith("import math\n\n\ndef a(values):\n    total = <FILL_ME>\n")
    assert facts["typed"].count(MARKER) == 8, "the fill was over before anything was typed"
    assert filled(facts["text"], facts["typed"])


def test_inside(facts):
    assert facts["text"] == "def mean(values):\n    return <FxILL_ME>\n"


def test_late(facts):
    assert filled(facts["text"], f"\U0001d4b3 = 1\ndef mean(values):\n    return {MARKER}\n")


def test_rewrite(facts):
    assert "Rewrite the selection, keeping names" in facts["offered"]
    assert filled(facts["text"], f"def double(values):\n    result = {MARKER}\n    return result\n")
    assert "[]" not in facts["text"]


def test_revise(facts):
    assert "Let the function follow my last edit" in facts["offered"]
    assert facts["text"] == "def double(numbers):\n    return [2 * n for n in numbers]\n"


def test_cancel(facts):
    assert facts["seconds"] < 1
    assert facts["text"].count(MARKER) == 8
