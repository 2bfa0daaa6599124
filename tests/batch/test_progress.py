"""How far a batch is: a bar that leaves no trace, and a table that leaves nothing out."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from infill.batch.report import Entry, Totals
from infill.batch.task import Failure, Outcome
from infill.cli.progress import Pace, progress, summary
from infill.errors import FillError, WriteError

PROGRAM = """
import sys, time
from infill.cli.progress import progress
with progress(4, live=True, color="auto") as bar:
    for number in range(4):
        time.sleep(0.3)
        bar.advance(2, failed=number == 2, cached=number == 1)
        with bar.aside():
            sys.stdout.write(f"line {number}\\n")
            sys.stderr.write(f"note {number}\\n")
    raise KeyboardInterrupt if sys.argv[1:] else SystemExit
"""
SEQUENCE = re.compile(r"\x1b\[(\??\d*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


def screen(written):
    """What is left on a terminal: it knows the few sequences that a bar uses."""
    lines, row, column = [""], 0, 0
    for found in SEQUENCE.finditer(written):
        count, what, end, text = found.groups()
        if end == "\r":
            column = 0
        elif end == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif text:
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
            column += len(text)
        elif what == "A":
            row -= int(count or 1)
        elif what == "K":
            lines[row] = ""
        else:
            assert what in "mhl", found[0]
    return [line.rstrip() for line in lines[: row + 1]]


def on_a_terminal(*words):
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", PROGRAM, *words], stdout=theirs, stderr=theirs, env=environ
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            some = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not some:
            break
        written += some
    os.close(ours)
    process.wait()
    return written.decode()


def test_what_is_written_beside_a_bar_is_whole_and_the_bar_is_gone():
    written = on_a_terminal()
    assert "3/4 · 1 failed" in re.sub(r"\x1b\[[\d;]*m", "", written)
    lines = [f"{kind} {number}" for number in range(4) for kind in ("line", "note")]
    assert [*lines, ""] == screen(written)
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")  # the cursor is back


def test_an_interruption_takes_the_bar_away():
    lines = screen(on_a_terminal("interrupt"))
    assert lines[7] == "note 3"
    assert lines[8].startswith("Traceback")


@pytest.mark.parametrize("total", [3, None])
def test_nothing_is_shown_where_nobody_watches(capfd, total):
    with progress(total, live=False, color="auto") as bar:
        bar.advance(1, failed=True)
        with bar.aside():
            pass
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("total", "texts", "took", "said"),
    [
        (9, [], 60, "0/9 · 0 holes"),
        (None, [(1, False)] * 2, 0.5, "2 · 2 holes"),
        (9, [(1, False)] * 3, 3, "3/9 · 0:06 left · 60 holes/min · 3 holes"),
        (9, [(5, True)] * 3, 3, "3/9 · 15 holes · 3 cached"),
        (2, [(0, False)] * 2, 60, "2/2 · 0 holes/min · 0 holes"),
        (
            9,
            [(1, True), (1, False)],
            3600,
            "2/9 · 7:00:00 left · 0.0 holes/min · 2 holes · 1 cached",
        ),
    ],
)
def test_a_pace_says_what_is_known(total, texts, took, said):
    times = iter([0.0, took])
    pace = Pace(total, clock=lambda: next(times))
    for holes, cached in texts:
        pace.add(holes, failed=False, cached=cached)
    assert said == " · ".join(pace.said())


def summed(capfd, totals, run=""):
    summary(totals, color="never", run=run)
    out, error = capfd.readouterr()
    assert out == ""
    return [line.rstrip() for line in error.splitlines()]


def test_a_summary_says_everything_that_happened(capfd):
    totals = Totals(
        {"written": 31, "unchanged": 5, "failed": 4, "changed": 0},
        holes=77,
        forwards=1320,
        seconds=84.0,
        cached=5,
        again=3,
        fresh_holes=70,
        skipped={"hidden": 7, "binary": 0, "no language": 12},
    )
    assert summed(capfd, totals, "r7") == [
        "files     5 unchanged · 4 failed · 31 written",
        "left out  7 hidden · 12 no language",
        "work      77 holes in 1:24 · 50 holes/min",
        "model     1320 forwards, 16/s · 5 known from before",
        "run       r7",
        "next      infill resume r7  tries 3 that failed again",
        "          infill undo r7    puts 31 back as they were",
    ]


def test_a_text_that_would_only_fail_again_is_not_offered(capfd):
    totals = Totals()
    for failure in (FillError("no text of the grammar fits"), WriteError("the disk is full")):
        outcome = Outcome(failure=Failure.of(failure))
        totals = totals.plus(Entry("a.py", "fill", "failed", "", None, outcome))
    assert totals.again == 1
    only = Totals({"failed": 2}), replace(totals, statuses={"failed": 2})
    told = [summed(capfd, one, "r7")[-1].strip() for one in only]
    assert told == ["run    r7", "next   infill resume r7  tries 1 that failed again"]


def test_a_summary_of_nothing_is_one_line(capfd):
    assert summed(capfd, Totals()) == ["files  none"]


def test_a_run_that_waits_is_gone_on_with(capfd):
    told = summed(capfd, Totals({"pending": 3, "failed": 1}), "r7")
    assert told[-2:] == ["run    r7", "next   infill resume r7  goes on with 3 that wait"]
