"""Single keywords of JSON Schema, checked and read: types, bounds, lengths, patterns, names.

Knows nothing of references or of how schemas combine.

>>> number({"exclusiveMinimum": 0, "type": "number"}, "#").low_open
True
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, TypeAlias

from infill.constrain.schema.ecma import SURROGATES, parse
from infill.constrain.schema.formats import FORMATS
from infill.constrain.schema.keywords import Json, malformed, refusal
from infill.constrain.schema.numbers import Number, exact
from infill.constrain.schema.shapes import (
    ANY,
    NEVER,
    Array,
    Boolean,
    Null,
    Object,
    Schemas,
    Shape,
    both,
)
from infill.constrain.schema.strings import Text
from infill.errors import LimitError

Schema: TypeAlias = Mapping[str, Json]

PATTERNS: Final = 4
"""`patternProperties` of one object; a key may match any subset of them."""
LENGTH: Final = 1_000
"""Code points that are counted; a lexer has about ten states for each."""
TYPES: Final[dict[str, Shape]] = {
    "object": Object(),
    "array": Array(),
    "string": Text(),
    "number": Number(),
    "integer": Number(integer=True),
    "boolean": Boolean(),
    "null": Null(),
}


def types(schema: Schema, where: str) -> list[str]:
    """The types that `schema` admits; all of them where it has no `type`."""
    given = schema.get("type", list(TYPES))
    names = strings([given] if isinstance(given, str) else given, "type", where)
    for name in names:
        if name not in TYPES:
            raise malformed("type", where, ", ".join(TYPES), name)
    return names


def strings(value: Json, keyword: str, where: str) -> list[str]:
    """A list of strings, each of them whole."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise malformed(keyword, where, "an array of strings", value)
    return [whole(one, where) for one in value]


def whole(text: Json, where: str) -> str:
    """A string without half a surrogate pair, which no UTF-8 text can hold."""
    if not isinstance(text, str):
        raise malformed("a string", where, "a string", text)
    if any(low <= ord(char) <= high for char in text for low, high in SURROGATES):
        raise malformed("a string", where, "whole code points", text)
    return text


def named(schema: Schema, keyword: str, where: str) -> list[tuple[str, Json]]:
    """The members of a keyword that is an object."""
    value = schema.get(keyword, {})
    if not isinstance(value, Mapping):
        raise malformed(keyword, where, "an object", value)
    return list(value.items())


def count(schema: Schema, keyword: str, where: str) -> int | None:
    """A number of items, properties or code points."""
    value = schema.get(keyword)
    if value is None and keyword not in schema:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise malformed(keyword, where, "a non-negative integer", value)
    if value < 0 or value != int(value):
        raise malformed(keyword, where, "a non-negative integer", value)
    return int(value)


def decimal(value: Json, keyword: str, where: str) -> Fraction:
    """A number, as it is written."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise malformed(keyword, where, "a number", value)
    try:
        return exact(value)
    except (ValueError, OverflowError):
        raise malformed(keyword, where, "a finite number", value) from None


def constants(schema: Schema, keyword: str, where: str) -> Sequence[Json]:
    """The values of `const` or `enum`."""
    values = schema[keyword]
    if keyword == "const":
        return [values]
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise malformed("enum", where, "an array", values)
    return values


def number(schema: Schema, where: str) -> Number:
    """What the keywords about numbers ask for."""
    found = Number()
    for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if keyword not in schema or isinstance(schema[keyword], bool):
            continue
        bound = decimal(schema[keyword], keyword, where)
        # draft 4 says `"exclusiveMinimum": true` beside the minimum
        short = keyword.removeprefix("exclusive").lower()
        is_open = short != keyword or schema.get(f"exclusive{short.capitalize()}") is True
        found = found.meet(
            Number(low=bound, low_open=is_open)
            if short == "minimum"
            else Number(high=bound, high_open=is_open)
        )
    if "multipleOf" in schema:
        step = decimal(schema["multipleOf"], "multipleOf", where)
        if step <= 0:
            raise malformed("multipleOf", where, "a number above 0", schema["multipleOf"])
        found = found.meet(Number(multiple=step))
    return found


def text(schema: Schema, where: str) -> Text:
    """What the keywords about strings ask for."""
    low, high = count(schema, "minLength", where) or 0, count(schema, "maxLength", where)
    for keyword, bound in (("minLength", low), ("maxLength", high or 0)):
        if bound > LENGTH:
            raise LimitError(
                f"{keyword} counts too far",
                where=where,
                expected=f"at most {LENGTH} code points",
                got=str(bound),
                hint=f"take {keyword} out, and check the length of the finished text",
            )
    patterns = (pattern(schema["pattern"], where),) if "pattern" in schema else ()
    formats: tuple[str, ...] = ()
    if "format" in schema:
        name = whole(schema["format"], where)
        if name not in FORMATS:
            raise refusal("format", where, f"one of {', '.join(FORMATS)}, not {name!r}")
        formats = (name,)
    return Text(low, high, patterns, formats=formats)


def pattern(value: Json, where: str) -> str:
    """A regular expression that can be carried, read both ways."""
    source = whole(value, where)
    parse(source, where=where)
    return source


def key_classes(
    patterns: Sequence[tuple[str, Schemas]], additional: Schemas
) -> Iterator[tuple[Text, Schemas]]:
    """What holds of a property whose key matches exactly some of `patterns`."""
    for chosen in itertools.product((True, False), repeat=len(patterns)):
        held: Schemas = ()
        for (_, schemas), is_in in zip(patterns, chosen, strict=True):
            held = both(held, schemas) if is_in else held
        if not any(chosen):
            held = additional
        if held != NEVER:
            inside = [source for (source, _), is_in in zip(patterns, chosen, strict=True) if is_in]
            outside = {source for source, _ in patterns}.difference(inside)
            yield Text(patterns=tuple(sorted(inside)), without=tuple(sorted(outside))), held


def other_than(values: Iterable[Json], where: str) -> Iterator[Shape]:
    """Every value but these; numbers, arrays and objects cannot be left out one by one."""
    strings_out, truths, null = set[str](), {False, True}, False
    for value in values:
        match value:
            case None:
                null = True
            case bool():
                truths.discard(value)
            case str():
                strings_out.add(value)
            case _:
                raise refusal("not", where, "say what is admitted, not what is not")
    for shape in ANY:
        match shape:
            case Text():
                yield Text(excluded=frozenset(strings_out))
            case Boolean():
                yield Boolean(frozenset(truths))
            case Null():
                yield from [] if null else [shape]
            case _:
                yield shape
