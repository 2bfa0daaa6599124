"""What lies around the files that are worked on: the texts that a fill may take after.

The project of a file is the nearest folder above it that looks like the root of one. Its texts of
the same languages are read as they are on disk, those nearest to the files first, up to a bound.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infill.batch.walk import Options, walk
from infill.errors import PathError
from infill.limits import DEFAULT, Limits

ROOTS = (".git", ".hg", "pyproject.toml", "setup.py", "setup.cfg", "infill.toml", "package.json")
"""What the root of a project has in it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Texts of a project by name.

    left_out   how many more there are, the bound being reached
    unread     how many cannot be read, or are not there
    """

    texts: dict[str, bytes] = field(default_factory=dict[str, bytes])
    left_out: int = 0
    unread: int = 0

    @property
    def digest(self) -> str:
        """sha256 of names and texts; "" of none."""
        if not self.texts:
            return ""
        digest = hashlib.sha256()
        for name, data in self.texts.items():
            for part in (os.fsencode(name), data):
                digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()


def project_of(path: Path | str) -> Path:
    """The root of the project that a file is in; its own folder where nothing says so.

    A person's home is none, whatever lies in it: all of it would be read.
    """
    folder = Path(os.path.realpath(path)).parent
    home = Path(os.path.realpath(os.path.expanduser("~")))  # noqa: PTH111 - it never raises
    for above in (folder, *folder.parents):
        if above == home:
            break
        if any((above / mark).exists() for mark in ROOTS):
            return above
    return folder


def surroundings(files: Collection[str], limits: Limits = DEFAULT) -> Surroundings:
    """The texts of the projects that the files are in, of their suffixes; they are among them.

    A file keeps the name it is given with; others are named from the current folder. What cannot
    be read is left out: nothing depends on any one of them. `limits.workspace` bounds all bytes.
    """
    own = {os.path.realpath(name): name for name in files}
    suffixes = {Path(name).suffix for name in files}
    found = dict(own)
    for root in sorted({project_of(path) for path in own}):
        for name in _walked(root, limits):
            if Path(name).suffix in suffixes:
                found.setdefault(os.path.realpath(name), os.path.relpath(name))
    near = _near(Path(path).parent for path in own)
    texts, left, unread, room = dict[str, bytes](), 0, 0, limits.workspace
    for path in sorted(found, key=lambda path: (_distance(path, near), path)):
        data = _read(path)
        if data is None:
            unread += 1
            continue
        if len(data) > min(room, limits.text):
            left += 1
            continue
        texts[found[path]] = data
        room -= len(data)
    return Surroundings(texts, left, unread)


def _walked(root: Path, limits: Limits) -> Iterable[str]:
    try:
        return walk([str(root)], root=root, options=Options(limits=limits)).paths
    except PathError:  # it cannot be read
        return ()


def _near(folders: Iterable[Path]) -> dict[Path, int]:
    """For every folder above some, how many steps down the nearest of them is."""
    near = dict[Path, int]()
    for folder in set(folders):
        for steps, above in enumerate((folder, *folder.parents)):
            near[above] = min(steps, near.get(above, steps))
    return near


def _distance(path: str, near: Mapping[Path, int]) -> int:
    """Steps from a file's folder to the nearest of some: up to what they share, and down again."""
    above = Path(path).parents
    return min(up + near[folder] for up, folder in enumerate(above) if folder in near)


def _read(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None
