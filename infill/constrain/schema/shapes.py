"""What a JSON value may look like: one shape for each type, met with others of its type.

A schema admits the union of some shapes. What is inside an array or object is only named here,
as a tuple of schema numbers that must all hold: so shapes of recursive schemas are finite. Knows
nothing of keywords or grammars.

>>> Array(rest=(1,)).meet(Array(rest=(2,), low=1))
Array(prefix=(), rest=(1, 2), low=1, high=None)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from infill.constrain.schema.numbers import Number
from infill.constrain.schema.strings import Text
from infill.errors import LimitError

Schemas: TypeAlias = tuple[int, ...]
"""Numbers of schemas that all hold of one value; none: anything goes."""

FALSE: Final = 0
"""The number of the schema that nothing meets."""
NEVER: Final[Schemas] = (FALSE,)
ALWAYS: Final[Schemas] = ()
SHAPES: Final = 512
"""Alternatives of one schema, or classes of keys of one object."""


def both(one: Schemas, other: Schemas) -> Schemas:
    """What must hold where `one` and `other` must."""
    joined = tuple(dict.fromkeys((*one, *other)))
    return NEVER if FALSE in joined else joined


@dataclass(frozen=True, slots=True)
class Null:
    """`null`."""

    def conflict(self) -> str:
        """Never one."""
        return ""


@dataclass(frozen=True, slots=True)
class Boolean:
    """`true`, `false`, or both."""

    values: frozenset[bool] = frozenset({False, True})

    def meet(self, other: Boolean) -> Boolean:
        """The values of both."""
        return Boolean(self.values & other.values)

    def conflict(self) -> str:
        """Why there is no such value; or ""."""
        return "" if self.values else "neither true nor false is left"


@dataclass(frozen=True, slots=True)
class Array:
    """`low` to `high` items; the first ones each have schemas, the others share `rest`."""

    prefix: tuple[Schemas, ...] = ()
    rest: Schemas = ALWAYS
    low: int = 0
    high: int | None = None

    def item(self, at: int) -> Schemas:
        """What must hold of the item at `at`."""
        return self.prefix[at] if at < len(self.prefix) else self.rest

    def most(self) -> int | None:
        """How many items there may be, as far as `high` and what is admitted say."""
        forbidden = [at for at, item in enumerate(self.prefix) if item == NEVER]
        bounds = [*forbidden[:1], *([len(self.prefix)] if self.rest == NEVER else [])]
        return min([*bounds, *([] if self.high is None else [self.high])], default=None)

    def meet(self, other: Array) -> Array:
        """The arrays of both."""
        length = max(len(self.prefix), len(other.prefix))
        prefix = tuple(both(self.item(at), other.item(at)) for at in range(length))
        highs = [high for high in (self.high, other.high) if high is not None]
        low = max(self.low, other.low)
        return Array(prefix, both(self.rest, other.rest), low, min(highs, default=None))

    def conflict(self) -> str:
        """Why there is no such array; or ""."""
        most = self.most()
        if most is not None and self.low > most:
            return f"at least {self.low} items are asked for and at most {most} admitted"
        return ""


@dataclass(frozen=True, slots=True)
class Object:
    """Some properties by name, others by what their key looks like.

    properties  schemas by name, in the order in which they are declared
    others      schemas by the key of any other property; a key that none admits is forbidden
    required    names that must be there
    low, high   how many properties
    """

    properties: tuple[tuple[str, Schemas], ...] = ()
    others: tuple[tuple[Text, Schemas], ...] = ((Text(), ALWAYS),)
    required: frozenset[str] = frozenset()
    low: int = 0
    high: int | None = None

    def value(self, name: str) -> Schemas:
        """What must hold of the property `name`.

        Raises `GrammarError` where that depends on how a pattern is read.
        """
        for declared, schemas in self.properties:
            if declared == name:
                return schemas
        return next((schemas for key, schemas in self.others if key.decides(name)), NEVER)

    def meet(self, other: Object) -> Object:
        """The objects of both."""
        declared = dict.fromkeys(name for name, _ in (*self.properties, *other.properties))
        properties = tuple((name, both(self.value(name), other.value(name))) for name in declared)
        classes: dict[tuple[Text, Schemas], None] = {}
        for one, held in self.others:
            for two, also in other.others:
                key, schemas = one.meet(two), both(held, also)
                if schemas != NEVER and not key.conflict():
                    classes[key, schemas] = None
        highs = [high for high in (self.high, other.high) if high is not None]
        if len(classes) > SHAPES:
            raise LimitError("too many kinds of keys in one object", expected=f"{SHAPES}")
        return Object(
            properties,
            tuple(classes),
            self.required | other.required,
            max(self.low, other.low),
            min(highs, default=None),
        )

    def declared(self) -> tuple[tuple[str, Schemas], ...]:
        """The properties that may be there, by name; what is required and not declared last."""
        names = [name for name, _ in self.properties]
        missing = sorted(self.required.difference(names))
        every = [*self.properties, *((name, self.value(name)) for name in missing)]
        return tuple((name, schemas) for name, schemas in every if schemas != NEVER)

    def conflict(self) -> str:
        """Why there is no such object; or ""."""
        forbidden = sorted(name for name in self.required if self.value(name) == NEVER)
        if forbidden:
            return f"the property {forbidden[0]!r} is required and not admitted"
        most = len(self.declared()) if not self.others else None
        most = min((n for n in (most, self.high) if n is not None), default=None)
        least = max(self.low, len(self.required))
        if most is not None and least > most:
            return f"at least {least} properties are asked for and at most {most} admitted"
        return ""


Shape: TypeAlias = Null | Boolean | Number | Text | Array | Object

ANY: Final[tuple[Shape, ...]] = (Object(), Array(), Text(), Number(), Boolean(), Null())


def meet(one: Shape, other: Shape) -> Shape | None:  # noqa: PLR0911 - one for each type
    """The values of both shapes; None where their types differ."""
    match one, other:
        case Null(), Null():
            return one
        case Boolean(), Boolean():
            return one.meet(other)
        case Number(), Number():
            return one.meet(other)
        case Text(), Text():
            return one.meet(other)
        case Array(), Array():
            return one.meet(other)
        case Object(), Object():
            return one.meet(other)
        case _:
            return None


def meet_all(
    one: Sequence[Shape], other: Sequence[Shape]
) -> tuple[tuple[Shape, ...], tuple[str, ...]]:
    """The values of both unions, and why pairs of the same type have none.

    Raises `LimitError` above `SHAPES` alternatives.
    """
    if tuple(one) == ANY:
        pairs = list(other)
    elif tuple(other) == ANY:
        pairs = list(one)
    else:
        every = (meet(left, right) for left in one for right in other)
        pairs = [shape for shape in every if shape is not None]
    conflicts = tuple(dict.fromkeys(filter(None, (shape.conflict() for shape in pairs))))
    found = tuple(dict.fromkeys(shape for shape in pairs if not shape.conflict()))
    if len(found) > SHAPES:
        raise LimitError(
            "too many alternatives in one schema",
            expected=f"at most {SHAPES}",
            got=str(len(found)),
            hint="nest fewer anyOf and oneOf inside allOf",
        )
    if not found and not conflicts:
        conflicts = ("the types have nothing in common",)
    return found, conflicts
