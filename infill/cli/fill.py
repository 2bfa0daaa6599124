"""`infill fill`: the options, and nothing that needs numpy."""

from __future__ import annotations

from typing import Any

import click

from infill.cli.choices import LANGUAGES, POLICIES, SCHEDULES
from infill.cli.exits import Exit, guarded
from infill.cli.output import color_option

# The defaults of settings are repeated here, since `Settings` needs numpy to be made;
# tests/cli/test_choices.py holds the two equal.


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATHS... | -", type=click.Path(allow_dash=True)
)
@click.option("-w", "--write", is_flag=True, help="Write the filled files; all or nothing each.")
@click.option(
    "--diff/--no-diff",
    default=None,
    help="Print unified diffs.  [default: unless --write or -]",
)
@click.option("--stdin-filename", metavar="NAME", help="The file that standard input stands for.")
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    help="Whose parser must accept the result.  [default: by the file's suffix]",
)
@click.option(
    "--grammar",
    metavar="NAME|FILE|none",
    help="What the whole text must be at every step: one of `infill grammar list`, a .lark or "
    ".schema.json file, or none.  [default: by the language]",
)
@click.option(
    "--model", default="embedded", metavar="NAME|FOLDER", show_default=True, help="Who fills."
)
@click.option("--marker", default="<FILL_ME>", show_default=True, help="What marks a hole.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same fill.")
@click.option(
    "--steps", type=int, help="Denoise steps of an attempt.  [default: one for each token]"
)
@click.option(
    "--schedule",
    type=click.Choice(SCHEDULES),
    default="linear",
    show_default=True,
    help="How steps share the tokens.",
)
@click.option(
    "--policy",
    type=click.Choice(POLICIES),
    default="confidence",
    show_default=True,
    help="Which tokens to write first.",
)
@click.option(
    "--temperature",
    type=float,
    default=0.0,
    show_default=True,
    help="0 takes the likeliest token; above, tokens are drawn.",
)
@click.option(
    "--top-p",
    type=float,
    default=1.0,
    show_default=True,
    help="Draw from the likeliest tokens that together reach this.",
)
@click.option(
    "--top-k",
    type=int,
    default=0,
    show_default=True,
    help="Draw from this many tokens; 0 is all.",
)
@click.option("--tries", type=int, default=8, show_default=True, help="Attempts for each hole.")
@click.option(
    "--max-tokens", type=int, default=24, show_default=True, help="The longest fill of a hole."
)
@click.option(
    "--length",
    default="auto",
    metavar="auto|N|A-B|A,B,...",
    show_default=True,
    help="Tokens of a fill: found out, or one of these numbers.",
)
@click.option(
    "--candidates",
    type=int,
    default=1,
    show_default=True,
    help="Fills of different lengths to choose the best from.",
)
@click.option(
    "--alternatives",
    type=int,
    default=0,
    show_default=True,
    help="Other fills to list on stderr.",
)
@click.option("--nfe-budget", type=int, help="Forwards that a text may take.  [default: no bound]")
@click.option(
    "--time-limit", type=float, metavar="SECONDS", help="Then the best so far is handed out."
)
@click.option(
    "--one-line/--many-lines",
    default=True,
    show_default=True,
    help="Whether a hole with text before it on its line stays on that line.",
)
@click.option(
    "--trace",
    type=click.Path(),
    metavar="FILE",
    help="Record every attempt, failed ones too, as JSON lines.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@color_option
@click.option(
    "--live/--no-live",
    default=None,
    help="Show the denoising on stderr.  [default: on a terminal]",
)
@guarded
def fill(**options: Any) -> Exit:  # noqa: ANN401 - Request names and types them
    """Fill the <FILL_ME> holes of files, and print what would change.

    Nothing is written without --write. With - the text comes from standard input and the
    filled text goes to standard output.

    \b
    Exit codes: 0 done; 2 usage or bad input; 3 some files failed, or could not be written;
    4 no fill parses; 5 model; 6 a file changed meanwhile; 130 interrupted.
    """
    from infill.cli.filling import Request, run  # noqa: PLC0415 - numpy, rich, and then torch

    return run(Request(**options))
