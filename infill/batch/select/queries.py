"""Places by a tree-sitter query, in every language whose package is installed.

>>> text = Source.of("print(len(a))\\n")
>>> find = query('(call function: (identifier) @infill (#eq? @infill "len"))', None)
>>> list(find(text, "python"))
[Span(start=6, stop=9)]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from infill.errors import OptionError
from infill.text import Source, Span

if TYPE_CHECKING:
    import tree_sitter

CAPTURE = "infill"
"""The capture that is meant where a query has one of that name."""
PLACE = re.compile(r"at row (\d+)(?:, column (\d+))?")


def query(text: str, part: str | None) -> Callable[[Source, str | None], Iterator[Span]]:
    """Finds what a query captures: `part`, else what is called `infill`, else everything.

    Raises OptionError when it looks: for a language that cannot be parsed, or a bad query.
    """

    def find(source: Source, language: str | None) -> Iterator[Span]:
        known = _language(language, source.name)
        import tree_sitter  # noqa: PLC0415 - `_language` has said it where it is missing

        asked = _query(known, text, language or "")
        names = _captures(asked, part)
        tree = tree_sitter.Parser(known).parse(source.data)
        for _, captures in tree_sitter.QueryCursor(asked).matches(tree.root_node):
            for name in names:
                for node in captures.get(name, ()):
                    if not node.is_missing:
                        yield Span(node.start_byte, node.end_byte)

    return find


def _language(name: str | None, where: str) -> tree_sitter.Language:
    if name in {None, "none"}:
        raise OptionError(
            "a query needs to know the language",
            where=where,
            expected="a file whose name says it, or --language",
        )
    return _loaded(str(name))


@lru_cache(maxsize=16)
def _loaded(name: str) -> tree_sitter.Language:
    """The language of an installed package, which is called after it."""
    module = f"tree_sitter_{name.replace('-', '_')}"
    try:
        import tree_sitter  # noqa: PLC0415 - an extra

        package: Any = import_module(module)
        made = getattr(package, f"language_{name}", None) or package.language
        language: object = made()
        return tree_sitter.Language(language)
    except (ImportError, AttributeError) as error:
        raise OptionError(
            f"tree-sitter cannot read {name!r}",
            where="--select",
            expected=f"the packages tree-sitter and {module.replace('_', '-')}",
            got=str(error),
            hint=f"pip install 'infill-lm[tree-sitter]' {module.replace('_', '-')}",
        ) from error


@lru_cache(maxsize=16)
def _query(language: tree_sitter.Language, text: str, name: str) -> tree_sitter.Query:
    import tree_sitter  # noqa: PLC0415 - an extra

    try:
        return tree_sitter.Query(language, text)
    except (tree_sitter.QueryError, ValueError) as error:
        raise OptionError(
            f"this is no query for {name}",
            where=f"--select, {_place(str(error), text)}",
            expected="a tree-sitter query, for instance '(call function: (_) @infill)'",
            got=str(error),
            hint="a pattern that begins with a bracket is written pattern:…",
        ) from error


def _place(message: str, text: str) -> str:
    """Where in the query, as a person counts."""
    found = PLACE.search(message)
    if found is None:
        lines = text.split("\n")
        return f"line {len(lines)}, column {len(lines[-1]) + 1}"
    line = f"line {int(found[1]) + 1}"
    return line if found[2] is None else f"{line}, column {int(found[2]) + 1}"


def _captures(asked: tree_sitter.Query, part: str | None) -> list[str]:
    names = [asked.capture_name(index) for index in range(asked.capture_count)]
    wanted = None if part is None else part.removeprefix("@")
    if not names or (wanted is not None and wanted not in names):
        raise OptionError(
            "the query captures nothing" if not names else "the query has no such capture",
            where="--select" if not names else "--part",
            expected=f"a name after what is meant, as @{CAPTURE}"
            if not names
            else f"one of {', '.join(f'@{name}' for name in names)}",
            got=part or "",
        )
    if wanted is not None:
        return [wanted]
    return [CAPTURE] if CAPTURE in names else names
