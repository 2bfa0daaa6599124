"""Places that no marker is at: docstrings that are missing, and what a pattern's variables keep."""

from __future__ import annotations

import ast
import json

import pytest

from infill.batch.perform import _onto
from infill.batch.select import missing_docstrings
from infill.batch.task import Outcome, Piece
from infill.cli.places import finder_of
from infill.cli.request import Request
from infill.text import Source, TextEdit

MISSING = ("--select", "::**", "--part", "missing-docstring")
TEXT = '''\
class A:
    """Has one."""

    def f(self):
        return "é"

    def g(self): return 2


async def h():
    """Has one."""

    def inner():
        return 3
'''
DOCUMENTED = ("A.f", "A.g", "h.inner")


def docstrings(data: bytes) -> dict[str, str | None]:
    """Each function's docstring."""
    nodes = ast.walk(ast.parse(data))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {
        node.name: ast.get_docstring(node, clean=False) for node in nodes if isinstance(node, kinds)
    }


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(TEXT.encode())
    return path


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_docstrings_that_are_missing_are_made_and_filled(answers, run, source, newline, bom):
    before = bom + TEXT.replace("\n", newline).encode()
    source.write_bytes(before)
    answers("Adds.")
    report = json.loads(run("fill", source, *MISSING, "-w", "--format", "json").stdout)
    after = source.read_bytes()
    assert {"f": "Adds.", "g": "Adds.", "h": "Has one.", "inner": "Adds."} == docstrings(after)
    assert after.startswith(bom + b"class A:")
    assert after.count(b"\r\n") == (after.count(b"\n") if newline == "\r\n" else 0)
    (entry,) = report["files"]
    assert ("written", len(DOCUMENTED)) == (entry["status"], len(entry["holes"]))
    for hole in entry["holes"]:
        assert '"""Adds."""' in hole["text"]
        assert hole["start"] <= hole["stop"] <= len(before)
    assert 0 == run("undo", "last").exit_code
    assert before == source.read_bytes()


def test_a_fill_that_closes_its_docstring_ends_there():
    data = b"def f():\n    return 1\n\n\ndef g():\n    return 2\n"
    made = missing_docstrings(Source.of(data.decode()))
    fills = [b"Adds.", b'Adds."""  # and goes on']
    edits = tuple(TextEdit(hole, fill) for hole, fill in zip(made.holes, fills, strict=True))
    pieces = tuple(Piece(fill.decode(), -1.0, ("Or.", 'Or.""" + ""')) for fill in fills)
    outcome = Outcome(edits=edits, pieces=pieces)
    onto = _onto(made.edits([b"", b""]), outcome)
    assert made.edits([b"Adds.", b"Adds."]) == onto.edits
    assert [edit.new.decode() for edit in onto.edits] == [piece.text for piece in onto.pieces]
    assert all('"""Or."""\n    ' == one for piece in onto.pieces for one in piece.alternatives)


def test_a_diff_a_job_and_standard_input_do_the_same(answers, run, source):
    answers("Adds.")
    filled = run("fill", "-", "--stdin-filename", "a.py", *MISSING, stdin=TEXT.encode()).stdout
    assert 3 == filled.count('"""Adds."""')
    job = {"text": TEXT, "language": "python", "select": ["::**"], "part": "missing-docstring"}
    said = json.loads(run("batch", "-", stdin=json.dumps(job).encode()).stdout)
    diff = run("fill", source, *MISSING).stdout
    assert diff.split("\n")[2:] == said["diff"].split("\n")[2:]
    assert TEXT.encode() == source.read_bytes()


def test_it_is_free_the_second_time(answers, run, source):
    answers("Adds.")
    first, again = (
        json.loads(run("fill", source, *MISSING, "--format", "json").stdout) for _ in "ab"
    )
    assert 0 == again["totals"]["forwards"] < first["totals"]["forwards"]
    assert first["files"][0]["holes"] == again["files"][0]["holes"]


def test_files_with_all_of_them_have_nothing_to_do(answers, run, tmp_path):
    (tmp_path / "a.py").write_text('def f():\n    """Has one."""\n')
    answers("Adds.")
    result = run("fill", tmp_path, *MISSING)
    assert (0, "") == (result.exit_code, result.stdout)
    assert "1 nothing to do" in result.stderr
    named = run("fill", tmp_path / "a.py", *MISSING)
    assert 2 == named.exit_code
    assert "nothing is selected" in named.stderr


@pytest.mark.parametrize("command", ["rewrite", "revise"])
def test_what_is_missing_cannot_be_written_anew(answers, run, source, command):
    answers("Adds.")
    result = run(command, source, *MISSING)
    assert 2 == result.exit_code
    assert "can only be filled" in result.stderr


def test_a_selected_place_is_filled_whatever_stands_there(answers, run, source):
    answers("4")
    result = run("fill", source, "--select", "query:(integer) @infill", "-w", "--no-workspace")
    assert 0 == result.exit_code, result.output
    assert TEXT.replace("2", "4").replace("3", "4").encode() == source.read_bytes()


CALLS = 'log.warn("a: %s", f(1))\nlog.warn()\nlog.info("b")\nx = [log.warn(g(log.warn(2)), é)]\n'


@pytest.mark.parametrize(
    ("keep", "holes"),
    [
        (("$$$A",), ["log.warn(", ")", "log.warn()", "log.warn(", ")"]),
        (("$$$A", "log."), ["warn(", ")", "warn()", "warn(", ")"]),
        (("$LOG", "warn", "$$$A"), [".", "(", ")", ".", "()", ".", "(", ")"]),
    ],
)
def test_a_variable_of_a_pattern_is_kept(keep, holes):
    given = {"select": ("pattern:$LOG.warn($$$A)",), "part": None, "keep": keep}
    source = Source.of(CALLS)
    found = finder_of(Request.of("rewrite", given))(source, "python")
    assert holes == [source.data[hole.start : hole.stop].decode() for hole in found]


def test_a_variable_that_the_pattern_has_not_is_text():
    source = Source.of('f("$B", 1)\n')
    given = {"select": ("pattern:f($$$A)",), "part": None, "keep": ('"$B"', "1")}
    found = finder_of(Request.of("rewrite", given))(source, "python")
    assert ["f(", ",", ")"] == [source.data[hole.start : hole.stop].decode() for hole in found]
