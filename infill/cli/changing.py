"""What the commands that change texts have in common: options, exit codes, and how they begin.

Nothing here needs numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import click

from infill.cli.exits import Exit, guarded
from infill.cli.options import (
    DECODING,
    LANGUAGE,
    LIVE,
    MODEL,
    NAMING,
    RESULTS,
    RUNNING,
    SAFETY,
    SHOWING,
    Decorator,
    reported,
    taking,
)
from infill.cli.walking import TAKEN, WALKING

Name = Literal["fill", "rewrite", "revise", "batch"]
FILES: tuple[Decorator, ...] = (*TAKEN, *WALKING, *NAMING, *LANGUAGE)
"""Which texts, for commands that take files."""
CODES = (
    "Exit codes: 0 done; 1 something would change (--check, --diff), or was not begun; 2 usage or "
    "bad input; 3 some failed; 4 nothing found that passes its checks; 5 model; 6 a file changed "
    "meanwhile, or has uncommitted changes; 130 interrupted; 143 told to end (SIGTERM)."
)


def changing(
    *own: Sequence[Decorator],
    short_help: str | None = None,
    sampling: Sequence[Decorator] = DECODING,
    form: str = "text",
) -> Callable[[Callable[..., Exit]], click.Command]:
    """A command with options of its own, and after them those of all that change texts.

    sampling   the options that say how
    form       what the report is by default
    """
    options = taking(*own, RESULTS, reported(form), SAFETY, MODEL, sampling, RUNNING, SHOWING, LIVE)

    def made(function: Callable[..., Exit]) -> click.Command:
        return click.command(short_help=short_help, epilog=CODES)(options(guarded(function)))

    return made


def begin(command: Name, options: Mapping[str, Any]) -> Exit:
    """Do what the options ask for."""
    from infill.cli.request import Request  # noqa: PLC0415 - as the next
    from infill.cli.running import run  # noqa: PLC0415 - numpy, rich, and then torch

    return run(Request.of(command, options))
