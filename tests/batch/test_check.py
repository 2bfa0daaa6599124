from __future__ import annotations

import json
import subprocess
import sys
from types import ModuleType

import pytest
from click.testing import CliRunner

from infill.batch.check import Asked, checked
from infill.cli import main
from infill.text import Position, Source


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def invoke(*args, stdin: bytes | None = None):
        return CliRunner().invoke(main, ["check", *map(str, args)], input=stdin, prog_name="infill")

    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text.encode())
    return invoke


FILES = {
    "good.py": "x = 1\n",
    "hole.py": "é = <FILL_ME>\r\n",
    "said.py": 'x = "<FILL_ME>"\n',
    "bad.py": "x = 1\ny = (2\n",
    "bad.json": '{"a": [1,]}',
    "dead.py": "x = (]\ny = <FILL_ME>\n",
    "b.txt": "<FILL_ME>",
}


def rules(text, language="python", **asked):
    found = checked(Source.of(text, "a.py"), language, Asked(**asked))
    return [(one.rule, one.level, one.start, one.stop) for one in found]


def test_holes_are_found_and_markers_in_strings_are_noted():
    text = 'é = <FILL_ME>\nx = "<FILL_ME>"  # <FILL_ME>\n'
    assert [
        ("hole", "warning", Position(1, 5), Position(1, 14)),
        ("marker", "note", Position(2, 6), Position(2, 15)),
        ("hole", "warning", Position(2, 20), Position(2, 29)),
    ] == rules(text)
    assert 3 == len(rules(text, None)) == [rule for rule, *_ in rules(text, None)].count("hole")
    assert [] == rules(text, None, marker="@@")


@pytest.mark.parametrize(
    ("text", "language", "place"),
    [
        ("x = 1\ny = (2\n", "python", Position(2, 5)),
        ("𝒳 = 1\r\n\r\né = )\r\n", "python", Position(3, 5)),
        ('{"é𝒳": [1,]}', "json", Position(1, 10 if sys.version_info >= (3, 13) else 11)),
        ('\ufeff{"a" 1}', "json", Position(1, 7)),
    ],
)
def test_a_text_that_does_not_parse_is_found_where_the_parser_gives_up(text, language, place):
    assert [("syntax", "error", place, place)] == rules(text, language)


def test_what_can_no_longer_be_completed_is_told_with_both_ends():
    text = FILES["dead.py"]
    assert ["hole"] == [rule for rule, *_ in rules(text)]
    found = checked(Source.of(text, "a.py"), "python", Asked(completable=True))
    assert ["incompletable", "hole"] == [one.rule for one in found]
    assert (
        "this file can no longer be completed: ']' cannot stand here in python because of '(' at "
        "line 1, column 5"
    ) == found[0].message
    assert ["hole"] == [rule for rule, *_ in rules("x = [<FILL_ME>\n", completable=True)]
    assert ["hole"] == [rule for rule, *_ in rules("[<FILL_ME>", "json", completable=True)]
    assert ["hole", "incompletable"] == [
        rule for rule, *_ in rules("[<FILL_ME>}", None, completable=True, grammar="json")
    ]
    touching = rules("x = <FILL_ME><FILL_ME>\n", completable=True)
    assert ["hole", "marker", "hole"] == [rule for rule, *_ in touching]


def test_text_names_the_place_as_editors_read_it(run):
    done = run(".")
    assert 1 == done.exit_code
    assert done.stdout.splitlines() == [
        "bad.json:1:9: Illegal trailing comma before end of array"
        if sys.version_info >= (3, 13)
        else "bad.json:1:10: Expecting value",
        "bad.py:2:5: '(' was never closed",
        "dead.py:2:5: unfilled hole",
        "hole.py:1:5: unfilled hole",
        "said.py:1:6: a marker is inside a string: fill will refuse it",
    ]
    assert "6 files checked: syntax 2, hole 2, marker 1; left out: 1 of no known" in done.stderr


def test_json_and_jsonl_say_the_same(run):
    whole = json.loads(run(".", "--format", "json").stdout)
    lines = [json.loads(line) for line in run(".", "--format=jsonl").stdout.splitlines()]
    assert whole["findings"] == lines
    assert (6, {"of no known language": 1}) == (whole["files"], whole["skipped"])
    assert {
        "path": "hole.py",
        "rule": "hole",
        "level": "warning",
        "message": "unfilled hole",
        "start": {"line": 1, "column": 5},
        "stop": {"line": 1, "column": 14},
    } == lines[3]
    assert [] == json.loads(run("good.py", "--format", "json").stdout)["findings"]


def test_sarif_is_made_of_the_findings_and_the_bytes(run, monkeypatch):
    def sarif(findings, *, sources):
        yield from (f"{one.rule} {len(sources(one.path))}\n" for one in findings)

    module = ModuleType("infill.batch.sarif")
    monkeypatch.setattr(module, "sarif", sarif, raising=False)
    monkeypatch.setitem(sys.modules, "infill.batch.sarif", module)
    assert f"hole {len(FILES['hole.py'].encode())}\n" == run("hole.py", "--format=sarif").stdout
    assert "hole 9\n" == run("-", "--format=sarif", stdin=b"<FILL_ME>").stdout


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["good.py"], 0),
        (["said.py", "good.py"], 0),
        (["hole.py"], 1),
        (["bad.py", "-q"], 1),
        (["bad.py", "--language", "none"], 0),
        (["b.txt"], 1),
        (["dead.py", "--completable"], 1),
        (["missing.py"], 2),
        (["*.c"], 2),
        (["good.py", "good.py"], 2),
        ([], 2),
        (["--null", "good.py"], 2),
        (["good.py", "-"], 2),
        (["good.py", "--stdin-filename", "a.py"], 2),
        (["good.py", "--grammar", "json"], 2),
        (["dead.py", "--completable", "--grammar", "nope"], 2),
        (["good.py", "missing.py"], 3),
        (["hole.py", "missing.py"], 3),
    ],
)
def test_exit_codes(run, args, code):
    done = run(*args)
    assert code == done.exit_code, done.output


def test_standard_input_goes_by_the_name_that_it_is_given(run):
    done = run("-", "--stdin-filename", "src/a.json", stdin=b"[1,")
    assert (1, True) == (done.exit_code, done.stdout.startswith("src/a.json:1:4: "))
    assert 0 == run("-", stdin=b"[1,").exit_code


def test_a_list_on_standard_input_and_patterns_to_exclude(run):
    done = run("--files-from", "-", "--null", "-q", stdin=b"hole.py\0bad.py\0")
    assert ["hole.py", "bad.py"] == [line.split(":")[0] for line in done.stdout.splitlines()]
    done = run(".", "--exclude", "bad.*", "--exclude", "said.py", "-q")
    assert ["dead.py", "hole.py"] == [line.split(":")[0] for line in done.stdout.splitlines()]
    assert "" == done.stderr


def test_checking_needs_no_numpy(tmp_path):
    (tmp_path / "a.py").write_text("x = <FILL_ME>\n")
    code = (
        "import sys\nfrom infill.cli import main\n"
        "try: main()\nexcept SystemExit: print(*sys.modules)"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, "check", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "unfilled hole" in done.stdout
    assert not {"numpy", "torch", "rich", "pygls"} & set(done.stdout.split())
