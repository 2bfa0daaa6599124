"""Small programs with names that no corpus holds: held-out functions, their locals renamed.

A program is one function that stands alone: no inner scopes, no imports, no f-strings, so that
every occurrence of a local name is where Python's `ast` says it is. Its docstring is left out.
The new names are made of syllables that are drawn at run time.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import textwrap
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from infill.bench.metrics import Piece, parses, pieces
from infill.bench.sources import Module
from infill.edit.names import unbound

LEAST, MOST = 25, 140  # pieces of a program
MOST_TEXT = 600  # characters; about what a model with a context of 256 tokens sees at once
_MIXED = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.Import,
    ast.ImportFrom,
    ast.Global,
    ast.Nonlocal,
    ast.JoinedStr,
    ast.Match,
    ast.ExceptHandler,
)
BROKEN = 1_000
"""What `faults` says of a text that does not parse; more than any count of names."""


@dataclass(frozen=True, slots=True)
class Program:
    """A function as text, the pieces that each local name stands at, and the other names in it."""

    id: str
    text: str
    locals: dict[str, tuple[int, ...]]
    free: frozenset[str]


def faults(text: str, free: AbstractSet[str]) -> int:
    """How many uses of a name are bound nowhere; `BROKEN` for a text that does not parse.

    free   names that the text may use without binding them; builtins are known anyhow

    >>> faults("def f(a):\\n    return a + b\\n", frozenset())
    1
    """
    if not parses(text):
        return BROKEN
    data = text.encode()
    return sum(data[s.start : s.stop].decode() not in free for s in unbound(data) if len(s))


def headed(free: AbstractSet[str], text: str) -> str:
    """A line that binds the free names that a text has: what its module would do for it."""
    names = ", ".join(sorted(free & set(re.findall(r"\w+", text))))
    return f"from elsewhere import {names}\n\n\n" if names else "import elsewhere\n\n\n"


def programs(modules: Sequence[Module], rng: np.random.Generator) -> Iterator[Program]:
    """Every program of the modules, in random order, each with names drawn for it."""
    sources = [pair for module in modules for pair in _functions(module)]
    for choice in rng.permutation(len(sources)).tolist():
        name, text = sources[choice]
        if (program := _renamed(name, text, rng)) is not None:
            yield program


def fresh(rng: np.random.Generator, taken: str) -> str:
    """A name of two or three syllables that does not occur in the text `taken`."""
    while True:
        letters = [("bdfgklmnprstvz", "aeiou")[i % 2] for i in range(2 * int(rng.integers(2, 4)))]
        word = "".join(row[int(rng.integers(len(row)))] for row in letters)
        if word not in taken and not keyword.iskeyword(word) and word not in dir(builtins):
            return word


def _functions(module: Module) -> Iterator[tuple[str, str]]:
    """Name and text of each function that can be a program, its docstring left out."""
    lines = module.text.split("\n")
    for node in ast.walk(ast.parse(module.text)):
        if not isinstance(node, ast.FunctionDef):
            continue
        inner = [part for part in ast.walk(node) if part is not node]
        if any(isinstance(part, _MIXED) for part in inner):
            continue
        kept = lines[node.lineno - 1 : node.end_lineno]
        if ast.get_docstring(node, clean=False) is not None:
            doc = node.body[0]
            first, last = doc.lineno - node.lineno, (doc.end_lineno or 0) - node.lineno
            kept = kept[:first] + kept[last + 1 :]
        text = textwrap.dedent("\n".join(kept)) + "\n"
        if text.isascii() and len(text) <= MOST_TEXT and parses(text):
            yield f"{module.path}:{node.lineno}", text


def _renamed(name: str, text: str, rng: np.random.Generator) -> Program | None:
    """The function with names drawn for its locals; None where it is too long, short or plain."""
    row = pieces(text)
    if not LEAST <= len(row) <= MOST:
        return None
    own = _occurrences(text, row)
    if len(own) < 2:  # noqa: PLR2004 - a scope of one name says nothing of names
        return None
    new = {old: fresh(rng, text) for old in own}
    if len(set(new.values())) < len(new):
        return None
    words = {at: new[old] for old, places in own.items() for at in places}
    changed = put(text, words)
    loads = (node for node in ast.walk(ast.parse(changed)) if isinstance(node, ast.Name))
    free = frozenset(node.id for node in loads) - set(new.values()) - set(dir(builtins))
    if len(pieces(changed)) != len(row) or faults(changed, free):
        return None
    return Program(name, changed, {new[old]: places for old, places in own.items()}, free)


def put(text: str, words: dict[int, str]) -> str:
    """The text with some of its pieces replaced.

    >>> put("a = b", {2: "c"})
    'a = c'
    """
    done, parts = 0, list[str]()
    for index, piece in enumerate(pieces(text)):
        parts += [text[done : piece.start], words.get(index, piece.text)]
        done = piece.stop
    return "".join([*parts, text[done:]])


def loads(program: Program) -> list[int]:
    """The pieces where a local is read."""
    own = {at for places in program.locals.values() for at in places}
    row = pieces(program.text)
    starts = {piece.start: index for index, piece in enumerate(row)}
    nodes = (node for node in ast.walk(ast.parse(program.text)) if isinstance(node, ast.Name))
    at = {starts.get(_offset(program.text, n)) for n in nodes if isinstance(n.ctx, ast.Load)}
    return sorted(index for index in own if index in at)


def _occurrences(text: str, row: Sequence[Piece]) -> dict[str, tuple[int, ...]]:
    """The pieces of each local: what the function binds, wherever it stands as a name."""
    starts = {piece.start: index for index, piece in enumerate(row)}
    nodes = list(ast.walk(ast.parse(text)))
    bound = {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    places: dict[str, list[int]] = {}
    for node in nodes:
        name = node.id if isinstance(node, ast.Name) else getattr(node, "arg", None)
        if not isinstance(node, ast.Name | ast.arg) or name not in bound or name == "self":
            continue
        if (index := starts.get(_offset(text, node))) is not None:
            places.setdefault(name, []).append(index)
    return {name: tuple(sorted(found)) for name, found in sorted(places.items())}


def _offset(text: str, node: ast.Name | ast.arg) -> int:
    """Where a node begins; the text is ASCII, so bytes are characters."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts[node.lineno - 1] + node.col_offset
