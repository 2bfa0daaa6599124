"""Held-out source text: the installed projects that the corpus keeps from training.

The pins are those of `infill/train/corpus.toml`; a project counts when exactly the pinned version
is installed (the dependency group `bench` installs them all). Nothing is downloaded here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from infill.errors import InputError
from infill.train.corpus import clean, read_pins

HINT = "install the projects: pip install --group quality"


@dataclass(frozen=True, slots=True)
class Module:
    """One source file of a held-out project, as the corpus would have cleaned it."""

    project: str
    path: str
    text: str


def heldout(projects: Sequence[str] = ()) -> list[Module]:
    """The modules of the held-out projects that are installed, or of the named ones.

    Raises InputError where none is installed, or a named one is not.
    """
    pins = {pin.name: pin for pin in read_pins() if pin.split == "heldout"}
    found: list[Module] = []
    for name in projects or pins:
        version = pins[name].version if name in pins else "one that the corpus holds out"
        modules = _modules(name, version)
        if projects and not modules:
            raise InputError(
                "a held-out project is not installed",
                where=name,
                expected=f"version {version}",
                hint=HINT,
            )
        found += modules
    if not found:
        expected = ", ".join(f"{pin.name}=={pin.version}" for pin in pins.values())
        raise InputError("no held-out project is installed", expected=expected, hint=HINT)
    return found


@lru_cache(maxsize=64)
def _modules(name: str, version: str) -> tuple[Module, ...]:
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return ()
    if installed.version != version:
        return ()
    paths = sorted(str(path) for path in installed.files or () if str(path).endswith(".py"))
    pairs = ((path, Path(str(installed.locate_file(path)))) for path in paths)
    texts = ((path, clean(path, file.read_bytes())) for path, file in pairs if file.is_file())
    return tuple(Module(name, path, text) for path, text in texts if text is not None)
