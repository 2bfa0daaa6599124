"""What all commands that change texts do alike: plan, let the conductor work, show what comes.

One text that fails does not stop the others. Nothing is written without --write.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from infill.batch.conductor import Conductor, Orders
from infill.batch.engines.protocol import Engine
from infill.batch.git import Asked, State, dirty
from infill.batch.jobs import rows as rows_of
from infill.batch.journal import SKIPPED, Journal, Row
from infill.batch.planning import Plan
from infill.batch.shelf import runs_folder
from infill.batch.store import Store
from infill.batch.surroundings import Surroundings, surroundings
from infill.batch.task import Outcome
from infill.batch.transaction import UNDONE
from infill.batch.verifying import Verifier
from infill.batch.walk import Walked, lies_in, require_inside
from infill.cli.engines import engine_of, jobs_of
from infill.cli.exits import Exit
from infill.cli.live import Viewer, viewing
from infill.cli.output import note
from infill.cli.places import edited_by, finder_for, finder_of
from infill.cli.record import recording
from infill.cli.request import STDIN, STDIN_NAME, Request
from infill.cli.showing import Showing
from infill.cli.walking import files_of
from infill.edit.grammars import chosen
from infill.errors import (
    DirtyError,
    InfillError,
    InputError,
    JournalError,
    OptionError,
    PathError,
)
from infill.limits import DEFAULT
from infill.models.catalogue import digest_of


def run(request: Request) -> Exit:
    """Do what a command line asks for. Raises what concerns all texts, and click.UsageError."""
    request.require_possible()
    request.recipe.settings()  # a mistake in them concerns all texts
    request.recipe.command()
    if request.recipe.grammar is not None:
        chosen(request.recipe.grammar, None)
    model = digest_of(request.model)
    folder = None if request.from_stdin else runs_folder()
    facts = {
        "command": request.command,
        "request": request.to_json(),
        "root": str(Path.cwd()),
        "model": model,
        "pid": os.getpid(),
    }
    with Journal.unkept(facts) if folder is None else Journal.create(folder, facts) as journal:
        try:
            _plan(journal, request)
        except BaseException:
            journal.discard()  # nothing was begun that could be gone on with
            raise
        code = _conducted(journal, request, failures=journal.count("failed"))
        if not journal.count("planned", "done", "writing", "written"):
            journal.discard()  # nothing is left to go on with, or to put back
        return code


def resumed(journal: Journal, *, write: bool, quiet: bool) -> Exit:
    """Go on with a run, as it was asked for; `write` and `quiet` may be asked for now.

    Raises JournalError for one that cannot be gone on with.
    """
    facts = journal.facts
    if facts["state"] == UNDONE:
        raise JournalError(
            "the run was undone",
            where=journal.id,
            hint=f"ask for it anew: what it found is known; infill undo {journal.id} ends "
            "an undoing that was interrupted",
        )
    try:
        request = Request.from_json(facts["request"])
        os.chdir(facts["root"])
    except (TypeError, KeyError, OptionError) as error:
        raise JournalError(
            "the journal is of another version of infill",
            where=journal.id,
            got=str(error),
            hint="use the version that made it; infill undo works all the same",
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise PathError("the run's folder is gone", where=facts["root"], got=reason) from error
    asked = request
    request = replace(request, write=request.write or write, quiet=request.quiet or quiet)
    request = replace(request, check=asked.check and not request.write)
    request = replace(request, limit=None, deadline=None)
    if SKIPPED not in facts and STDIN in {*request.paths, request.files_from}:
        raise JournalError(
            "the run was interrupted before its texts were known",
            where=journal.id,
            hint="run the command again; nothing was done",
        )
    _plan(journal, request)
    if request.writes and not asked.writes:
        if request.command == "batch":
            _require_below(journal)
        if not asked.allow_dirty:
            _require_clean(journal)
    journal.plan_again()
    return _conducted(journal, request, failures=0, again=True)


def _conducted(journal: Journal, request: Request, *, failures: int, again: bool = False) -> Exit:
    """Work off a journal, from wherever it stands, and show all of it.

    failures   that there are already, of those that the run may have
    again      whether the run was interrupted
    """
    most = None if request.most_failures is None else request.most_failures - failures
    showing = Showing(request, journal, skipped=journal.facts[SKIPPED])
    with ExitStack() as stack:
        inputs = (row.name for row in map(journal.row, journal.numbers()))
        record = stack.enter_context(recording(request.trace, inputs=inputs, more=again))
        stack.enter_context(showing)
        if most is not None and most <= 0:
            showing.all(map(journal.row, journal.numbers()))
            return showing.code
        kept = runs_folder() if journal.id else None
        store = stack.enter_context(Store(kept))
        verifier = None
        if request.verify_cmd is not None:
            seconds = request.verify_timeout
            verifier = Verifier(request.verify_cmd, Path.cwd(), seconds=seconds)
            stack.enter_context(verifier)
        viewer = stack.enter_context(_watched(request, journal))

        def observe(n: int, outcome: Outcome) -> None:
            record.add(outcome.traces)
            showing.done(n, outcome)

        orders = Orders(
            write=request.writes,
            together=request.all_or_nothing,
            in_order=request.ordered,
            failures=most,
            seconds=request.deadline,
            verifier=verifier,
            choose=showing.choose if request.interactive else None,
            fresh=request.fresh or request.trace is not None or viewer is not None,
            observe=observe,
        )

        facts = journal.facts
        jobs = int(facts["jobs"]) if "jobs" in facts else jobs_of(request, journal.count("planned"))
        journal.note(jobs=jobs)  # threads that compute together are part of what is computed

        def engine(texts: int) -> Engine:
            return engine_of(request, jobs, texts, viewer, journal.around())

        model, around = str(facts["model"]), str(facts[AROUND])
        conductor = Conductor(journal, store, engine, model, orders, jobs=jobs, around=around)
        try:
            with closing(conductor.run(request.limit)) as shown:
                showing.all(shown)
        except BaseException:
            with suppress(JournalError):  # the first trouble is the one to tell
                journal.note(state="interrupted")
                showing.interrupted()
            raise
        journal.note(state="ended")
    return showing.code


def _plan(journal: Journal, request: Request) -> None:
    """Write down, as far as it is not yet, what is to be done and what lies around it."""
    if SKIPPED not in journal.facts:
        _plan_texts(journal, request)
    if AROUND in journal.facts:
        return
    around = Surroundings()
    if request.workspace and request.operation == "fill":
        rows = map(journal.row, journal.numbers("planned"))
        around = surroundings([row.name for row in rows if row.path or request.stdin_filename])
        journal.surround(around.texts)
        if around.left_out:
            bound = f"{DEFAULT.workspace / 1e6:.0f} MB are read at most"
            left = f"{around.left_out} of the project's texts are not taken after; {bound}"
            note(left, quiet=request.quiet)
    journal.note(**{AROUND: around.digest})


def _plan_texts(journal: Journal, request: Request) -> None:
    """Write down what is to be done, and how many files were left out, by reason.

    Raises PathError for names that are none, InputError for a job that is none, and OptionError
    for what concerns all texts.
    """
    plan = Plan(
        operation=request.operation,
        recipe=request.recipe,
        find=finder_of(request),
        edited=edited_by(request),
        language=request.language,
        doubts=request.doubts,
        write=request.writes,
        folder=str(Path.cwd()),
    )
    if request.command == "batch":
        journal.plan(_jobs(request, plan), skipped={})
        return
    if request.from_stdin:
        name = request.stdin_filename
        data = sys.stdin.buffer.read(DEFAULT.text + 1)
        if len(data) > DEFAULT.text:
            expected = f"up to {DEFAULT.text} bytes (limits.text)"
            where = name or STDIN_NAME
            raise InputError("the text is too long", where=where, expected=expected)
        row = plan.text(0, name or STDIN_NAME, data, language_name=name)
        journal.plan([row], skipped={})
        return
    walked = _walked(request)
    skipped = dict(walked.skipped)

    def skip() -> None:
        skipped[IDLE] = skipped.get(IDLE, 0) + 1

    if request.writes and not request.allow_dirty:
        plan = replace(plan, refuse=_clean_only(dirty(walked.paths).get))
    named = walked.named.__contains__
    rows = plan.files(walked.paths, named=named, skip=skip, shut=walked.shut)
    journal.plan(rows, skipped=skipped)


def _jobs(request: Request, plan: Plan) -> Iterator[Row]:
    """The rows of a list of jobs."""
    (path,) = request.paths
    with ExitStack() as stack:
        try:
            file = sys.stdin.buffer if path == STDIN else stack.enter_context(Path(path).open("rb"))
        except OSError as error:
            reason = error.strerror or str(error)
            raise PathError("the jobs cannot be read", where=path, got=reason) from error
        plan = replace(plan, refuse=_refusing(clean=request.writes and not request.allow_dirty))
        yield from rows_of(
            file,
            STDIN_NAME if path == STDIN else path,
            plan,
            finder=finder_for(request),
            root=str(Path.cwd()) if request.writes else None,
            judged=request.verify_cmd is not None,
        )


IDLE = "nothing to do"
AROUND = "around"


def _walked(request: Request) -> Walked:
    return files_of(
        request.paths,
        files_from=request.files_from,
        null=request.null,
        exclude=request.exclude,
        hidden=request.hidden,
        ignore=request.ignore,
        language=request.language,
    )


def _refusing(*, clean: bool) -> Callable[[str], InfillError | None]:
    """Refuses files that a link in the root leads out of it, or where asked for have changes."""
    root, unclean = str(Path.cwd()), _clean_only(Asked().state)

    def refusal(path: str) -> InfillError | None:
        try:
            require_inside(path, root=root)
        except PathError as error:
            return error
        return unclean(path) if clean else None

    return refusal


def _require_below(journal: Journal) -> None:
    """Raise PathError where a job's file lies elsewhere: planning asks where files are written."""
    root = str(Path.cwd())
    for row in map(journal.row, journal.numbers("planned", "done")):
        if row.path is not None and not lies_in(row.path, root):
            raise PathError(
                "a job's file is not below the run's folder",
                where=row.name,
                expected=f"a file below {root}",
                got=row.path,
                hint="run the jobs anew from a folder above it",
            )


def _require_clean(journal: Journal) -> None:
    """Raise DirtyError where a file that is still to be written has changes of the user's.

    They were not asked about when the run was planned, because nothing was to be written then.
    """
    rows = [journal.row(n) for n in journal.numbers("planned", "done")]
    paths = [row.name for row in rows if row.path is not None]
    refusal = _clean_only(dirty(paths).get)
    for path in paths:
        if (error := refusal(path)) is not None:
            raise error


def _clean_only(state_of: Callable[[str], State | None]) -> Callable[[str], InfillError | None]:
    """Refuses files that have changes which are not committed."""

    def refusal(path: str) -> InfillError | None:
        if (state := state_of(path)) is None:
            return None
        return DirtyError(
            "the file has changes that are not committed",
            where=path,
            expected="a file as its last commit has it",
            got=state,
            hint="commit or stash them, or pass --allow-dirty; `infill undo` puts files back",
        )

    return refusal


@contextmanager
def _watched(request: Request, journal: Journal) -> Generator[Viewer | None]:
    """A view of the denoising, where one text is worked on, or --live asks for it."""
    wanted = request.live if request.live is not None else journal.count("planned") == 1
    if not (wanted and request.shows_live):
        yield None
        return
    with viewing(live=True, color=request.color) as viewer:
        yield viewer
