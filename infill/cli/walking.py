"""The options that say which files to take, for every command that takes many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from infill.batch.walk import Options, Walked, listed, walk
from infill.cli.options import Decorator

STDIN = "-"
TAKEN: tuple[Decorator, ...] = (
    click.argument("paths", nargs=-1, metavar="[PATHS... | -]", type=click.Path(allow_dash=True)),
)
"""Files, folders and globs; none where a list names them."""
WALKING: tuple[Decorator, ...] = (
    click.option(
        "--files-from",
        metavar="FILE|-",
        help="Also the files that this file, or standard input, names: one a line.",
    ),
    click.option(
        "-0", "--null", is_flag=True, help="With --files-from: each name ends with a NUL."
    ),
    click.option(
        "--exclude",
        multiple=True,
        metavar="PATTERN",
        help="Leave out what matches, as in a .gitignore here; may be repeated.",
    ),
    click.option("--hidden", is_flag=True, help="Also files and folders that begin with a dot."),
    click.option(
        "--ignore/--no-ignore",
        default=True,
        show_default=True,
        help="Whether .gitignore and .infillignore count.",
    ),
)


def files_of(  # noqa: PLR0913 - the options
    paths: Sequence[str],
    *,
    files_from: str | None = None,
    null: bool = False,
    exclude: Sequence[str] = (),
    hidden: bool = False,
    ignore: bool = True,
    language: str | None = None,
) -> Walked:
    """The files that a command line means. Raises PathError; click.UsageError for none."""
    if null and files_from is None:
        raise click.UsageError("--null says how --files-from is written; give that too.")
    if not paths and files_from is None:
        raise click.UsageError("Missing argument 'PATHS... | -': name files, or --files-from.")
    if STDIN in paths:
        raise click.UsageError("- (standard input) cannot be mixed with files.")
    names = () if files_from is None else listed(files_from, null=null)
    options = Options(language=language, hidden=hidden, ignore=ignore, exclude=tuple(exclude))
    return walk(paths, root=".", options=options, listed=names)


def left_out(skipped: Mapping[str, int]) -> str:
    """What was left out, by reason, the most first.

    >>> left_out({"hidden": 1, "ignored": 12}), left_out({})
    ('12 ignored, 1 hidden', '')
    """
    ordered = sorted(skipped.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{number} {reason}" for reason, number in ordered)
