"""Where output goes and whether it has colour. Results go to stdout, all else to stderr.

>>> wants_color("auto", terminal=True, environ={"NO_COLOR": "1"})
False
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console

COLORS = ("auto", "always", "never")
color_option = click.option(
    "--color",
    type=click.Choice(COLORS),
    default="auto",
    show_default=True,
    help="Colour; auto asks NO_COLOR, FORCE_COLOR and the terminal.",
)
SYMBOLS = {
    **{code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"},
    **dict.fromkeys(range(0x7F, 0xA0), "\ufffd"),
}
"""Control characters to their pictures (U+2400 …)."""
HUES = {"+": "green", "-": "red"}
HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


def wants_color(choice: str, *, terminal: bool, environ: Mapping[str, str] | None = None) -> bool:
    """Whether to colour: the option decides, then NO_COLOR, then FORCE_COLOR, then the stream."""
    environ = os.environ if environ is None else environ
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return terminal and environ.get("TERM") != "dumb"


def console_for(stream: TextIO, color: str) -> Console:
    """A rich console on a stream; it never fails on a character that the stream cannot show."""
    from rich.console import Console  # noqa: PLC0415 - 40 ms

    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    colored = wants_color(color, terminal=stream.isatty())
    system = ("auto" if stream.isatty() else "standard") if colored else None
    return Console(
        file=stream,
        color_system=system,
        no_color=not colored,
        force_terminal=stream.isatty(),
        highlight=False,
        markup=False,
        emoji=False,
    )


def write_result(data: bytes) -> None:
    """Put bytes on stdout as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def write_diff(diff: str, *, color: bool) -> None:
    """Put a unified diff on stdout; the coloured one is for eyes and hides no control character."""
    text = "".join(painted(diff)) if color else diff
    write_result(text.encode("utf-8", "surrogateescape"))  # a file's name may be any bytes


def painted(diff: str) -> Iterable[str]:
    """The lines of a unified diff, of any number of files, in the colours of git.

    Carriage returns at the ends of lines are shown where not all changed lines have one.
    """
    lines = diff.split("\n")[:-1]
    changed = [line for line in lines if line[:1] in HUES and line[:3] not in {"---", "+++"}]
    shows_returns = len({line.endswith("\r") for line in changed}) > 1
    left = [0, 0]  # lines of the hunk to come, of the old and of the new text
    for line in lines:
        shown = printable(line if shows_returns else line.removesuffix("\r"))
        if not any(left):
            if head := HUNK.match(line):
                left = [1 if count is None else int(count) for count in head.groups()]
            yield click.style(shown, fg="cyan" if head else None, bold=not head or None) + "\n"
            continue
        left = [left[0] - (line[:1] in " -"), left[1] - (line[:1] in " +")]
        hue = HUES.get(line[:1])
        yield (click.style(shown, fg=hue) if hue else shown) + "\n"


def printable(text: str) -> str:
    """The text with control characters as symbols, so that none can drive the terminal."""
    return text.translate(SYMBOLS)


def note(message: str, *, quiet: bool = False) -> None:
    """A line for the person at the terminal."""
    if not quiet:
        click.echo(message, err=True)
