"""`--interactive`: each change is shown, and a person says which are made.

All is shown on stderr. Nothing is verified here: a part of the changes may not parse.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from infill.batch.task import Piece
from infill.cli.output import painted, printable, wants_color
from infill.edit.unified import unified
from infill.errors import InfillError
from infill.text import Source, Span, TextEdit, apply_edits

MOST = 9
KEYS = "y,n,a,d,A,q,{}e,?"
HELP = """\
y  make this change
n  leave it
a  make this and all others in the file
d  leave this and all others in the file
A  make this and all others in all files
q  leave this and all others in all files; what was chosen so far stays chosen
1  show the change with that one of the other texts instead; 0 takes the first again
e  change the text in $EDITOR (or $VISUAL), and show it again
?  this"""
WIDE = 100


@dataclass(frozen=True, slots=True)
class Choice:
    """One edit that a person is asked about; `piece` has other texts for it."""

    edit: TextEdit
    piece: Piece


def answered(question: str) -> str:
    """What a person answers on the terminal; the end of the input is "q"."""
    click.echo(question, nl=False, err=True)
    line = sys.stdin.readline()
    if not line:
        click.echo(err=True)
    return line.strip() if line else "q"


def require_terminal() -> None:
    """Raise UsageError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise click.UsageError("--interactive asks on a terminal, and standard input is none.")


def edit_in_editor(data: bytes, suffix: str) -> bytes | None:
    """What a person makes of a text in $VISUAL or $EDITOR; None where it was not changed.

    The newline that editors put at the end is taken off where there was none. Raises
    ClickException where the editor cannot be run or fails.
    """
    with tempfile.NamedTemporaryFile(prefix="infill-", suffix=suffix, delete=False) as file:
        path = Path(file.name)
        file.write(data)
    try:
        click.edit(filename=str(path))
        new = path.read_bytes()
    finally:
        path.unlink(missing_ok=True)
    if not data.endswith(b"\n") and new.endswith(b"\n"):
        new = new[: -2 if new.endswith(b"\r\n") else -1]
    return None if new == data else new


@dataclass(slots=True)
class Chooser:
    """Asks about the changes of one file after the other.

    ask       puts a question and returns the answer
    edited    lets a person change a text; None where it was left as it is
    everything, ended   what `A` and `q` have said for all that follows
    """

    color: str = "auto"
    ask: Callable[[str], str] = answered
    edited: Callable[[bytes, str], bytes | None] = edit_in_editor
    everything: bool = False
    ended: bool = False

    def chosen(
        self, path: str, before: bytes, edits: Sequence[TextEdit], pieces: Sequence[Piece] = ()
    ) -> tuple[TextEdit, ...]:
        """The edits to make, in order, with the texts that the person wants there."""
        taken: list[TextEdit] = []
        ordered = _choices(edits, pieces)
        for number, choice in enumerate(ordered):
            rest = [other.edit for other in ordered[number:]]
            if self.ended:
                break
            if self.everything:
                return (*taken, *rest)
            answer, edit = self._asked(path, before, taken, choice, (number + 1, len(ordered)))
            if answer in {"y", "a", "A"}:
                taken.append(edit)
            self.everything, self.ended = answer == "A", answer == "q"
            if answer == "d":
                break
            if answer == "a":
                return (*taken, *rest[1:])
        return tuple(taken)

    def _asked(
        self,
        path: str,
        before: bytes,
        taken: Sequence[TextEdit],
        choice: Choice,
        place: tuple[int, int],
    ) -> tuple[str, TextEdit]:
        """The answer to one change, and the change as it then is."""
        texts = (choice.edit.new, *(text.encode() for text in choice.piece.alternatives[:MOST]))
        edit, shows = choice.edit, True
        while True:
            if shows:
                self._show(path, before, taken, edit)
                _list(texts, edit.new, choice.piece.score)
            numbers = f"0-{len(texts) - 1}," if len(texts) > 1 else ""
            prompt = f"({place[0]}/{place[1]}) make this change [{KEYS.format(numbers)}]? "
            answer = self.ask(click.style(prompt, bold=True) if self._colored else prompt)
            shows = answer == "e" or (answer.isdecimal() and int(answer) < len(texts))
            if answer in {"y", "n", "a", "d", "A", "q"}:
                return answer, edit
            if answer == "e":
                edit = self._changed(path, before, edit)
            elif shows:
                edit = replace(edit, new=texts[int(answer)])
            else:
                click.echo(HELP, err=True)

    def _changed(self, path: str, before: bytes, edit: TextEdit) -> TextEdit:
        """The edit with what the editor left; one that cannot be in a text is told and dropped."""
        try:
            new = self.edited(edit.new, Path(path).suffix)
            if new is None:
                return edit
            Source.of(apply_edits(before, [replace(edit, new=new)]), path)
        except (click.ClickException, InfillError) as error:
            click.echo(str(error), err=True)
            return edit
        return replace(edit, new=new)

    def _show(
        self,
        path: str,
        before: bytes,
        taken: Sequence[TextEdit],
        edit: TextEdit,
    ) -> None:
        """The change in the text as it is with those before it."""
        shift = sum(len(one.new) - len(one.span) for one in taken)
        span = Span(edit.span.start + shift, edit.span.stop + shift)
        text = apply_edits(before, taken)
        moved = TextEdit(span, edit.new)
        diff = unified(text, apply_edits(text, [moved]), path, [moved]).decode(errors="replace")
        lines: Iterable[str] = painted(diff) if diff else ["(no change)\n"]
        shown = "".join(lines)
        click.echo(shown if self._colored else click.unstyle(shown), err=True, nl=False, color=True)

    @property
    def _colored(self) -> bool:
        return wants_color(self.color, terminal=sys.stderr.isatty())


def _choices(edits: Sequence[TextEdit], pieces: Sequence[Piece]) -> list[Choice]:
    """The edits in order, each with its piece, where it has one."""
    known = len(edits) == len(pieces)
    each = pieces if known else [Piece(edit.new.decode(errors="replace")) for edit in edits]
    pairs = sorted(zip(edits, each, strict=True), key=lambda pair: pair[0])
    return [Choice(edit, piece) for edit, piece in pairs]


def _list(texts: Sequence[bytes], now: bytes, score: float | None) -> None:
    """The texts that can be had, with their keys; the one that is shown has a star."""
    if len(texts) == 1:
        return
    sure = f"  (mean logp {score:.2f})" if score is not None else ""
    for number, text in enumerate(texts):
        line = printable(text.decode(errors="replace")).replace("\n", "⏎")
        line = f"{line[:WIDE]}…" if len(line) > WIDE else line
        star = "*" if text == now else " "
        click.echo(f" {star}{number}: {line}{'' if number else sure}", err=True)
