"""The grammars that ship with the library, as Lark texts; each opens with what it leaves out.

Knows nothing of how they are compiled: `infill.constrain` reads them by name.

>>> "python" in names()
True
>>> text("python").splitlines()[-1].startswith("//")
False
"""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

__all__ = ["names", "path", "text"]

_ENDING = ".lark"


def names() -> tuple[str, ...]:
    """The names of the grammars, sorted."""
    found = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(_ENDING) for name in found if name.endswith(_ENDING)))


def text(name: str) -> str:
    """The text of a grammar; its start symbol is `start`.

    Raises LookupError for a name that is not one of `names()`.
    """
    if name not in names():
        raise LookupError(f"no grammar is named {name!r}; there are {', '.join(names())}")
    return files(__name__).joinpath(name + _ENDING).read_text(encoding="utf-8")


def path(name: str) -> Path:
    """The file of a grammar, for tools that read files.

    Raises LookupError for a name that is not one of `names()`.
    """
    if name not in names():
        raise LookupError(f"no grammar is named {name!r}; there are {', '.join(names())}")
    with as_file(files(__name__).joinpath(name + _ENDING)) as found:
        return found
