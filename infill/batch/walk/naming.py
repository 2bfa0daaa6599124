"""Names of files as they are written: globs, and lists with a name a line.

>>> glob = Glob.of("src/**/*.py")
>>> glob.folder, glob.matches("a.py"), glob.matches("b/c/a.py"), glob.matches("a.txt")
('src', True, True, False)
"""

from __future__ import annotations

import fnmatch
import os
import re
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from infill.errors import PathError
from infill.limits import DEFAULT

STDIN = "-"
ANY = "**"
MAGIC = re.compile(r"[*?\[]")


def is_glob(name: str) -> bool:
    """Whether a name has characters that globs are made of; a file may have them too."""
    return MAGIC.search(name) is not None


@dataclass(frozen=True, slots=True)
class Glob:
    """A glob, as the folder that it begins in and what each part of the rest must be.

    `**` is any number of folders; a folder that matches stands for all that is in it. The places
    in a glob where a path can be are numbers; `start`, `after` and `ends` go from one to the next.
    """

    folder: str
    parts: tuple[re.Pattern[str] | None, ...]

    @classmethod
    def of(cls, text: str) -> Glob:
        """A glob from its text."""
        parts = text.split("/")
        fixed = next(at for at, part in enumerate(parts) if is_glob(part))
        folder = "/".join(parts[:fixed]) or ("/" if fixed else "")
        rest = [part for part in parts[fixed:] if part not in {"", "."}]
        made = (None if part == ANY else re.compile(fnmatch.translate(part)) for part in rest)
        return cls(folder, tuple(made))

    @property
    def start(self) -> frozenset[int]:
        """The places before any name."""
        return self._skipping([0])

    def after(self, places: Collection[int], name: str) -> frozenset[int]:
        """The places once a name was read; none where nothing below it can match."""
        if self.ends(places):
            return frozenset(places)
        found = list[int]()
        for place in places:
            part = self.parts[place]
            if part is None:
                found.append(place)
            elif part.match(name):
                found.append(place + 1)
        return self._skipping(found)

    def ends(self, places: Collection[int]) -> bool:
        """Whether what was read matches, or lies in a folder that does."""
        return len(self.parts) in places

    def matches(self, path: str) -> bool:
        """Whether a path, from the glob's folder on, matches."""
        places = self.start
        for name in path.split("/"):
            places = self.after(places, name)
        return self.ends(places)

    def _skipping(self, places: Iterable[int]) -> frozenset[int]:
        """With the places that `**` for no folder at all leads to; the last one needs a name."""
        found = set(places)
        for place in sorted(found):
            at = place
            while at < len(self.parts) - 1 and self.parts[at] is None:
                at += 1
                found.add(at)
        last = len(self.parts) - 1
        if self.parts and self.parts[last] is None and last in found:
            found.discard(last)
            found.add(last + 1)
        return frozenset(found)


def listed(source: str, *, null: bool = False) -> tuple[str, ...]:
    """The names in a file, or on standard input for "-": one a line, or NUL after each.

    An empty line is passed over; nothing is expanded. Raises PathError for what is no such list.
    """
    shown = "<stdin>" if source == STDIN else source
    try:
        if source == STDIN:
            data = sys.stdin.buffer.read(DEFAULT.text + 1)
        else:
            with open(source, "rb") as file:  # noqa: PTH123 - a name, or /dev/fd/63
                data = file.read(DEFAULT.text + 1)
    except OSError as error:
        got = error.strerror or str(error)
        raise PathError("the list of files cannot be read", where=shown, got=got) from error
    if len(data) > DEFAULT.text:
        expected = f"up to {DEFAULT.text} bytes (limits.text)"
        raise PathError("the list of files is too long", where=shown, expected=expected)
    if not null and b"\0" in data:
        hint = "pass --null for a list as find -print0 or git ls-files -z makes it"
        raise PathError("the list of files has a NUL in it", where=shown, hint=hint)
    if null:
        names = data.split(b"\0")
    else:
        names = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    return tuple(os.fsdecode(name) for name in names if name)
