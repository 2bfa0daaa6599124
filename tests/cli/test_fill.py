"""`infill fill` on good input: what is printed, what is written, what is kept."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

SOURCE = b"def f(xs):\n    total = sum(xs)\n    return <FILL_ME>\n"
FILLED = SOURCE.replace(b"<FILL_ME>", b"total")


def names(folder):
    return sorted(entry.name for entry in Path(folder).iterdir())


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(SOURCE)
    return path


def test_a_diff_is_printed_and_nothing_is_written(answers, run, source):
    answers("total")
    result = run("fill", source)
    assert result.exit_code == 0
    assert "-    return <FILL_ME>\n+    return total\n" in result.stdout
    assert source.read_bytes() == SOURCE
    assert "filled" in result.stderr
    assert "1 hole, 1 attempt" in result.stderr


def test_the_diff_can_be_applied_with_patch(answers, run, source, monkeypatch):
    monkeypatch.chdir(source.parent)
    answers("total")
    diff = run("fill", "./a.py").stdout_bytes
    subprocess.run(["git", "apply", "-"], input=diff, cwd=source.parent, check=True)  # noqa: S607
    assert source.read_bytes() == FILLED


def test_write_writes_and_prints_no_diff(answers, run, source):
    answers("total")
    result = run("fill", "--write", source)
    assert (result.exit_code, result.stdout) == (0, "")
    assert source.read_bytes() == FILLED
    assert [source.name] == names(source.parent)


def test_write_with_diff_does_both(answers, run, source):
    answers("total")
    result = run("fill", "-w", "--diff", source)
    assert "+    return total" in result.stdout
    assert source.read_bytes() == FILLED


def test_no_diff_without_write_only_tries(answers, run, source):
    answers("total")
    result = run("fill", "--no-diff", source)
    assert (result.exit_code, result.stdout, source.read_bytes()) == (0, "", SOURCE)


def test_quiet_says_nothing(answers, run, source):
    answers("total")
    assert run("fill", "--quiet", "--write", source).output == ""


def test_several_holes_in_several_files_are_filled(answers, run, tmp_path):
    answers("1", "22")
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_bytes(b"x = <FILL_ME>\nwhile x:\n    y = <FILL_ME>\n")
    result = run("fill", "-w", tmp_path / "a.py", tmp_path / "b.py")
    assert result.exit_code == 0
    for name in ("a.py", "b.py"):
        assert (tmp_path / name).read_bytes() == b"x = 1\nwhile x:\n    y = 22\n"


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_byte_order_mark_and_missing_newline_stay(answers, run, source, end, bom, last):  # noqa: PLR0913, PLR0917 - all combinations
    answers("x")
    lines = [b"x = '\xc3\xa9'", b"y = <FILL_ME>", b"z = 3", *([b""] if last else [])]
    before = bom + end.join(lines)
    source.write_bytes(before)
    assert run("fill", "-w", source).exit_code == 0
    assert source.read_bytes() == before.replace(b"<FILL_ME>", b"x")


def test_a_file_s_name_may_be_any_bytes(answers, run, tmp_path):
    answers("total")
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.py"))
    path.write_bytes(SOURCE)
    assert b"caf\\351.py" in run("fill", path).stdout_bytes
    assert run("fill", "-w", path).exit_code == 0
    assert path.read_bytes() == FILLED


def test_mode_and_link_stay(answers, run, source, tmp_path):
    answers("total")
    source.chmod(0o755)
    link = tmp_path / "link.py"
    link.symlink_to(source)
    assert run("fill", "-w", link).exit_code == 0
    assert link.is_symlink()
    assert stat.S_IMODE(source.stat().st_mode) == 0o755
    assert source.read_bytes() == FILLED


def test_standard_input_goes_filled_to_standard_output(answers, run):
    answers("total")
    result = run("fill", "-", "--language", "python", stdin=SOURCE.replace(b"\n", b"\r\n"))
    assert (0, FILLED.replace(b"\n", b"\r\n")) == (result.exit_code, result.stdout_bytes)


def test_standard_input_can_be_shown_as_a_diff(answers, run):
    answers("total")
    result = run("fill", "-", "--stdin-filename", "src/a.py", "--diff", stdin=SOURCE)
    assert result.stdout.startswith("--- a/src/a.py\n+++ b/src/a.py\n")


def test_json_is_known_by_its_suffix(answers, run, tmp_path):
    answers("[1]")
    (tmp_path / "a.json").write_bytes(b'{"a": <FILL_ME>}')
    result = run("fill", "-w", tmp_path / "a.json")
    assert result.exit_code == 0
    assert (tmp_path / "a.json").read_bytes() == b'{"a": [1]}'


def test_language_none_fills_any_text(answers, run, tmp_path):
    answers("world")
    (tmp_path / "a.txt").write_bytes(b"hello <FILL_ME>")
    result = run("fill", "-w", "--language", "none", tmp_path / "a.txt")
    assert result.exit_code == 0
    assert (tmp_path / "a.txt").read_bytes() == b"hello world"


def test_another_marker_can_mark_holes(answers, run, tmp_path):
    answers("1")
    (tmp_path / "a.py").write_bytes(b"x = ???  # <FILL_ME>\n")
    result = run("fill", "-w", "--marker", "???", tmp_path / "a.py")
    assert result.exit_code == 0
    assert (tmp_path / "a.py").read_bytes() == b"x = 1  # <FILL_ME>\n"


def test_the_same_seed_gives_the_same_bytes(answers, run, source):
    answers("xx.yy")
    options = ("fill", "--temperature", "1", "--top-k", "5", "--seed", "7", source, "-q")
    first, second = run(*options), run(*options)
    assert first.stdout_bytes == second.stdout_bytes


@pytest.mark.parametrize(
    "policy",
    [
        "left-to-right",
        "confidence",
        "entropy",
        "margin",
        "threshold",
        "entropy-bounded",
        "blockwise",
    ],
)
def test_every_policy_fills(answers, run, source, policy):
    answers("total")
    result = run("fill", "--policy", policy, "--schedule", "cosine", "--steps", "3", source)
    assert result.exit_code == 0
    assert "+    return total" in result.stdout


def test_color_is_drawn_only_when_asked(answers, run, source, monkeypatch):
    answers("total")
    assert "\x1b" not in run("fill", source).stdout
    assert "\x1b[32m+    return total\x1b[0m" in run("fill", "--color", "always", source).stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[32m+" in run("fill", source).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("fill", source).stdout
    assert "\x1b" not in run("fill", "--color", "never", source).stdout


def test_a_coloured_diff_hides_no_control_character(answers, run, tmp_path):
    answers("1")
    (tmp_path / "a.py").write_bytes(b"s = '\x1b[2J'\nx = <FILL_ME>\n")
    result = run("fill", "--color", "always", tmp_path / "a.py")
    assert "\x1b[2J" not in result.stdout
    assert "␛[2J" in result.stdout


def test_live_without_a_terminal_prints_no_control_codes(answers, run, source):
    answers("total")
    result = run("fill", "--live", source)
    assert result.exit_code == 0
    assert "\x1b" not in result.output
