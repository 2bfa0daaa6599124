"""Goals over texts: what they say, that they ask once, and that what hangs or raises is told."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from infill.canvas import Canvas, Slot
from infill.edit.goals import (
    Command,
    Function,
    OnCanvases,
    Problems,
    Ran,
    lines_counted,
    parses,
    share_of_tests,
)
from infill.errors import GoalError, OptionError

ECHO = "import pathlib, sys; print(pathlib.Path(sys.argv[1]).read_text())"


def command(code: str, **options) -> Command:
    """Runs a line of Python on the text."""
    return Command(argv=("{python}", "-c", code, "{path}"), path="text.py", **options)


def test_a_goal_judges_a_text_once():
    asked = []

    def count(text: str) -> int:
        asked.append(text)
        return text.count("!")

    goal = Problems(count)
    scores = [goal.score(text) for text in ("a!", "b", "a!", "b")]
    assert [-1.0, 0.0, -1.0, 0.0] == scores
    assert [False, True] == [goal.reached(text) for text in ("a!", "b")]
    assert ["a!", "b"] == asked


def test_a_function_without_enough_is_never_reached():
    goal = Function(len)
    assert 2.0 == goal.score("ab")
    assert not goal.reached("ab")


def test_a_parser_is_a_goal():
    goal = Problems(parses("python"))
    assert [True, False] == [goal.reached(text) for text in ("x = 1\n", "x = (\n")]
    assert [True, False] == [Problems(parses("json")).reached(text) for text in ("[1]", "[1")]


@pytest.mark.parametrize("kind", [Function, Problems])
def test_a_goal_that_raises_says_what_and_where(kind):
    def unlucky(text: str) -> float:
        raise KeyError(text)

    with pytest.raises(GoalError, match="a goal raised an error") as caught:
        kind(unlucky).score("abc")
    assert "KeyError: 'abc'" == caught.value.got
    assert "unlucky" in caught.value.where


def test_a_goal_that_hangs_is_an_error_and_not_a_wait():
    before = time.monotonic()
    with pytest.raises(GoalError, match="did not come back"):
        Function(lambda _: time.sleep(3) or 0.0, seconds=0.05).score("")
    assert time.monotonic() - before < 2


@pytest.mark.parametrize("answer", [None, "much", float("nan")])
def test_what_is_no_number_is_no_score(answer):
    with pytest.raises(GoalError, match="no score"):
        Function(lambda _: answer).score("")


@pytest.mark.parametrize(
    ("output", "score"),
    [
        ("=== 1 failed, 3 passed in 0.12s ===", 3 / 4),
        ("=== 2 failed, 1 passed, 1 error in 0.1s ===", 1 / 4),
        ("Ran 5 tests in 0.001s\n\nFAILED (failures=1, errors=1)", 3 / 5),
        ("test result: FAILED. 7 passed; 1 failed; 0 ignored", 7 / 8),
        ("Tests:       1 failed, 1 passed, 2 total", 1 / 2),
        ("  6 passing (4ms)\n  2 failing", 6 / 8),
        ("1..3\nok 1 - a\nnot ok 2 - b\nok 3 - c", 2 / 3),
        ("3 passed", 3 / 4),  # and yet it failed: something else went wrong
        ("Segmentation fault", 0.0),
        ("", 0.0),
    ],
)
def test_the_share_of_tests_is_read_from_what_runners_print(output, score):
    assert score == pytest.approx(share_of_tests(Ran(1, output)))
    assert 1.0 == share_of_tests(Ran(0, output))


def test_a_command_runs_the_tests_of_a_copy_of_the_folder(tmp_path):
    (tmp_path / "area.py").write_text("the user's own\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / "check.py").write_text(
        "import pathlib, unittest\n"
        "from area import area\n"
        "class T(unittest.TestCase):\n"
        "    def test_two(self): self.assertEqual(area(2), 4)\n"
        "    def test_one(self): self.assertEqual(area(1), 1)\n"
        "    def test_copy(self): self.assertFalse(pathlib.Path('.git').exists())\n"
        "unittest.main()\n"
    )
    goal = Command(argv=("{python}", "check.py"), path="area.py", folder=tmp_path)
    right, wrong = "def area(a):\n    return a * a\n", "def area(a):\n    return a\n"
    assert [1.0, 2 / 3] == pytest.approx([goal.score(right), goal.score(wrong)])
    assert [True, False] == [goal.reached(right), goal.reached(wrong)]
    assert "the user's own\n" == (tmp_path / "area.py").read_text()
    assert {".git", "area.py", "check.py"} == {path.name for path in tmp_path.iterdir()}


def test_a_command_sees_the_text_and_nothing_of_our_environment(monkeypatch):
    monkeypatch.setenv("INFILL_TEST_SECRET", "x")
    seen = []
    code = "import os, sys; print(sorted(os.environ), open(sys.argv[1]).read(), os.getcwd())"
    goal = command(code, measure=lambda ran: seen.append(ran) or 0.0, environment=(("OWN", "1"),))
    assert 0.0 == goal.score("naïve text")
    (ran,) = seen
    assert "naïve text" in ran.output
    assert "'OWN'" in ran.output
    assert "INFILL_TEST_SECRET" not in ran.output
    assert not Path(ran.output.split()[-1]).exists()  # the copy is gone


def test_a_link_does_not_lead_the_text_out_of_the_copy(tmp_path):
    outside = tmp_path / "outside.py"
    outside.write_text("safe")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "text.py").symlink_to(outside)
    assert 1.0 == command("", folder=folder).score("new")
    assert "safe" == outside.read_text()


def test_a_linter_is_a_goal_of_lines():
    code = "import sys\nfor n, line in enumerate(open(sys.argv[1]), 1):\n"
    code += "    if '\\t' in line: print(f'text.py:{n}:1: tab')\n"
    goal = command(code, measure=lines_counted(), enough=0.0)
    assert [-2.0, 0.0] == [goal.score("\ta\n\tb\n"), goal.score("a\n")]
    assert [False, True] == [goal.reached("\ta\n\tb\n"), goal.reached("a\n")]


def alive(process: int) -> bool:
    """Whether it runs; what was killed and not yet collected does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("late", [None, -1.0])
def test_a_command_that_hangs_is_killed_with_its_children(tmp_path, late):
    note = tmp_path / "children"
    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(f'{{child.pid}} {{os.getpid()}}')\n"
        "time.sleep(60)\n"
    )
    goal = command(code, seconds=1.5, late=late)
    if late is None:
        with pytest.raises(GoalError, match="did not come back"):
            goal.score("")
    else:
        assert late == goal.score("")
    processes = [int(word) for word in note.read_text().split()]
    deadline = time.monotonic() + 5
    while any(map(alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [False, False] == [alive(process) for process in processes]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_a_command_leaves_running_is_killed_too(tmp_path):
    note = tmp_path / "child"
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
        "child.returncode = 0\n"
    )
    assert 1.0 == command(code).score("")
    deadline = time.monotonic() + 5
    while alive(int(note.read_text())) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(int(note.read_text()))


def test_a_command_that_is_not_there_is_an_error():
    with pytest.raises(GoalError, match="cannot be run"):
        Command(argv=("no-such-command-at-all",), path="a").score("")


def test_a_measure_that_raises_is_an_error():
    with pytest.raises(GoalError, match="measure raised"):
        command("", measure=lambda ran: 1 / ran.status).score("")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Command(argv="pytest -q", path="a.py"),
        lambda: Command(argv=(), path="a.py"),
        lambda: Command(argv=("true",), path=str(Path("a.py").absolute())),
        lambda: Command(argv=("true",), path="../a.py"),
        lambda: Command(argv=("true",), path="."),
        lambda: Command(argv=("true",), path="a.py", folder="/no/such/folder"),
        lambda: Function(len, seconds=0),
        lambda: Problems(len, seconds=-1),
    ],
)
def test_an_impossible_goal_is_refused(make):
    with pytest.raises(OptionError):
        make()


def test_a_goal_over_texts_judges_canvases():
    goal = OnCanvases(Problems(lambda text: text.count("7")), lambda canvas: str(canvas.ids[0]))
    seven, six = (Canvas([token], [Slot.FILLED]) for token in (7, 6))
    assert [-1.0, 0.0] == [goal.score(seven), goal.score(six)]
    assert [False, True] == [goal.reached(seven), goal.reached(six)]
