"""The function or class around a place: what a person means by "here".

By Python's own parser where the text parses, and else by indentation: the header above that
stands less deep, to the next line that does not stand deeper. In other languages it is the file.

>>> text = b"import os\\n\\nclass A:\\n    def f(self):\\n        return os\\n\\nx = 1\\n"
>>> enclosing(text, 50, "function", "python"), enclosing(text, 50, "class", "python")
(Span(start=20, stop=55), Span(start=11, stop=55))
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right
from itertools import pairwise
from typing import Literal, get_args

from infill.edit.verify import line_starts
from infill.errors import OptionError
from infill.text import Span

Kind = Literal["function", "class", "file"]

HEADERS = {
    "function": re.compile(rb"[ \t]*(?:async[ \t]+)?def\b"),
    "class": re.compile(rb"[ \t]*class\b"),
}
CLOSING = (b")", b"]", b"}")
DECORATOR = re.compile(rb"[ \t]*@")
NODES: dict[str, tuple[type[ast.stmt], ...]] = {
    "function": (ast.FunctionDef, ast.AsyncFunctionDef),
    "class": (ast.ClassDef,),
}
INDENTATION = re.compile(rb"[ \t]*")
TAB = 8
"""Columns to which a tab goes on (Language Reference, 2.1.8)."""


def enclosing(data: bytes, offset: int, kind: Kind, language: str | None = None) -> Span:
    """The innermost function or class around a byte, from its first decorator to its last line.

    In whole lines; all of the text where there is none. Raises OptionError for another kind.
    """
    if kind not in get_args(Kind):
        raise OptionError(
            "there is no such scope", expected=", ".join(get_args(Kind)), got=repr(kind)
        )
    everything = Span(0, len(data))
    if kind == "file" or language != "python":
        return everything
    lines = [*line_starts(data), len(data)]
    line = max(0, bisect_right(lines, offset, hi=len(lines) - 1) - 1)
    tree = _parsed(data)
    found = _indented(data, lines, line, kind) if tree is None else _node(tree, line, kind)
    return everything if found is None else Span(lines[found.start], lines[found.stop])


def _parsed(data: bytes) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _node(tree: ast.Module, line: int, kind: str) -> range | None:
    """The lines, from 0, of the innermost node of a kind around a line."""
    found: range | None = None
    body: list[ast.AST] = [tree]
    while body:
        node = body.pop()
        lines = _lines(node)
        if lines is not None and line not in lines:
            continue
        if isinstance(node, NODES[kind]):
            found, body = lines, []  # the way goes on inside of it
        body += ast.iter_child_nodes(node)
    return found


def _lines(node: ast.AST) -> range | None:
    """The lines, from 0, of a statement; None of what has no lines of its own."""
    if not isinstance(node, ast.stmt) or node.end_lineno is None:
        return None
    decorators = getattr(node, "decorator_list", ())
    first = min([node.lineno, *(one.lineno for one in decorators)])
    return range(first - 1, node.end_lineno)


def _indented(data: bytes, lines: list[int], line: int, kind: str) -> range | None:
    """As `_node`, by indentation alone."""
    texts = [data[a:b] for a, b in pairwise(lines)]
    while DECORATOR.match(texts[line]) and line + 1 < len(texts):
        line += 1
    last, depth = line, _depth(texts[line])
    if not HEADERS[kind].match(texts[line]):
        after = next((text for text in texts[line:] if text.strip()), b"")
        if not texts[line].strip():  # it is not written yet
            depth = max(depth, _depth(after), 1)
        line, depth = _above(texts, line, depth, kind)
    if line < 0:
        return None
    depth = _depth(texts[line])
    stop = last + 1
    for index in range(line + 1, len(texts)):
        text = texts[index]
        if _begins(text):
            if _depth(text) <= depth:
                break
            stop = max(stop, index + 1)
    return range(_decorated(texts, line), stop)


def _decorated(texts: list[bytes], header: int) -> int:
    """The line of a header's first decorator, or its own."""
    first, depth = header, _depth(texts[header])
    for index in range(header - 1, -1, -1):
        text = texts[index]
        if DECORATOR.match(text) and _depth(text) == depth:
            first = index
        elif _depth(text) <= depth and not text.lstrip().startswith(CLOSING):
            break
    return first


def _above(texts: list[bytes], line: int, depth: int, kind: str) -> tuple[int, int]:
    """The header of a kind above a line that stands less deep, and so on; -1 where none is."""
    for index in range(line - 1, -1, -1):
        text = texts[index]
        if not _begins(text) or _depth(text) >= depth:
            continue
        depth = _depth(text)
        if HEADERS[kind].match(text):
            return index, depth
    return -1, depth


def _begins(text: bytes) -> bool:
    """Whether a line's indentation tells anything."""
    return bool(text.strip()) and not text.lstrip().startswith((b"#", *CLOSING))


def _depth(text: bytes) -> int:
    """Columns of white space before a line's text."""
    found = INDENTATION.match(text)
    return 0 if found is None else len(found[0].expandtabs(TAB))
