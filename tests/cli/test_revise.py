"""`infill revise` and `infill rewrite`: what is printed, what is written, what is refused."""

from __future__ import annotations

import pytest

import infill
from infill.cli import main
from infill.edit.revised import Doubting
from infill.models.scripted import Scripted, byte_vocab, noise

GOOD = b"def f(xs):\n    total = sum(xs)\n    return total\n"
BAD = GOOD.replace(b"return total", b"return totla")


@pytest.fixture
def model(monkeypatch):
    """A model without opinions: what is changed is what a parser and scope rules ask for."""
    vocab = byte_vocab()
    quiet = Scripted(vocab, lambda canvas: 0.01 * noise(vocab)(canvas))
    monkeypatch.setattr(infill, "load", lambda _: quiet, raising=False)
    monkeypatch.setattr("infill.cli.running.digest_of", lambda _: quiet.capabilities.digest)


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(BAD)
    return path


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.py"
    path.write_bytes(GOOD)
    return path


@pytest.mark.usefixtures("model")
def test_a_good_file_has_no_diff_and_is_not_written(run, good):
    before = good.stat().st_mtime_ns
    result = run("revise", good)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "left" in result.stderr
    assert "0 changes" in result.stderr
    assert run("revise", "--write", good).exit_code == 0
    assert before == good.stat().st_mtime_ns


@pytest.mark.usefixtures("model")
def test_a_diff_is_printed_and_nothing_is_written(run, bad):
    result = run("revise", bad, "--diagnostics")
    assert result.exit_code == 0
    assert "-    return totla\n+    return " in result.stdout
    assert bad.read_bytes() == BAD
    assert "1 change, 1 place in doubt" in result.stderr


@pytest.mark.usefixtures("model")
def test_write_writes(run, bad):
    result = run("revise", "-w", "-q", bad)
    assert (result.exit_code, result.output) == (0, "")
    assert b"totla" not in bad.read_bytes()
    assert bad.read_bytes().startswith(GOOD[:-6])


@pytest.mark.usefixtures("model")
def test_other_lines_stay(run, bad):
    result = run("revise", "--lines", "1-2", bad)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "still: nothing binds 'totla'" in result.stderr


@pytest.mark.usefixtures("model")
def test_standard_input_goes_revised_to_standard_output(run):
    result = run("revise", "-", "--language", "python", stdin=GOOD)
    assert (0, GOOD) == (result.exit_code, result.stdout_bytes)


def test_lines_are_rewritten_around_what_is_kept(answers, run, good):
    answers("len(xs)")
    result = run("rewrite", "--lines", "2", "--keep", "total = ", good)
    assert result.exit_code == 0
    assert "-    total = sum(xs)\n+    total = len(xs)\n" in result.stdout
    assert run("rewrite", "-w", "--lines", "2", "--keep", "total = ", good).exit_code == 0
    assert good.read_bytes() == GOOD.replace(b"sum", b"len")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rewrite"], "with --lines or --select"),
        (["rewrite", "--lines", "x"], "no range of lines"),
        (["rewrite", "--lines", "3-2"], "no range of lines"),
        (["rewrite", "--lines", "9"], "not so many lines"),
        (["rewrite", "--lines", "1-2", "--lines", "2-3"], "allowed spans overlap"),
        (["rewrite", "--lines", "4"], "an allowed span is empty"),
        (["rewrite", "--lines", "2", "--keep", "zebra"], "does not stand in the spans"),
        (["rewrite", "--lines", "2", "--keep", "return"], "does not stand in the spans"),
        (["rewrite", "--lines", "2", "--keep", "    total = sum(xs)"], "nothing is left"),
        (["revise", "--lines", "9"], "not so many lines"),
        (["revise", "--lines", "0"], "no range of lines"),
        (["revise", "--rounds", "0"], "rounds is out of range"),
    ],
)
def test_bad_input_is_told_and_nothing_changes(run, good, arguments, said):
    result = run(*arguments, good)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""
    assert good.read_bytes() == GOOD


@pytest.mark.usefixtures("model")
def test_a_file_that_cannot_be_mended_is_an_error_of_its_own(run, tmp_path):
    path = tmp_path / "hopeless.py"
    path.write_bytes(b"x = (((\ny = 1\n")
    result = run("revise", "--write", "--lines", "2", path)
    assert result.exit_code == 4
    assert "no revision was found that parses" in result.stderr
    assert path.read_bytes() == b"x = (((\ny = 1\n"


def test_defaults_are_those_of_doubting():
    options = {option.name: option.default for option in main.commands["revise"].params}
    doubting = Doubting()
    for name in ("doubt", "gain", "places", "rounds"):
        assert getattr(doubting, name) == options[name]


@pytest.mark.usefixtures("model")
def test_a_budget_holds_and_is_named(run, bad):
    result = run("revise", "--write", bad, "--nfe-budget", 0)
    assert result.exit_code != 0
    assert str(bad) in result.stderr
    assert "0 or fewer (nfe_budget)" in result.stderr
    assert bad.read_bytes() == BAD
