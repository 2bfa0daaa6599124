"""`--interactive`: what a person answers is what is made of the text."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time

import click
import pytest
from click.testing import CliRunner

from infill.batch.task import Piece
from infill.cli.interactive import Chooser, edit_in_editor, require_terminal
from infill.text import Span, TextEdit, apply_edits

BEFORE = b"a = <1>\r\nb = <2>\r\nc = <3>\r\n"
EDITS = [TextEdit(Span(at, at + 3), b"%d" % n) for n, at in enumerate((4, 13, 22), 1)]
PIECES = [
    Piece("1", -0.25, ("one", "uno\nuno")),
    Piece("2", None),
    Piece("3", -1.0, ("\x1b[31mthree",)),
]


class Person:
    """Gives the answers it was told, and keeps the questions."""

    def __init__(self, *answers):
        self.answers, self.questions = list(answers), []

    def __call__(self, question):
        self.questions.append(question)
        return self.answers.pop(0)


def choose(*answers, edited=None, color="never"):
    """The text after a person's answers, what was shown, and who chose."""
    person = Person(*answers)
    chooser = Chooser(color=color, ask=person)
    if edited is not None:
        chooser.edited = edited
    texts = []

    @click.command()
    def command():
        for name in ("a.py", "b.py"):
            chosen = chooser.chosen(name, BEFORE, EDITS, PIECES)
            texts.append(apply_edits(BEFORE, chosen).decode().replace("\r\n", " "))

    done = CliRunner().invoke(command)
    if done.exception is not None:
        raise done.exception
    assert person.answers == []
    assert done.stdout == ""
    return texts, done.stderr, person


ALL, NONE = "a = 1 b = 2 c = 3 ", "a = <1> b = <2> c = <3> "


@pytest.mark.parametrize(
    ("answers", "first", "second"),
    [
        ("yyy nnn", ALL, NONE),
        ("nyn d", "a = <1> b = 2 c = <3> ", NONE),
        ("a d", ALL, NONE),
        ("na yd", "a = <1> b = 2 c = 3 ", "a = 1 b = <2> c = <3> "),
        ("A", ALL, ALL),
        ("nA", "a = <1> b = 2 c = 3 ", ALL),
        ("q", NONE, NONE),
        ("yq", "a = 1 b = <2> c = <3> ", NONE),
        ("yd q", "a = 1 b = <2> c = <3> ", NONE),
    ],
)
def test_answers_choose_what_is_made(answers, first, second):
    texts, _, _ = choose(*answers.replace(" ", ""))
    assert [first, second] == texts


def test_a_number_takes_another_text_after_it_was_shown():
    [text, _], shown, person = choose("1", "y", "n", "1", "y", "q")
    assert text == "a = one b = <2> c = \x1b[31mthree "
    assert "+a = one\n" in shown
    assert " *0: 1  (mean logp -0.25)\n  1: one\n  2: uno⏎uno\n" in shown
    assert "  0: 1  (mean logp -0.25)\n *1: one\n" in shown
    assert person.questions[0] == "(1/3) make this change [y,n,a,d,A,q,0-2,e,?]? "
    assert person.questions[2] == "(2/3) make this change [y,n,a,d,A,q,e,?]? "


def test_the_first_text_can_be_had_again():
    [text, _], _, _ = choose("2", "0", "y", "q")
    assert text == "a = 1 b = <2> c = <3> "


def test_each_change_is_shown_in_the_text_as_it_is_by_then():
    _, shown, _ = choose("1", "y", "n", "y", "q")
    last = shown[shown.rindex("--- a/a.py") : shown.rindex("--- a/b.py")]
    assert " a = one\n b = <2>\n-c = <3>\n+c = 3\n" in last


def test_no_text_can_drive_the_terminal():
    _, shown, _ = choose("d", "q", color="always")
    assert "\x1b[32m+a = 1\x1b[0m" in shown
    _, shown, _ = choose("n", "n", "1", "d", "q")
    assert "␛[31mthree" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("answer", ["", "Y", "yes", "9", "x", "-1", "²"])
def test_another_answer_gets_help_and_the_question_again(answer):
    [text, _], shown, person = choose(answer, "y", "q")
    assert text == "a = 1 b = <2> c = <3> "
    assert "q  leave this and all others" in shown
    assert shown.count("+a = 1\n") == 1  # not again after the help
    assert person.questions[0] == person.questions[1]


def test_a_text_can_be_edited_and_is_shown_before_it_is_taken():
    [text, _], shown, _ = choose("e", "y", "q", edited=lambda new, _: new + b" + 1")
    assert text == "a = 1 + 1 b = <2> c = <3> "
    assert "+a = 1 + 1\n" in shown


@pytest.mark.parametrize("bad", [b"\0", b"\xff"])
def test_an_edit_that_is_no_text_is_told_and_dropped(bad):
    [text, _], shown, _ = choose("e", "y", "q", edited=lambda *_: bad)
    assert text == "a = 1 b = <2> c = <3> "
    assert "where: a.py" in shown


def test_an_editor_that_fails_is_told():
    def fail(*_):
        raise click.ClickException("vi: Editing failed")

    [text, _], shown, _ = choose("e", "y", "q", edited=fail)
    assert text == "a = 1 b = <2> c = <3> "
    assert "vi: Editing failed" in shown


@pytest.mark.parametrize(
    ("before", "program", "after"),
    [
        (b"x", "data + b' + 1\\n'", b"x + 1"),
        (b"x\r\ny", "data.replace(b'y', b'z') + b'\\r\\n'", b"x\r\nz"),
        (b"x\n", "data + b'y\\n'", b"x\ny\n"),
        (b"x", "data + b'\\n'", None),
        (b"x", "data", None),
    ],
)
def test_the_editor_gets_the_bytes_and_its_own_newline_is_taken_off(
    tmp_path, monkeypatch, before, program, after
):
    script = tmp_path / "editor.py"
    script.write_text(
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[-1])\n"
        "data = path.read_bytes()\n"
        "assert path.suffix == '.py'\n"
        f"path.write_bytes({program})\n"
    )
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    assert after == edit_in_editor(before, ".py")


def test_an_input_that_is_no_terminal_is_a_usage_error():
    @click.command()
    def command():
        require_terminal()

    done = CliRunner().invoke(command, input="y\n")
    assert done.exit_code == 2
    assert "--interactive asks on a terminal" in done.stderr


PROGRAM = f"""
import sys
from infill.cli.interactive import Chooser, require_terminal
from infill.batch.task import Piece
from infill.text import Span, TextEdit, apply_edits
require_terminal()
before, edits = {BEFORE!r}, {EDITS!r}
chosen = Chooser().chosen("a.py", before, edits, {PIECES!r})
sys.stdout.write(repr(apply_edits(before, chosen)))
"""


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ((b"1\r", b"y\r", b"n\r", b"y\r"), b"a = one\r\nb = <2>\r\nc = 3\r\n"),
        ((b"y\r", b"\x04"), b"a = 1\r\nb = <2>\r\nc = <3>\r\n"),  # Ctrl-D
    ],
)
def test_a_person_on_a_terminal_chooses(tmp_path, keys, expected):
    """In a real terminal, with the answers typed only when they are asked for."""
    result = tmp_path / "result"
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm"}
    environ.pop("NO_COLOR", None)
    with result.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", PROGRAM], stdin=theirs, stderr=theirs, stdout=out, env=environ
        )
        os.close(theirs)
        try:
            shown = b""
            for key in keys:
                shown += _until(ours, b"]? ")
                os.write(ours, key)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()
            process.wait()
            os.close(ours)
    assert repr(expected) == result.read_text()
    assert b"\x1b[32m+a = 1" in shown
    assert b"\x1b[1m(1/3) make this change" in shown


def _until(terminal, text):
    """What the terminal shows until a text comes."""
    shown, began = b"", time.monotonic()
    while text not in shown:
        assert time.monotonic() - began < 20, shown
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 4096)
    return shown
