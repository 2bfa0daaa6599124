"""Compiled grammars, kept on disk: per grammar and vocabulary, in the user's cache folder.

A file is written beside its place and moved there, and is only ever read as numbers and JSON. One
that cannot be read is built anew. `INFILL_CACHE` names another folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from infill.constrain import lexing, modes, tables
from infill.constrain.lexing import Lexer, Symbol
from infill.constrain.modes import Follows
from infill.constrain.syntax import Syntax
from infill.constrain.tables import Tables
from infill.constrain.tokens import Tokens, read
from infill.vocab import Vocab

FORMAT = 1
"""Raised whenever what is compiled, or how it is written, changes."""


@dataclass(frozen=True, eq=False)
class Parts:
    """What a grammar and a vocabulary are compiled to."""

    tables: Tables
    modes: Sequence[int]
    lexer: Lexer
    tokens: Tokens


def parts(syntax: Syntax, vocab: Vocab) -> Parts:
    """From the disk, or compiled and then kept."""
    key = f"{FORMAT} {syntax.digest} {vocab.digest}"
    path = folder() / f"{hashlib.sha256(key.encode()).hexdigest()}.npz"
    found = _load(path)
    if found is None:
        table = tables.build(syntax)
        sets, of = modes.assign(syntax, table)
        lexer = lexing.build(syntax, sets)
        found = Parts(table, of, lexer, read(lexer, vocab, modes.follows(table, of, lexer)))
        _save(path, found)
    return found


def folder() -> Path:
    """Where compiled grammars are kept."""
    if named := os.environ.get("INFILL_CACHE"):
        return Path(named)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "infill" / "grammars"


def _save(path: Path, made: Parts) -> None:
    table, lexer, tokens = made.tables, made.lexer, made.tokens
    meta = {
        "tables": [
            *(table.terminals, table.symbols, [list(row.items()) for row in table.shifts]),
            *(table.reductions, [sorted(row) for row in table.above], sorted(table.accepting)),
            *(table.inside, table.empty),
        ],
        "modes": list(made.modes),
        "lexer": [
            *(lexer.terminals, [astuple(symbol) for symbol in lexer.symbols]),
            *(lexer.outs, lexer.moves, lexer.ends),
        ],
        "twins": list(tokens.twins),
        "samples": [sample.hex() for sample in tokens.samples],
    }
    written: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            written = Path(file.name)
            np.savez(
                file,
                meta=np.frombuffer(json.dumps(meta).encode(), np.uint8),
                table=lexer.table,
                classes=tokens.classes,
                of=tokens.follows.of,
                after=tokens.follows.after,
            )
        written.replace(path)
    except OSError:  # a folder that cannot be written to costs time, nothing else
        if written is not None:
            written.unlink(missing_ok=True)


def _load(path: Path) -> Parts | None:
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        meta = json.loads(arrays["meta"].tobytes())
        return _parts(meta, arrays)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def _parts(meta: dict[str, Any], arrays: dict[str, Any]) -> Parts:
    terminals, symbols, shifts, reductions, above, accepting, inside, empty = meta["tables"]
    table = Tables(
        terminals=tuple(terminals),
        symbols=tuple(symbols),
        shifts=tuple(dict(map(tuple, row)) for row in shifts),
        reductions=tuple(tuple(map(tuple, row)) for row in reductions),
        above=tuple(map(frozenset, above)),
        accepting=frozenset(accepting),
        inside=tuple(inside),
        empty=empty,
    )
    names, lexemes, outs, moves, ends = meta["lexer"]
    lexer = Lexer(
        terminals=tuple(names),
        symbols=tuple(Symbol(tuple(t), column, mode) for t, column, mode in lexemes),
        outs=tuple(map(tuple, outs)),
        moves=tuple(tuple(map(tuple, move)) for move in moves),
        table=arrays["table"],
        ends=tuple(map(tuple, ends)),
    )
    follows = Follows(arrays["of"], arrays["after"])
    samples = tuple(map(bytes.fromhex, meta["samples"]))
    tokens = Tokens(lexer, follows, meta["twins"], arrays["classes"], samples)
    return Parts(table, meta["modes"], lexer, tokens)
