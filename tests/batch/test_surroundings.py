"""What lies around a file: its project's texts, the nearest first, up to a bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.batch.surroundings import project_of, surroundings
from infill.limits import Limits


def make(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


@pytest.fixture
def project(tmp_path, monkeypatch):
    root = tmp_path / "project"
    make(root, "pyproject.toml", "a.py", "b.py", "src/c.py", "src/deep/d.py", "src/deep/e.py")
    make(root, "data.json", "notes.txt", ".hidden/f.py", "ignored/g.py")
    (root / ".gitignore").write_text("ignored/\n")
    make(tmp_path, "outside.py")
    monkeypatch.chdir(root)
    return root


def test_the_root_is_the_nearest_that_looks_like_one(project):
    assert project_of("src/deep/d.py") == project.resolve()
    make(project, "src/setup.py")
    assert project_of("src/deep/d.py") == (project / "src").resolve()


def test_a_home_is_no_project(project, monkeypatch):
    monkeypatch.setenv("HOME", str(project))
    assert project_of("src/deep/d.py") == (project / "src/deep").resolve()
    assert list(surroundings(["src/deep/d.py"]).texts) == ["src/deep/d.py", "src/deep/e.py"]


@pytest.mark.usefixtures("project")
def test_texts_of_the_same_suffix_come_nearest_first_and_keep_their_names():
    found = surroundings(["./src/deep/d.py"])
    assert list(found.texts) == ["./src/deep/d.py", "src/deep/e.py", "src/c.py", "a.py", "b.py"]
    assert found.texts["a.py"] == b"a.py"
    assert (found.left_out, found.unread) == (0, 0)
    both = surroundings(["a.py", "data.json"])
    assert "data.json" in both.texts
    assert "notes.txt" not in both.texts


def test_from_another_folder_the_same_texts_are_found(project, monkeypatch):
    inside = surroundings(["src/c.py"])
    monkeypatch.chdir(project / "src")
    outside = surroundings(["c.py"])
    assert list(inside.texts.values()) == list(outside.texts.values())
    assert "../a.py" in outside.texts


@given(st.integers(0, 60))
def test_the_bound_holds_and_what_is_left_out_is_counted(tmp_path_factory, room):
    root = tmp_path_factory.mktemp("project")
    make(root, "setup.py", "a.py", "long_name_of_a_file.py", "sub/b.py")
    found = surroundings([str(root / "a.py")], Limits(workspace=room))
    assert sum(map(len, found.texts.values())) <= room
    assert len(found.texts) + found.left_out == 4
    assert (
        found.texts == dict(list(surroundings([str(root / "a.py")]).texts.items()))
        or found.left_out
    )


def test_what_cannot_be_read_is_left_out(project):
    (project / "broken.py").symlink_to("/nowhere")
    assert surroundings(["a.py", "missing.py"]).unread == 1
