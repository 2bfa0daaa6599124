"""`infill runs`, `infill resume` and `infill undo`: what was done before."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from infill.cli.exits import Exit, guarded
from infill.cli.output import color_option, note


def _known(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    """The runs that a shell can complete, the latest first."""
    from infill.batch.shelf import journals, runs_folder  # noqa: PLC0415 - sqlite3

    known = ["last", *reversed(journals(runs_folder()))]
    return [CompletionItem(name) for name in known if name.startswith(begun)]


RUN = click.argument("run", metavar="RUN", shell_complete=_known)


@click.command()
@click.argument("run", required=False, shell_complete=_known)
@click.option("--diff", is_flag=True, help="Print what RUN changed, or would.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="Of the list: for people, or a line of JSON each.",
)
@click.option(
    "--forget", type=click.IntRange(0), metavar="DAYS", help="Forget runs older than that."
)
@color_option
@guarded
def runs(run: str | None, *, diff: bool, form: str, forget: int | None, color: str) -> Exit:
    """List the runs that are kept, or the texts of one.

    RUN is an id, the beginning of one, or last: the last that was started in this folder. A run's
    journal has what was planned, done and written, and the bytes that were there before.
    """
    from infill.cli.history import forgotten, listed, shown  # noqa: PLC0415 - sqlite3

    if forget is not None:
        note(f"forgot {forgotten(forget)}")
        return Exit.DONE
    if run is not None:
        shown(run, diff=diff, form=form, color=color)
        return Exit.DONE
    listed(form=form)
    return Exit.DONE


@click.command()
@RUN
@click.option("-w", "--write", is_flag=True, help="Write the changed files, as if asked for then.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@guarded
def resume(run: str, *, write: bool, quiet: bool) -> Exit:
    """Go on with a run that was interrupted, as it was asked for.

    What is done is not done again, and what is shown is all of it. With --write, files that have
    uncommitted changes are refused, unless the run was to --allow-dirty. RUN is an id as `infill
    runs` lists it, the beginning of one, or last: the last that was started in this folder.
    """
    from infill.batch.journal import Journal  # noqa: PLC0415 - sqlite3
    from infill.batch.shelf import runs_folder  # noqa: PLC0415 - likewise
    from infill.cli.running import resumed  # noqa: PLC0415 - numpy, rich, and then torch

    with Journal.open(runs_folder(), run) as journal:
        return resumed(journal, write=write, quiet=quiet)


@click.command()
@RUN
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@guarded
def undo(run: str, *, quiet: bool) -> Exit:
    """Put every file that a run wrote back as it was.

    Where one of them was changed since, nothing is done (exit code 6). RUN is an id as `infill
    runs` lists it, the beginning of one, or last: the last that was started in this folder.
    """
    from infill.batch.journal import Journal  # noqa: PLC0415 - sqlite3
    from infill.batch.shelf import runs_folder  # noqa: PLC0415 - likewise
    from infill.batch.transaction import undo as undone  # noqa: PLC0415 - likewise

    with Journal.open(runs_folder(), run) as journal:
        number = undone(journal)
        noun = "file is" if number == 1 else "files are"
        told = f"{noun} as before {journal.id}" if number else f"are written by {journal.id}"
        note(f"{number or 'no files'} {told}, in {journal.facts['root']}", quiet=quiet)
    return Exit.DONE
