"""Compiled grammars, kept on disk, in the user's cache folder.

Per grammar and vocabulary what both are compiled to, as arrays; per grammar that comes along what
Lark makes of its text. A file is written beside its place and moved there, and is only ever read
as numbers or JSON. One that cannot be read is built anew. `INFILL_CACHE` names another folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from importlib import metadata
from io import BytesIO
from pathlib import Path

import numpy as np

from infill.constrain.engine import tables
from infill.constrain.engine.packed import Packed, pack
from infill.constrain.lexing import modes, transducer
from infill.constrain.lexing.tokens import read
from infill.constrain.syntax import Indentation, Syntax
from infill.vocab import Vocab

FORMAT = 3
"""Raised whenever what is compiled, or how it is written, changes."""


def parts(syntax: Syntax, vocab: Vocab) -> Packed:
    """What a grammar and a vocabulary are compiled to: from the disk, or compiled and then kept."""
    path = _place(f"{syntax.digest} {vocab.digest}", ".npz")
    found = _load(path)
    if found is None:
        table = tables.build(syntax)
        sets, of = modes.assign(syntax, table)
        lexer = transducer.build(syntax, sets)
        tokens = read(lexer, vocab, modes.follows(table, of, lexer), syntax.roles)
        found = pack(table, of, tokens)
        file = BytesIO()
        np.savez(file, **{field.name: getattr(found, field.name) for field in fields(found)})
        _save(path, file.getvalue())
    return found


def syntax_of(text: str, indentation: Indentation | None, build: Callable[[], Syntax]) -> Syntax:
    """What Lark makes of a text that imports no files: from the disk, or built and then kept.

    A text is another one with another release of Lark, whose version is asked for without
    importing it: that takes longer than all that is done here.
    """
    try:
        release = metadata.version("lark")
    except metadata.PackageNotFoundError:  # frozen into an application, say
        return build()
    columns = indentation and indentation.plain()
    path = _place(json.dumps([release, text, columns]), ".json")
    with suppress(OSError, ValueError, TypeError, KeyError):
        return Syntax.from_json(path.read_text(encoding="utf-8"))
    found = build()
    _save(path, found.json.encode())
    return found


def folder() -> Path:
    """Where compiled grammars are kept."""
    if named := os.environ.get("INFILL_CACHE"):
        return Path(named)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "infill" / "grammars"


def _place(key: str, ending: str) -> Path:
    return folder() / f"{hashlib.sha256(f'{FORMAT} {key}'.encode()).hexdigest()}{ending}"


def _save(path: Path, data: bytes) -> None:
    written: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            written = Path(file.name)
            file.write(data)
        written.replace(path)
    except OSError:  # a folder that cannot be written to costs time, nothing else
        if written is not None:
            written.unlink(missing_ok=True)


def _load(path: Path) -> Packed | None:
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            return Packed(**{name: file[name] for name in file.files})
    except Exception:  # noqa: BLE001 - zipfile and numpy meet broken files with ten kinds of error
        return None
