"""From what a command line names to files: each once, in an order that stays, the rest counted.

A file that is named is always taken. Of folders, globs and lists what is hidden, ignored, binary,
too long, or of no known language is left out; a file that cannot be read is not, so that whoever
reads it says so. A link is never followed out of the root, nor to a folder. Nothing is kept of a
file but its name.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from infill.batch.walk.ignoring import IgnoreFiles, Rules
from infill.batch.walk.naming import Glob, is_glob
from infill.edit.verify import SUFFIXES
from infill.errors import PathError
from infill.limits import DEFAULT, Limits

HIDDEN, IGNORED, EXCLUDED = "hidden", "ignored", "excluded"
BINARY, LONG, UNKNOWN = "binary", "too long", "of no known language"
OUTSIDE, FOLDER_LINK, BROKEN = "link out of the root", "link to a folder", "link to nothing"
SPECIAL, REPEATED = "no regular file", "the same file again"
HEAD = 8_192
"""Bytes of a file that are looked at to tell whether it is binary."""
REPOSITORY = ".git"
NOWHERE = (errno.ENOENT, errno.ELOOP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to take of folders.

    language   the one of all files, whatever their names; None goes by suffix
    hidden     whether to look at names that begin with a dot; never into `.git`
    ignore     whether to keep to ignore files
    exclude    lines as in an ignore file in the root; they come before any such file
    limits     `limits.text` is the most bytes of a file
    """

    language: str | None = None
    hidden: bool = False
    ignore: bool = True
    exclude: tuple[str, ...] = ()
    limits: Limits = field(default=DEFAULT, repr=False)


@dataclass(frozen=True, slots=True)
class Walked:
    """What was found.

    paths     the files, as the user would name them
    named     those that were named themselves, not found in a folder or by a glob
    skipped   how many were left out, by reason; a folder counts as one
    shut      for each folder on the way that cannot be read: why
    """

    paths: tuple[str, ...]
    named: frozenset[str]
    skipped: dict[str, int]
    shut: tuple[PathError, ...] = ()


def walk(
    paths: Iterable[str],
    *,
    root: Path | str = ".",
    options: Options | None = None,
    listed: Iterable[str] = (),
) -> Walked:
    """The files that paths and globs stand for, and after them those of a list of names.

    root     what links must not lead out of; a path outside of it is a root of its own

    Order: as named; in a folder by the bytes of the path. Raises PathError for a file that is
    named twice, a link out of the root that is named, a folder that cannot be read, and a glob
    that nothing matches. A missing file is left to who reads it.
    """
    walking = _Walking(root, options or Options())
    for path in paths:
        walking.take(path)
    for path in listed:
        walking.take(path, listed=True)
    found, named = tuple(walking.found), frozenset(walking.named)
    return Walked(found, named, dict(walking.skipped), tuple(walking.shut))


def lies_in(path: str, root: str) -> bool:
    """Whether a file is below a folder once all links are followed."""
    return _within(os.path.realpath(path), os.path.realpath(root))


def require_inside(path: str, *, root: str, spelt: str | None = None) -> None:
    """Refuse a name in the root that a link leads out of it; another one has a root of its own.

    root    with all links resolved; `spelt` is it as the user names it

    Raises PathError.
    """
    named, real = os.path.abspath(path), os.path.realpath(path)  # noqa: PTH100
    inside = _within(named, spelt or root) or _within(named, root)
    root = root if inside else _parent(named, path)
    if not _within(real, root):
        raise PathError(
            "a link leads out of the root",
            where=path,
            expected=f"a file in {root}",
            got=f"a link to {real}",
            hint="name the file itself",
        )


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file on the way, and what its folder said of it."""

    path: str
    identity: object
    link: bool


class _Walking:
    """One walk; `found` has the files in order."""

    def __init__(self, root: Path | str, options: Options) -> None:
        self.options = options
        self.root = os.path.realpath(root)
        self.spelt = os.path.abspath(root)  # noqa: PTH100 - links on the way stay
        self.found: dict[str, None] = {}
        self.named: dict[str, None] = {}
        self.skipped = Counter[str]()
        self.shut: list[PathError] = []
        self._matched = False
        self._seen: dict[object, str] = {}
        self._excluded = Rules.of(options.exclude)
        self._ignoring = IgnoreFiles()

    def take(self, path: str, *, listed: bool = False) -> None:
        """What one argument stands for."""
        if not listed and is_glob(path) and not os.path.lexists(path):
            self._glob(path)
        elif os.path.isdir(path):  # noqa: PTH112 - a name, thousands of times
            self._inside(path)
            self._folder(path, None)
        else:
            self._file(path, listed=listed)

    def _file(self, path: str, *, listed: bool) -> None:
        """A file that is named."""
        self._inside(path)
        try:
            status = os.stat(path)  # noqa: PTH116
            identity: object = (status.st_dev, status.st_ino)
        except OSError:
            identity = os.path.realpath(path)
        before = self._seen.get(identity)
        if before is None:
            self._seen[identity] = path
            self.found[path] = self.named[path] = None
        elif before in self.named and not listed:
            raise PathError(
                "a file is named twice",
                where=path,
                expected="each file once",
                got=f"{before} and {path} are the same file",
                hint="leave one out; nothing was done",
            )
        else:
            self.named[before] = None
            self._again(before, path)

    def _again(self, before: str, path: str) -> None:
        """Count a file that was found before under another name."""
        if before != path:
            self.skipped[REPEATED] += 1

    def _inside(self, path: str) -> None:
        """Refuse a name in the root that a link leads out of it."""
        require_inside(path, root=self.root, spelt=self.spelt)

    def _glob(self, text: str) -> None:
        glob = Glob.of(text)
        if os.path.isdir(glob.folder or "."):  # noqa: PTH112
            self._inside(glob.folder or ".")
            self._matched = False
            self._folder(glob.folder or ".", glob)
            if self._matched:
                return
        raise PathError(
            "nothing matches the pattern",
            where=text,
            expected="a file or a folder",
            hint="a pattern is matched from the current directory on; ** is any number of folders",
        )

    def _folder(self, folder: str, glob: Glob | None) -> None:
        """Take what is in a folder; `_matched` says whether anything was there to be matched."""
        shown = "" if folder == "." else f"{folder.rstrip('/')}/"
        real = os.path.realpath(folder)
        root = self.root if _within(real, self.root) else real
        found = list[_Entry]()
        try:
            for entry in self._entries(real, shown, root, glob):
                found.append(entry)
        except OSError as error:
            raise _shut(folder, error) from error
        # a link to a file that is found itself is left out, so that the file has its own name
        for entry in sorted(found, key=lambda one: one.link):
            self._again(self._seen.setdefault(entry.identity, entry.path), entry.path)
        for entry in sorted(found, key=lambda one: os.fsencode(one.path)):
            if self._seen[entry.identity] == entry.path:
                self.found[entry.path] = None

    def _entries(self, real: str, shown: str, root: str, glob: Glob | None) -> Iterator[_Entry]:
        """The files below a folder. Raises OSError where the folder itself cannot be read."""
        start = frozenset[int]() if glob is None else glob.start
        waiting = [(real, shown, start)]
        first = True
        while waiting:
            folder, prefix, places = waiting.pop()
            try:
                with os.scandir(folder) as scanned:
                    entries = list(scanned)
            except OSError as error:
                if first:
                    raise
                self.shut.append(_shut(prefix, error))
                continue
            first = False
            matching = [(entry, _after(glob, places, entry.name)) for entry in entries]
            wanted = [(entry, at) for entry, at in matching if at is not None]
            self._matched |= glob is not None and any(glob.ends(at) for _, at in wanted)
            for entry, at in self._kept(folder, root, wanted):
                path = f"{prefix}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((f"{folder.rstrip('/')}/{entry.name}", f"{path}/", at))
                elif glob is None or glob.ends(at):
                    yield from self._taken(entry, path, root)

    def _kept(
        self, folder: str, root: str, entries: Sequence[tuple[os.DirEntry[str], frozenset[int]]]
    ) -> Iterator[tuple[os.DirEntry[str], frozenset[int]]]:
        """What is neither hidden nor excluded nor ignored."""
        ignored = set[str]()
        if self.options.ignore:
            ignored = self._ignoring.ignored(folder, [entry for entry, _ in entries])
        below = folder[len(root.rstrip("/")) + 1 :]
        for entry, at in entries:
            name = entry.name
            if name == REPOSITORY or (name.startswith(".") and not self.options.hidden):
                self.skipped[HIDDEN] += 1
                continue
            path = f"{below}/{name}" if below else name
            excluded = self._excluded.says(path, folder=entry.is_dir(follow_symlinks=False))
            if excluded or (excluded is None and name in ignored):
                self.skipped[EXCLUDED if excluded else IGNORED] += 1
                continue
            yield entry, at

    def _taken(self, entry: os.DirEntry[str], path: str, root: str) -> Iterator[_Entry]:
        """The file, unless there is a reason to leave it out."""
        link, identity = entry.is_symlink(), cast("object", path)
        try:
            status = entry.stat()
            identity = (status.st_dev, status.st_ino)
            reason = _unfit(entry.path, status, link=link, root=root)
            reason = reason or self._unread(entry.path, status.st_size)
        except OSError as error:  # whoever reads it says why not
            reason = BROKEN if link and error.errno in NOWHERE else self._unknown(entry.path)
        if reason:
            self.skipped[reason] += 1
        else:
            yield _Entry(path, identity, link)

    def _unread(self, path: str, size: int) -> str:
        """Why the text of a file is not for us, or nothing."""
        if unknown := self._unknown(path):
            return unknown
        if size > self.options.limits.text:
            return LONG
        with open(path, "rb") as file:  # noqa: PTH123
            return BINARY if b"\0" in file.read(HEAD) else ""

    def _unknown(self, path: str) -> str:
        suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122 - a name, thousands of times
        return "" if self.options.language is not None or suffix in SUFFIXES else UNKNOWN


def _shut(folder: str, error: OSError) -> PathError:
    got = error.strerror or str(error)
    return PathError("the folder cannot be read", where=folder, got=got)


def _after(glob: Glob | None, places: frozenset[int], name: str) -> frozenset[int] | None:
    """The places in a glob after a name; None where it does not match."""
    return places if glob is None else glob.after(places, name) or None


def _unfit(path: str, status: os.stat_result, *, link: bool, root: str) -> str:
    """Why something is no file to work on, or nothing."""
    if link and not _within(os.path.realpath(path), root):
        return OUTSIDE
    if stat.S_ISDIR(status.st_mode):
        return FOLDER_LINK
    return "" if stat.S_ISREG(status.st_mode) else SPECIAL


def _within(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root.rstrip('/')}/")


def _parent(spelt: str, path: str) -> str:
    """The root that a name outside of the root has: its folder, or itself if it is one."""
    return os.path.realpath(spelt if os.path.isdir(path) else os.path.dirname(spelt))  # noqa: PTH112, PTH120
