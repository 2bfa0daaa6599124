"""Patches that `git apply` and `patch -p1` take, and what one says of a file.

Bytes go in and bytes come out. A patch fits where it says, to the byte, or not at all: nothing is
searched for and no context is ignored.

>>> patch = patch_of(b"a = 1\\r\\n", b"a = 2\\r\\n", "a.py")
>>> patch.splitlines()[2:]
[b'@@ -1 +1 @@', b'-a = 1', b'+a = 2']
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from infill.edit.unified import lines_of, named, unified
from infill.errors import InputError, StaleError
from infill.text import TextEdit

SHORTEST = 7
"""Digits of a digest in an `index` line that git calls enough."""


def patch_of(
    before: bytes,
    after: bytes,
    path: str,
    edits: Iterable[TextEdit] | None = None,
    *,
    git: bool = False,
) -> bytes:
    """The patch that changes a file; b"" where nothing changes.

    path    as it is below the folder that the patch will be applied in
    edits   what made `after` of `before`, where that is known; large files are quicker with it
    git     whether to name the file's digests, so that `git apply --3way` can merge. Only for a
            path from the top of a repository: below it git passes over such a patch, and says
            nothing
    """
    path = path.lstrip("/").removeprefix("./")
    changes = unified(before, after, path, edits)
    if not changes or not git:
        return changes
    head = b"diff --git %s %s\n" % (named("a/", path), named("b/", path))
    return b"%sindex %s..%s\n%s" % (head, blob(before).encode(), blob(after).encode(), changes)


def blob(data: bytes) -> str:
    """What git calls these bytes: a name, not a guard against forgery."""
    digest = hashlib.sha1(b"blob %d\0" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Hunk:
    """The lines `old`, from line `start` (from 0) on, are to be `new`; `place` is where it says so.

    The lines around them, which are to be there and to stay, are in both.
    """

    start: int
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]
    place: str = ""


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What a patch says of one file, its hunks in order and apart.

    blobs   what git calls the file before and after, or how these names begin; "" is unknown
    """

    path: str
    hunks: tuple[Hunk, ...]
    blobs: tuple[str, str] = ("", "")

    def applied(self, before: bytes) -> bytes:
        """The changed text.

        Raises StaleError where a hunk does not fit, and InputError where the result is no text
        that the patch can mean.
        """
        old, done = lines_of(before), 0
        lines: list[bytes] = []
        for hunk in self.hunks:
            stop = hunk.start + len(hunk.old)
            if hunk.start > len(old) or tuple(old[hunk.start : stop]) != hunk.old:
                raise self._stale(old, hunk)
            lines += [*old[done : hunk.start], *hunk.new]
            done = stop
        lines += old[done:]
        if any(not line.endswith(b"\n") for line in lines[:-1]):
            raise InputError(
                "the patch ends a line that is not the last without a newline", where=self.path
            )
        return b"".join(lines)

    def done(self, data: bytes) -> bool:
        """Whether a text is what the patch results in, and not also what it is for."""
        name, (before, after) = blob(data), self.blobs
        if len(after) >= SHORTEST and name.startswith(after):
            return True
        if len(before) >= SHORTEST and name.startswith(before):
            return False
        return not _fits(self, data) and _fits(self.reversed(), data)

    def reversed(self) -> FilePatch:
        """The patch that takes this one back."""
        grown = (len(hunk.new) - len(hunk.old) for hunk in self.hunks)
        hunks = (
            Hunk(hunk.start + shift, hunk.new, hunk.old, hunk.place)
            for hunk, shift in zip(self.hunks, accumulate(grown, initial=0), strict=False)
        )
        return replace(self, hunks=tuple(hunks), blobs=self.blobs[::-1])

    def _stale(self, old: Sequence[bytes], hunk: Hunk) -> StaleError:
        """Why a hunk does not fit: the first line that is another one."""
        there = old[hunk.start : hunk.start + len(hunk.old)]
        pairs = enumerate(zip(hunk.old, there, strict=False))
        at = next((number for number, (a, b) in pairs if a != b), len(there))
        place = f" ({hunk.place})" if hunk.place else ""
        return StaleError(
            "the file is not the one that the patch is for",
            where=f"{self.path}, line {hunk.start + at + 1}{place}",
            expected=_said(hunk.old[at]) if at < len(hunk.old) else "",
            got=_said(there[at]) if at < len(there) else "the end of the file",
            hint="make the patch again from the file as it is now",
        )


def _fits(patch: FilePatch, data: bytes) -> bool:
    try:
        patch.applied(data)
    except (StaleError, InputError):
        return False
    return True


def _said(line: bytes) -> str:
    return repr(line.decode(errors="replace"))
