"""Read a unified diff: ours, git's or another's. What it says is taken by the letter.

Renames, new and deleted files, modes and binary files are refused: a fill makes none of them.

>>> [file] = read_patch(b"--- a/x\\n+++ b/x\\n@@ -1 +1 @@\\n-a\\n+b\\n", "x.diff")
>>> file.path, file.applied(b"a\\n")
('x', b'b\\n')
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from infill.batch.patch import FilePatch, Hunk
from infill.edit.unified import ESCAPES, lines_of
from infill.errors import InputError, PathError

HEAD = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(?: .*)?\n", re.DOTALL)
INDEX = re.compile(rb"index ([0-9a-f]+)\.\.([0-9a-f]+)(?: \d+)?\n")
QUOTED = re.compile(rb'"((?:[^"\\]|\\[0-3][0-7]{2}|\\[abtnvfr"\\])*)"')
ESCAPE = re.compile(rb'\\([0-3][0-7]{2}|[abtnvfr"\\])')
LETTERS = {letter: bytes([byte]) for byte, letter in ESCAPES.items()}
NOWHERE = b"/dev/null"
UNFIT = {
    b"GIT binary patch\n": "changes a binary file",
    b"Binary files ": "changes a binary file",
    b"diff --cc ": "is of a merge",
    b"diff --combined ": "is of a merge",
}
"""How lines begin that no patch may have, and what it then does."""
UNFIT_HEADS = {
    **UNFIT,
    b"new file mode": "makes a file",
    b"deleted file mode": "deletes a file",
    b"rename ": "renames a file",
    b"copy ": "copies a file",
    b"old mode": "changes a file's mode",
    b"new mode": "changes a file's mode",
}
"""And those that the head of a file's part may not have; in a message they are prose."""
SIGNATURE = (b"-- \n", b"--\n")
"""What an e-mail has below its text."""


def read_patch(data: bytes, name: str = "<patch>", *, strip: int = 1) -> tuple[FilePatch, ...]:
    """What a patch says, file by file; text before a file's part is passed over.

    name    what errors call the patch
    strip   how many folders to take off each path's front, as in `patch -p1`

    Raises InputError, which names the line, and PathError for a path that leads elsewhere.
    """
    files = tuple(_Reader(lines_of(data), name, strip).files())
    if not files:
        raise InputError(
            "there is no change in the patch",
            where=name,
            expected="a unified diff: lines with ---, +++ and @@",
            got="nothing" if not data else repr(data[:40].decode(errors="replace")),
        )
    seen: set[str] = set()
    for file in files:
        if file.path in seen:
            raise PathError("the patch has a file twice", where=f"{name}: {file.path}")
        seen.add(file.path)
    return files


def inside(path: str, where: str) -> str:
    """A path that stays below the folder that it is taken from, and out of what is git's.

    Raises PathError.

    >>> inside("./a/b.py", "x.diff")
    'a/b.py'
    """
    pure = PurePosixPath(path)
    if not pure.name or pure.is_absolute() or ".." in pure.parts or "\0" in path:
        raise PathError(
            "a path leads out of the folder",
            where=where,
            expected="a file below it, with no .. in its path",
            got=repr(path),
            hint="make the patch again from that folder, or name another with --root",
        )
    if any(part.lower() == ".git" for part in pure.parts):  # its settings and hooks are commands
        raise PathError(
            "a path leads into git's own folder",
            where=where,
            expected="a file that git could keep",
            got=repr(path),
        )
    return str(pure)


class _Reader:
    """Lines and where we are in them."""

    def __init__(self, lines: Sequence[bytes], name: str, strip: int) -> None:
        self._lines, self._name, self._strip = lines, name, strip
        self._at = 0

    def files(self) -> Iterator[FilePatch]:
        """Every file's part."""
        blobs, git = ("", ""), None
        while (line := self._line()) is not None:
            self._refuse(line, UNFIT if git is None else UNFIT_HEADS)
            if self._heads():
                yield self._file(blobs)
                blobs, git = ("", ""), None
                continue
            if line.startswith(b"@@ -"):
                raise self._error("a hunk belongs to no file", "lines with --- and +++ before it")
            if line.startswith(b"diff --git "):
                self._require_changes(git)
                blobs, git = ("", ""), self._at
            elif git is not None and (index := INDEX.fullmatch(line)):
                blobs = index[1].decode(), index[2].decode()
            self._at += 1
        self._require_changes(git)

    def _require_changes(self, git: int | None) -> None:
        if git is not None:
            self._at = git
            raise self._error("a file's part has no changes", "lines with ---, +++ and @@")

    def _line(self, ahead: int = 0) -> bytes | None:
        at = self._at + ahead
        return self._lines[at] if at < len(self._lines) else None

    def _heads(self) -> bool:
        """Whether a file's part begins here."""
        line, following = self._line() or b"", self._line(1) or b""
        return line.startswith(b"--- ") and following.startswith(b"+++ ")

    def _refuse(self, line: bytes, unfit: dict[bytes, str]) -> None:
        for start, what in unfit.items():
            if line.startswith(start):
                raise self._error(f"the patch {what}", "changes of text in files that are there")

    def _error(self, what: str, expected: str, hint: str = "") -> InputError:
        line = self._line()
        got = "the end of the patch" if line is None else repr(line[:60].decode(errors="replace"))
        return InputError(what, where=self._where(), expected=expected, got=got, hint=hint)

    def _where(self) -> str:
        return f"{self._name}, line {self._at + 1}"

    def _file(self, blobs: tuple[str, str]) -> FilePatch:
        old, new = self._path(), self._path()
        if old != new:
            self._at -= 1
            expected = f"+++ {old}" if old else "the same path as after ---"
            raise self._error("the patch renames a file, or its paths differ", expected)
        hunks: list[Hunk] = []
        end = 0
        while (line := self._line()) is not None and line.startswith(b"@@ "):
            hunk = self._hunk()
            if hunk.start < end:
                raise InputError("two hunks are out of order, or overlap", where=hunk.place)
            end = hunk.start + len(hunk.old)
            hunks.append(hunk)
        if not hunks:
            raise self._error("a file's part has no hunk", "a line with @@")
        return FilePatch(new, tuple(hunks), blobs)

    def _path(self) -> str:
        """The path of a `---` or `+++` line, without the folders to take off."""
        line, where = self._lines[self._at], self._where()
        rest = line[4:].removesuffix(b"\n")
        if rest.endswith(b"\r"):
            hint = "it was taken for a text with Windows line endings; get it as it was made"
            raise self._error("the patch's own lines end in CR LF", "lines that end in LF", hint)
        data = rest.partition(b"\t")[0]
        if rest.startswith(b'"'):
            if (match := QUOTED.match(rest)) is None:
                raise self._error("a path in quotes cannot be read", 'a name in "…", as git writes')
            data = ESCAPE.sub(_unescaped, match[1])
        if data == NOWHERE:
            raise self._error(
                "the patch makes or deletes a file", "changes in files that are there"
            )
        path = os.fsdecode(data)
        if path.startswith("/"):
            inside(path, where)
        parts = PurePosixPath(path).parts[self._strip :]
        if not parts:
            hint = f"say --strip with less than {self._strip}"
            raise self._error(f"a path has not {self._strip} folders to take off", "a/NAME", hint)
        self._at += 1
        return inside("/".join(parts), where)

    def _hunk(self) -> Hunk:
        place = self._where()
        head = HEAD.fullmatch(self._lines[self._at])
        if head is None:
            raise self._error("a hunk's head cannot be read", "@@ -LINE,COUNT +LINE,COUNT @@")
        first = int(head[1])
        olds, news = (1 if count is None else int(count) for count in (head[2], head[4]))
        if olds and not first:
            raise self._error("a hunk begins before the first line", "a line from 1 on")
        self._at += 1
        old: list[bytes] = []
        new: list[bytes] = []
        while len(old) < olds or len(new) < news:
            sign, line = self._body()
            if sign in b" -":
                old.append(line)
            if sign in b" +":
                new.append(line)
            if len(old) > olds or len(new) > news:
                self._at -= 1
                raise self._error("a hunk has other lines than its head says", place)
        self._require_end(place)
        return Hunk(first - bool(olds), tuple(old), tuple(new), place)

    def _body(self) -> tuple[bytes, bytes]:
        """A line of a hunk, and what it is: b" ", b"-" or b"+"."""
        line = self._line()
        if line == b"\n":
            line = b" \n"  # mailers take off a blank at the end
        if line is None or not line.endswith(b"\n") or line[:1] not in {b" ", b"-", b"+"}:
            expected = 'a line that begins with " ", "-" or "+", and ends'
            raise self._error("a hunk ends too early", expected)
        self._at += 1
        following = self._line() or b""
        if following.startswith(b"\\ "):
            self._at += 1
            return line[:1], line[1:-1]
        return line[:1], line[1:]

    def _require_end(self, place: str) -> None:
        """A hunk that goes on behind what its head says is cut off, or was changed by hand."""
        line = self._line()
        if line is None or line in SIGNATURE or self._heads():
            return
        if line[:1] in {b" ", b"-", b"+", b"\\"}:
            raise self._error("a hunk has more lines than its head says", place)


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return LETTERS[code] if code in LETTERS else bytes([int(code, 8)])
