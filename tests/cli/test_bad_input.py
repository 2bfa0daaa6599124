"""Bad input: a clear message, a non-zero exit, files as they were, nothing left beside them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from infill.cli.exits import Exit

GOOD = b"total = 1\nx = <FILL_ME>\n"


def names(folder):
    return sorted(entry.name for entry in Path(folder).iterdir())


@pytest.fixture
def folder(tmp_path):
    """A folder with bad files, and the check that a command changes none of them."""
    files = {
        "good.py": GOOD,
        "no_hole.py": b"x = 1\n",
        "binary.py": b"\x7fELF\0\0",
        "latin1.py": b"x = 'caf\xe9'  # <FILL_ME>\n",
        "string.py": b'x = "say <FILL_ME>"\n',
        "touching.py": b"x = <FILL_ME><FILL_ME>\n",
        "notes.txt": b"<FILL_ME>\n",
        "hopeless.py": b"x = ) <FILL_ME>\n",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder").mkdir()
    yield tmp_path
    for name, data in files.items():
        assert data == (tmp_path / name).read_bytes()
    assert {*files, "folder"} == set(names(tmp_path))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_hole.py", ["no hole in the text", "expected: the marker <FILL_ME>", "try: write"]),
        ("binary.py", ["looks like a binary file", "byte 4", "expected: text in UTF-8"]),
        ("latin1.py", ["not UTF-8", "line 1, column 9", "got: the byte 0xe9", "try: convert"]),
        ("string.py", ["a marker is inside a string", "line 1, column 10", "try:"]),
        ("touching.py", ["two holes touch", "try: make them one"]),
        ("gone.py", ["there is no such file"]),
        ("no_hole.pyy", ["there is no such file", "try: did you mean", "no_hole.py?"]),
        ("notes.txt", ["no parser", "got: .txt", "try: pass --language none"]),
    ],
)
def test_a_bad_file_is_told(answers, run, folder, name, said):
    answers("total")
    result = run("fill", "--write", folder / name)
    assert result.exit_code == Exit.INPUT
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert [part for part in said if part not in result.stderr] == []
    assert str(folder) in result.stderr


def test_bad_files_need_no_model(run, folder, monkeypatch):
    monkeypatch.setattr("infill.load", None, raising=False)
    assert run("fill", folder / "no_hole.py").exit_code == Exit.INPUT


@pytest.mark.parametrize("spelling", ["good.py", "./good.py", "folder/../good.py", "link"])
def test_the_same_file_twice_is_told_before_anything_is_done(
    answers, run, folder, spelling, monkeypatch
):
    answers("total")
    monkeypatch.chdir(folder)
    link = folder / "folder" / "link.py"
    link.symlink_to("../good.py")
    path = "folder/link.py" if spelling == "link" else spelling
    result = run("fill", "--write", "good.py", path)
    assert result.exit_code == Exit.INPUT
    assert f"got: good.py and {path} are the same file" in result.stderr


def test_a_missing_file_twice_is_one_error(run, folder):
    result = run("fill", folder / "gone.py", folder / "gone.py")
    assert result.exit_code == Exit.INPUT
    assert result.stderr.count("error:") == 1


def test_good_files_are_filled_beside_bad_ones(answers, run, folder):
    answers("total")
    result = run("fill", folder / "no_hole.py", folder / "good.py", folder / "binary.py")
    assert result.exit_code == Exit.FAILED
    assert "+x = total" in result.stdout
    assert result.stderr.count("error:") == 2


def test_good_files_are_written_beside_bad_ones(answers, run, tmp_path):
    answers("total")
    (tmp_path / "bad.py").write_bytes(b"x = 1\n")
    (tmp_path / "good.py").write_bytes(GOOD)
    result = run("fill", "-w", tmp_path / "bad.py", tmp_path / "good.py")
    assert result.exit_code == Exit.FAILED
    assert (tmp_path / "good.py").read_bytes() == b"total = 1\nx = total\n"


def test_failures_of_two_kinds_are_only_failures(answers, run, folder):
    answers("total")
    result = run("fill", "--tries", 1, folder / "no_hole.py", folder / "hopeless.py")
    assert result.exit_code == Exit.FAILED


def test_a_fill_that_does_not_parse_is_told_and_its_traces_kept(
    answers, run, folder, tmp_path_factory
):
    answers("total")
    trace = tmp_path_factory.mktemp("trace") / "t.jsonl"
    path = folder / "hopeless.py"
    result = run("fill", "-w", "--grammar", "none", "--tries", 2, "--trace", trace, path)
    assert result.exit_code == Exit.UNVERIFIED
    assert "error: no fill was found that parses, in 2 attempts" in result.stderr
    assert "unmatched ')'" in result.stderr
    assert trace.read_text().count('"outcome": "unparsable"') == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fill", "--sed", "1", "a.py"], "--seed"),
        (["fil"], "fill"),
        (["fill"], "PATHS"),
        (["fill", "--policy", "confident", "a.py"], "'left-to-right', 'confidence'"),
        (["fill", "--seed", "x", "a.py"], "not a valid integer"),
        (["fill", "-", "a.py"], "cannot be mixed"),
        (["fill", "-w", "-"], "no file to write"),
        (["fill", "--stdin-filename", "a.py", "b.py"], "pass - as the path"),
        (["fill", "--seed", "-1", "a.py"], "seed is out of range"),
        (["fill", "--tries", "0", "a.py"], "tries is out of range"),
        (["fill", "--steps", "0", "a.py"], "steps is out of range"),
        (["fill", "--top-p", "0", "a.py"], "top_p is out of range"),
        (["fill", "--top-k", "-1", "a.py"], "top_k is out of range"),
        (["fill", "--temperature", "nan", "a.py"], "temperature is out of range"),
        (["fill", "--max-tokens", "0", "a.py"], "max_tokens is out of range"),
        (["fill", "--marker", " ", "a.py"], "marker is out of range"),
        (["fill", "-"], "the language of standard input is not known"),
        (["fill", "-", "--stdin-filename", "a.rs"], "no parser for files of this kind"),
        (["fill", "--length", "1-99999999999999", "a.py"], "length is out of range"),
        (["fill", "--goal", "python 'x", "a.py"], "No closing quotation"),
        (["fill", "--goal", " ", "a.py"], "it has no words"),
        (["trace", "paly"], "play"),
        (["completion", "tcsh"], "'bash', 'zsh', 'fish'"),
    ],
)
def test_a_bad_command_line_is_told(run, arguments, said):
    result = run(*arguments)
    assert result.exit_code == Exit.INPUT
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_goal_that_is_no_command_is_told_before_the_model_is_loaded(run, folder, monkeypatch):
    monkeypatch.setattr("infill.load", None, raising=False)
    for command in (["fill"], ["rewrite", "--lines", "1"]):
        result = run(*command, "--goal", "python 'x", folder / "good.py")
        assert (result.exit_code, result.stdout) == (Exit.INPUT, "")
        for part in ("error: the command", "--goal", "expected: ", "got: ", "try: "):
            assert part in result.stderr


def test_an_unknown_model_is_told_with_what_there_is(run, folder):
    result = run("fill", "--model", "embeded", folder / "good.py")
    assert result.exit_code == Exit.MODEL
    assert "there is no model 'embeded'" in result.stderr
    assert "did you mean 'embedded'?" in result.stderr


def test_a_model_without_files_is_told(run, folder):
    result = run("fill", "--model", folder / "folder", folder / "good.py")
    assert result.exit_code == Exit.MODEL
    assert result.stderr.startswith("error: ")


def test_a_read_only_file_is_told_before_the_model_is_loaded(run, tmp_path, monkeypatch):
    monkeypatch.setattr("infill.load", None, raising=False)
    path = tmp_path / "a.py"
    path.write_bytes(GOOD)
    path.chmod(0o444)
    result = run("fill", "-w", path)
    assert result.exit_code == Exit.FAILED
    assert "the file is read-only" in result.stderr
    assert f"try: chmod u+w {path}" in result.stderr
    assert path.read_bytes() == GOOD


def test_a_read_only_file_can_be_shown(answers, run, tmp_path):
    answers("total")
    path = tmp_path / "a.py"
    path.write_bytes(GOOD)
    path.chmod(0o444)
    assert "+x = total" in run("fill", path).stdout


def test_a_full_disk_is_told(answers, run, folder, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    answers("total")
    monkeypatch.setattr(os, "fsync", full)
    result = run("fill", "-w", folder / "good.py")
    assert result.exit_code == Exit.FAILED
    assert "could not be replaced; it is as it was" in result.stderr
    assert "got: No space left on device" in result.stderr


def test_a_file_that_changes_meanwhile_is_left_alone(answers, run, tmp_path, monkeypatch):
    import infill  # noqa: PLC0415 - patched below

    answers("total")
    path = tmp_path / "a.py"
    path.write_bytes(GOOD)
    load = infill.load

    def edit_and_load(name):
        path.write_bytes(b"mine")
        return load(name)

    monkeypatch.setattr(infill, "load", edit_and_load)
    result = run("fill", "-w", path)
    assert result.exit_code == Exit.STALE
    assert "the file changed since it was read" in result.stderr
    assert path.read_bytes() == b"mine"


def test_ctrl_c_in_the_middle_is_an_exit_code(answers, run, folder, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    answers("total")
    monkeypatch.setattr("infill.models.scripted.Scripted.__call__", interrupted)
    result = run("fill", "-w", folder / "good.py")
    assert (result.exit_code, result.stderr) == (Exit.INTERRUPTED, "interrupted\n")


def test_a_trace_never_overwrites_a_file_that_is_none(answers, run, folder):
    answers("total")
    for victim in ("no_hole.py", "good.py"):
        result = run("fill", "--trace", folder / victim, folder / "good.py")
        assert result.exit_code == Exit.INPUT
        assert "would overwrite" in result.stderr


def test_a_trace_that_cannot_be_written_is_told(answers, run, folder):
    answers("total")
    result = run("fill", "--trace", folder / "gone" / "t.jsonl", folder / "good.py")
    assert result.exit_code == Exit.FAILED
    assert "the trace cannot be written" in result.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_a_trace_on_a_full_disk_leaves_the_file(answers, run, folder):
    answers("total")
    result = run("fill", "-w", "--trace", "/dev/full", folder / "good.py")
    assert result.exit_code == Exit.FAILED
    assert "No space left" in result.stderr
