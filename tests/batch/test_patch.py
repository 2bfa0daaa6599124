"""Patches: git and we make the same text of them, and nothing is taken that is not meant."""

from __future__ import annotations

import difflib
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.batch.patch import blob, patch_of
from infill.batch.patch_reader import read_patch
from infill.edit.unified import changed_lines, lines_of, unified
from infill.errors import InputError, PathError, StaleError
from infill.text import Span, TextEdit, apply_edits

PIECES = [b"a", b"b", b"\n", b"\r\n", b"\r", b"\f", b"\xe2\x80\xa8", "é😀".encode(), b" ", b"x\n"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)
BOMS = st.sampled_from([b"", b"\xef\xbb\xbf"])
NAMES = st.sampled_from(
    [
        *(
            "a.py",
            "a b.py",
            'a"b.py',
            "é ü.py",
            "tab\there",
            "new\nline.py",
            "back\\slash",
            "d/e/f.py",
        ),
        *("blank ", " blank"),
        "caf\udce9.py",  # a byte that is no UTF-8
    ]
)
git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not there")


@st.composite
def changes(draw):
    """A text, and edits of it."""
    before = draw(BOMS) + draw(TEXTS)
    cuts = sorted(draw(st.lists(st.integers(0, len(before)), max_size=6)))
    edits = []
    for start, stop in zip(cuts[::2], cuts[1::2], strict=False):
        edit = TextEdit(Span(start, stop), draw(TEXTS))
        if not edits or not edits[-1].span.overlaps(edit.span):
            edits.append(edit)
    return before, edits


@given(change=changes(), name=NAMES, known=st.booleans(), digests=st.booleans())
def test_a_patch_makes_the_text_that_it_was_made_from_and_back(change, name, known, digests):
    before, edits = change
    after = apply_edits(before, edits)
    patch = patch_of(before, after, name, edits if known else None, git=digests)
    assert (before == after) == (patch == b"")
    if patch:
        [file] = read_patch(patch)
        assert name == file.path
        assert after == file.applied(before)
        assert before == file.reversed().applied(after)
        assert not file.done(before)
        # lines that are alike may take the change once more, which only digests can tell
        assert file.done(after) or not digests


@given(change=changes())
def test_lines_that_differ_are_apart_and_all_others_are_alike(change):
    before, edits = change
    after = apply_edits(before, edits)
    old, new = lines_of(before), lines_of(after)
    for known in (edits, None):
        at = there = 0
        for lines in changed_lines(old, new, known):
            assert old[at : lines.old] == new[there : lines.new]
            assert old[lines.old : lines.old_stop] != new[lines.new : lines.new_stop]
            at, there = lines.old_stop, lines.new_stop
        assert old[at:] == new[there:]


@git
@settings(max_examples=30, deadline=None)
@given(change=changes(), name=NAMES, digests=st.booleans())
def test_git_applies_a_patch_to_exactly_the_text_after(change, name, digests):
    before, edits = change
    after = apply_edits(before, edits)
    patch = patch_of(before, after, name, edits, git=digests)
    if not patch:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(before)
        _git(folder, "apply", "--whitespace=nowarn", stdin=patch)
        assert after == path.read_bytes()


@git
@settings(max_examples=15, deadline=None)
@given(change=changes(), name=NAMES)
def test_what_git_writes_is_read(change, name):
    before, edits = change
    after = apply_edits(before, edits)
    if before == after or b"\0" in before + after:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(before)
        _git(folder, "init", "-q")
        _git(folder, "add", "-A")
        path.write_bytes(after)
        [file] = read_patch(_git(folder, "diff"))
        assert (name, after) == (file.path, file.applied(before))
        assert before == file.reversed().applied(after)
        assert blob(before).startswith(file.blobs[0])


@pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not there")
@pytest.mark.parametrize("name", ["a.py", "a b.py", 'a"b.py', "é.py", "tab\there.py", "blank "])
@pytest.mark.parametrize("before", [b"\xef\xbb\xbfa\r\nb\r\nc", b"a\rb\n\fc\n"])
def test_patch_applies_a_patch(tmp_path, name, before):
    path = tmp_path / name
    path.write_bytes(before)
    after = before.replace(b"b", "ü".encode())
    patch = patch_of(before, after, name)
    subprocess.run(["patch", "-p1", "-s"], input=patch, cwd=tmp_path, check=True)  # noqa: S607
    assert after == path.read_bytes()


@git
def test_git_merges_a_patch_three_ways_by_its_index_line(tmp_path):
    path = tmp_path / "a.py"
    before = b"".join(b"line %d\n" % number for number in range(20))
    path.write_bytes(before)
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", "-A")
    patch = patch_of(before, before.replace(b"line 10\n", b"ten\n"), "a.py", git=True)
    path.write_bytes(before.replace(b"line 7\n", b"seven\n"))  # in the hunk's context
    _git(tmp_path, "add", "-A")
    _git(tmp_path, "apply", "--3way", stdin=patch)
    assert b"seven\nline 8\nline 9\nten\n" in path.read_bytes()


@git
def test_git_applies_a_patch_below_the_top_of_a_repository(tmp_path):
    (tmp_path / "sub").mkdir()
    path = tmp_path / "sub" / "a.py"
    path.write_bytes(b"a\n")
    _git(tmp_path, "init", "-q")
    _git(path.parent, "apply", stdin=patch_of(b"a\n", b"b\n", "a.py", git=True))
    assert path.read_bytes() == b"a\n"  # passed over: why that is not how patches are made
    _git(path.parent, "apply", stdin=patch_of(b"a\n", b"b\n", "a.py"))
    assert path.read_bytes() == b"b\n"


def _git(folder, *words, stdin=b""):
    config = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "user.name=a")
    done = subprocess.run(  # noqa: S603
        ["git", *config, *words],  # noqa: S607
        cwd=folder,
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_large_file_costs_no_more_than_its_lines():
    before = b"".join(b"line %d of it\n" % (number % 5000) for number in range(64_000))
    at = len(before) // 2
    edits = [TextEdit(Span(at, at + 3), b"XYZ"), TextEdit(Span(99, 99), b"Q")]
    after = apply_edits(before, edits)
    old, new = ([line.decode() for line in lines_of(data)] for data in (before, after))
    searched = _timed(lambda: list(difflib.unified_diff(old, new)))
    taken = min(_timed(lambda: unified(before, after, "a.txt", edits)) for _ in range(5))
    assert 4 * taken < searched  # some 15 times, and far more where lines repeat


def _timed(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


HEAD = "--- a/x\n+++ b/x\n"
GIT = "diff --git a/x b/x\n"


@pytest.mark.parametrize(
    ("patch", "line", "says"),
    [
        ("", "", "no change"),
        ("hello\n", "", "no change"),
        (f"{HEAD}@@ -1 +1 @@\n-a\n", "5", "too early"),
        (f"{HEAD}@@ -1 +1 @@\n-a\n+b", "5", "too early"),
        (f"{HEAD}@@ -1 +1 @@\n-a\n+b\n+c\n", "6", "more lines"),
        (f"{HEAD}@@ -1,2 +1 @@\n-a\n+b\n+c\n", "6", "other lines"),
        (f"{HEAD}@@ -1 +1 @@\n-a\nb\n", "5", "too early"),
        (f"{HEAD}@@ 1 1 @@\n-a\n+b\n", "3", "head"),
        (f"{HEAD}@@ -0 +1 @@\n-a\n+b\n", "3", "first line"),
        (f"{HEAD}@@ -5 +5 @@\n-a\n+b\n@@ -1 +1 @@\n-a\n+b\n", "6", "out of order"),
        (f"{HEAD}hello\n", "3", "no hunk"),
        ("@@ -1 +1 @@\n-a\n+b\n", "1", "no file"),
        ("--- a/x\r\n+++ b/x\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n", "1", "CR LF"),
        ('--- "a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n', "1", "quotes"),
        ("--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n", "2", "renames"),
        ("--- x\n+++ x\n@@ -1 +1 @@\n-a\n+b\n", "1", "folders to take off"),
        ("--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", "1", "makes or deletes"),
        ("--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n", "2", "makes or deletes"),
        (f"{GIT}new file mode 100644\n", "2", "makes a file"),
        (f"{GIT}deleted file mode 100644\n", "2", "deletes a file"),
        (f"{GIT}similarity index 90%\nrename from x\nrename to y\n", "3", "renames a file"),
        (f"{GIT}copy from x\ncopy to y\n", "2", "copies a file"),
        (f"{GIT}old mode 100644\nnew mode 100755\n", "2", "mode"),
        (f"{GIT}GIT binary patch\nliteral 1\n", "2", "binary"),
        ("Binary files a/x and b/x differ\n", "1", "binary"),
        ("diff --cc x\n", "1", "merge"),
        (f"{GIT}index 1..2\n", "1", "no changes"),
        (f"{GIT}index 1..2\n{GIT}{HEAD}@@ -1 +1 @@\n-a\n+b\n", "1", "no changes"),
    ],
)
def test_a_bad_patch_is_refused_with_its_line(patch, line, says):
    with pytest.raises(InputError, match=says) as caught:
        read_patch(patch.encode(), "p.diff")
    assert caught.value.where == (f"p.diff, line {line}" if line else "p.diff")


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "b/../x", "./../x"])
def test_a_path_that_leads_out_is_refused(path):
    patch = f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n"
    if path.startswith("/"):
        patch = patch.replace("a//", "/").replace("b//", "/")
    with pytest.raises(PathError, match="out of the folder"):
        read_patch(patch.encode())


@pytest.mark.parametrize("path", [".git/config", "sub/.GIT/hooks/post-commit"])
def test_a_path_to_what_is_gits_own_is_refused(path):
    patch = f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n"
    with pytest.raises(PathError, match="git's own"):
        read_patch(patch.encode())


def test_a_file_twice_in_a_patch_is_refused():
    part = f"{HEAD}@@ -1 +1 @@\n-a\n+b\n"
    with pytest.raises(PathError, match="twice"):
        read_patch((part + part).encode())


def test_text_around_the_parts_and_dates_behind_the_paths_are_passed_over():
    message = "From: a\nrename x to y\n---\n x | 2 +-\n\n"
    head = "--- a/x\t2026-01-01 00:00:00\n+++ b/x\t2026-01-02 00:00:00\n"
    [file] = read_patch(f"{message}{head}@@ -1 +1 @@ def f():\n-a\n+b\n-- \n2.39\n".encode())
    assert ("x", b"b\n") == (file.path, file.applied(b"a\n"))


def test_paths_are_stripped_as_asked():
    patch = b"--- old/d/x\n+++ new/d/x\n@@ -1 +1 @@\n-a\n+b\n"
    assert "d/x" == read_patch(patch)[0].path
    assert "x" == read_patch(patch, strip=2)[0].path
    with pytest.raises(InputError, match="paths differ"):
        read_patch(patch, strip=0)


@pytest.mark.parametrize(
    ("text", "line", "got"),
    [
        (b"a\nB\nc\n", 2, "'B\\n'"),
        (b"a\n", 2, "the end of the file"),
        (b"z\na\nb\nc\n", 1, "'z\\n'"),
        (b"a\nb\r\nc\n", 2, "'b\\r\\n'"),
    ],
)
def test_a_hunk_fits_where_it_says_or_not_at_all(text, line, got):
    [file] = read_patch(f"{HEAD}@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n".encode(), "p.diff")
    with pytest.raises(StaleError) as caught:
        file.applied(text)
    assert caught.value.where == f"x, line {line} (p.diff, line 3)"
    assert caught.value.got == got


def test_a_hunk_behind_the_end_does_not_fit():
    [file] = read_patch(f"{HEAD}@@ -9,0 +10 @@\n+x\n".encode())
    with pytest.raises(StaleError):
        file.applied(b"a\n")


def test_a_line_that_would_run_into_the_next_is_refused():
    [file] = read_patch(f"{HEAD}@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n".encode())
    assert file.applied(b"a\n") == b"b"
    with pytest.raises(InputError, match="without a newline"):
        file.applied(b"a\nc\n")


def test_a_patch_that_lost_a_hunk_still_fits_and_can_be_taken_back():
    before = b"".join(b"%d\n" % number for number in range(40))
    after = before.replace(b"\n5\n", b"\n5\nfive\n").replace(b"\n30\n", b"\nthirty\n")
    whole = patch_of(before, after, "x")
    first, last = whole.index(b"@@ "), whole.rindex(b"@@ -")
    [file] = read_patch(whole[:first] + whole[last:])
    changed = file.applied(before)
    assert changed == before.replace(b"\n30\n", b"\nthirty\n")
    assert (file.done(before), file.done(changed)) == (False, True)
    assert before == file.reversed().applied(changed)
