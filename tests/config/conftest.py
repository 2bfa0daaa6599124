"""A folder of its own for each source of settings, and the command line in it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from infill.cli import main

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder to be in, with a user's settings and state beside it and nothing in them."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("INFILL_CONFIG", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("INFILL_STATE", str(tmp_path / "state"))
    (tmp_path / "own" / "infill").mkdir(parents=True)
    return folder


@pytest.fixture
def run():
    """Run the command line in this process."""

    def invoke(*args, stdin=None):
        words = [str(arg) for arg in args]
        return CliRunner().invoke(main, words, input=stdin, prog_name="infill")

    return invoke
