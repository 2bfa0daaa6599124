"""Python's functions and classes by name, and parts of them, as Python's own parser sees them.

>>> text = Source.of("class A:\\n    def f(self):\\n        return 1\\n")
>>> [text.data[s.start : s.stop] for s in named("A.f", "signature")(text, "python")]
[b'def f(self)']
"""

from __future__ import annotations

import ast
import codecs
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

from infill.edit.verify import line_starts
from infill.errors import HoleError, OptionError
from infill.text import Source, Span

PARTS = ("whole", "body", "docstring", "signature", "missing-docstring")
LOCALS = ".<locals>"
ANY = "**"
BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
"""The fields of Python's statements, handlers and cases that hold statements, in their order."""
AFTER = re.compile(rb"(?:[^:#]|#[^\r\n]*)*")
"""What may stand between a header's last expression and its colon."""

Named: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef"


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or a class.

    whole      from its first decorator on
    header     from `def`, `async` or `class` to the colon, which is not in it
    docstring  the literal, with its quotes
    body       the statements after the docstring; None where there are none
    """

    name: str
    whole: Span
    header: Span
    docstring: Span | None
    body: Span | None
    function: bool
    stub: bool

    def part(self, name: str) -> Span | None:
        """One of `PARTS`; None where it has none, or nothing is missing."""
        if name == "missing-docstring":
            first = self.body
            missing = self.function and self.docstring is None and not self.stub
            return Span(first.start, first.start) if first and missing else None
        parts: dict[str, Span | None] = {
            "whole": self.whole,
            "body": self.body,
            "docstring": self.docstring,
            "signature": self.header,
        }
        return parts[name]


def named(text: str, part: str | None = None) -> Callable[[Source, str | None], Iterator[Span]]:
    """Finds definitions by name: `Class.method`, `outer.inner`, with `*` and `**` for any.

    `file.py::name` only in files whose path ends so; `a.<locals>.b` is `a.b`. In other languages
    it finds nothing. Raises OptionError, and HoleError for a text that does not parse.
    """
    part = "whole" if part is None else part
    if part not in PARTS:
        expected = f"one of {', '.join(PARTS)}"
        raise OptionError("there is no such part", where="--part", expected=expected, got=part)
    file, _, name = text.rpartition("::")
    wanted = name.replace(LOCALS, "").split(".")
    if not all(wanted):
        expected = "names with dots between them, as Class.method"
        raise OptionError("this is no name", where="--select", expected=expected, got=text)
    ending = [step for step in file.split("/") if step not in {"", "."}]

    def find(source: Source, language: str | None) -> Iterator[Span]:
        here = source.name.split("/")
        if language != "python" or here[len(here) - len(ending) :] != ending:
            return
        for definition in definitions(source, wanted):
            if (span := definition.part(part)) is not None:
                yield span

    return find


def matches(wanted: Sequence[str], name: Sequence[str]) -> bool:
    """Whether a name's steps are what is wanted; `**` is any number of steps.

    >>> matches(["**", "f*"], ["A", "B", "find"]), matches(["*"], ["A", "B"])
    (True, False)
    """
    if not wanted:
        return not name
    if wanted[0] == ANY:
        return any(matches(wanted[1:], name[at:]) for at in range(len(name) + 1))
    return bool(name) and fnmatchcase(name[0], wanted[0]) and matches(wanted[1:], name[1:])


def definitions(source: Source, wanted: Sequence[str] = (ANY,)) -> tuple[Definition, ...]:
    """Those of a Python text with a name that `matches`, in its order.

    A name has the names around it before it, with dots. Raises HoleError for a text that does not
    parse.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # as text: a comment that names another encoding says nothing of what was read
            tree = ast.parse(source.data.decode("utf-8-sig"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        raise HoleError(
            "definitions cannot be found in a text that does not parse",
            where=source.name if line is None else f"{source.name}, line {line}",
            expected="Python",
            got=getattr(error, "msg", "") or str(error),
            hint="select by a query or by lines; those need no whole text",
        ) from error
    reader = _Reader(source.data)
    return tuple(
        reader.definition(name, node)
        for name, node in _named(tree)
        if matches(wanted, name.split("."))
    )


def _named(tree: ast.Module) -> Iterator[tuple[str, Named]]:
    """Every definition with its name; one in another after it, in the order of the text."""
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        prefix, node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield f"{prefix}{node.name}", node
            prefix = f"{prefix}{node.name}."
        waiting += [(prefix, child) for child in _inner(node)][::-1]


def _inner(node: ast.AST) -> Iterator[ast.AST]:
    """The statements in a statement; expressions have none."""
    for field in BLOCKS:
        yield from getattr(node, field, ())


class _Reader:
    """Places of nodes, in bytes of the text."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._starts = line_starts(data)
        self._mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0

    def definition(self, name: str, node: Named) -> Definition:
        start = self._offset(node.lineno, node.col_offset)
        first, *rest = node.body
        documented = _is_text(first)
        body = rest if documented else node.body
        return Definition(
            name=name,
            whole=Span(self._start(node), self._stop(node)),
            header=Span(start, self._colon(node, start)),
            docstring=Span(self._start(first), self._stop(first)) if documented else None,
            body=Span(self._start(body[0]), self._stop(body[-1])) if body else None,
            function=not isinstance(node, ast.ClassDef),
            stub=len(node.body) == 1 and _is_dots(first),
        )

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column + (self._mark if line == 1 else 0)

    def _start(self, node: ast.stmt) -> int:
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        if not decorators:
            return self._offset(node.lineno, node.col_offset)
        first = self._offset(decorators[0].lineno, decorators[0].col_offset)
        return self._data.rindex(b"@", 0, first)

    def _stop(self, node: ast.stmt | ast.expr) -> int:
        return self._offset(node.end_lineno or 0, node.end_col_offset or 0)

    def _colon(self, node: Named, start: int) -> int:
        """The end of a header: the first colon after its last expression."""
        statements = {id(one) for one in (*node.body, *node.decorator_list)}
        at, waiting = start, [n for n in ast.iter_child_nodes(node) if id(n) not in statements]
        while waiting:
            inner = waiting.pop()
            if isinstance(inner, ast.expr | ast.arg | ast.keyword):
                at = max(at, self._offset(inner.end_lineno or 0, inner.end_col_offset or 0))
            waiting += ast.iter_child_nodes(inner)
        found = AFTER.match(self._data, at)
        colon = at if found is None else found.end()
        return start + len(self._data[start:colon].rstrip())


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_dots(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and node.value.value is Ellipsis
    )
