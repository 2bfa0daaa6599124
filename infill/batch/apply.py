"""Make the changes that a patch or a report says, in all of its files or in none.

Every file is looked at before one is written; what was written is put back where another fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infill.batch.patch_reader import inside, read_patch
from infill.batch.report_reader import is_report, read_report
from infill.edit.files import OpenedFile, open_file, replace_file, require_writable
from infill.edit.verify import SUFFIXES, verify
from infill.errors import InfillError, PathError, UnverifiedError, WriteError
from infill.limits import DEFAULT, Limits
from infill.text import Source

Seen = dict[tuple[int, int], str]
"""Paths by their files' device and inode."""


class Change(Protocol):
    """What is to become of one file."""

    @property
    def path(self) -> str:
        """The file, below the root."""
        ...

    def applied(self, before: bytes) -> bytes:
        """The changed text. Raises StaleError for another text than it is for."""
        ...

    def done(self, data: bytes) -> bool:
        """Whether a text has the change."""
        ...

    def reversed(self) -> Change:
        """The change back. Raises InputError where it is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """A file and what it is to hold."""

    path: str
    opened: OpenedFile
    after: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written, which files have the change, and why others cannot have it."""

    steps: tuple[Step, ...] = ()
    already: tuple[str, ...] = ()
    problems: tuple[InfillError, ...] = field(default=())


def read_changes(data: bytes, name: str, *, strip: int = 1) -> tuple[Change, ...]:
    """The changes of a report or a patch, whichever it is. Raises InputError."""
    return read_report(data, name) if is_report(data) else read_patch(data, name, strip=strip)


def plan(
    changes: Iterable[Change], root: Path, *, checked: bool = True, limits: Limits = DEFAULT
) -> Plan:
    """Look at every file; nothing is written.

    root      the folder that the paths are taken from, and that no link may lead out of
    checked   whether a result must parse, where the file did
    """
    steps: list[Step] = []
    already: list[str] = []
    problems: list[InfillError] = []
    seen: Seen = {}
    home = root.resolve()
    for change in changes:
        try:
            opened = _opened(change.path, root, home, seen, limits)
            before = opened.source.data
            if change.done(before):
                already.append(change.path)
                continue
            after = Source.of(change.applied(before), change.path).data
            if checked:
                _require_parsed(change.path, before, after)
            require_writable(opened)
            steps.append(Step(change.path, opened, after))
        except InfillError as error:
            problems.append(error)
    return Plan(tuple(steps), tuple(already), tuple(problems))


def perform(steps: Sequence[Step]) -> None:
    """Write every file, or none.

    Raises StaleError or WriteError where one cannot be; those before it are then as they were,
    unless the error says that one could not be put back. An interruption puts them back, too.
    """
    count = 0
    try:
        for step in steps:
            replace_file(step.opened, step.after)
            count += 1
    except BaseException as error:
        # an interruption may have come right behind the replacing
        torn = count < len(steps) and _now(steps[count]) == steps[count].after
        left = [*_put_back(steps[: count + torn])]
        if left:
            raise WriteError(
                "not all files could be written, nor put back as they were",
                where=", ".join(left),
                got=str(error).replace("\n", ";"),
                hint="look at these files; all others are as they were",
            ) from error
        raise


def _put_back(steps: Sequence[Step]) -> Iterator[str]:
    """Put the old bytes back where ours are; the paths of the files where that is not done."""
    for step in reversed(steps):
        try:
            opened = open_file(step.opened.path)
            if opened.source.data == step.after:
                replace_file(opened, step.opened.source.data)
                continue
        except InfillError:
            pass
        if _now(step) != step.opened.source.data:
            yield step.path


def _now(step: Step) -> bytes | None:
    """What the file holds; None where it cannot be read."""
    try:
        return step.opened.path.read_bytes()
    except OSError:
        return None


def _opened(path: str, root: Path, home: Path, seen: Seen, limits: Limits) -> OpenedFile:
    """A file below the root, that no other path names. Raises PathError and what reading does."""
    opened = open_file(root / path, limits=limits)
    if not opened.target.is_relative_to(home):
        raise PathError(
            "a symbolic link leads out of the folder",
            where=path,
            expected=f"a file in {home}",
            got=str(opened.target),
        )
    inside(str(opened.target.relative_to(home)), path)  # a link may lead to git's own
    status = opened.target.stat()
    other = seen.setdefault((status.st_dev, status.st_ino), path)
    if other != path:
        raise PathError("two paths are the same file", where=f"{path} and {other}")
    return opened


def _require_parsed(path: str, before: bytes, after: bytes) -> None:
    """Raise UnverifiedError where a file that parsed no longer does."""
    language = SUFFIXES.get(Path(path).suffix.lower())
    if language is None:
        return
    check = verify(after, language)
    if not check.ok and verify(before, language).ok:
        raise UnverifiedError(
            f"the result does not pass the check {check.name!r}",
            proposal=None,
            where=f"{path}: {check.reason}",
            hint="--no-verify takes it as it is",
        )
