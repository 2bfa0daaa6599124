from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.batch.walk import Options, listed, walk
from infill.batch.walk.ignoring import Rules
from infill.errors import PathError
from infill.limits import Limits

ALL = Options(language="none", hidden=True)
GIT = shutil.which("git")
ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}


def made(folder: Path, *files: str, **texts: str) -> None:
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts.get(name, "x = 1\n"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


# ---- ignore files: the law is git

names = st.sampled_from(["a", "b", "ab", "a.py", "b.py", "c.log", "x ", "#a", "!a", "a[b]", "é"])
PIECES = (
    r"a b ab * ? ** [ab] [!a] [^b] *.py c.log a* *b [a-c]* \#a \!a a[[]b] ?.py [[:alpha:]] []a] [a"
)
pieces = st.sampled_from([*PIECES.split(), "a**b", "é", "x\\ ", "\\a", "[\\a]"])
lines = st.builds(
    lambda keeps, first, parts, last, blank: f"{keeps}{first}{'/'.join(parts)}{last}{blank}",
    st.sampled_from(["", "", "", "!"]),
    st.sampled_from(["", "", "/", "**/"]),
    st.lists(pieces, min_size=1, max_size=3),
    st.sampled_from(["", "", "/", "/**", "/*"]),
    st.sampled_from(["", "", "", " ", "\r"]),
)
texts = st.lists(st.one_of(lines, st.sampled_from(["", "# a", "/", "!", "\\"])), max_size=5)
trees = st.lists(st.lists(names, min_size=1, max_size=4).map("/".join), min_size=1, max_size=14)
folders = st.sampled_from(["", "a/", "b/", "a/b/", "ab/"])
ignores = st.dictionaries(folders, texts, min_size=1, max_size=3)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    if GIT is None:
        pytest.skip("there is no git")
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run([GIT, "init", "-q", folder], check=True, env=ALONE)  # noqa: S603
    return folder


def rebuilt(folder: Path, tree: list[str], rules: dict[str, list[str]], exclude: list[str]) -> None:
    for entry in folder.iterdir():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for name in tree:
        path = folder / name
        if any(above.is_file() for above in path.parents) or path.exists():
            continue
        made(folder, name)
    for below, told in rules.items():
        if (folder / below).is_dir():
            (folder / below / ".gitignore").write_bytes("\n".join(told).encode())
    (folder / ".git" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "info" / "exclude").write_text("\n".join(exclude))


@settings(max_examples=120)
@given(tree=trees, rules=ignores, exclude=texts)
def test_what_is_ignored_is_what_git_ignores(repository, tree, rules, exclude):
    rebuilt(repository, tree, rules, exclude)
    command = [GIT, "ls-files", "-o", "--exclude-standard", "-z"]
    told = subprocess.run(  # noqa: S603
        command, cwd=repository, check=True, capture_output=True, env=ALONE
    )
    expected = {os.fsdecode(name) for name in told.stdout.split(b"\0") if name}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(repository / ".git" / "nobody"))
        patch.delenv("XDG_CONFIG_HOME", raising=False)
        found = walk([str(repository)], root=repository, options=ALL)
    assert expected == {os.path.relpath(path, repository) for path in found.paths}


def test_our_own_ignore_file_comes_before_gits_and_git_before_the_users_list(here):
    made(here, "a.py", "b.py", "c.py", "d.py", "home/.config/git/ignore")
    (here / "home/.config/git/ignore").write_text("c.py\nd.py\nhome/\n")
    (here / ".gitignore").write_text("a.py\n!c.py\n")
    (here / ".infillignore").write_text("!a.py\nb.py\n")
    found = walk(["."])
    assert ("a.py", "c.py") == found.paths
    assert {"hidden": 2, "ignored": 3} == found.skipped


def test_the_users_list_is_the_one_that_git_is_told(here):
    made(here, "a.py", "b.py", "home/a.py", "home/.gitconfig", "home/mine")
    (here / "home/.gitconfig").write_text('[core]\n\texcludesFile = "~/mine"\n')
    (here / "home/mine").write_text("a.py\nmine\n")
    assert ("b.py",) == walk(["."]).paths


def test_ignore_files_above_count_up_to_the_top_of_the_repository(here):
    made(here, "repo/src/a.py", "repo/src/b.py", "repo/src/c.py")
    (here / ".gitignore").write_text("a.py\n")
    (here / "repo/.gitignore").write_text("/src/b.py\n")
    (here / "repo/.git").mkdir()
    assert ("repo/src/a.py", "repo/src/c.py") == walk(["repo/src"]).paths


def test_a_worktree_shares_the_exclude_file_of_its_repository(here):
    made(
        here,
        "main/.git/info/exclude",
        "tree/a.py",
        "tree/b.py",
        "main/.git/worktrees/tree/commondir",
    )
    (here / "main/.git/info/exclude").write_text("a.py\n")
    (here / "main/.git/worktrees/tree/commondir").write_text("../..\n")
    (here / "tree/.git").write_text(f"gitdir: {here}/main/.git/worktrees/tree\n")
    assert ("tree/b.py",) == walk(["tree"]).paths


def test_no_ignore_and_hidden_take_all_but_the_repository_itself(here):
    made(here, "a.py", ".b.py", ".git/c.py", ".d/e.py")
    (here / ".gitignore").write_text("a.py\n")
    everything = walk(["."], options=Options(hidden=True, ignore=False))
    assert (".b.py", ".d/e.py", "a.py") == everything.paths


def test_excluding_comes_before_ignore_files(here):
    made(here, "a.py", "b.py", "c/a.py", "c/d.py")
    (here / ".gitignore").write_text("b.py\n")
    found = walk(["."], options=Options(exclude=("*.py", "!b.py", "!/c/a.py")))
    assert ("b.py", "c/a.py") == found.paths
    assert {"excluded": 2, "hidden": 1} == found.skipped


# ---- which files, and in which order


def test_an_explicit_file_is_always_taken(here):
    made(here, "a.py", ".h/b.py", "c.txt", "d.py")
    (here / ".gitignore").write_text("a.py\n")
    (here / "d.py").write_bytes(b"\0")
    named = ["d.py", "c.txt", ".h/b.py", "a.py", "missing.py"]
    found = walk(named, options=Options(exclude=("*",)))
    assert tuple(named) == found.paths
    assert frozenset(named) == found.named


@given(trees)
@settings(max_examples=30)
def test_a_folder_is_walked_in_the_order_of_its_bytes(tmp_path_factory, tree):
    folder = tmp_path_factory.mktemp("tree")
    (folder / ".git").mkdir()
    rebuilt(folder, tree, {}, [])
    found = walk([str(folder)], root=folder, options=Options(language="none", ignore=False)).paths
    assert sorted(found, key=os.fsencode) == list(found)
    every = {str(p) for p in folder.rglob("*") if p.is_file() and ".git" not in p.parts}
    assert every == set(found)


def test_a_file_is_found_once_however_it_is_named(here):
    made(here, "b/a.py", "b/c.py", "a.py")
    (here / "b/again.py").hardlink_to(here / "b/c.py")
    found = walk(["b/c.py", "b", ".", "b/*.py"], listed=["a.py", "./b/a.py"])
    assert ("b/c.py", "b/a.py", "a.py") == found.paths
    assert frozenset({"b/c.py", "a.py", "b/a.py"}) == found.named
    assert {"the same file again": 4} == found.skipped


def test_a_file_that_is_named_twice_is_refused(here):
    made(here, "a.py")
    (here / "link.py").symlink_to("a.py")
    for again in ("a.py", "./a.py", "link.py"):
        with pytest.raises(PathError, match="named twice"):
            walk(["a.py", again])


def test_skipped_files_are_counted_by_reason(here):
    made(here, "a.py", "b.txt", "long.py", ".hidden.py", "binary.py", "no/x.py")
    (here / "long.py").write_text("x = 1\n" * 100)
    (here / "binary.py").write_bytes(b"a" * 400 + b"\0")
    os.mkfifo(here / "pipe.py")
    (here / "loop").symlink_to(".")
    (here / "gone.py").symlink_to("nowhere")
    (here / "out.py").symlink_to(sys.executable)
    (here / ".infillignore").write_text("no/\n")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.py")
        found = walk(["."], options=Options(limits=Limits(text=500)))
    assert ("a.py",) == found.paths
    assert {
        "binary": 1,
        "hidden": 2,
        "ignored": 1,
        "link out of the root": 1,
        "link to a folder": 1,
        "no regular file": 2,
        "of no known language": 1,
        "too long": 1,
        "link to nothing": 1,
    } == found.skipped


def test_a_language_takes_files_of_any_name(here):
    made(here, "a.py", "b.txt", "Makefile")
    assert ("Makefile", "a.py", "b.txt") == walk(["."], options=Options(language="none")).paths


# ---- links


def test_a_link_within_the_root_is_followed_and_the_file_goes_by_its_own_name(here):
    made(here, "z/real.py", "z/other.txt")
    (here / "a.py").symlink_to("z/real.py")
    (here / "b.py").symlink_to("z/other.txt")
    assert ("b.py", "z/real.py") == walk(["."]).paths
    assert ("a.py",) == walk(["a.py"]).paths


def test_a_named_link_out_of_the_root_is_refused(here):
    made(here, "root/a.py", "out/b.py")
    (here / "root/link.py").symlink_to("../out/b.py")
    (here / "root/folder").symlink_to("../out")
    for named in ("root/link.py", "root/folder", "root/folder/b.py", "root/folder/*.py"):
        with pytest.raises(PathError, match="leads out of the root"):
            walk([named], root="root")
    assert ("out/b.py",) == walk(["out/b.py"], root="root").paths
    assert ("root/a.py",) == walk(["root"], root="root").paths


def test_a_root_may_be_a_link_itself(here):
    made(here, "root/a/b.py", "root/c/d.py")
    (here / "root/a/link.py").symlink_to("../c/d.py")
    (here / "other").symlink_to("root")
    for named in ("root/a/link.py", "other/a/link.py"):
        assert (named,) == walk([named], root="other").paths
    assert ("other/a/b.py", "other/c/d.py") == walk(["other"], root="other").paths


def test_links_that_go_in_circles_end(here):
    made(here, "a/b/c.py")
    (here / "a/b/up").symlink_to("../..")
    (here / "self.py").symlink_to("self.py")
    found = walk(["."])
    assert ("a/b/c.py",) == found.paths
    assert {"link to a folder": 1, "link to nothing": 1} == found.skipped


# ---- globs and lists


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("*.py", "a.py e[1].py/f.py"),
        ("**/*.py", "a.py b/a.py b/c/d.py e[1].py/f.py"),
        ("b/**", "b/a.py b/c/d.py"),
        ("b/*", "b/a.py b/c/d.py"),
        ("**/c", "b/c/d.py"),
        ("b/**/d.py", "b/c/d.py"),
        ("?/[a-b].py", "b/a.py"),
        ("./b/?.py", "./b/a.py"),
        ("e[[]1].py/*", "e[1].py/f.py"),
        ("e[1].py", "e[1].py/f.py"),
        ("**", "a.py b/a.py b/c/d.py e[1].py/f.py"),
    ],
)
def test_a_glob_is_expanded(here, glob, expected):
    made(here, "a.py", "b/a.py", "b/c/d.py", "e[1].py/f.py", "b/x.txt", ".git/no.py")
    assert expected == " ".join(walk([glob]).paths)


@pytest.mark.parametrize("glob", ["*.c", "b/*.py", "none/**", "?", "[", "**/x/**"])
def test_a_glob_that_nothing_matches_is_an_error_that_names_it(here, glob):
    made(here, "a.py", "bb/c.py")
    with pytest.raises(PathError, match="nothing matches") as caught:
        walk([glob])
    assert glob == caught.value.where


def test_a_glob_whose_files_are_left_out_is_none(here):
    made(here, "a.py", "b.txt", "c.py")
    (here / ".gitignore").write_text("a.py\n")
    found = walk(["a*", "b*", "c*"])
    assert ("c.py",) == found.paths
    assert {"ignored": 1, "of no known language": 1} == found.skipped


def test_a_list_has_a_name_a_line_or_one_before_each_nul(here):
    (here / "lines").write_bytes(b"a.py\r\n\n*.py\nb c.py")
    assert ("a.py", "*.py", "b c.py") == listed("lines")
    (here / "nuls").write_bytes(b"a\nb.py\0\xff.py\0")
    assert ("a\nb.py", "\udcff.py") == listed("nuls", null=True)
    with pytest.raises(PathError, match="NUL") as caught:
        listed("nuls")
    assert "--null" in caught.value.hint
    with pytest.raises(PathError, match="cannot be read"):
        listed("missing")


def test_a_list_is_taken_as_it_is(here):
    made(here, "*.py", "a.py", "b/c.py")
    found = walk([], listed=["*.py", "b", "a.py", "a.py"])
    assert ("*.py", "b/c.py", "a.py") == found.paths
    assert frozenset({"*.py", "a.py"}) == found.named


def test_names_that_are_no_text_are_found(here):
    made(here, "\udcff.py", "a\nb.py", " .py")
    (here / ".gitignore").write_bytes(b"\xff.p?\n")
    assert (" .py", "a\nb.py") == walk(["."]).paths


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_told_and_refused_where_it_is_named(here):
    made(here, "a.py", "shut/b.py", "c.py", "d.txt")
    for name in ("shut", "c.py", "d.txt"):
        (here / name).chmod(0)
    found = walk(["."])
    assert (("a.py", "c.py"), {"of no known language": 1}) == (found.paths, found.skipped)
    assert ["shut/"] == [error.where for error in found.shut]
    with pytest.raises(PathError, match="cannot be read"):
        walk(["shut"])
    (here / "shut").chmod(0o700)


def test_what_lies_too_deep_to_be_read_is_told(here, dig):
    made(here, "a.py")
    dig(here)
    found = walk(["."])
    assert ("a.py",) == found.paths[:1]
    assert (1, "deep.py") == (len(found.paths[1:]), Path(found.paths[1]).name)
    assert ["File name too long"] == [error.got for error in found.shut]


@given(st.lists(lines, max_size=6))
def test_reading_rules_never_fails(told):
    rules = Rules.of(told)
    assert rules.says("a/b.py") in {True, False, None}


def test_walking_needs_nothing_heavy():
    code = "import sys, infill.batch.walk; print(*sys.modules)"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"numpy", "torch", "click", "rich"} & set(done.stdout.split())


def test_a_few_stars_take_no_time_to_say_no():
    rules = Rules.of([f"{'*a' * 30}b", f"/x/{'*a?' * 30}[b]/*c"])
    name = "a" * 250
    assert (rules.says(name), rules.says(f"x/{name}/c")) == (None, None)
    assert (rules.says(f"{name}b"), rules.says(f"x/{name}b/c")) == (True, True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("name", [".gitignore", ".infillignore", ".git"])
def test_a_named_pipe_in_the_place_of_an_ignore_file_is_not_waited_for(here, name):
    made(here, "a.py")
    os.mkfifo(here / name)
    assert walk(["."]).paths == ("a.py",)
