"""A user's own code as a corpus: which files, of which project, and which of them are held out.

Nothing is left out for its looks, as `corpus.clean` does: what people write themselves they want
learnt. It must be UTF-8 and parse, and copies count once.

>>> files = [File("", f"{n}.py", "x = 1\\n" * 9) for n in range(20)]
>>> train, heldout = split(files, seed=0)
>>> len(train), len(heldout)
(18, 2)
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infill.errors import InputError
from infill.train.corpus import File, fingerprint, parses, plain

MARKERS = (".git", "pyproject.toml", "setup.py", "setup.cfg")
"""What the top folder of a project has in it."""
SEVERAL = 3
"""Projects from which on whole ones are held out."""
HELD, MOST = 0.1, 0.4
"""Share of the text that is held out, and the most that one held-out project may be."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The files that can be learnt from, and how many others there were, by reason."""

    files: tuple[File, ...]
    skipped: Counter[str]


def gather(paths: Iterable[str]) -> Gathered:
    """Read Python files. Raises InputError where there is nothing to learn from."""
    files: list[File] = []
    skipped = Counter[str]()
    seen: set[str] = set()
    for path in paths:
        try:
            text = plain(Path(path).read_bytes())
        except OSError:
            skipped["unreadable"] += 1
            continue
        if text is None or not parses(text):
            skipped["not UTF-8" if text is None else "not Python that parses"] += 1
        elif (mark := fingerprint(text)) in seen or not text.strip():
            skipped["empty or a copy"] += 1
        else:
            seen.add(mark)
            files.append(File(project_of(Path(path).absolute().parent), path, text))
    return Gathered(tuple(files), skipped)


@cache
def project_of(folder: Path) -> str:
    """The nearest folder from here upwards that is a project's; "" where there is none."""
    if any((folder / marker).exists() for marker in MARKERS):
        return str(folder)
    return "" if folder == folder.parent else project_of(folder.parent)


def split(files: Sequence[File], *, seed: int) -> tuple[list[File], list[File]]:
    """Files to train on, and about a tenth of the text, held out: whole projects of several.

    Which ones is decided by the seed and the names. Raises InputError for fewer than two files.
    """
    if len(files) < 2:  # noqa: PLR2004 - one on either side
        raise InputError(
            "there is too little code to train on", expected="two files or more, one held out",
            got=str(len(files)), hint="name more folders",
        )  # fmt: skip
    projects = {file.project for file in files}
    by_project = len(projects) >= SEVERAL
    sizes = Counter[str]()
    for file in files:
        sizes[file.project if by_project else file.path] += len(file.text)
    room = sum(sizes.values())
    fit = [name for name, size in sizes.items() if size <= MOST * room] or [
        min(sizes, key=sizes.__getitem__)
    ]
    held: set[str] = set()
    for name in sorted(fit, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest()):
        if sum(sizes[one] for one in held) >= HELD * room or len(held) == len(sizes) - 1:
            break
        held.add(name)
    sides: tuple[list[File], list[File]] = ([], [])
    for file in files:
        sides[(file.project if by_project else file.path) in held].append(file)
    return sides
