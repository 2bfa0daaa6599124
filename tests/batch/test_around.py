"""Fills take after the project around, as it was when the run was planned."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.batch.journal import Journal
from infill.batch.perform import performed
from infill.batch.surroundings import Surroundings
from infill.batch.task import Task
from infill.edit.recipe import Recipe
from infill.edit.workspace import Workspace
from infill.models.catalogue import load

CLASS = """\
class {name}:
    def __init__(self, left, top):
        self.left = left
        {line}
        self.seen = False
        self.parts = []

    def area(self):
        return self.left * self.top
"""
LINE = "self.top = top"
OTHERS = {f"{name}.py": CLASS.format(name=name, line=LINE).encode() for name in ("One", "Two")}
TEXT = CLASS.format(name="Three", line="<FILL_ME>")
TASK = Task(name="c.py", data=TEXT.encode(), language="python", recipe=Recipe(length="coarse"))
NAMES = st.text(min_size=1, max_size=8) | st.just("\udcff.py")


def test_a_fill_takes_after_what_lies_around_it():
    model = load("embedded")
    without = performed(TASK, model)
    outcome = performed(TASK, model, workspace=Workspace.of(OTHERS))
    assert [piece.text for piece in outcome.pieces] == [LINE]
    assert [piece.text for piece in without.pieces] != [LINE]
    assert performed(TASK, model, workspace=Workspace.of({})).pieces == without.pieces


def test_what_lies_around_is_part_of_a_fill_s_key_and_of_no_other_s():
    one, two = (Surroundings(texts).digest for texts in (OTHERS, {**OTHERS, "d.py": b""}))
    assert len({TASK.key("m"), TASK.key("m", one), TASK.key("m", two)}) == 3
    rewrite = replace(TASK, operation="rewrite")
    assert rewrite.key("m", one) == rewrite.key("m", two) == rewrite.key("m")
    assert Surroundings().digest == ""


@given(st.dictionaries(NAMES, st.binary(max_size=40), max_size=5))
def test_a_journal_gives_back_what_lay_around(texts):
    with Journal.unkept({}) as journal:
        journal.surround(texts)
        assert list(journal.around().items()) == list(texts.items())


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("INFILL_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("INFILL_CONFIG", "/dev/null")
    for name, data in OTHERS.items():
        Path(name).write_bytes(data)
    for name in "cd":
        Path(f"{name}.py").write_text(TEXT)


def infill(*arguments):
    command = [sys.executable, "-m", "infill", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.returncode, done.stdout, done.stderr


@pytest.mark.usefixtures("project")
def test_a_run_that_goes_on_sees_the_project_as_it_was():
    assert infill("fill", "--limit", "1", "-w", "--length", "coarse", "c.py", "d.py")[0] == 1
    assert LINE in Path("c.py").read_text()
    for name in OTHERS:
        Path(name).write_text("nothing = 0\n")
    code, _, err = infill("resume", "last")
    assert code == 0, err
    assert Path("c.py").read_text() == Path("d.py").read_text()
