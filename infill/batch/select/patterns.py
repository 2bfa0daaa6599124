"""Places by an ast-grep pattern: code with `$NAME` for one node and `$$$NAME` for several.

>>> text = Source.of("print(a, b)\\nprint(c)\\n")
>>> [text.data[s.start : s.stop] for s in pattern("print($A)", "A")(text, "python")]
[b'c']
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from infill.errors import OptionError
from infill.text import Source, Span

if TYPE_CHECKING:
    import ast_grep_py

LANGUAGES = (
    *("bash", "c", "cpp", "csharp", "css", "dart", "elixir", "go", "haskell", "hcl", "html"),
    *("java", "javascript", "json", "kotlin", "lua", "markdown", "nix", "php", "python", "ruby"),
    *("rust", "scala", "solidity", "swift", "tsx", "typescript", "yaml", "zig"),
)
"""Those that ast-grep 0.51 knows; it panics when it is asked for another."""
VARIABLE = re.compile(r"(\$\$?\$?)([A-Z_][A-Z0-9_]*)?")


def pattern(text: str, part: str | None) -> Callable[[Source, str | None], Iterator[Span]]:
    """Finds what a pattern matches, or the part of it that a variable stands for.

    Several nodes are one place, from the first to the last; none are no place. Raises OptionError,
    for a pattern that does not parse when it looks.
    """
    wanted = None if part is None else part.lstrip("$")
    names = [found[2] for found in VARIABLE.finditer(text) if found[2]]
    if wanted is not None and wanted not in names:
        raise OptionError(
            "the pattern has no such variable",
            where="--part",
            expected=f"one of {', '.join(f'${name}' for name in names)}" if names else "no part",
            got=str(part),
        )

    def find(source: Source, language: str | None) -> Iterator[Span]:
        offsets = _Offsets.of(source.data)
        for match in _matches(text, source, language):
            nodes = [match] if wanted is None else _parts(match, wanted)
            if nodes:
                first, last = nodes[0].range().start.index, nodes[-1].range().end.index
                yield Span(offsets[first], offsets[last])

    return find


def _matches(text: str, source: Source, language: str | None) -> list[ast_grep_py.SgNode]:
    try:
        import ast_grep_py  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise OptionError(
            "ast-grep is not installed",
            where="--select",
            expected="the package ast-grep-py",
            hint="pip install ast-grep-py",
        ) from error
    if language not in LANGUAGES:
        raise OptionError(
            "ast-grep cannot read this language",
            where=source.name,
            expected=f"one of {', '.join(LANGUAGES)}",
            got=str(language),
        )
    shown = VARIABLE.sub(lambda found: f"_{found[2] or 'X'}", text)
    error = ast_grep_py.SgRoot(shown, language).root().find(kind="ERROR")
    if error is not None or not shown.strip():
        at = error.range().start if error is not None else None
        raise OptionError(
            f"the pattern is no code of {language}",
            where="--select" if at is None else f"--select, line {at.line + 1}",
            expected="a whole expression, statement or definition, $NAME and $$$NAME in it",
            got=text,
            hint="a part of one is selected by a query; a name by name:…",
        )
    return ast_grep_py.SgRoot(source.text, language).root().find_all(pattern=text)


def _parts(match: ast_grep_py.SgNode, name: str) -> list[ast_grep_py.SgNode]:
    """The nodes that a variable stands for, one or several."""
    one = match.get_match(name)
    return match.get_multiple_matches(name) if one is None else [one]


@dataclass(frozen=True, slots=True)
class _Offsets:
    """Byte offsets of characters; None for a text where they are the same."""

    table: tuple[int, ...] | None

    @classmethod
    def of(cls, data: bytes) -> _Offsets:
        if data.isascii():
            return cls(None)
        sizes = (len(character.encode()) for character in data.decode())
        return cls((0, *accumulate(sizes)))

    def __getitem__(self, index: int) -> int:
        return index if self.table is None else self.table[index]
