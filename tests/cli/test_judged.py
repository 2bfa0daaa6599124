"""What is asked before a file is written is asked, too, where that comes later or there is none."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest


def git(*command):
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *who, *command], check=True, capture_output=True)  # noqa: S603, S607


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    folder = tmp_path / "repo"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
@pytest.mark.parametrize("allowed", [False, True])
def test_a_resumed_run_that_is_to_write_now_asks_for_clean_files_first(here, run, answers, allowed):
    git("init", "-q")
    (here / "a.py").write_text("a = <FILL_ME>\n")
    git("add", "-A")
    git("commit", "-qm", "one")
    (here / "a.py").write_text("a = <FILL_ME>  # mine\n")
    answers("1")
    assert run("fill", "a.py", "--check", *(["--allow-dirty"] if allowed else [])).exit_code == 1
    told = run("resume", "last", "--write")
    if not allowed:
        assert told.exit_code == 6
        assert "changes that are not committed" in told.stderr
        assert (here / "a.py").read_text() == "a = <FILL_ME>  # mine\n"
        git("commit", "-qam", "two")
        told = run("resume", "last", "--write")
    assert told.exit_code == 0, told.stderr
    assert (here / "a.py").read_text() == "a = 1  # mine\n"


def test_standard_input_is_judged_as_the_file_that_it_stands_for(here, run, answers):
    answers("1")
    (here / "src").mkdir()
    named = ("fill", "-", "--stdin-filename", "src/a.py", "--verify-cmd")
    good = run(*named, "grep -L nothing {path}", stdin=b"a = <FILL_ME>\n")
    assert (good.exit_code, good.stdout) == (0, "a = 1\n")
    bad = run(*named, "grep -q FILL_ME {path}", stdin=b"a = <FILL_ME>\n")
    assert (bad.exit_code, bad.stdout) == (4, "")
    both = run(*named, "grep -qr 1 src", stdin=b"a = <FILL_ME>\n")
    assert (both.exit_code, both.stdout) == (0, "a = 1\n")
    assert [*(here / "src").iterdir()] == []
    unnamed = run("fill", "-", "--language", "python", "--verify-cmd", "true", stdin=b"x")
    assert unnamed.exit_code == 2
    assert "--stdin-filename" in unnamed.stderr
