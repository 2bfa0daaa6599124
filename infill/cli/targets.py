"""What a command works on: files, or standard input, read before any model is loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from infill.edit.choices import UNCHECKED
from infill.edit.files import OpenedFile, open_file, require_writable
from infill.edit.holes import Hole, checked, find_holes
from infill.edit.settings import Settings
from infill.edit.verify import SUFFIXES
from infill.errors import InputError, OptionError, PathError
from infill.text import Source

Finder = Callable[[Source, str | None], tuple[Hole, ...]]
"""Finds what is to be filled in a text of a language. Raises InputError."""

STDIN = "-"
STDIN_NAME = "<stdin>"


@dataclass(frozen=True, slots=True)
class Target:
    """A text with holes, and the file to put it back into; None for standard input."""

    source: Source
    holes: tuple[Hole, ...]
    language: str | None
    opened: OpenedFile | None

    @property
    def diff_name(self) -> str:
        """The name for a diff's header: `patch` wants it relative."""
        return self.source.name.lstrip("/").removeprefix("./")


def refuse_repeats(paths: Iterable[str]) -> None:
    """Raise PathError when two paths are one file, however they are spelt or linked."""
    seen: dict[object, str] = {}
    for path in paths:
        identity = _identity(path)
        if identity in seen:
            raise PathError(
                "a file is named twice",
                where=path,
                expected="each file once",
                got=f"{seen[identity]} and {path} are the same file",
                hint="leave one out; nothing was done",
            )
        seen[identity] = path


def _identity(path: str) -> object:
    try:
        status = Path(path).stat()
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def language_of(
    name: str | None, choice: str | None, *, grammar: object | None = None
) -> str | None:
    """The language to check with: the chosen one, else the one of the file's suffix.

    Raises OptionError where neither says; only an explicit "none" goes without a check, or a
    grammar that checks on its own.
    """
    if choice is not None:
        return None if choice == UNCHECKED else choice
    if grammar not in {None, UNCHECKED}:
        return SUFFIXES.get(Path(name or "").suffix.lower())
    known = ", ".join(sorted(SUFFIXES))
    if name is None:
        raise OptionError(
            "the language of standard input is not known",
            expected="--language or --stdin-filename",
            hint=f"pass --language {UNCHECKED} to fill without a parser's check",
        )
    if (language := SUFFIXES.get(Path(name).suffix.lower())) is None:
        raise OptionError(
            "there is no parser for files of this kind",
            where=name,
            expected=f"one of {known}, or --language",
            got=Path(name).suffix or "no suffix",
            hint=f"pass --language {UNCHECKED} to fill without a parser's check",
        )
    return language


def marked(settings: Settings) -> Finder:
    """Finds the holes that are marked."""

    def find(source: Source, language: str | None) -> tuple[Hole, ...]:
        holes = find_holes(source, settings.marker, language=language)
        return checked(source, holes, settings.limits)

    return find


def file_target(
    path: str, settings: Settings, find: Finder, *, choice: str | None, write: bool
) -> Target:
    """A file to fill. Raises InputError, OptionError, and WriteError for one that is read-only."""
    opened = open_file(Path(path), limits=settings.limits)
    if write:
        require_writable(opened)
    language = language_of(path, choice, grammar=settings.grammar)
    return Target(opened.source, find(opened.source, language), language, opened)


def stdin_target(
    settings: Settings, find: Finder, *, choice: str | None, name: str | None
) -> Target:
    """Standard input to fill, under the name of the file it came from, if one is given."""
    language = language_of(name, choice, grammar=settings.grammar)
    limit = settings.limits.text
    data = sys.stdin.buffer.read(limit + 1)
    if len(data) > limit:
        expected = f"up to {limit} bytes (limits.text)"
        raise InputError("the text is too long", where=name or STDIN_NAME, expected=expected)
    source = Source.of(data, name or STDIN_NAME)
    return Target(source, find(source, language), language, None)
