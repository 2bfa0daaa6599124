"""`infill trace`: playing and summing up what `infill fill --trace` recorded."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from infill.cli.exits import Exit

SOURCE = b"def f(xs):\n    total = sum(xs)\n    return <FILL_ME>\n"


@pytest.fixture
def trace(answers, run, tmp_path):
    answers("total")
    (tmp_path / "a.py").write_bytes(SOURCE)
    path = tmp_path / "t.jsonl"
    assert run("fill", "--trace", path, "--quiet", tmp_path / "a.py").exit_code == 0
    return path


def test_into_a_pipe_goes_the_last_picture_and_a_summary(run, trace):
    result = run("trace", "play", trace)
    assert result.exit_code == 0
    assert result.stdout.count("return total") == 1
    assert "▢" not in result.stdout
    assert "attempt 1 · tick 5 of 5 · 0 open" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("filled (5 steps, ")
    assert "\x1b" not in result.stdout


def test_stats_prints_a_line_for_each_attempt(run, trace):
    head, row, total = run("trace", "stats", trace).stdout.splitlines()
    assert head.split() == [
        "file",
        "attempt",
        "steps",
        "tokens",
        "ms/step",
        "mean",
        "logp",
        "outcome",
    ]
    assert row.split()[1:4] == ["1", "5", "5"]
    assert row.split()[-1] == "filled"
    assert total.startswith("1 traces, 5 steps, ")


def test_a_trace_can_be_written_over_by_the_next(answers, run, trace):
    answers("sum(xs)")
    source = trace.parent / "a.py"
    assert run("fill", "--trace", trace, source).exit_code == 0
    assert "return sum(xs)" in run("trace", "play", trace).stdout


def test_a_trace_that_breaks_off_is_played_as_far_as_it_goes(run, trace):
    lines = trace.read_text().splitlines(keepends=True)
    trace.write_text("".join(lines[:3]))
    result = run("trace", "play", trace)
    assert result.exit_code == 0
    assert "tick 2 of 2 · 3 open" in result.stdout
    assert "incomplete" in result.stdout


def line(number, change):
    """The trace's lines with one changed."""

    def changed(lines):
        parsed = json.loads(lines[number])
        change(parsed)
        return [*lines[:number], json.dumps(parsed), *lines[number + 1 :]]

    return changed


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda _: [], "the trace is empty"),
        (lambda _: ["no json"], "not JSON"),
        (lambda _: ["[]"], "no object"),
        (lambda lines: lines[1:], "out of place"),
        (line(0, lambda header: header.update(schema=2)), "another schema"),
        (line(0, lambda header: header["canvas"].pop("ids")), "not whole"),
        (line(1, lambda step: step.update(moves=[["write", 0, 1, -1.0, "x"]])), "does not fit"),
        (line(1, lambda step: step.update(moves=[["overwrite", 0]])), "not whole"),
    ],
)
@pytest.mark.parametrize("command", ["play", "stats"])
def test_a_broken_trace_is_told(run, trace, break_it, said, command):
    trace.write_text("\n".join(break_it(trace.read_text().splitlines())))
    result = run("trace", command, trace)
    assert result.exit_code == Exit.INPUT
    assert said in result.stderr


def test_a_header_without_all_its_texts_is_told(run, trace):
    shorter = line(0, lambda header: header["canvas"]["texts"].pop())
    trace.write_text("\n".join(shorter(trace.read_text().splitlines())))
    result = run("trace", "play", trace)
    assert result.exit_code == Exit.INPUT
    assert "not whole" in result.stderr


@pytest.mark.parametrize(
    ("data", "said"), [(b"\xff\xfe", "this is no trace"), (None, "cannot be read")]
)
def test_what_is_no_trace_is_told(run, tmp_path, data, said):
    path = tmp_path / "t.jsonl"
    if data is not None:
        path.write_bytes(data)
    result = run("trace", "play", path)
    assert result.exit_code == Exit.INPUT
    assert said in result.stderr


def test_a_directory_is_no_trace(run, tmp_path):
    assert run("trace", "play", tmp_path).exit_code == Exit.INPUT


def test_a_trace_becomes_an_animated_picture(run, trace):
    picture = trace.with_suffix(".svg")
    assert run("trace", "export", trace, picture).exit_code == Exit.DONE
    root = ET.fromstring(picture.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    frames = [group for group in root if group.tag.endswith("}g")]
    assert 6 == len(frames)  # the start and five steps
    first, last = ("".join(frame.itertext()) for frame in (frames[0], frames[-1]))
    assert "▢" in first
    assert "▢" not in last
    assert "return total" in last


def test_a_picture_that_cannot_be_written_is_an_error(run, trace):
    result = run("trace", "export", trace, trace.parent / "missing" / "a.svg")
    assert result.exit_code not in {0, 1}
    assert "the picture cannot be written" in result.stderr
