"""docs/batch.md: what it shows is run, in its order, and its tables leave nothing out."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from infill.batch import jobs
from infill.batch.formats import record, summed
from infill.batch.report import STATUSES, Entry, Totals
from infill.batch.task import Failure, Outcome, Piece
from infill.cli import main
from infill.cli.exits import Exit
from infill.edit.recipe import Recipe
from infill.errors import FillError
from infill.text import Span, TextEdit

PAGE = Path(__file__).parents[2] / "docs" / "batch.md"
TEXT = PAGE.read_text(encoding="utf-8")
FILES = {
    "src/app.py": "import log\n\n\ndef main(path):\n    text = log.read(path)\n"
    "    return <FILL_ME>\n",
    "src/log.py": "def write(path, text):\n    size = <FILL_ME>\n    return size\n",
    "lib/store.py": "import logging\n\nlog = logging.getLogger(__name__)\n\n\ndef read(path):\n"
    '    if not path:\n        log.warn("no path: %s", path)\n    return open(path).read()\n',
    "src/test_log.py": "import log\n\nassert log.read\n",
}
LINE = re.compile(r"(?P<line>.*?)(?:\s+# (?P<remark>.*))?")


def commands():
    """Each line of the page's shell blocks, and the exit code that its remark promises."""
    for block in re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            found = LINE.fullmatch(line)
            code = re.match(r"exit code (\d+)", found["remark"] or "")
            yield found["line"], int(code[1]) if code else 0


def ran(line: str):
    """Run `producer | infill … < in > out`, infill in this process."""
    producer, _, line = line.rpartition(" | ")
    command, *ends = re.split(" (?=[<>] )", line)
    program, *words = shlex.split(command)
    assert "infill" == program, line
    given = None
    if producer:
        given = subprocess.run(["/bin/sh", "-c", producer], capture_output=True, check=True).stdout  # noqa: S603
    named = {end[0]: Path(end[2:]) for end in ends}
    if "<" in named:
        given = named["<"].read_bytes()
    done = CliRunner().invoke(main, words, input=given)
    if ">" in named:
        named[">"].write_bytes(done.stdout_bytes)
    return done


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
        subprocess.run(git, check=True)  # noqa: S603
    return tmp_path


@pytest.mark.usefixtures("loaded", "project")
def test_every_command_of_the_page_does_what_it_says():
    shown = list(commands())
    assert len(shown) > 25
    for line, code in shown:
        done = ran(line)
        assert code == done.exit_code, f"{line}\n{done.output}\n{done.exception!r}"
    assert json.loads(Path("report.json").read_text())["totals"]["changed"] == 2
    assert "<FILL_ME>" not in Path("filled.py").read_text()
    for name, text in FILES.items():
        assert text == Path(name).read_text(), f"{name} was not put back"


def table(heading: str) -> set[str]:
    """The names in the first column of a table."""
    rows = TEXT.split(f"| {heading} | |\n|---|---|\n")[1].split("\n\n")[0].splitlines()
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split(" | ")[0])}


def test_the_table_of_jobs_has_every_key():
    known = {*jobs._KEYS, *jobs._SETTINGS}
    assert known == table("a job says")
    assert {*jobs._SETTINGS} == {field.name for field in fields(Recipe)} - jobs.FREE


def test_the_table_of_reports_has_every_key():
    edit, piece = TextEdit(Span(0, 1), b"x"), Piece("x")
    outcome = Outcome(edits=(edit,), pieces=(piece,), failure=Failure.of(FillError("none")))
    made = record(Entry("a", "fill", "failed", "", None, outcome, "id"), None)
    assert {*made} == table("a report's line has")
    for name in ("holes", "error"):
        row = re.findall(rf"^\| `{name}` \|.*$", TEXT, re.MULTILINE)[-1]
        one = made[name][0] if name == "holes" else made[name]
        assert {*one} <= set(re.findall(r"`(\w+)`", row))


def test_the_page_names_all_totals_and_exit_codes():
    last = TEXT.split("`--format json` is one document")[1].split("\n\n")[0]
    counts = {name for name in summed(Totals()) if f"`{name}`" not in last}
    assert counts <= {*STATUSES}
    codes = re.findall(r"^\| (\d+) \|", TEXT.split("## Exit codes")[1], re.MULTILINE)
    assert sorted({code.value for code in Exit} - {Exit.PIPE}) == sorted(map(int, codes))
