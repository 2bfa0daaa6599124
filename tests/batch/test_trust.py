"""What a repository has in it runs no command, leads nowhere, and brings no outcome of another."""

from __future__ import annotations

import os
import stat
from dataclasses import replace

import pytest

from infill.batch.journal import Journal
from infill.batch.store import Store
from infill.batch.task import Task
from infill.batch.verifying import Verifier
from infill.edit.goals import Command
from infill.edit.recipe import Recipe
from infill.errors import CommandError, PathError

GRAMMAR = 'start: "a"\n'


def test_a_grammar_that_is_a_file_is_known_by_its_text(tmp_path):
    file = tmp_path / "own.lark"
    file.write_text(GRAMMAR)
    task = Task(name="a", data=b"", language=None, recipe=Recipe(grammar=str(file)))
    before = task.key("weights")
    assert before == task.key("weights")
    assert task.repeatable
    file.write_text('start: "b"\n')
    assert before != task.key("weights")
    file.write_text(f"%import .other.RULE\n{GRAMMAR}")
    assert not task.repeatable
    file.unlink()
    with pytest.raises(PathError, match=r"own\.lark"):
        task.key("weights")
    named = replace(task, recipe=Recipe(grammar="json"))
    assert named.repeatable


@pytest.mark.parametrize("name", ["-c.py", "--version"])
def test_the_name_of_a_file_is_no_option_of_a_command(tmp_path, name):
    (tmp_path / name).write_text("raise SystemExit(0)\n")
    with Verifier("{python} {path}", tmp_path, seconds=10) as verifier:
        verifier.check(name, b"", b"")
        with pytest.raises(CommandError):
            verifier.check(name, b"", b"raise SystemExit(1)")
    goal = Command(argv=("{python}", "{path}"), path=name, folder=tmp_path)
    assert (1.0, 0.0) == (goal.score("x = 1"), goal.score("x = "))


def test_a_temporary_folder_in_the_project_is_not_copied_into_itself(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "a.py").write_text("x = 1\n")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    with Verifier("true", tmp_path, seconds=10) as verifier:
        copies = [verifier._taken(), verifier._taken()]
        for copy in copies:
            assert sorted(path.name for path in copy.rglob("*")) == ["a.py", "tmp"]
    assert [*(tmp_path / "tmp").iterdir()] == []


def test_journals_are_for_their_user_alone(tmp_path):
    old = os.umask(0)
    try:
        with Journal.create(tmp_path / "state" / "runs", {}), Store(tmp_path / "other"):
            pass
    finally:
        os.umask(old)
    for name in ("state/runs", "other"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700
