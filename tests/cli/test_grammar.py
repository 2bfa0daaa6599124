"""`infill grammar` and `infill fill --grammar`: what is said, where, and with which exit code."""

from __future__ import annotations

import json

import infill_grammars
import pytest

from infill.cli.exits import Exit

JSON = infill_grammars.path("json")  # by its file: any name could be shadowed by a folder
HOLE = "<FILL_ME>"


@pytest.fixture
def ask(run, tmp_path):
    """Run a command of `infill grammar` on a text."""

    def asked(command: str, text: str, *more: object, name: str = "a.json"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return run("grammar", command, path, "--grammar", JSON, *more)

    return asked


def lines(result) -> list[str]:
    """The lines of stdout, without the folder of the file."""
    return [line.rpartition("/")[2] for line in result.stdout.splitlines()]


def test_the_list_names_every_grammar_that_ships(run):
    result = run("grammar", "list")
    assert result.exit_code == 0
    assert list(infill_grammars.names()) == [line.split()[0] for line in lines(result)]
    assert "json" in result.stdout


def test_check_says_what_each_hole_takes(ask):
    result = ask("check", f'{{"a": {HOLE},\n "b": [1, 2{HOLE}}}\n{HOLE}')
    assert result.exit_code == 0
    first, second, third = lines(result)
    assert first.startswith("a.json:1:7: the hole takes 1 byte or more, for instance ")
    assert second.startswith("a.json:2:12: the hole takes 1 byte or more")
    assert third == "a.json:3:1: the hole may be empty"


def test_check_of_a_text_without_holes_is_its_recognition(ask):
    assert ask("check", "[1, 2]\n").exit_code == 0
    assert ask("check", "[1, 2\n").exit_code == Exit.NO


def test_check_of_what_cannot_be_completed_says_no_and_what_to_try(ask):
    result = ask("check", f"[1,, {HOLE}]")
    assert (Exit.NO, "") == (result.exit_code, result.stdout)
    assert "no text of the grammar" in result.stderr
    assert "try: infill grammar explain" in result.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"[1,, {HOLE}]", ['a.json:1:4: "," cannot stand', 'a.json:1:3: because of ","']),
        ('["é",\n nul, 1]', ['a.json:2:5: "," cannot stand', 'a.json:2:2: because of "nul"']),
        ('{"a": [1, 2},', ['a.json:1:12: "}" cannot stand', 'a.json:1:9: because of ","']),
        (f'{{"a" = {HOLE}', ['a.json:1:6: "=" cannot stand here']),
        ('["abc\n"]', ['a.json:1:6: "\\n" cannot stand', "a.json:1:2: because of"]),
        ('["abc"', ["a.json:1:7: the text ends before"]),
        ("] []", ['a.json:1:1: "]" cannot stand here']),
    ],
)
def test_explain_names_both_ends_of_a_conflict(ask, text, said):
    result = ask("explain", text)
    assert result.exit_code == Exit.NO
    for expected, line in zip(said, lines(result), strict=False):
        assert line.startswith(expected)


def test_explain_has_nothing_to_say_of_what_can_be_completed(ask):
    result = ask("explain", f"[{HOLE}")
    assert result.exit_code == 0
    assert "it can be completed" in result.stdout


def test_explain_tells_offsets_of_the_file_with_carriage_returns_and_tabs(ask):
    result = ask("explain", "[1,\r\n\t2,\r\n\t,3]")
    assert lines(result)[0].startswith('a.json:3:2: "," cannot stand')


def test_allowed_lists_the_likeliest_tokens_first(answers, ask):
    answers("7")
    result = ask("allowed", f"[1, {HOLE}]", "--top", 5, "--max-tokens", 1)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].endswith('"7"')
    assert 5 == len(result.stdout.splitlines())
    assert "more; --top lists more" in result.stderr


def test_allowed_lists_nothing_that_may_not_stand_there(answers, ask):
    answers("7")
    result = ask("allowed", f'{{"a": 1{HOLE}: 2}}', "--top", 300)
    shown = {json.loads(line.split(maxsplit=1)[1]) for line in lines(result) if '"' in line}
    assert "," in shown
    assert ":" not in shown
    assert "]" not in shown


def test_allowed_knows_later_slots_and_that_a_hole_may_end(answers, ask):
    answers("7")
    result = ask("allowed", f"[1{HOLE}, 2]", "--at", "1:2", "--top", 300)
    assert result.exit_code == 0
    assert "nothing more" in result.stdout


@pytest.mark.parametrize("at", ["0", "2", "1:0", "1:99", "x", "1:", "-1"])
def test_allowed_refuses_a_place_that_there_is_not(answers, ask, at):
    answers("7")
    result = ask("allowed", f"[{HOLE}]", f"--at={at}")
    assert result.exit_code == Exit.INPUT
    assert "a hole from 1 to 1" in result.stderr


def test_allowed_of_what_cannot_be_completed_says_no(answers, ask):
    answers("7")
    assert ask("allowed", f"[1,,{HOLE}").exit_code == Exit.NO


def test_the_grammar_is_that_of_the_file_s_kind(run, tmp_path):
    path = tmp_path / "a.py"
    path.write_text(f"x = (1, 2{HOLE}\ny = {HOLE}\n")
    result = run("grammar", "check", path)
    assert result.exit_code == 0
    assert 2 == len(lines(result))
    path.write_text(f"x = (1, 2\ny = {HOLE}\n")
    assert run("grammar", "check", path).exit_code == Exit.NO
    first, second, *_ = lines(run("grammar", "explain", path))
    assert first == 'a.py:2:1: "y" cannot stand here in python'
    assert second == 'a.py:1:5: because of "(", whatever is before that'


@pytest.mark.parametrize("name", ["a.txt", "a"])
def test_a_file_of_no_known_kind_wants_a_grammar(run, tmp_path, name):
    path = tmp_path / name
    path.write_text("[]")
    for more in ((), ("--grammar", "none")):
        result = run("grammar", "check", path, *more)
        assert result.exit_code == Exit.INPUT
        assert "--grammar, or a file that ends in" in result.stderr
        assert "json" in result.stderr


@pytest.mark.parametrize("command", ["check", "explain", "allowed"])
def test_files_that_cannot_be_read_are_told(run, tmp_path, command):
    binary = tmp_path / "b.json"
    binary.write_bytes(b"\0")
    for path in (tmp_path / "missing.json", tmp_path, binary):
        result = run("grammar", command, path, "--grammar", JSON)
        assert result.exit_code == Exit.INPUT
        assert str(path) in result.stderr


def test_a_text_may_come_from_standard_input(run):
    result = run("grammar", "check", "-", "--grammar", JSON, stdin=b"[1")
    assert result.exit_code == Exit.NO


def test_fill_keeps_to_a_grammar_whatever_the_model_says(answers, run, tmp_path):
    answers("}}}}")
    path = tmp_path / "a.json"
    path.write_text(f"[1, {HOLE}, [2{HOLE}")
    result = run("fill", "-w", "--grammar", JSON, path)
    assert result.exit_code == 0, result.stderr
    assert 1 == json.loads(path.read_text())[0]
    assert "2 holes, 1 attempt" in result.stderr


def test_fill_with_a_grammar_needs_no_language(answers, run, tmp_path):
    answers("7")
    path = tmp_path / "a.points"
    path.write_text(f"[1, {HOLE}]")
    schema = tmp_path / "points.schema.json"
    schema.write_text('{"type": "array", "items": {"type": "integer"}}')
    assert run("fill", "-w", path).exit_code == Exit.INPUT
    result = run("fill", "-w", "--grammar", schema, path)
    assert result.exit_code == 0, result.stderr
    assert path.read_text() == "[1, 7]"


def test_fill_refuses_what_cannot_be_completed_and_leaves_the_file(answers, run, tmp_path):
    answers("7")
    path = tmp_path / "a.json"
    path.write_text(f"[1,,{HOLE}]")
    result = run("fill", "-w", "--grammar", JSON, path)
    assert result.exit_code == Exit.UNVERIFIED
    assert "error: no text of the grammar fits" in result.stderr
    assert path.read_text() == f"[1,,{HOLE}]"


def test_fill_refuses_a_grammar_that_there_is_not_before_a_model_is_loaded(
    monkeypatch, run, tmp_path
):
    def load(_):
        raise AssertionError

    monkeypatch.setattr("infill.load", load, raising=False)
    (tmp_path / "a.json").write_text(HOLE)
    result = run("fill", "--grammar", "jsn", tmp_path / "a.json")
    assert result.exit_code == Exit.INPUT
    assert "did you mean 'json'?" in result.stderr


def test_a_disagreement_of_parsers_leaves_the_file_and_names_its_trace(
    answers, run, tmp_path, monkeypatch
):
    answers("7")
    monkeypatch.setattr("infill.constrain.lark.judge", lambda *_, **__: lambda _: "no!")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    path, grammar = tmp_path / "a.json", tmp_path / "own.lark"
    path.write_text(f"[{HOLE}]")
    grammar.write_text('start: "[" /[0-9]/ "]"')
    result = run("fill", "-w", "--grammar", grammar, path)
    assert result.exit_code == Exit.UNVERIFIED
    assert "two parsers of one grammar disagree" in result.stderr
    (trace,) = tmp_path.glob("infill-*.jsonl")
    assert str(trace) in result.stderr
    assert path.read_text() == f"[{HOLE}]"
