"""Schemas read into shapes: what each keyword asks of a value.

All keywords of a schema hold together, so its shapes are met one after the other; `anyOf` and
`oneOf` are unions. What is inside arrays and objects gets a number and is read when it is asked
for. Knows nothing of grammars.

>>> reader = Reader({"type": ["integer", "null"], "minimum": 1, "maximum": 0})
>>> reader.shapes(reader.root), reader.conflicts
((Null(),), ['#/type: the minimum 1 is above the maximum 0'])
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TypeAlias

from infill.constrain.schema import facets
from infill.constrain.schema.facets import PATTERNS, TYPES, Schema
from infill.constrain.schema.keywords import (
    ANNOTATIONS,
    PLACES,
    Document,
    Json,
    check,
    escape,
    malformed,
    placed,
    refusal,
)
from infill.constrain.schema.numbers import Number
from infill.constrain.schema.shapes import (
    ALWAYS,
    ANY,
    NEVER,
    Array,
    Boolean,
    Null,
    Object,
    Schemas,
    Shape,
    both,
    meet_all,
)
from infill.constrain.schema.strings import Text
from infill.errors import GrammarError, InfillError, LimitError

Shapes: TypeAlias = tuple[Shape, ...]


class Reader:
    """One document, its schemas by number, and what was found contradictory on the way.

    Raises `GrammarError` for a keyword that cannot be held to, with its JSON pointer.
    """

    def __init__(self, root: Json) -> None:
        self.document = Document(root)
        self.conflicts: list[str] = []
        self._schemas: list[tuple[Json, str]] = [(False, "#")]
        self._numbers: dict[str, int] = {}
        self._read: dict[int, Shapes] = {0: ()}
        self._open: set[int] = set()
        self._met: dict[Schemas, Shapes] = {}
        self.root = self.number(root, "#")

    def number(self, schema: Json, where: str) -> Schemas:
        """The number of `schema`; equal ones have the same."""
        if schema is False:
            return NEVER
        if schema is True or (isinstance(schema, Mapping) and not schema.keys() - ANNOTATIONS):
            return ALWAYS
        if not isinstance(schema, Mapping):
            raise malformed("a schema", where, "an object, true or false", schema)
        held = {name: value for name, value in schema.items() if name not in ANNOTATIONS | PLACES}
        key = json.dumps(held, default=str)
        if key not in self._numbers:
            self._numbers[key] = len(self._schemas)
            self._schemas.append((schema, where))
        return (self._numbers[key],)

    def where(self, schemas: Schemas) -> str:
        """The JSON pointer of the first of `schemas`."""
        return self._schemas[schemas[0]][1] if schemas else "#"

    def shapes(self, schemas: Schemas) -> Shapes:
        """What a value looks like of which all `schemas` hold."""
        if schemas not in self._met:
            found: Shapes = ANY
            for number in schemas:
                found = self._both(found, self._shapes_of(number), self._schemas[number][1])
            self._met[schemas] = found
        return self._met[schemas]

    def hopeless(self, schemas: Schemas, seen: frozenset[Schemas] = frozenset()) -> bool:
        """Whether surely no value meets all `schemas`; False where that is not plain."""
        if schemas in seen:
            return False
        return all(self._barren(shape, seen | {schemas}) for shape in self.shapes(schemas))

    def _barren(self, shape: Shape, seen: frozenset[Schemas]) -> bool:
        match shape:
            case Array(low=low):
                return any(self.hopeless(item, seen) for item in shape.prefix[:low])
            case Object(required=required):
                return any(self.hopeless(shape.value(name), seen) for name in sorted(required))
            case _:
                return False

    def _both(self, one: Shapes, other: Shapes, where: str) -> Shapes:
        try:
            found, conflicts = meet_all(one, other)
        except InfillError as error:
            raise placed(error, where) from None
        if one and not other:
            conflicts = ("nothing is admitted here",)
        self.conflicts += [f"{where}: {conflict}" for conflict in conflicts if one]
        return found

    def _shapes_of(self, number: int) -> Shapes:
        if number in self._read:
            return self._read[number]
        schema, where = self._schemas[number]
        if number in self._open:
            raise GrammarError(
                "a schema that refers to itself, with nothing in between, says nothing",
                where=where,
                hint="put the $ref inside properties or items",
            )
        self._open.add(number)
        found: Shapes = ANY
        if isinstance(schema, Mapping):
            check(schema, where)
            for part, place in self._parts(schema, where):
                found = self._both(found, part, place)
            if "oneOf" in schema:
                found = self._one_of(found, self._listed(schema, "oneOf", where), where)
        self._open.remove(number)
        self._read[number] = found
        return found

    def _parts(self, schema: Schema, where: str) -> Iterator[tuple[Shapes, str]]:
        """What each keyword admits, but for `oneOf`."""
        yield self._typed(schema, where), f"{where}/type" if "type" in schema else where
        if "$ref" in schema:
            reference = schema["$ref"]
            if not isinstance(reference, str):
                raise malformed("$ref", where, "a string", reference)
            yield self.shapes(self.number(*self.document.target(reference, where))), f"{where}/$ref"
        for keyword in filter(schema.__contains__, ("const", "enum")):
            place = f"{where}/{keyword}"
            yield tuple(self._values(facets.constants(schema, keyword, where), place)), place
        for inner in self._listed(schema, "allOf", where):
            yield self.shapes(inner), self.where(inner)
        if "anyOf" in schema:
            branches = map(self.shapes, self._listed(schema, "anyOf", where))
            yield tuple(dict.fromkeys(itertools.chain(*branches))), f"{where}/anyOf"
        if "not" in schema:
            yield self._negated(schema["not"], f"{where}/not"), f"{where}/not"
        if "if" in schema:
            yield self._conditional(schema, where), f"{where}/if"
        yield from self._dependent(schema, where)

    def _dependent(self, schema: Schema, where: str) -> Iterator[tuple[Shapes, str]]:
        """`dependentRequired`: without the one property, or with the others."""
        older = facets.named(schema, "dependencies", where)
        if any(isinstance(needed, Mapping | bool) for _, needed in older):
            raise refusal("dependencies", where)
        for name, needed in [*facets.named(schema, "dependentRequired", where), *older]:
            names = frozenset(facets.strings(needed, "dependentRequired", where))
            others = tuple(shape for shape in ANY if not isinstance(shape, Object))
            without = Object(((name, NEVER),))
            yield (Object(required=names), without, *others), f"{where}/dependentRequired"

    def _listed(self, schema: Schema, keyword: str, where: str) -> list[Schemas]:
        if keyword not in schema:
            return []
        inner = schema[keyword]
        if not isinstance(inner, list | tuple) or not inner:
            raise malformed(keyword, where, "a non-empty array of schemas", inner)
        return [self.number(one, f"{where}/{keyword}/{at}") for at, one in enumerate(inner)]

    def _conditional(self, schema: Schema, where: str) -> Shapes:
        """`if … then … else`, as "both, or not the first and the last"."""
        branches: dict[str, Shapes] = {}
        for keyword in ("if", "then", "else"):
            branches[keyword] = self.shapes(
                self.number(schema.get(keyword, True), f"{where}/{keyword}")
            )
        unless = self._negated(schema["if"], f"{where}/if")
        then = self._both(branches["if"], branches["then"], f"{where}/then")
        otherwise = self._both(unless, branches["else"], f"{where}/else")
        return tuple(dict.fromkeys((*then, *otherwise)))

    def _one_of(self, found: Shapes, branches: list[Schemas], where: str) -> Shapes:
        """Exactly one branch: a union where no two can hold at once."""
        single = [branch for branch in branches if branches.count(branch) == 1]
        for one, other in itertools.combinations(dict.fromkeys(branches), 2):
            overlap, _ = meet_all(self.shapes(both(one, other)), found)
            if not all(self._barren(shape, frozenset()) for shape in overlap):
                raise refusal(
                    "oneOf",
                    where,
                    f"{self.where(one)} and {self.where(other)} may hold at once: give each a"
                    " required property with a const of its own, or write anyOf",
                )
        union = tuple(dict.fromkeys(itertools.chain(*map(self.shapes, single))))
        return self._both(found, union, f"{where}/oneOf")

    def _negated(self, schema: Json, where: str) -> Shapes:
        """What does not meet `schema`, where that is simple."""
        if isinstance(schema, bool):
            return () if schema else ANY
        if not isinstance(schema, Mapping):
            raise malformed("not", where, "a schema", schema)
        keywords = schema.keys() - ANNOTATIONS - PLACES
        types = facets.types(schema, where) if "type" in schema else list(TYPES)
        if "integer" in types and "number" not in types:
            raise refusal("not", where, "a grammar does not say which numbers are no integers")
        others = tuple(shape for name, shape in TYPES.items() if name not in types)
        others = tuple(shape for shape in others if shape != TYPES["integer"])
        match sorted(keywords - {"type"}):
            case []:
                return others
            case ["pattern"] if "string" in types:
                return (*others, Text(without=(facets.pattern(schema["pattern"], where),)))
            case ["const" | "enum" as keyword]:
                values = facets.constants(schema, keyword, where)
                return (*others, *facets.other_than(values, where))
            case ["properties"] | ["required"] | ["properties", "required"] if "object" in types:
                return (*others, *self._unlike(schema, where))
            case ["anyOf"] if "type" not in keywords:
                found: Shapes = ANY
                for inner in self._listed(schema, "anyOf", where):
                    found = self._both(found, self.shapes(self._not(inner)), where)
                return found
            case _:
                raise refusal("not", where, "say what is admitted, not what is not")

    def _not(self, inner: Schemas) -> Schemas:
        schema = self._schemas[inner[0]][0] if inner else True
        return self.number({"not": schema}, self.where(inner))

    def _unlike(self, schema: Schema, where: str) -> Iterator[Object]:
        """Objects without a required property, or with one that is not as declared."""
        for name in facets.strings(schema.get("required", []), "required", where):
            yield Object(((name, NEVER),))
        for name, inner in facets.named(schema, "properties", where):
            unlike = self._not(self.number(inner, f"{where}/properties/{escape(name)}"))
            yield Object(((name, unlike),), required=frozenset({name}))

    def _typed(self, schema: Schema, where: str) -> Shapes:
        """What the types admit, each with the keywords that speak about it."""
        types = facets.types(schema, where) if "type" in schema else [*TYPES]
        found: list[Shape] = []
        for name, shape in TYPES.items():
            if name not in types or (name == "integer" and "number" in types):
                continue
            match shape:
                case Number():
                    found.append(shape.meet(facets.number(schema, where)))
                case Text():
                    found.append(facets.text(schema, where))
                case Array():
                    found.append(self._array(schema, where))
                case Object():
                    found.extend(self._objects(schema, where))
                case _:
                    found.append(shape)
        return tuple(found)

    def _array(self, schema: Schema, where: str) -> Array:
        prefix, rest = "prefixItems", "items"
        if isinstance(schema.get("items"), list | tuple):
            prefix, rest = "items", "additionalItems"
        if schema.get(prefix) == []:
            first: list[Schemas] = []
        else:
            first = self._listed(schema, prefix, where)
        others = self.number(schema.get(rest, True), f"{where}/{rest}")
        low, high = facets.count(schema, "minItems", where), facets.count(schema, "maxItems", where)
        return Array(tuple(first), others, low or 0, high)

    def _objects(self, schema: Schema, where: str) -> Iterator[Object]:
        """Usually one; one for each string shape of `propertyNames`."""
        patterns = [
            (
                facets.pattern(name, where),
                self.number(inner, f"{where}/patternProperties/{escape(name)}"),
            )
            for name, inner in facets.named(schema, "patternProperties", where)
        ]
        if len(patterns) > PATTERNS:
            raise LimitError("too many patternProperties", where=where, expected=f"{PATTERNS}")
        additional = self.number(
            schema.get("additionalProperties", True), f"{where}/additionalProperties"
        )
        declared: list[tuple[str, Schemas]] = []
        for name, inner in facets.named(schema, "properties", where):
            schemas = self.number(inner, f"{where}/properties/{escape(name)}")
            for pattern, also in patterns:
                try:
                    matched = Text(patterns=(pattern,)).decides(facets.whole(name, where))
                except GrammarError as error:
                    raise placed(error, where) from None
                schemas = both(schemas, also) if matched else schemas
            declared.append((name, schemas))
        required = frozenset(facets.strings(schema.get("required", []), "required", where))
        low, high = (
            facets.count(schema, "minProperties", where),
            facets.count(schema, "maxProperties", where),
        )
        others = tuple(facets.key_classes(patterns, additional))
        found = Object(tuple(declared), others, required, low or 0, high)
        if "propertyNames" not in schema:
            yield found
            return
        names = self.shapes(self.number(schema["propertyNames"], f"{where}/propertyNames"))
        keys = [shape for shape in names if isinstance(shape, Text)]
        open_keys = tuple((key, ALWAYS) for key in keys if key.values is None)
        listed = sorted({value for key in keys for value in key.values or () if key.decides(value)})
        yield found.meet(Object(tuple((name, ALWAYS) for name in listed), open_keys))

    def _values(self, values: Iterable[Json], where: str) -> Iterator[Shape]:
        """The shapes of constants."""
        strings, numbers, truths = set[str](), set[Fraction](), set[bool]()
        for value in values:
            match value:
                case None:
                    yield Null()
                case bool():
                    truths.add(value)
                case str():
                    strings.add(facets.whole(value, where))
                case int() | float():
                    numbers.add(facets.decimal(value, "enum", where))
                case Mapping():
                    properties = tuple(
                        (facets.whole(name, where), self.number({"const": inner}, where))
                        for name, inner in value.items()
                    )
                    yield Object(properties, (), frozenset(value))
                case _:
                    items = tuple(self.number({"const": item}, where) for item in value)
                    yield Array(items, NEVER, len(items), len(items))
        yield from [Text(values=frozenset(strings))] if strings else []
        yield from [Number(values=frozenset(numbers))] if numbers else []
        yield from [Boolean(frozenset(truths))] if truths else []
