"""The language that a text is checked with: the chosen one, or the one of a file's name."""

from __future__ import annotations

from pathlib import Path

from infill.edit.choices import UNCHECKED
from infill.edit.verify import SUFFIXES
from infill.errors import OptionError


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
