"""Where output goes and whether it has colour. Results go to stdout, all else to stderr.

>>> wants_color("auto", terminal=True, environ={"NO_COLOR": "1"})
False
"""

from __future__ import annotations

import io
import os
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
    text = "".join(_painted(diff)) if color else diff
    write_result(text.encode("utf-8", "surrogateescape"))  # a file's name may be any bytes


def _painted(diff: str) -> Iterable[str]:
    """The diff's lines in the colours of git."""
    for number, line in enumerate(diff.split("\n")[:-1]):
        shown = printable(line.removesuffix("\r"))
        if number < 2:  # noqa: PLR2004 - the two header lines
            yield click.style(shown, bold=True) + "\n"
        else:
            hue = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
            yield (click.style(shown, fg=hue) if hue else shown) + "\n"


def printable(text: str) -> str:
    """The text with control characters as symbols, so that none can drive the terminal."""
    return text.translate(SYMBOLS)


def note(message: str, *, quiet: bool = False) -> None:
    """A line for the person at the terminal."""
    if not quiet:
        click.echo(message, err=True)
