"""What git says of files: which have changes that are not committed, and what they were before.

Outside of a repository, or without git, nothing is dirty. Nothing is written, not even git's index;
and `GIT_…` variables, which a hook may have set for another repository, are not handed on. What
commands a repository's own settings name is not run: no monitor, no filter, no transport.
"""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from infill.errors import OptionError

State = Literal["modified", "staged", "conflicted"]
LIMIT = 60.0
"""Seconds that one call may take."""
ROOM = 60_000
"""Bytes of paths that one call is given."""
SETTINGS = ("--no-pager", "--literal-pathspecs", "-c", "core.fsmonitor=false")
STATUS = (
    *("status", "--porcelain=v2", "-z", "--untracked-files=no", "--no-renames"),
    "--ignore-submodules=all",  # a look into one would take that one's settings
)
FILTERS = ("config", "-z", "--show-scope", "--name-only", "--get-regexp", r"^filter\.")
COMMANDS = {"clean": "", "smudge": "", "process": "", "required": "false"}
"""The settings of a filter, and what they are for one that is not there."""
OWN = (b"local", b"worktree")
"""What git calls the settings that a repository has itself."""
PLAIN, RENAMED = 8, 9
"""Fields before the path of an ordinary entry, and of a renamed one."""


def dirty(
    paths: Iterable[str], root: Path | str = ".", *, limit: float = LIMIT
) -> dict[str, State]:
    """The files with changes that are not committed, by the names they were given.

    root    what the names are relative to

    A file that git does not know is none. One that is both staged and changed since is "modified".
    Raises OptionError where a repository is there and git cannot say.
    """
    within = defaultdict[str, dict[str, list[str]]](lambda: defaultdict(list))
    tops = dict[str, str | None]()
    for path in paths:
        real = os.path.realpath(Path(root, path))
        folder = os.path.dirname(real)  # noqa: PTH120
        top = tops[folder] if folder in tops else tops.setdefault(folder, repository(real))
        if top is not None:
            within[top][os.path.relpath(real, top)].append(path)
    found = dict[str, State]()
    for top, names in within.items():
        for some in _chunks(list(names)):
            said = _asked(top, [*STATUS, "--", *some], limit)
            if said is None:
                return {}
            for name, state in _states(said):
                found.update(dict.fromkeys(names.get(name, ()), state))
    return found


class Asked:
    """What git says of files that are named one after the other; each repository is asked once.

    root    what the names are relative to

    For files that are all known beforehand, `dirty` is quicker.
    """

    def __init__(self, root: Path | str = ".", *, limit: float = LIMIT) -> None:
        self._root, self._limit = root, limit
        self._tops = dict[str, str | None]()
        self._states = dict[str, dict[str, State]]()

    def state(self, path: str) -> State | None:
        """As `dirty` says it, None for a file without changes. Raises OptionError."""
        real = os.path.realpath(Path(self._root, path))
        folder = os.path.dirname(real)  # noqa: PTH120
        if folder not in self._tops:
            self._tops[folder] = repository(real)
        if (top := self._tops[folder]) is None:
            return None
        if top not in self._states:
            self._states[top] = dict(_states(_asked(top, STATUS, self._limit) or b""))
        return self._states[top].get(os.path.relpath(real, top))


def repository(path: str) -> str | None:
    """The folder above a file that is the top of a repository, a worktree or a submodule."""
    for folder in Path(path).parents:
        if os.path.lexists(folder / ".git"):
            return str(folder)
    return None


def before_of(rev: str, path: Path | str, *, limit: float = LIMIT) -> bytes | None:
    """A file as it was in a commit, with the line ends of a checkout; None where it was not there.

    Raises OptionError for no such commit, and for a file that is in no repository.
    """
    real = os.path.realpath(path)
    top = repository(real)
    commit = None if top is None else _commit(top, rev, limit)
    if top is None or commit is None:
        raise OptionError(
            "changes are known where there is a git repository",
            where=f"--since, {path}",
            expected="a file in a repository, and git",
            hint="name the lines instead, with --lines or --select",
        )
    name = os.path.relpath(real, top)
    if not _asked(top, ["ls-tree", "-z", commit, "--", name], limit):
        return None
    return _asked(top, ["cat-file", "--filters", f"{commit}:{name}"], limit)


def _commit(top: str, rev: str, limit: float) -> str | None:
    """The name of a commit; None without git."""
    command = ["rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}"]
    bad = not rev or rev.startswith("-") or "\0" in rev
    said = b"" if bad else _asked(top, command, limit, failing=(1,))
    if said is None:
        return None
    if not said:
        raise OptionError(
            "git knows no such commit",
            where="--since",
            expected="a commit, a branch or a tag",
            got=repr(rev),
            hint="git log --oneline lists them",
        )
    return said.decode().strip()


@lru_cache(maxsize=64)
def _unfiltered(top: str, limit: float) -> Mapping[str, str]:
    """The environment in which a repository's own filters are none; the user's own stay."""
    said = _asked(top, FILTERS, limit, failing=(1,), environment={})
    words = (said or b"").split(b"\0")
    own = {
        name.rpartition(b".")[0]
        for scope, name in zip(words[::2], words[1::2], strict=False)
        if scope in OWN
    }
    settings = [
        (f"{os.fsdecode(name)}.{key}", value)
        for name in sorted(own)
        for key, value in COMMANDS.items()
    ]
    found = {"GIT_CONFIG_COUNT": str(len(settings))}
    for at, (key, value) in enumerate(settings):
        found |= {f"GIT_CONFIG_KEY_{at}": key, f"GIT_CONFIG_VALUE_{at}": value}
    return found


def _asked(
    top: str,
    command: Sequence[str],
    limit: float,
    *,
    failing: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
) -> bytes | None:
    """What git answers; None where there is no git.

    failing       exit codes that are an answer too
    environment   further variables; None lets no filter of the repository's own run
    """
    further = _unfiltered(top, limit) if environment is None else environment
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    given = {
        **inherited,
        **further,
        "GIT_ALLOW_PROTOCOL": "none",  # what is not here is not fetched: that may take a command
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"):
        if name in os.environ:  # whose settings, not which repository
            given[name] = os.environ[name]
    try:
        done = subprocess.run(  # noqa: S603 - a command of ours; paths come after "--"
            ["git", *SETTINGS, "-C", top, *command],  # noqa: S607 - the user's own git
            capture_output=True,
            check=False,
            env=given,
            stdin=subprocess.DEVNULL,
            timeout=limit,
        )
    except FileNotFoundError:
        return None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unsaid(top, command, str(error)) from error
    if done.returncode and done.returncode not in failing:
        raise _unsaid(top, command, done.stderr.decode(errors="replace").strip())
    return done.stdout


def _unsaid(top: str, command: Sequence[str], reason: str) -> OptionError:
    asked = command[0] == STATUS[0]
    return OptionError(
        "git cannot say what has changed",
        where=top,
        expected=f"an answer of git {command[0]}",
        got=reason,
        hint="--allow-dirty goes on without asking" if asked else "",
    )


def _chunks(names: Sequence[str]) -> Iterator[list[str]]:
    """The names, as many at a time as a command line takes."""
    some, size = list[str](), 0
    for name in names:
        needed = len(os.fsencode(name)) + 1
        if some and size + needed > ROOM:
            yield some
            some, size = [], 0
        some.append(name)
        size += needed
    if some:
        yield some


def _states(said: bytes) -> Iterator[tuple[str, State]]:
    """The entries of `git status --porcelain=v2 -z` (git-status(1), Porcelain Format Version 2)."""
    entries = iter(said.split(b"\0"))
    for entry in entries:
        kind = entry[:1]
        if kind == b"u":
            yield os.fsdecode(entry.split(b" ", 10)[10]), "conflicted"
        elif kind in {b"1", b"2"}:
            fields = entry.split(b" ", PLAIN if kind == b"1" else RENAMED)
            if kind == b"2":
                next(entries, b"")  # where it came from
            if fields[2][:1] != b"S":
                changed = fields[1][1:2] != b"."
                yield os.fsdecode(fields[-1]), "modified" if changed else "staged"
