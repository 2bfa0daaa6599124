"""What README shows is run, block after block, in one namespace."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from infill.cli.reference import reference

README = Path(__file__).parent.parent / "README.md"


def blocks(text: str, language: str) -> list[tuple[int, str]]:
    """The fenced blocks of a language: the line of their first line, and what they say."""
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text[: match.start(1)].count("\n") + 1, match[1]) for match in found]


def run(text: str, name: str) -> int:
    """Run all Python blocks of a document; how many there were."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    found = blocks(text, "python")
    for line, block in found:
        code = compile("\n" * (line - 1) + block, name, "exec")
        exec(code, namespace)  # noqa: S102 - our own document
    return len(found)


def test_the_python_blocks_of_readme_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(README.read_text(encoding="utf-8"), str(README)) > 0


def test_a_wrong_block_is_found():
    document = "text\n\n```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n"
    with pytest.raises(AssertionError):
        run(document, "document")


def test_a_document_without_blocks_has_none():
    assert run("```\nx\n```\n", "document") == 0


def test_readme_opens_with_the_two_commands():
    (_, first), *_ = blocks(README.read_text(encoding="utf-8"), "")
    assert ["make demo", "make test"] == re.findall(r"^make \w+", first, re.MULTILINE)


def test_the_command_reference_says_what_help_says():
    page = README.parent / "docs" / "cli.md"
    hint = "run: .venv/bin/python -m infill.cli.reference > docs/cli.md"
    assert reference() == page.read_text(encoding="utf-8"), hint


@pytest.mark.parametrize("path", sorted((README.parent / "examples").glob("[0-9]*.py")), ids=str)
def test_the_numbered_examples_run(path, capsys):
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out
