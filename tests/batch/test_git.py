from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.batch.differing import edits_between
from infill.batch.git import Asked, before_of, dirty
from infill.errors import OptionError
from infill.text import Source, Span, TextEdit, apply_edits

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
WHO = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
ODD = [
    "a b.py",
    "-x.py",
    '"q".py',
    "t\tt.py",
    "n\nn.py",
    "é𝒳.py",
    ":(glob)*.py",
    "*.py",
    "d/[a].py",
]


def git(folder: Path, *command: str) -> str:
    done = subprocess.run(  # noqa: S603
        ["git", *WHO, "-C", folder, *command],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    monkeypatch.chdir(folder)
    return folder


def committed(folder: Path, *names: str, text: str = "x = 1\n") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")


def test_what_is_not_committed_is_dirty_and_what_git_does_not_know_is_not(here):
    committed(here, "clean.py", "modified.py", "staged.py", "both.py", "gone.py")
    for name in ("modified.py", "staged.py", "both.py"):
        (here / name).write_text("x = 2\n")
    git(here, "add", "staged.py", "both.py")
    (here / "both.py").write_text("x = 3\n")
    (here / "gone.py").unlink()
    (here / "untracked.py").write_text("")
    (here / "added.py").write_text("")
    git(here, "add", "added.py")
    names = [*sorted(path.name for path in here.glob("*.py")), "gone.py", "missing.py"]
    expected = {"both.py": "modified", "gone.py": "modified", "modified.py": "modified"}
    assert {**expected, "added.py": "staged", "staged.py": "staged"} == dirty(names)


def test_a_conflict_is_told(here):
    committed(here, "a.py")
    git(here, "checkout", "-qb", "other")
    committed(here, "a.py", text="x = 2\n")
    git(here, "checkout", "-q", "main")
    committed(here, "a.py", text="x = 3\n")
    with pytest.raises(subprocess.CalledProcessError):
        git(here, "merge", "other")
    assert {"a.py": "conflicted"} == dirty(["a.py"])


def test_names_may_have_any_characters(here):
    committed(here, *ODD, "clean.py")
    for name in ODD:
        (here / name).write_text("x = 2\n")
    assert dict.fromkeys(ODD, "modified") == dirty([*ODD, "clean.py"])
    assert dict.fromkeys(ODD, b"x = 1\n") == {name: before_of("HEAD", name) for name in ODD}


def test_a_pattern_in_a_name_is_a_name(here):
    committed(here, "a.py", "b.py")
    (here / "a.py").write_text("")
    assert {} == dirty(["*.py", ":/", "b.py"])


def test_names_are_as_they_were_given_also_through_links_and_from_elsewhere(here, monkeypatch):
    committed(here, "src/a.py")
    (here / "link.py").symlink_to("src/a.py")
    (here / "src/a.py").write_text("")
    names = ["./src/a.py", "src/../src/a.py", str(here / "src/a.py"), "link.py"]
    assert dict.fromkeys(names, "modified") == dirty(names)
    monkeypatch.chdir(here / "src")
    assert {"a.py": "modified"} == dirty(["a.py"])
    assert {"src/a.py": "modified"} == dirty(["src/a.py"], root=here)


def test_worktrees_and_submodules_are_repositories_of_their_own(here, tmp_path):
    committed(here, "a.py")
    git(here, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "tree")
    (tmp_path / "tree/a.py").write_text("x = 2\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    committed(inner, "b.py", "c.py")
    git(here, "submodule", "add", "-q", str(inner), "sub")
    git(here, "commit", "-qm", "two")
    (here / "sub/b.py").write_text("x = 2\n")
    names = ["a.py", "sub/b.py", "sub/c.py", str(tmp_path / "tree/a.py")]
    assert dict.fromkeys([names[1], names[3]], "modified") == dirty(names)
    assert b"x = 1\n" == before_of("HEAD", "sub/b.py")


def test_more_names_than_a_command_line_takes(here):
    names = [f"{'d' * 60}/{number:05}.py" for number in range(2_500)]
    committed(here, *names)
    (here / names[0]).write_text("")
    (here / names[-1]).write_text("")
    assert {names[0]: "modified", names[-1]: "modified"} == dirty(names)


def test_without_a_repository_or_git_nothing_is_dirty(here, tmp_path, monkeypatch):
    committed(here, "a.py")
    (here / "a.py").write_text("")
    (tmp_path / "b.py").write_text("")
    assert {"a.py": "modified"} == dirty(["a.py", "../b.py"])
    with pytest.raises(OptionError, match="git repository"):
        before_of("HEAD", "../b.py")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert {} == dirty(["a.py"])


def test_variables_of_another_repository_are_not_handed_on(here, tmp_path, monkeypatch):
    committed(here, "a.py")
    (here / "a.py").write_text("")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert {"a.py": "modified"} == dirty(["a.py"])


def test_a_repository_whose_state_git_cannot_say_is_no_clean_one(here):
    committed(here, "a.py")
    (here / ".git/index").write_bytes(b"broken")
    with pytest.raises(OptionError, match="cannot say") as caught:
        dirty(["a.py"])
    assert "--allow-dirty" in caught.value.hint


def test_a_git_that_hangs_is_given_up(here, tmp_path, monkeypatch):
    committed(here, "a.py")
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 30\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    begun = time.perf_counter()
    with pytest.raises(OptionError, match="cannot say"):
        dirty(["a.py"], limit=0.2)
    assert time.perf_counter() - begun < 5


def test_a_monitor_that_the_repository_names_is_not_run(here, tmp_path):
    committed(here, "a.py")
    git(here, "config", "core.fsmonitor", f"touch {tmp_path}/ran; false")
    dirty(["a.py"])
    assert not (tmp_path / "ran").exists()


def test_nothing_is_written(here):
    committed(here, "a.py")
    (here / "a.py").touch()
    before = (here / ".git/index").stat().st_mtime_ns, sorted((here / ".git").iterdir())
    assert {} == dirty(["a.py"])
    assert before == ((here / ".git/index").stat().st_mtime_ns, sorted((here / ".git").iterdir()))


# ---- since a commit


def test_what_a_file_was_in_a_commit(here):
    committed(here, "a.py", text=(text := "a = 1\nb = 2\nc = 3\n"))
    data = b"a = 1\nb = 22\nc = 3\nd = 4\n"
    (here / "a.py").write_bytes(data)
    before = before_of("HEAD", "a.py")
    assert text.encode() == before
    edits = (TextEdit(Span(11, 11), b"2"), TextEdit(Span(18, 18), b"d = 4\n"))
    assert edits == edits_between(before, data)
    committed(here, "b.py")
    assert None is before_of("main~1", "b.py")


def test_line_ends_are_those_of_a_checkout(here):
    (here / ".gitattributes").write_text("*.py text eol=crlf\n")
    committed(here, "a.py")
    assert b"x = 1\r\n" == before_of("HEAD", "a.py")


@pytest.mark.parametrize(
    "rev", ["nope", "", "-h", "HEAD:a.py", "HEAD~9", "--all", "a b", "HEAD^{tree}"]
)
def test_a_bad_revision_is_told(here, rev):
    committed(here, "a.py")
    with pytest.raises(OptionError) as caught:
        before_of(rev, "a.py")
    assert "--since" == caught.value.where


texts = st.text(alphabet="ab 𝒳é\n\r", max_size=30) | st.lists(
    st.sampled_from(["a\n", "b\r\n", "é\n", "𝒳a\r\n", "\r", "c"]), max_size=12
).map("".join)


@given(texts, texts)
def test_the_edits_make_one_text_of_the_other(before, after):
    old, new = before.encode(), after.encode()
    edits = edits_between(old, new)
    assert new == apply_edits(old, edits)
    assert all(edit.new or len(edit.span) for edit in edits)
    shift = 0  # of the new text against the old
    for edit in edits:
        edit.new.decode()
        start = edit.span.start + shift
        assert edit.new == new[start : (stop := start + len(edit.new))]
        assert {True} == {Source(old).is_boundary(at) for at in (edit.span.start, edit.span.stop)}
        assert {True} == {Source(new).is_boundary(at) for at in (start, stop)}
        shift += len(edit.new) - len(edit.span)


@given(st.lists(st.sampled_from(["a = 1\n", "b\n", "é\n"]), min_size=1), st.data())
def test_one_changed_line_is_one_edit_in_it(lines, data):
    at = data.draw(st.integers(0, len(lines) - 1))
    changed = [*lines[:at], "changed\n", *lines[at + 1 :]]
    old = "".join(lines).encode()
    (edit,) = edits_between(old, "".join(changed).encode())
    start = len("".join(lines[:at]).encode())
    assert start <= edit.span.start <= edit.span.stop <= start + len(lines[at].encode())


def test_a_long_text_with_small_changes_takes_no_time():
    lines = [b"    value_%d = compute(%d)\n\n" % (i, i) for i in range(20_000)]
    old = b"".join(lines)
    lines[10], lines[-10] = b"    other\n", b"    another\n"
    begun = time.perf_counter()
    edits = edits_between(old, b"".join(lines))
    assert time.perf_counter() - begun < 2
    assert b"".join(lines) == apply_edits(old, edits)


@pytest.mark.parametrize("filtered", ["clean", "smudge", "process"])
def test_no_filter_of_a_repository_is_run(here, tmp_path, filtered):
    committed(here, "a.py")
    (here / ".gitattributes").write_text("*.py filter=a=b\n")
    git(here, "config", f"filter.a=b.{filtered}", f"sh -c 'touch {tmp_path}/ran; cat'")
    git(here, "config", "filter.a=b.required", "true")
    (here / "a.py").write_text("y = 1\n")
    assert dirty(["a.py"]) == {"a.py": "modified"}
    assert before_of("HEAD", "a.py") == b"x = 1\n"
    assert not (tmp_path / "ran").exists()


def test_a_filter_of_the_user_is_run(here, tmp_path, monkeypatch):
    (tmp_path / "config").write_text('[filter "own"]\n\tsmudge = tr x z\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    committed(here, "a.py")
    (here / ".gitattributes").write_text("*.py filter=own\n")
    assert before_of("HEAD", "a.py") == b"z = 1\n"


def test_what_a_repository_does_not_have_is_not_fetched(here, tmp_path):
    committed(here, "a.py")
    blob = git(here, "rev-parse", "HEAD:a.py")
    (here / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    for name, value in (
        ("core.repositoryformatversion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", str(here)),
        ("remote.origin.uploadpack", f"touch {tmp_path}/ran; false"),
    ):
        git(here, "config", name, value)
    with pytest.raises(OptionError, match="cat-file") as caught:
        before_of("HEAD", "a.py")
    assert "allow-dirty" not in caught.value.hint
    assert not (tmp_path / "ran").exists()


def test_a_repository_is_asked_once_about_files_that_come_one_by_one(here, monkeypatch):
    committed(here, *ODD)
    (here / "t\tt.py").write_text("changed")
    (here / "new.py").write_text("not known")
    asked, calls, run = Asked(), list[list[str]](), subprocess.run

    def counted(command, **options):
        calls.append(command)
        return run(command, **options)

    monkeypatch.setattr("subprocess.run", counted)
    found = {name: asked.state(name) for name in (*ODD, "new.py", "gone.py")}
    assert {name: state for name, state in found.items() if state} == {"t\tt.py": "modified"}
    assert found == {name: dirty([name]).get(name) for name in found}
    assert len([call for call in calls if "status" in call]) == 1 + len(found)
    assert Asked(here.parent).state("repo/d/[a].py") is None
