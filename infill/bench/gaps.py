"""Infilling items: statement lines of held-out functions, cut out.

An item's text no longer holds what is asked for; the indentation of the first line is given. The
text is the whole top-level function or class around the gap.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from infill.bench.metrics import parses, similarity
from infill.bench.outcome import Outcome
from infill.bench.programs import faults
from infill.bench.sources import Module, heldout
from infill.edit.names import uses
from infill.edit.workspace import Workspace

MOST_TEXT, MOST_ANSWER = 6_000, 240  # characters
RUN = (2, 4)  # lines of a multi-line gap
SHORTEST = 6  # characters of a line
_HEADED = ast.If | ast.For | ast.While | ast.With | ast.AsyncFor | ast.AsyncWith | ast.FunctionDef
_OTHER = ast.Try | ast.TryStar | ast.Match | ast.ClassDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A text with one gap at the character `at`, and what stood there.

    tests   a program that fails unless the text, put before it, is right; "" where there is none
    free    names that the module around the text binds for it
    module  that it was cut out of, if any, and there the first line of the gap and its end, from 0
    """

    id: str
    text: str
    at: int
    answer: str
    tests: str = ""
    free: frozenset[str] = frozenset()
    module: Module | None = None
    lines: tuple[int, int] = (0, 0)

    @property
    def gold(self) -> str:
        """The text as it was."""
        return self.filled(self.answer)

    def filled(self, fill: str) -> str:
        """The text with a fill in the gap."""
        return self.text[: self.at] + fill + self.text[self.at :]


def draw(
    modules: Sequence[Module], count: int, rng: np.random.Generator, *, lines: int
) -> list[Gap]:
    """`count` gaps of one line, or of 2 to 4 (`lines` > 1): project, module, place at random.

    Fewer where the modules do not have as many.
    """
    by_project: dict[str, list[Module]] = {}
    for module in modules:
        by_project.setdefault(module.project, []).append(module)
    streams = [_of_project(own, rng, lines) for _, own in sorted(by_project.items())]
    found: dict[str, Gap] = {}
    while streams and len(found) < count:
        stream = streams[int(rng.integers(len(streams)))]
        gap = next(stream, None)
        if gap is None:
            streams.remove(stream)
        else:
            found[gap.id] = gap
    return list(found.values())


def workspace(gap: Gap) -> Workspace:
    """The texts of a gap's project by their paths; empty where it was cut out of none.

    That of its own file has the answer: whoever fills the file under its path does not look at it.
    """
    return Workspace.of({}) if gap.module is None else _project(gap.module.project)


def opened(gap: Gap) -> tuple[str, int]:
    """The whole file with the gap in it, and the character where the gap's own text begins there.

    The gap's own text, where it was cut out of no file.
    """
    if gap.module is None:
        return gap.text, 0
    before = gap.text[: gap.at].count("\n")
    lines = gap.module.text.split("\n")[: gap.lines[0] - before]
    start = sum(len(line) + 1 for line in lines)
    at, whole = start + gap.at, gap.module.text
    return whole[:at] + whole[at + len(gap.answer) :], start


def statement_lines(text: str) -> list[int]:
    """Indices of lines that hold one whole statement or header, inside a function.

    No docstrings, no lines of fewer than six characters.
    """
    lines = text.split("\n")
    found: set[int] = set()
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.stmt) and node is not function and _is_line(node):
                    found.add(node.lineno - 1)
    return sorted(number for number in found if len(lines[number].strip()) >= SHORTEST)


def judge(gap: Gap, outcome: Outcome) -> dict[str, float]:
    """Exact match and edit similarity of the fill, white space at its end apart; parsing.

    valid   the text parses and reads no name that neither it nor its module binds
    """
    fill = outcome.fills[0].rstrip() if outcome.fills else ""
    return {
        "exact": float(not outcome.failed and fill == gap.answer.rstrip()),
        "similarity": similarity(fill, gap.answer.rstrip()),
        "parses": float(not outcome.failed and parses(outcome.text)),
        "valid": float(not outcome.failed and not faults(outcome.text, gap.free)),
    }


def _of_project(modules: Sequence[Module], rng: np.random.Generator, lines: int) -> Iterator[Gap]:
    """Ends where the project seems to have no more, after 100 draws a module."""
    for _ in range(100 * len(modules)):
        module = modules[int(rng.integers(len(modules)))]
        places = _places(module, lines)
        if not places:
            continue
        first, last = places[int(rng.integers(len(places)))]
        if (gap := _gap(module, first, last)) is not None:
            yield gap


@lru_cache(maxsize=16)
def _project(name: str) -> Workspace:
    return Workspace.of({module.path: module.text for module in heldout([name])})


@lru_cache(maxsize=1024)
def _places(module: Module, lines: int) -> list[tuple[int, int]]:
    """First and last line of each place where a gap could be, counted from 0."""
    numbers = statement_lines(module.text)
    if lines == 1:
        return [(number, number) for number in numbers]
    own = set(numbers)
    return [
        (first, first + extra)
        for first in numbers
        for extra in range(RUN[0] - 1, RUN[1])
        if all(first + step in own for step in range(extra + 1))
    ]


def _gap(module: Module, first: int, last: int) -> Gap | None:
    """None where the text around the gap, or what stands in it, is too long."""
    found = _around(module.text, first)
    if found is None:
        return None
    start, stop = found
    lines = module.text.split("\n")[start:stop]
    text = "\n".join(lines) + "\n"
    first, last = first - start, last - start
    if len(text) > MOST_TEXT or last >= len(lines):
        return None
    indent = len(lines[first]) - len(lines[first].lstrip())
    at = sum(len(line) + 1 for line in lines[:first]) + indent
    answer = "\n".join(lines[first : last + 1])[indent:].rstrip()
    if not 0 < len(answer) <= MOST_ANSWER or not parses(text):
        return None
    return Gap(
        id=f"{module.path}:{start + first + 1}-{start + last + 1}",
        text=text[:at] + text[at + len(answer) :],
        at=at,
        answer=answer,
        free=_bound(module),
        module=module,
        lines=(start + first, start + last + 1),
    )


@lru_cache(maxsize=1024)
def _bound(module: Module) -> frozenset[str]:
    """The names of a module; a star import may bind any that is read in it."""
    found = uses(module.text.encode())
    star = any(use.name == "*" for use in found)
    return frozenset(
        use.name
        for use in found
        if star
        or use.scope.owner(use.name) is None
        or use.scope.owner(use.name) is use.scope.module
    )


def _around(text: str, line: int) -> tuple[int, int] | None:
    """First line and end line of the top-level statement that holds a line, from 0."""
    for node in ast.parse(text).body:
        decorators: list[Any] = getattr(node, "decorator_list", [])
        start = min([node.lineno, *(mark.lineno for mark in decorators)]) - 1
        if start <= line < (node.end_lineno or node.lineno):
            return start, node.end_lineno or node.lineno
    return None


def _is_line(node: ast.stmt) -> bool:
    """A statement that ends on the line it starts, or a header; no bare constant."""
    if isinstance(node, _OTHER):
        return False
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return False
    if isinstance(node, _HEADED):
        return node.body[0].lineno == node.lineno + 1
    return node.end_lineno == node.lineno
