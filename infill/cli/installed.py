"""What is installed beside us: versions, extras, languages of tree-sitter; nothing is imported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

DISTRIBUTION = "infill-lm"
LANGUAGE = "tree-sitter-"


@dataclass(frozen=True, slots=True)
class Need:
    """A distribution that one needs, as its metadata says it; `extra` is what it is needed for."""

    name: str
    extras: tuple[str, ...] = ()
    extra: str = ""


def version(name: str) -> str | None:
    """The version of a distribution; None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def needs(name: str) -> list[Need]:
    """What a distribution needs, for its extras too; none where it is not installed."""
    try:
        return [need(text) for text in metadata.requires(name) or ()]
    except metadata.PackageNotFoundError:
        return []


def need(text: str) -> Need:
    """One requirement.

    >>> need("pygls[ws]<3,>=2.1; extra == 'ws'")
    Need(name='pygls', extras=('ws',), extra='ws')
    """
    wanted, _, marker = text.partition(";")
    name = re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?", wanted)
    extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", marker)
    extras = (
        tuple(part.strip() for part in (name[2] or "").split(",") if part.strip()) if name else ()
    )
    return Need(name[1] if name else wanted, extras, extra[1] if extra else "")


def missing(wanted: Need) -> Iterator[str]:
    """The distributions that a need wants and that are not installed, its own extras' included."""
    if version(wanted.name) is None:
        yield wanted.name
        return
    for inner in needs(wanted.name):
        if inner.extra in wanted.extras and inner.extra:
            yield from missing(inner)


def languages() -> dict[str, str]:
    """The versions of the languages that have a tree-sitter package, by their names."""
    found = {
        str(one.metadata["Name"]).lower().replace("_", "-"): one.version
        for one in metadata.distributions()
        if one.metadata["Name"]
    }
    return {
        name.removeprefix(LANGUAGE): release
        for name, release in sorted(found.items())
        if name.startswith(LANGUAGE)
    }
