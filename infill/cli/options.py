"""The options that several commands share, as click makes them; nothing that needs numpy.

Defaults of settings are repeated here, since `Settings` needs numpy to be made; a test holds the
two equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import click

from infill.cli.output import color_option
from infill.edit.choices import LANGUAGES, POLICIES, SCHEDULES

FORMATS = ("text", "json", "jsonl", "sarif")
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Lines(click.ParamType[tuple[int, int]]):
    """One line or a range of lines, from 1: `7` or `3-7`."""

    name = "lines"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """First and last line."""
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", str(value))
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last:
            self.fail(f"{value!r} is no range of lines, as 7 or 3-7 is", param, ctx)
        return first, last


NAMING: tuple[Decorator, ...] = (
    click.option(
        "--stdin-filename", metavar="NAME", help="The file that standard input stands for."
    ),
)
MODEL: tuple[Decorator, ...] = (
    click.option(
        "--grammar",
        metavar="NAME|FILE|none",
        help="What the whole text must be at every step: one of `infill grammar list`, a .lark or "
        ".schema.json file, or none.  [default: by the language]",
    ),
    click.option(
        "--model", default="embedded", metavar="NAME|FOLDER", show_default=True, help="Who fills."
    ),
)
AROUND: tuple[Decorator, ...] = (
    click.option(
        "--workspace/--no-workspace",
        default=True,
        show_default=True,
        help="Whether fills may take after lines of the project around.",
    ),
)
SELECTING: tuple[Decorator, ...] = (
    click.option(
        "--lines",
        type=Lines(),
        multiple=True,
        metavar="A[-B]",
        help="Lines that may change; may be repeated.",
    ),
    click.option(
        "--select",
        multiple=True,
        metavar="SELECTOR",
        help="Places that may change: a tree-sitter query, an ast-grep pattern, "
        "FILE::Class.method, or LINE:COL-LINE:COL; may be repeated.",
    ),
    click.option(
        "--part",
        metavar="NAME",
        help="Of what is selected: body, docstring, signature, a $METAVARIABLE or a capture.",
    ),
)
RESULTS: tuple[Decorator, ...] = (
    click.option(
        "-w", "--write", is_flag=True, help="Write the changed files; all or nothing each."
    ),
    click.option(
        "--check", is_flag=True, help="Write nothing; exit with 1 where something would change."
    ),
    click.option(
        "-i", "--interactive", is_flag=True, help="Ask for each change, and write those taken."
    ),
    click.option(
        "--diff/--no-diff",
        default=None,
        help="Print unified diffs, for `git apply`.  [default: unless another result is asked for]",
    ),
    click.option("--patch", type=click.Path(), metavar="FILE", help="Put the diffs there."),
)
LANGUAGE: tuple[Decorator, ...] = (
    click.option(
        "--language",
        type=click.Choice(LANGUAGES),
        help="Whose parser must accept the result.  [default: by the file's suffix]",
    ),
)
SAFETY: tuple[Decorator, ...] = (
    click.option("--allow-dirty", is_flag=True, help="Write also files with uncommitted changes."),
    click.option("--all-or-nothing", is_flag=True, help="Write all changed files, or none."),
    click.option(
        "--verify-cmd",
        metavar="COMMAND",
        help="What must not find more wrong than before, in a copy of the current directory: for "
        "each file where it says {path}, else for all changes together.",
    ),
    click.option(
        "--verify-timeout",
        type=click.FloatRange(0, min_open=True),
        default=120.0,
        metavar="SECONDS",
        show_default=True,
        help="What it may take.",
    ),
)
RUNNING: tuple[Decorator, ...] = (
    click.option(
        "-j",
        "--jobs",
        type=click.IntRange(1),
        help="Processes that sample, parse and verify.  [default: by cores and texts]",
    ),
    click.option(
        "--threads",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="Threads of each; 0 shares the cores.",
    ),
    click.option(
        "--batch-size",
        type=click.IntRange(1),
        default=8,
        show_default=True,
        help="Canvases in one forward.",
    ),
    click.option("--limit", type=click.IntRange(1), help="Work on so many texts at most."),
    click.option(
        "--deadline",
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help="Begin no text after so long; `infill resume` goes on.",
    ),
    click.option("--fail-fast", is_flag=True, help="End with the first failure."),
    click.option(
        "--max-failures", type=click.IntRange(1), help="End after so many.  [default: never]"
    ),
    click.option("--fresh", is_flag=True, help="Sample also what earlier runs know."),
)
BUDGETS: tuple[Decorator, ...] = (
    click.option(
        "--nfe-budget", type=int, help="Forwards that a text may take.  [default: no bound]"
    ),
    click.option(
        "--time-limit", type=float, metavar="SECONDS", help="Then the best so far is handed out."
    ),
)
DECODING: tuple[Decorator, ...] = (
    click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same fill."),
    click.option(
        "--steps", type=int, help="Denoise steps of an attempt.  [default: one for each token]"
    ),
    click.option(
        "--schedule",
        type=click.Choice(SCHEDULES),
        default="linear",
        show_default=True,
        help="How steps share the tokens.",
    ),
    click.option(
        "--policy",
        type=click.Choice(POLICIES),
        default="confidence",
        show_default=True,
        help="Which tokens to write first.",
    ),
    click.option(
        "--temperature",
        type=float,
        default=0.0,
        show_default=True,
        help="0 takes the likeliest token; above, tokens are drawn.",
    ),
    click.option(
        "--top-p",
        type=float,
        default=1.0,
        show_default=True,
        help="Draw from the likeliest tokens that together reach this.",
    ),
    click.option(
        "--top-k",
        type=int,
        default=0,
        show_default=True,
        help="Draw from this many tokens; 0 is all.",
    ),
    click.option("--tries", type=int, default=8, show_default=True, help="Attempts for each hole."),
    click.option(
        "--max-tokens", type=int, default=24, show_default=True, help="The longest fill of a hole."
    ),
    click.option(
        "--search",
        default="greedy",
        metavar="greedy|beam:N|best-of:N|particles:N|remasking:N",
        show_default=True,
        help="How many fills go on side by side, and which are kept.",
    ),
    click.option(
        "--goal",
        metavar="COMMAND",
        help="Tests that the text is for, run in a copy of the current directory for each fill; "
        "{path} is the file's place in it, {python} this Python. The first fill that passes ends "
        "the search, else the best is taken.",
    ),
    click.option(
        "--length",
        default="auto",
        metavar="auto|coarse|N|A-B|A,B,...",
        show_default=True,
        help="Tokens of a fill: found out, coarse: among few that double, or one of these numbers.",
    ),
    click.option(
        "--candidates",
        type=int,
        default=1,
        show_default=True,
        help="Fills of different lengths to choose the best from.",
    ),
    click.option(
        "--rank-by",
        type=click.Choice(["boundary", "agreement"]),
        default="boundary",
        show_default=True,
        help="The best of them: the likeliest with its neighbours, or the one most like the "
        "others.",
    ),
    click.option(
        "--alternatives",
        type=int,
        default=0,
        show_default=True,
        help="Other fills to list on stderr.",
    ),
    *BUDGETS,
    click.option(
        "--one-line/--many-lines",
        default=True,
        show_default=True,
        help="Whether a hole with text before it on its line stays on that line.",
    ),
)
SHOWING: tuple[Decorator, ...] = (
    click.option(
        "--trace",
        type=click.Path(),
        metavar="FILE",
        help="Record every attempt, failed ones too, as JSON lines.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors."),
    color_option,
)
LIVE: tuple[Decorator, ...] = (
    click.option(
        "--live/--no-live",
        default=None,
        help="Show the denoising on stderr.  [default: on a terminal]",
    ),
)


def reported(default: str) -> tuple[Decorator, ...]:
    """The option for the form of the report."""
    choice = click.Choice(FORMATS)
    told = "What goes to standard output."
    return (click.option("--format", type=choice, default=default, show_default=True, help=told),)


def taking(*groups: Sequence[Decorator]) -> Decorator:
    """A command with the options of some groups, in this order in its help."""

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return decorated
