"""Shapes of JSON values written as rules over lexemes.

One nonterminal for each set of schemas, one for each array or object shape, one for each pair of
a key and its value; equal ones are shared, so recursive schemas end. Knows nothing of keywords.

>>> from infill.constrain.schema.reading import Reader
>>> writer = Writer(Reader({"type": "null"}))
>>> writer.value(writer.reader.root), writer.write(limit=10)
('value_0', [Rule(origin='value_0', expansion=('NULL',))])
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from infill.constrain.schema.ecma import literal
from infill.constrain.schema.keywords import placed
from infill.constrain.schema.members import Members, any_order, declared_order
from infill.constrain.schema.numbers import NUMBER, Number
from infill.constrain.schema.reading import Reader
from infill.constrain.schema.shapes import NEVER, Array, Boolean, Null, Object, Schemas, Shape
from infill.constrain.schema.strings import STRING, Text, render
from infill.constrain.syntax import Rule, Terminal
from infill.errors import GrammarError, LimitError

Order: TypeAlias = Literal["auto", "any", "declared", "loose"]
FEW: Final = 5
"""Declared properties that come in any order unless asked otherwise: 2**5 nonterminals."""
MANY: Final = 10
"""Declared properties that may come in any order at all: 2**10 nonterminals."""
ITEMS: Final = 256
"""Items of an array that are counted, or written one by one."""

PUNCTUATION: Final = {
    "LBRACE": "{",
    "RBRACE": "}",
    "LSQB": "[",
    "RSQB": "]",
    "COLON": ":",
    "COMMA": ",",
    "TRUE": "true",
    "FALSE": "false",
    "NULL": "null",
}


class Writer:
    """Rules and terminals, as far as they were asked for.

    order       see `compiling.compile_schema`
    """

    def __init__(self, reader: Reader, *, order: Order = "auto") -> None:
        self.reader, self.order = reader, order
        self.rules: list[Rule] = []
        self.terminals: dict[str, Terminal] = {
            text: Terminal(name, re.escape(text), literal=True)
            for name, text in PUNCTUATION.items()
        }
        # these two make every lexeme as long as JSON has it, used or not
        self.terminals[STRING] = Terminal("STRING", STRING)
        self.terminals[NUMBER] = Terminal("NUMBER", NUMBER)
        self._names: dict[object, str] = {}
        self._todo: list[Callable[[], None]] = []

    def write(self, *, limit: int) -> list[Rule]:
        """Write everything that was asked for; gives the rules.

        Raises `LimitError` above `limit` rules.
        """
        while self._todo:
            self._todo.pop()()
            if len(self.rules) > limit:
                raise LimitError(
                    "this JSON Schema needs too many rules",
                    expected=f"at most {limit}",
                    hint="declare fewer optional properties, or count fewer items",
                )
        return self.rules

    def value(self, schemas: Schemas) -> str:
        """The nonterminal of the values that all `schemas` admit."""
        return self._once(("value", schemas), "value", lambda name: self._values(name, schemas))

    def _once(self, key: object, kind: str, work: Callable[[str], None]) -> str:
        """The name of `key`; its rules are written later."""
        if key not in self._names:
            self._names[key] = name = f"{kind}_{len(self._names)}"
            self._todo.append(lambda: work(name))
        return self._names[key]

    def rule(self, origin: str, *expansion: str) -> None:
        """Add one production."""
        self.rules.append(Rule(origin, expansion))

    def terminal(self, pattern: str, kind: str) -> str:
        """The name of the terminal with this pattern."""
        if pattern not in self.terminals:
            self.terminals[pattern] = Terminal(f"{kind}_{len(self.terminals)}", pattern)
        return self.terminals[pattern].name

    def _values(self, name: str, schemas: Schemas) -> None:
        where = self.reader.where(schemas)
        for shape in self.reader.shapes(schemas):
            for symbol in self._symbols(shape, where):
                self.rule(name, symbol)

    def _symbols(self, shape: Shape, where: str) -> list[str]:
        match shape:
            case Null():
                return ["NULL"]
            case Boolean(values):
                return [str(value).upper() for value in sorted(values)]
            case Number():
                return self._written(shape.pattern(where), "NUMBER", where)
            case Text():
                return self._text(shape, where)
            case Array():
                return [self._once(shape, "array", lambda name: self._array(name, shape, where))]
            case Object():
                return [self._once(shape, "object", lambda name: self._object(name, shape, where))]

    def _text(self, shape: Text, where: str) -> list[str]:
        try:
            pattern = shape.pattern()
        except LimitError as error:
            raise placed(error, where) from None
        return self._written(pattern, "STRING", where)

    def _written(self, pattern: str | None, kind: str, where: str) -> list[str]:
        if pattern is None:
            conflict = (
                f"{where}: no {kind.lower()} meets every condition, as patterns are read here"
            )
            self.reader.conflicts.append(conflict)
            return []
        return [self.terminal(pattern, kind)]

    def _array(self, name: str, shape: Array, where: str) -> None:
        """`items_n` stands for exactly n items, the last one for n or more if there is no end."""
        most = shape.most()
        length = most if most is not None else max(len(shape.prefix), shape.low, 1)
        if length > ITEMS:
            raise LimitError(
                "too many items to count",
                where=where,
                expected=f"minItems and maxItems of at most {ITEMS}",
                got=str(length),
                hint="take the bound out, and check the finished text",
            )
        if shape.low == 0:
            self.rule(name, "LSQB", "RSQB")
        items = ""
        for at in range(length):
            before, items = items, f"{name}_{at + 1}"
            item = self.value(shape.item(at))
            self.rule(items, *([before, "COMMA"] if before else []), item)
            if at + 1 >= shape.low:
                self.rule(name, "LSQB", items, "RSQB")
        if most is None:
            self.rule(items, items, "COMMA", self.value(shape.rest))

    def _object(self, name: str, shape: Object, where: str) -> None:
        declared = shape.declared()
        pairs = [self._pair(self._key(key), schemas) for key, schemas in declared]
        required = [key in shape.required for key, _ in declared]
        others = self._others(shape)  # never a declared key
        arrange = any_order
        if self.order == "loose":
            optional = [pair for pair, needed in zip(pairs, required, strict=True) if not needed]
            pairs = [pair for pair, needed in zip(pairs, required, strict=True) if needed]
            required = [True] * len(pairs)
            for pair in [*optional, *([others] if others else [])]:
                self.rule(f"{name}_free", pair)
            others = f"{name}_free" if optional or others else ""
        elif self.order == "declared" or (self.order == "auto" and len(pairs) > FEW):
            arrange = declared_order
        if arrange is any_order and len(pairs) > MANY:
            raise LimitError(
                "too many declared properties to come in any order",
                where=where,
                expected=f"at most {MANY}",
                got=str(len(pairs)),
                hint="ask for the declared order",
            )
        needed = frozenset(at for at, is_needed in enumerate(required) if is_needed)
        members = arrange(pairs, needed, others, shape.low, shape.high)
        if members is None:
            raise GrammarError(
                "these bounds on the number of properties cannot be held to",
                where=where,
                got=f"minProperties {shape.low}, maxProperties {shape.high}",
                hint="list what is required instead",
            )
        self._members(name, members)

    def _members(self, name: str, members: Members) -> None:
        """A left-recursive rule for each move of the automaton."""
        state = {node: f"{name}_{at}" for at, node in enumerate(members.nodes)}
        for source, pair, target in members.moves:
            if source == members.start:
                self.rule(state[target], pair)
            elif pair:
                self.rule(state[target], state[source], "COMMA", pair)
            else:
                self.rule(state[target], state[source])
        if members.start in members.final:
            self.rule(name, "LBRACE", "RBRACE")
        for node in members.nodes:  # in this order, so that equal schemas give equal grammars
            if node in members.final and node != members.start:
                self.rule(name, "LBRACE", state[node], "RBRACE")

    def _key(self, key: str) -> str:
        return self.terminal(f'"{render(literal(key))}"', "STRING")

    def _others(self, shape: Object) -> str:
        """The nonterminal of any pair whose key is not declared; "" where there is none."""
        names = frozenset(key for key, _ in shape.properties) | shape.required
        open_to = [(key, schemas) for key, schemas in shape.others if schemas != NEVER]
        if not open_to:
            return ""

        def write(name: str) -> None:
            for key, schemas in open_to:
                kept = replace(key, excluded=key.excluded | names)
                for symbol in self._text(kept, self.reader.where(schemas)):
                    self.rule(name, self._pair(symbol, schemas))

        return self._once(("others", tuple(open_to), names), "others", write)

    def _pair(self, key: str, schemas: Schemas) -> str:
        def write(name: str) -> None:
            self.rule(name, key, "COLON", self.value(schemas))

        return self._once(("pair", key, schemas), "pair", write)


def trimmed(rules: Iterable[Rule], terminals: Iterable[str], start: str) -> list[Rule]:
    """The rules that some text uses; none where `start` admits no text.

    >>> trimmed([Rule("a", ("X",)), Rule("a", ("b",)), Rule("b", ("b", "X"))], ["X"], "a")
    [Rule(origin='a', expansion=('X',))]
    """
    left = list(dict.fromkeys(rules))
    alive = set(terminals)
    while True:
        found = {rule.origin for rule in left if alive.issuperset(rule.expansion)} - alive
        if not found:
            break
        alive |= found
    left = [rule for rule in left if alive.issuperset(rule.expansion)]
    used, todo = set[str](), [start]
    by_origin: dict[str, list[Rule]] = {}
    for rule in left:
        by_origin.setdefault(rule.origin, []).append(rule)
    while todo:
        origin = todo.pop()
        if origin not in used:
            used.add(origin)
            todo += [part for rule in by_origin.get(origin, []) for part in rule.expansion]
    return [rule for rule in left if rule.origin in used]
