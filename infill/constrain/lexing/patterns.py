"""A Python regular expression as a nondeterministic automaton over characters.

The expression is read by `re`'s own parser; what stands first in the automaton is what `re`
tries first. Lookbehind of one character, lookahead, word boundaries and anchors stay
conditions in the automaton. Knows nothing of lexemes.

>>> nfa = Nfa()
>>> entry = nfa.add_pattern("ab|é", tag=7)
>>> nfa.nodes[entry]
Split(targets=(2, 3))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from infill.constrain.lexing import codepoints
from infill.constrain.lexing.codepoints import EVERY, Ranges
from infill.errors import GrammarError, LimitError

_parser: Any = import_module("re._parser")
_compiler: Any = import_module("re._compiler")
_NEWLINE: Ranges = ((10, 10),)
_MANY = 1 << 30  # `re` counts "any number" as 2**32 - 1


@dataclass(frozen=True, slots=True)
class Character:
    """Consume one character of a set."""

    among: Ranges
    after: int


@dataclass(frozen=True, slots=True)
class Split:
    """Go on at any of the nodes, the first preferred."""

    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Again:
    """The end of a round that began at `loop`: go on, or out if the round was empty (as `re`)."""

    loop: int
    onward: int
    after: int


@dataclass(frozen=True, slots=True)
class Behind:
    """Go on if the character before is one of a set (`negated`: is none of it, or none is)."""

    negated: bool
    among: Ranges
    after: int


@dataclass(frozen=True, slots=True)
class Ahead:
    """Go on if what follows begins with what node `inner` reads (`negated`: does not)."""

    negated: bool
    inner: int
    after: int


@dataclass(frozen=True, slots=True)
class End:
    """The end of the text; only inside a lookahead."""

    after: int


@dataclass(frozen=True, slots=True)
class Match:
    """All of a pattern was read."""

    tag: int


Node = Character | Split | Again | Behind | Ahead | End | Match


class Nfa:
    """Patterns as a growing graph; `nodes[i]` is node i. Not changed once it is scanned with."""

    def __init__(self, *, limit: int = 200_000) -> None:
        self.nodes: list[Node] = []
        self.limit = limit

    def add_pattern(self, pattern: str, flags: int = 0, *, tag: int = 0, name: str = "") -> int:
        """The entry of a pattern that ends in `Match(tag)`.

        Raises GrammarError for what `re` refuses, for what no automaton can do (named), and for
        a pattern that no text matches; LimitError for more than `limit` nodes.
        """
        tree = parse(pattern, flags, name=name)
        reader = _Reader(self, name or pattern, tree.state.flags)
        entry = reader.sequence(tree, tree.state.flags, self.add(Match(tag)))
        if not self._matches(entry):
            raise GrammarError("no text matches the pattern", where=name, got=pattern)
        return entry

    def add(self, node: Node) -> int:
        """The number of a new node."""
        if len(self.nodes) >= self.limit:
            raise LimitError(
                "the patterns need too many nodes",
                expected=f"at most {self.limit} nodes (limit: nodes)",
                hint="lower the counts of repeats such as {1,1000}",
            )
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _matches(self, entry: int) -> bool:
        seen, work = {entry}, [entry]
        while work:
            node = self.nodes[work.pop()]
            if isinstance(node, Match):
                return True
            ways = () if node == Character((), getattr(node, "after", 0)) else successors(node)
            fresh = [n for n in ways if n not in seen]
            seen.update(fresh)
            work.extend(fresh)
        return False

    @cached_property
    def sets(self) -> frozenset[Ranges]:
        """Every set of characters that some node reads."""
        return frozenset(node.among for node in self.nodes if isinstance(node, Character | Behind))


def successors(node: Node) -> Sequence[int]:
    """The nodes that may come next."""
    if isinstance(node, Split):
        return node.targets
    return [] if isinstance(node, Match) else [node.after]


def parse(pattern: str, flags: int = 0, *, name: str = "") -> Any:  # noqa: ANN401 - re is untyped
    """The syntax tree that `re` makes of a pattern; GrammarError for what it refuses."""
    try:
        return _parser.parse(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise GrammarError(f"not a regular expression: {error}", where=name, got=pattern) from error


def width(pattern: str, flags: int = 0, *, name: str = "") -> tuple[int, int]:
    """The least and greatest number of characters that a pattern can match, as `re` counts."""
    least, most = parse(pattern, flags, name=name).getwidth()
    return int(least), int(most)


class _Reader:
    """Turns `re`'s syntax tree into nodes, from the end to the beginning."""

    def __init__(self, nfa: Nfa, name: str, flags: int) -> None:
        self.nfa, self.name, self.flags = nfa, name, flags
        self.looking = False

    def sequence(self, items: Any, flags: int, after: int) -> int:  # noqa: ANN401
        for op, argument in reversed(list(items)):
            after = self.item(str(op), op, argument, flags, after)
        return after

    def item(self, kind: str, op: Any, argument: Any, flags: int, after: int) -> int:  # noqa: ANN401
        if kind in _CHARACTERS:
            return self.nfa.add(Character(_character(op, argument, flags), after))
        reader: Callable[[Any, int, int], int] | None = getattr(self, f"_{kind.lower()}", None)
        if reader is None:
            raise self._refusal(_REFUSED.get(kind, kind))
        return reader(argument, flags, after)

    def _branch(self, argument: Any, flags: int, after: int) -> int:  # noqa: ANN401
        entries = [self.sequence(items, flags, after) for items in argument[1]]
        return self.nfa.add(Split(tuple(entries)))

    def _subpattern(self, argument: Any, flags: int, after: int) -> int:  # noqa: ANN401
        _, added, removed, items = argument
        return self.sequence(items, _combine(flags, added, removed), after)

    def _max_repeat(self, argument: Any, flags: int, after: int) -> int:  # noqa: ANN401
        return self._repeat(argument, flags, after, greedy=True)

    def _min_repeat(self, argument: Any, flags: int, after: int) -> int:  # noqa: ANN401
        return self._repeat(argument, flags, after, greedy=False)

    def _repeat(self, argument: Any, flags: int, after: int, *, greedy: bool) -> int:  # noqa: ANN401
        least, most, items = argument
        endless, empty = int(most) >= _MANY, items.getwidth()[0] == 0
        onward = after
        for _ in range(1 if endless else int(most) - int(least)):
            loop = self.nfa.add(Split(()))  # completed below, once its body is known
            onward = loop if endless else onward
            end = self.nfa.add(Again(loop, onward, after)) if empty else onward
            body = self.sequence(items, flags, end)
            self.nfa.nodes[loop] = Split((body, after) if greedy else (after, body))
            onward = loop
        for _ in range(int(least)):
            onward = self.sequence(items, flags, onward)
        return onward

    def _assert(self, argument: Any, flags: int, after: int) -> int:  # noqa: ANN401
        return self._look(argument, flags, after, negated=False)

    def _assert_not(self, argument: Any, flags: int, after: int) -> int:  # noqa: ANN401
        return self._look(argument, flags, after, negated=True)

    def _look(self, argument: Any, flags: int, after: int, *, negated: bool) -> int:  # noqa: ANN401
        direction, items = argument
        if self.looking:
            raise self._refusal("a lookaround inside a lookahead")
        if direction < 0:
            return self._behind(self._single(items, flags), after, negated=negated)
        self.looking = True
        inner = self.sequence(items, flags, self.nfa.add(Match(0)))
        self.looking = False
        return self.nfa.add(Ahead(negated, inner, after))

    def _behind(self, ranges: Ranges, after: int, *, negated: bool) -> int:
        if self.looking:
            raise self._refusal("a lookaround inside a lookahead")
        return self.nfa.add(Behind(negated, ranges, after))

    def _single(self, items: Any, flags: int) -> Ranges:  # noqa: ANN401
        """The characters of a lookbehind, which must be one character wide."""
        items = list(items)
        if len(items) == 1:
            op, argument = items[0]
            if str(op) in _CHARACTERS:
                return _character(op, argument, flags)
            if str(op) == "SUBPATTERN":
                return self._single(argument[3], _combine(flags, argument[1], argument[2]))
            if str(op) == "BRANCH":
                return codepoints.union(*(self._single(way, flags) for way in argument[1]))
        raise self._refusal("a lookbehind of more than one character")

    def _at(self, where: Any, flags: int, after: int) -> int:  # noqa: ANN401
        kind = str(where)
        many = bool(flags & re.MULTILINE)
        if kind in {"AT_BOUNDARY", "AT_NON_BOUNDARY"}:
            return self._boundary(flags, after, edge=kind == "AT_BOUNDARY")
        if kind in {"AT_BEGINNING", "AT_BEGINNING_STRING"}:
            lines = many and kind == "AT_BEGINNING"
            before = codepoints.complement(_NEWLINE) if lines else EVERY
            return self._behind(before, after, negated=True)
        if self.looking and not isinstance(self.nfa.nodes[after], Match):
            raise self._refusal("an end of text before the end of a lookahead")
        done = self.nfa.add(Match(0))
        inner = end = self.nfa.add(End(done))
        if kind == "AT_END":
            newline = self.nfa.add(Character(_NEWLINE, done if many else end))
            inner = self.nfa.add(Split((end, newline)))
        return (
            inner if self.looking else self.nfa.add(Ahead(negated=False, inner=inner, after=after))
        )

    def _boundary(self, flags: int, after: int, *, edge: bool) -> int:
        word = codepoints.matching(r"\w", flags & re.ASCII)
        ways = list[int]()
        for inside in (False, True):
            inner = self.nfa.add(Character(word, self.nfa.add(Match(0))))
            ahead = self.nfa.add(Ahead(inside == edge, inner, after))
            ways.append(self._behind(word, ahead, negated=not inside))
        return self.nfa.add(Split(tuple(ways)))

    def _failure(self, _argument: Any, _flags: int, after: int) -> int:  # noqa: ANN401
        return self.nfa.add(Character((), after))

    def _refusal(self, what: str) -> GrammarError:
        return GrammarError(
            f"a pattern uses {what}, which no automaton can follow",
            where=self.name,
            hint="write it without, or move the distinction into the rules",
        )


_CHARACTERS = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN"})
_REFUSED = {
    "GROUPREF": "a backreference",
    "GROUPREF_EXISTS": "a conditional group",
    "POSSESSIVE_REPEAT": "a possessive repeat",
    "ATOMIC_GROUP": "an atomic group",
}


def _combine(flags: int, added: int, removed: int) -> int:
    kinds = re.ASCII | re.UNICODE
    return ((flags & ~kinds if added & kinds else flags) | added) & ~removed


def _character(op: Any, argument: Any, flags: int) -> Ranges:  # noqa: ANN401
    """The characters that one node of `re`'s tree matches."""
    kind = str(op)
    if kind == "ANY":
        return EVERY if flags & re.DOTALL else codepoints.complement(_NEWLINE)
    if kind == "IN" and all(str(part) in {"LITERAL", "RANGE", "NEGATE"} for part, _ in argument):
        if not flags & re.IGNORECASE:
            pairs = [
                (v, v) if str(part) == "LITERAL" else v for part, v in argument if v is not None
            ]
            plain = codepoints.union(tuple(pairs))
            negated = str(argument[0][0]) == "NEGATE"
            return codepoints.complement(plain) if negated else codepoints.without_surrogates(plain)
    elif kind != "IN" and not flags & re.IGNORECASE:
        one: Ranges = ((argument, argument),)
        return (
            codepoints.without_surrogates(one) if kind == "LITERAL" else codepoints.complement(one)
        )
    return codepoints.matching(_written(kind, argument), flags & (re.IGNORECASE | re.ASCII))


def _written(kind: str, argument: Any) -> str:  # noqa: ANN401
    """A node of `re`'s tree as the text of a pattern again, so that `re` can be asked."""
    if kind == "LITERAL":
        return re.escape(chr(argument))
    if kind == "NOT_LITERAL":
        return f"[^{re.escape(chr(argument))}]"
    parts = list[str]()
    for op, value in argument:
        name = str(op)
        if name == "RANGE":
            parts.append(f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}")
        elif name == "CATEGORY":
            parts.append(_CATEGORIES[str(value)])
        else:
            parts.append("^" if name == "NEGATE" else re.escape(chr(value)))
    return f"[{''.join(parts)}]"


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}
