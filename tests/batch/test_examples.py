"""The examples of editing many files, run as their first lines say, over real files."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Runs an example, with the `infill` of this tree first on the path."""
    program = tmp_path / "bin" / "infill"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m infill "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), *sys.path])))
    monkeypatch.setenv("INFILL_STATE", str(tmp_path / "state"))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own examples
            words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
        )

    return run


def copied(package: str, names: list[str], folder: Path) -> dict[str, str]:
    """Real files in a folder; their texts by name."""
    (top,) = find_spec(package).submodule_search_locations
    texts = dict[str, str]()
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(top, name), folder / name)
        texts[name] = (folder / name).read_text(encoding="utf-8")
    return texts


def test_docstrings_are_filled(shell, tmp_path):
    files = copied("lark", ["ast_utils.py", "tools/serialize.py"], tmp_path / "lark")
    done = shell("sh", str(EXAMPLES / "fill_docstrings.sh"), "lark")
    assert 0 == done.returncode, done.stderr
    for name, before in files.items():
        after = (tmp_path / "lark" / name).read_text()
        functions = [n for n in ast.walk(ast.parse(after)) if isinstance(n, ast.FunctionDef)]
        assert functions
        assert all(ast.get_docstring(node) for node in functions)
        kept = re.sub(r'^ *"""(?:(?!""").)*"""\n', "", after, flags=re.MULTILINE)
        assert kept == re.sub(r'^ *"""(?:(?!""").)*"""\n', "", before, flags=re.MULTILINE)


def test_a_call_pattern_is_rewritten(shell, tmp_path):
    names = ["lexer.py", "parsers/earley.py", "parsers/lalr_analysis.py"]
    files = copied("lark", names, tmp_path / "lark")
    done = shell("sh", str(EXAMPLES / "rewrite_calls.sh"), "lark")
    assert 0 == done.returncode, done.stderr
    changed = 0
    for name, before in files.items():
        after = (tmp_path / "lark" / name).read_text()
        pairs = list(zip(before.splitlines(), after.splitlines(), strict=True))
        changed += sum(old != new for old, new in pairs)
        for old, new in pairs:
            wanted = re.escape(old).replace("logger\\.warning\\(", r"logger\.\w+\(")
            assert re.fullmatch(wanted, new)
    calls = "".join(files.values()).count("logger.warning(")
    assert 0 < changed <= calls == 5


def test_seeded_mutations_are_mended(shell, tmp_path):
    example = str(EXAMPLES / "repair_mutations.py")
    done = shell(sys.executable, example, "mutants", "4", "lark", "sortedcontainers")
    assert 0 == done.returncode, done.stderr
    said = re.fullmatch(
        r"of 4 files (\d) parse again, (\d) are as they were before the faults\n", done.stdout
    )
    assert said is not None, done.stdout
    whole, same = map(int, said.groups())
    assert whole >= same >= 1
    found = [path for path in (tmp_path / "mutants").iterdir() if _parses(path.read_text())]
    assert whole == len(found)


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True
