"""Writing and taking back, with the journal: after a crash in any moment it is known what is where.

Before a file is replaced the journal has its old bytes and the digest of the new ones. So a file of
a row in the state `writing` is one of the two, and says itself which.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from infill.batch.journal import Journal, Row, State
from infill.edit.files import OpenedFile, digest_of, open_file, replace_file, temporary_of
from infill.errors import InfillError, InputError, JournalError, StaleError, WriteError
from infill.text import Source

UNDONE = "undone"
"""What a run is noted as that was put back, or is being put back."""


def write(journal: Journal, row: Row) -> None:
    """Put a row's outcome into its file. Raises StaleError or WriteError; it is then as it was."""
    if row.outcome is None:
        raise JournalError("there is no outcome to write", where=f"{journal.path}, {row.name}")
    opened = reopened(row)
    after = row.outcome.result(opened.source.data)
    journal.writing(row.n, opened.source.data, digest_of(after))
    try:
        replace_file(opened, after, token=_token(journal, row.n))
    except InfillError:
        journal.mark(row.n, "done")
        raise
    journal.mark(row.n, "written")


def write_all(journal: Journal, numbers: Sequence[int]) -> tuple[int, InfillError] | None:
    """Put the outcomes of several rows into their files, all or none.

    Where one of them is hindered all are put back, those too that were written before a crash,
    and it is returned with the reason. Raises WriteError where one cannot be put back.
    """
    n = -1
    try:
        for n in numbers:
            write(journal, journal.row(n))
    except BaseException as error:
        if isinstance(error, InfillError) and not isinstance(error, JournalError):
            roll_back(journal)
            return n, error
        with suppress(JournalError):  # the first trouble is the one to tell
            roll_back(journal)
        raise
    return None


def roll_back(journal: Journal) -> None:
    """Put back what the run wrote up to now; it is then as if nothing had been delivered."""
    settle(journal)
    put_back(journal, journal.numbers("written"), state="done")


def reopened(row: Row) -> OpenedFile:
    """The file of a row. Raises StaleError where it is no longer what was read."""
    try:
        opened = open_file(Path(row.name))
    except InputError as error:
        raise StaleError(
            "the file changed since it was read",
            where=row.name,
            got=f"{error.what} {error.got}".rstrip(),
            hint="run again; it was left alone",
        ) from error
    if opened.digest == row.digest and str(opened.target) == row.path:
        return opened
    raise StaleError(
        "the file changed since it was read",
        where=row.name,
        got="other bytes" if str(opened.target) == row.path else f"a link to {opened.target}",
        hint="run again; it was left alone",
    )


def settle(journal: Journal, *, restored: State = "done") -> None:
    """Find out how writing and putting back ended that a crash cut short, and clean up after it.

    The files have the word: one that has its old bytes is `restored`, whatever was noted.
    """
    for n in journal.numbers("writing", "written"):
        row = journal.row(n)
        if row.path is None:
            raise JournalError("a text that is in no file was written", where=str(journal.path))
        path = Path(row.path)
        with suppress(OSError):  # of a written file: it was being put back
            temporary_of(path, _token(journal, n)).unlink()
        found = _digest_at(path)
        if row.state == "writing":
            journal.mark(n, "written" if found == row.after else "done")
        elif found == row.digest:
            journal.mark(n, restored)


def undo(journal: Journal) -> int:
    """Put back every file that the run wrote, and say how many.

    Raises StaleError, with the reasons, where one of them is not what was written; then all are
    left alone.
    """
    settle(journal, restored="undone")
    numbers = journal.numbers("written")
    reasons = [reason for n in numbers if (reason := _hindrance(journal.row(n)))]
    if reasons:
        raise StaleError(
            "the run cannot be undone; all its files were left alone",
            where=reasons[0] if len(reasons) == 1 else f"{len(reasons)} files",
            expected="files as the run wrote them",
            got="\n       ".join(reasons),
            hint="put those files back as they were, or take the changes back by hand: "
            "`infill runs RUN --diff` shows them",
        )
    if numbers:
        journal.note(state=UNDONE)  # at once: what is cut short here is gone on with by undoing
    put_back(journal, numbers)
    return len(numbers)


def put_back(journal: Journal, numbers: Sequence[int], *, state: State = "undone") -> None:
    """Restore files, the last written first. Raises WriteError, naming what could not be.

    A journal that cannot be written to does not keep files from being restored; that is raised
    when all are.
    """
    failed, unkept = list[str](), list[JournalError]()
    for n in reversed(numbers):
        row, before = journal.row(n), journal.before(n)
        if row.path is None or before is None or row.after is None:
            raise JournalError("what was there is not known", where=f"{journal.path}, {row.name}")
        path = Path(row.path)
        if _digest_at(path) != digest_of(before):  # else it was put back before a crash
            opened = OpenedFile(path, path, Source(b"", row.name), row.after)
            try:
                replace_file(opened, before, token=_token(journal, n))
            except WriteError as error:
                failed.append(f"{row.name}: {error.got or error.what}")
                continue
        try:
            journal.mark(n, state)
        except JournalError as error:
            unkept.append(error)
    if unkept:
        raise unkept[0]
    if failed:
        raise WriteError(
            "some files could not be put back",
            where=", ".join(failed),
            hint=f"once that is mended: infill undo {journal.id}",
        )


def _hindrance(row: Row) -> str:
    """Why a file cannot be put back; "" where it can, or has been."""
    found = _digest_at(Path(row.path or ""))
    if found in {row.after, row.digest}:
        return ""
    return f"{row.name}: {'it is gone' if found is None else 'it was changed since'}"


def _digest_at(path: Path) -> str | None:
    try:
        return digest_of(path.read_bytes()) if path.is_file() else None  # a pipe would not end
    except OSError:
        return None


def _token(journal: Journal, n: int) -> str:
    """A name for the file that is written first: one per run and text."""
    return f"{journal.id or id(journal)}-{n}"
