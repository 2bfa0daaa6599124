"""Walking and planning: 2,000 files in 200 folders, against listing and reading them plainly.

What is compared opens the same files and looks for the same marker; only the ignore files, the
order, links and repeated names are what walking adds.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import pytest

from infill.batch.git import dirty
from infill.batch.select import selector
from infill.batch.walk import walk
from infill.edit.files import open_file
from infill.text import Source

FOLDERS, FILES, ROUNDS = 200, 10, 7
MARKER = b"<FILL_ME>"
TEXT = 'def f(a, b):\n    """Both, é."""\n    return g(a) + b\n\n\n' * 40


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    top = tmp_path_factory.mktemp("tree")
    for number in range(FOLDERS):
        folder = top / f"package{number % 20}" / f"part{number}"
        folder.mkdir(parents=True)
        for name in range(FILES):
            hole = "x = <FILL_ME>\n" if name == number % FILES else ""
            (folder / f"module{name}.py").write_text(TEXT + hole)
        (folder / "data.log").write_text("")
    (top / ".gitignore").write_text("*.log\nbuild/\n__pycache__/\n/dist\n*.py[cod]\n!keep.log\n")
    (top / "package1" / ".gitignore").write_text("/part1/module1.py\n")
    return top


def walked(top: Path) -> int:
    return sum(MARKER in open_file(Path(p)).source.data for p in walk([str(top)], root=top).paths)


def plainly(top: Path) -> int:
    found = 0
    for folder, _, names in os.walk(top):
        for name in names:
            if name.endswith(".py"):
                found += MARKER in Path(folder, name).read_bytes()
    return found


def seconds(what, *args) -> float:
    begun = time.perf_counter()
    what(*args)
    return time.perf_counter() - begun


def test_walking_and_looking_for_holes(tree, figure):
    assert walked(tree) == FOLDERS - 1  # one of them is ignored
    assert plainly(tree) == FOLDERS
    ours, names, plain = [], [], []
    for _ in range(ROUNDS):
        ours.append(seconds(walked, tree))
        names.append(seconds(lambda: walk([str(tree)], root=tree)))
        plain.append(seconds(plainly, tree))
    mid = statistics.median(ours)
    figure("walk: 2,000 files in 200 folders, opened, searched", f"{1e3 * mid:.0f} ms")
    figure("  of it the walk", f"{1e3 * statistics.median(names):.0f} ms")
    figure("  ratio to os.walk and reading", f"{mid / statistics.median(plain):.2f}")


def test_asking_git_of_all_of_them(tree, figure):
    git = shutil.which("git")
    if git is None:
        pytest.skip("there is no git")
    subprocess.run([git, "init", "-q", tree], check=True)  # noqa: S603
    paths = walk([str(tree)], root=tree).paths
    for path in paths:  # files as young as the index are read again each time
        os.utime(path, (1e9, 1e9))
    subprocess.run([git, "-C", tree, "add", "-A"], check=True)  # noqa: S603
    mid = statistics.median(seconds(dirty, paths) for _ in range(ROUNDS))
    figure("git: which of 2,000 files are dirty", f"{1e3 * mid:.0f} ms")


def test_selecting_in_all_of_them(tree, figure):
    paths = walk([str(tree)], root=tree).paths
    # a text with a marker is not Python
    sources = [Source(Path(path).read_bytes().replace(MARKER, b"1")) for path in paths]
    asked = ("f", "(return_statement (_) @infill)", "return $A + $B", "3-5")
    for text in asked:
        chosen = selector(text)
        begun = time.perf_counter()
        spans = sum(len(chosen.spans(source, "python")) for source in sources)
        took = time.perf_counter() - begun
        assert spans >= len(sources)
        figure(f"select: {chosen.kind}, in 2,000 files", f"{took:.2f} s, {spans} places")
