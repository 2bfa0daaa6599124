"""Whether one name may be another, misspelt; and which names of a text are. Python only.

Knows nothing of models.

>>> text = b"def mean(values):\\n    return np.sum(vlaues) / len(values)\\n"
>>> [text[span.start : span.stop] for span in misspelt(text)]
[b'vlaues']
"""

from __future__ import annotations

import ast
import difflib
import re
from collections import Counter

from infill.edit.names import parsed, unbound, unbound_uses, uses
from infill.text import Span

ALIKE = 0.75
"""The similarity (`difflib`'s ratio) from which on a wrong name is taken for another."""
SHORT = 4
"""Letters of a name below which a slip makes as good a name."""


def misspelt(data: bytes) -> tuple[Span, ...]:
    """The names that nothing in the text binds, as far as the text can tell.

    Where all that it has at its top are functions and classes, without an import, it may be a part
    of a module that binds the others: there, one counts that is read once, and is a slip away
    from one in its reach.
    """
    if not _may_be_part(data):
        return unbound(data)
    found = unbound_uses(uses(data))
    times = Counter(use.name for use in found)
    return tuple(
        use.span
        for use in found
        if times[use.name] == 1 and any(slip(use.name, name) for name in use.scope.reach())
    )


def alike(old: str, new: str) -> bool:
    """Whether a name that is wrong may have been another.

    >>> alike("get_vlues", "get_values"), alike("x", "y")
    (True, False)
    """
    return difflib.SequenceMatcher(None, old, new).ratio() >= ALIKE


def slip(old: str, new: str) -> bool:
    """Whether a letter too many, too few, wrong, or swapped with the next parts two names.

    That is four of five misspellings (Damerau 1964). A capital, an underscore before, a number or
    another ending behind make another name on purpose; so does almost anything of a short name.

    >>> slip("reslut", "result"), slip("Rule", "rule"), slip("groups", "group")
    (True, False, False)
    """
    if abs(len(old) - len(new)) > 1:
        return False  # most pairs end here
    plain = [re.sub(r"^_+|\d+$", "", name).casefold() for name in (old, new)]
    if plain[0].startswith(plain[1]) or plain[1].startswith(plain[0]):
        return False
    if max(map(len, plain)) < SHORT:
        return False
    first = _shared(old, new)
    last = _shared(old[first:][::-1], new[first:][::-1])
    left, right = old[first : len(old) - last], new[first : len(new) - last]
    return max(len(left), len(right)) == 1 or (len(left) == 2 and left == right[::-1])  # noqa: PLR2004 - a pair


def solitary(data: bytes) -> frozenset[Span]:
    """Where a local is bound that nothing else names: often a use of it is misspelt.

    `self`, `cls` and names that begin with an underscore are not counted. Raises InputError when
    the text does not parse.
    """
    places: dict[tuple[int, str], list[Span]] = {}
    for use in uses(data):
        owner = use.scope.owner(use.name)
        local = owner is not None and owner.kind in {"function", "comprehension"}
        if local and use.name not in {"self", "cls"} and not use.name.startswith("_"):
            places.setdefault((id(owner), use.name), []).append(use.span)
    return frozenset(row[0] for row in places.values() if len(row) == 1)


def _may_be_part(data: bytes) -> bool:
    return all(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for node in parsed(data).body
    )


def _shared(left: str, right: str) -> int:
    """Letters that both begin with."""
    same = (i for i, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1])
    return next(same, min(len(left), len(right)))
