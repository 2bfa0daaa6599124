"""What ignore files say: `.gitignore` in every folder, git's own lists, and `.infillignore`.

As git reads them, also outside of a repository: the last line that matches decides, a deeper file
before one above it, and nothing in an ignored folder is looked at. `.infillignore` is asked first,
then `.gitignore` up to the repository's top, then `.git/info/exclude`, then the user's own list.

>>> rules = Rules.of(["*.log", "!keep.log", "/build/"])
>>> [rules.says(path) for path in ("a.log", "b/keep.log", "b/a.py")]
[True, False, None]
>>> rules.says("build", folder=True), rules.says("build"), rules.says("b/build", folder=True)
(True, None, None)
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

OWN = ".infillignore"
GIT = ".gitignore"
LONGEST = 1_000_000
"""Bytes of an ignore file that are read."""
CLASSES = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "blank": " \\t", "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~",
    "punct": "!-/:-@\\[-`{-~", "space": "\\s", "upper": "A-Z", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
STAR = "[^/]*"
FOLDERS = ("/", ".*", "(?:.*/)?")
"""What has a slash in it."""
EXCLUDES = re.compile(r'^\s*excludesfile\s*=\s*"?\s*(\S+?)\s*"?\s*$', re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of an ignore file; `path` is what it matches, from the file's folder on."""

    path: re.Pattern[str]
    keeps: bool
    folders: bool

    @classmethod
    def of(cls, line: str) -> Rule | None:
        """A rule from a line; None for a comment, and what git would never match."""
        if line.startswith("#"):
            return None
        text = _trimmed(_by_bytes(line))
        keeps = text.startswith("!")
        text = text[keeps:]
        folders = text.endswith("/")
        text = text[: len(text) - folders]
        if not text:
            return None
        anchored = "/" in text
        made = _regex(text.removeprefix("/") if anchored else text, paths=anchored)
        if made is None:
            return None
        start = "" if anchored else "(?:.*/)?"
        try:
            return cls(re.compile(start + made, re.DOTALL | re.ASCII), keeps, folders)
        except re.error:  # a range that runs backwards
            return None


def _by_bytes(text: str) -> str:
    """A character for each byte: that is what `?` and a class stand for in git."""
    return text if text.isascii() else os.fsencode(text).decode("latin-1")


def _trimmed(line: str) -> str:
    """Without the blanks at its end, unless a backslash is before them."""
    text = line.rstrip(" ")
    slashes = len(text) - len(text.rstrip("\\"))
    return f"{text} " if slashes % 2 and len(text) < len(line) else text


def _regex(glob: str, *, paths: bool) -> str | None:
    """A glob of an ignore file as a regular expression; None for one that matches nothing."""
    made, at = list[str](), 0
    while at < len(glob):
        char = glob[at]
        if char == "*":
            stop = at + len(glob[at:]) - len(glob[at:].lstrip("*"))
            text, at = _stars(glob, at, stop, paths=paths)
            made.append(text)
            continue
        if char == "[":
            found = _bracket(glob, at)
            if found is None:
                return None
            made.append(found[0])
            at = found[1]
            continue
        if char == "?":
            made.append("[^/]")
        else:
            at += char == "\\"
            if at == len(glob):
                return None
            made.append(re.escape(glob[at]))
        at += 1
    return _joined(made)


def _joined(pieces: Iterable[str]) -> str:
    """The pieces as one expression, in which a name takes no time that grows with its stars' power.

    Of the stars in a name all but the last take the least that will do, and stay with that: what
    is left is the most there can be, and the next star may take it.
    """
    made, since, star = list[str](), list[str](), False
    for piece in pieces:
        if piece == STAR and star:
            made.append(f"(?>{STAR}?{''.join(since)})")
            since = []
        elif piece == STAR:
            made += since
            since, star = [], True
        else:
            since.append(piece)
            if piece in FOLDERS:
                made += [STAR] * star + since
                since, star = [], False
    return "".join([*made, *[STAR] * star, *since])


def _stars(glob: str, at: int, stop: int, *, paths: bool) -> tuple[str, int]:
    """What the stars from `at` to `stop` match, and where the glob goes on."""
    first, last = at == 0 or glob[at - 1] == "/", stop == len(glob)
    if not paths or stop - at == 1 or not first:
        return STAR, stop
    if last:
        return ".*", stop  # the slash before it must be there
    if glob[stop] == "/":
        return "(?:.*/)?", stop + 1
    return STAR, stop


def _bracket(glob: str, at: int) -> tuple[str, int] | None:
    """A class of characters and where the glob goes on; None where it is never closed."""
    at += 1
    negated = glob[at : at + 1] in {"!", "^"}
    at += negated
    made, first = list[str](), True
    while at < len(glob) and (first or glob[at] != "]"):
        first = False
        if glob.startswith("[:", at) and (close := glob.find(":]", at + 2)) >= 0:
            if (named := CLASSES.get(glob[at + 2 : close])) is None:
                return None
            made.append(named)
            at = close + 2
            continue
        low, at = _member(glob, at)
        if glob[at : at + 1] == "-" and glob[at + 1 : at + 2] not in {"", "]"}:
            high, at = _member(glob, at + 1)
            if low <= high:
                made.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            made.append(re.escape(low))
    if at >= len(glob):
        return None
    if not made:  # nothing but ranges that run backwards
        return ("[^/]" if negated else "(?!)"), at + 1
    return f"(?!/)[{'^' * negated}{''.join(made)}]", at + 1


def _member(glob: str, at: int) -> tuple[str, int]:
    """A character of a class, which a backslash may stand before."""
    at += glob[at] == "\\" and at + 1 < len(glob)
    return glob[at], at + 1


@dataclass(frozen=True, slots=True)
class Rules:
    """The lines of one ignore file, the last one first."""

    rules: tuple[Rule, ...] = ()

    @classmethod
    def of(cls, lines: Iterable[str]) -> Rules:
        """Rules from lines, in the order of the file."""
        rules = (Rule.of(line.removesuffix("\n").removesuffix("\r")) for line in lines)
        return cls(tuple(rule for rule in rules if rule is not None)[::-1])

    @classmethod
    def read(cls, path: str) -> Rules:
        """The rules of a file; none where there is no such file."""
        try:
            with open(path, "rb", opener=_at_once) as file:
                data = file.read(LONGEST)
        except OSError:
            return NOTHING
        text = data.removeprefix(b"\xef\xbb\xbf").decode(errors="surrogateescape")
        return cls.of(text.split("\n"))

    def says(self, path: str, *, folder: bool = False) -> bool | None:
        """Whether a path, from the file's folder on, is ignored; None where no line matches."""
        path = _by_bytes(path)
        for rule in self.rules:
            if (folder or not rule.folders) and rule.path.fullmatch(path):
                return not rule.keeps
        return None


def _at_once(path: str, flags: int) -> int:
    """Open a file; a named pipe that nobody writes to is empty."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


NOTHING = Rules()


@dataclass(frozen=True, slots=True)
class Level:
    """What a folder's own files say of what is in it."""

    path: str
    own: Rules
    git: Rules
    exclude: Rules
    top: bool


def _level(folder: str) -> Level:
    names = {entry.name for entry in os.scandir(folder)} if os.access(folder, os.R_OK) else set()
    top = ".git" in names
    exclude = Rules.read(os.path.join(_common(folder), "info", "exclude")) if top else NOTHING  # noqa: PTH118
    own, git = (
        Rules.read(os.path.join(folder, name)) if name in names else NOTHING  # noqa: PTH118
        for name in (OWN, GIT)
    )
    return Level(folder, own, git, exclude, top)


def _common(folder: str) -> str:
    """The folder of a repository's data, which several worktrees may share."""
    git = Path(folder, ".git")
    if not git.is_file():  # a folder, as a rule
        return str(git)
    try:
        git = Path(folder, git.read_text().removeprefix("gitdir:").strip())
        return str(Path(git, Path(git, "commondir").read_text().strip()))
    except (OSError, ValueError):
        return str(git)


class IgnoreFiles:
    """Reads ignore files; made for one walk."""

    def __init__(self) -> None:
        self._level = lru_cache(maxsize=512)(_level)
        self._user = Rules.read(user_list()) if user_list() else NOTHING

    def ignored(self, folder: str, entries: Collection[os.DirEntry[str]]) -> set[str]:
        """The names in a folder that are ignored."""
        levels = [self._level(above) for above in (folder, *map(str, Path(folder).parents))]
        inside = next((at for at, level in enumerate(levels) if level.top), len(levels) - 1)
        return {
            entry.name
            for entry in entries
            if self._says(levels, inside, os.path.join(folder, entry.name), _is_folder(entry))  # noqa: PTH118
        }

    def _says(self, levels: list[Level], top: int, path: str, folder: bool) -> bool:  # noqa: FBT001
        asked: Iterator[tuple[Rules, Level]] = chain(
            ((level.own, level) for level in levels),
            ((level.git, level) for level in levels[: top + 1]),
            ((levels[top].exclude, levels[top]), (self._user, levels[top])),
        )
        for rules, level in asked:
            if rules.rules:
                below = path[len(level.path.rstrip("/")) + 1 :]
                if (said := rules.says(below, folder=folder)) is not None:
                    return said
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def user_list() -> str:
    """The ignore file of all of a user's repositories: what git is told, or where it looks."""
    home = os.path.expanduser("~")  # noqa: PTH111 - a home that is not known is no error
    config = os.environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    for path in (f"{home}/.gitconfig", f"{config}/git/config"):
        try:
            found = EXCLUDES.search(Path(path).read_text(errors="replace"))
        except OSError:
            continue
        if found is not None:
            return os.path.expanduser(found[1])  # noqa: PTH111
    return f"{config}/git/ignore"
