"""`infill apply`: make the changes that a report or a patch says. No model is needed."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from infill.cli.exits import Exit, Report, guarded
from infill.cli.output import color_option, note, wants_color, write_diff
from infill.errors import PathError

STDIN = "-"


@click.command(short_help="Make the changes of a report or a patch.")
@click.argument("source", metavar="REPORT|PATCH|-", type=click.Path(allow_dash=True))
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file would change.")
@click.option("--dry-run", is_flag=True, help="As --check, and print what would change.")
@click.option("-R", "--reverse", is_flag=True, help="Take the changes back.")
@click.option(
    "--verify/--no-verify",
    default=None,
    help="Whether a file that parses must parse afterwards.  [default: unless --reverse]",
)
@click.option(
    "--root",
    default=".",
    show_default=True,
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="The folder that the paths are below.",
)
@click.option(
    "-p",
    "--strip",
    default=1,
    show_default=True,
    type=click.IntRange(0),
    help="Folders to take off a patch's paths: 1 for a/ and b/.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@color_option
@guarded
def apply(  # noqa: PLR0913 - one parameter per option
    source: str,
    *,
    check: bool,
    dry_run: bool,
    reverse: bool,
    verify: bool | None,
    root: Path,
    strip: int,
    quiet: bool,
    color: str,
) -> Exit:
    """Make the changes of a REPORT (--format json or jsonl) or a PATCH, or of standard input.

    All files are changed or none: each is looked at first, and must be what the report or the
    patch is for, to the byte. A patch may come from git or elsewhere; what makes, deletes or
    renames files is refused, and so are paths that lead out of the folder.

    \b
    Exit codes: 0 done, or done before; 1 --check: files would change; 2 usage, or a patch that
    cannot be read; 3 a file could not be written, or several reasons; 4 a result does not parse;
    6 a file is not what the patch is for.
    """
    from infill.batch.apply import perform, plan, read_changes  # noqa: PLC0415 - quick help
    from infill.batch.patch import patch_of  # noqa: PLC0415 - quick help

    changes = read_changes(_read(source), _name(source), strip=strip)
    if reverse:
        changes = [change.reversed() for change in changes]
    planned = plan(changes, root, checked=not reverse if verify is None else verify)
    if planned.problems:
        report = Report(color=color)
        for problem in planned.problems:
            with report.catching():
                raise problem
        note("nothing was written", quiet=quiet)
        return report.code
    for path in planned.already:
        said = "does not have the change" if reverse else "has the change already"
        note(f"{path} {said}", quiet=quiet)
    if dry_run:
        colored = wants_color(color, terminal=sys.stdout.isatty())
        for step in planned.steps:
            patch = patch_of(step.opened.source.data, step.after, step.path)
            write_diff(patch.decode("utf-8", "surrogateescape"), color=colored)
    if check or dry_run:
        note(f"{_files(len(planned.steps))} would change", quiet=quiet)
        return Exit.NO if planned.steps else Exit.DONE
    perform(planned.steps)
    done = f"changed {_files(len(planned.steps))}" if planned.steps else "nothing to do"
    note(done, quiet=quiet)
    return Exit.DONE


def _name(source: str) -> str:
    return "<stdin>" if source == STDIN else source


def _read(source: str) -> bytes:
    """The report or patch. Raises PathError."""
    try:
        return sys.stdin.buffer.read() if source == STDIN else Path(source).read_bytes()
    except OSError as error:
        raise PathError(
            "the report or patch cannot be read",
            where=_name(source),
            got=error.strerror or str(error),
        ) from error


def _files(count: int) -> str:
    return f"{count} file{'s' * (count != 1)}"
