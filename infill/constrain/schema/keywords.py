"""The keywords of JSON Schema: read, passed over knowingly, or refused; and where a `$ref` leads.

Drafts 4 to 2020-12 are read alike: `$ref` holds together with what stands beside it, `items` may
be a list, `exclusiveMinimum` a boolean. Knows nothing of what the keywords mean.

>>> Document({"$defs": {"a b": {"type": "null"}}}).target("#/$defs/a%20b", "#")
({'type': 'null'}, '#/$defs/a b')
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias
from urllib.parse import unquote

from infill.errors import GrammarError, InfillError

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""What `json.loads` gives."""

ANNOTATIONS: Final = frozenset(
    {
        *("$comment", "$schema", "$vocabulary", "contentEncoding", "contentMediaType"),
        *("contentSchema", "default", "deprecated", "description", "examples", "readOnly"),
        *("title", "writeOnly"),
    }
)
"""They say nothing about which values are valid."""

PLACES: Final = frozenset({"$anchor", "$defs", "$id", "components", "definitions", "id"})
"""They name or hold schemas (`components` as in OpenAPI), and say nothing of a value."""

READ: Final = frozenset(
    {
        *("$ref", "additionalItems", "additionalProperties", "allOf", "anyOf", "const", "enum"),
        *("else", "exclusiveMaximum", "exclusiveMinimum", "format", "if", "items", "maxItems"),
        *("maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties"),
        *("minimum", "multipleOf", "not", "oneOf", "pattern", "patternProperties"),
        *("prefixItems", "properties", "propertyNames", "required", "then", "type"),
        *("dependencies", "dependentRequired"),
        "uniqueItems",
    }
)
"""They are held to."""

REFUSED: Final[dict[str, str]] = {
    "$dynamicAnchor": "write $anchor",
    "$dynamicRef": "write $ref",
    "$recursiveAnchor": "write $anchor",
    "$recursiveRef": "write $ref",
    "contains": "say what each item is with items",
    "dependencies": "say the cases with anyOf",
    "dependentSchemas": "say the cases with anyOf",
    "discriminator": "say it with const in each branch of oneOf",
    "maxContains": "say what each item is with items",
    "minContains": "say what each item is with items",
    "nullable": 'say it with "type": [..., "null"]',
    "unevaluatedItems": "write items",
    "unevaluatedProperties": "write additionalProperties",
}
"""They would change which values are valid, and no grammar here says how."""


def refusal(keyword: str, where: str, hint: str = "") -> GrammarError:
    """The error for a keyword that cannot be held to.

    >>> print(refusal("contains", "#/properties/a"))
    the keyword 'contains' of JSON Schema cannot be held to
      where: #/properties/a
      got: contains
      try: say what each item is with items
    """
    near = difflib.get_close_matches(keyword, sorted(READ | ANNOTATIONS | PLACES), n=1)
    guess = f"did you mean {near[0]!r}?" if near else "take it out, or check the finished text"
    return GrammarError(
        f"the keyword {keyword!r} of JSON Schema cannot be held to",
        where=where,
        got=keyword,
        hint=hint or REFUSED.get(keyword, guess),
    )


def placed(error: InfillError, where: str) -> InfillError:
    """`error` at `where`, unless it has a place already."""
    expected, got, hint = error.expected, error.got, error.hint
    return type(error)(
        error.what, where=error.where or where, expected=expected, got=got, hint=hint
    )


def malformed(keyword: str, where: str, expected: str, got: object) -> GrammarError:
    """The error for a keyword whose value is not what the specification asks for."""
    return GrammarError(
        f"{keyword!r} is not well formed",
        where=where,
        expected=expected,
        got=repr(got)[:80],
        hint="check the schema against its meta-schema",
    )


def check(schema: Mapping[str, Json], where: str) -> None:
    """Refuse the first keyword that is neither read nor passed over."""
    for keyword, value in schema.items():
        if keyword not in READ | ANNOTATIONS | PLACES:
            raise refusal(keyword, where)
        if keyword == "uniqueItems" and value is not False:
            raise refusal(keyword, where, "a grammar does not compare items; take it out")
        if keyword in {"$id", "id"} and where != "#" and not str(value).startswith("#"):
            raise refusal(keyword, where, "put the schema into $defs of the root, without $id")


def escape(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901, 3)."""
    return name.replace("~", "~0").replace("/", "~1")


class Document:
    """A whole schema, in which references are looked up."""

    def __init__(self, root: Json) -> None:
        self.root = root
        self.base = ""
        if isinstance(root, Mapping):
            self.base = str(root.get("$id", root.get("id", ""))).removesuffix("#")
        self._anchors: dict[str, tuple[Json, str]] | None = None

    def target(self, reference: str, where: str) -> tuple[Json, str]:
        """The schema a `$ref` leads to, and its pointer.

        Raises `GrammarError` for a reference to another document, or to nothing.
        """
        document, _, fragment = reference.partition("#")
        if document and document != self.base:
            raise GrammarError(
                "a $ref to another document cannot be followed",
                where=where,
                expected="a reference that begins with #",
                got=reference,
                hint="copy what it refers to into $defs",
            )
        pointer = unquote(fragment)
        if pointer and not pointer.startswith("/"):
            if self._anchors is None:
                self._anchors = dict(_anchors(self.root, "#"))
            if pointer in self._anchors:
                return self._anchors[pointer]
            raise _lost(reference, where)
        found = self.root
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and key in found:
                found = found[key]
            elif isinstance(found, Sequence) and not isinstance(found, str) and key.isdecimal():
                if int(key) >= len(found):
                    raise _lost(reference, where)
                found = found[int(key)]
            else:
                raise _lost(reference, where)
        return found, f"#{pointer}"


def _lost(reference: str, where: str) -> GrammarError:
    return GrammarError(
        "a $ref leads nowhere", where=where, got=reference, hint="correct it, or add it to $defs"
    )


def _anchors(schema: Json, where: str) -> Iterator[tuple[str, tuple[Json, str]]]:
    """Every named place: `$anchor`, and `$id` with nothing but a fragment (drafts 4 to 7)."""
    if isinstance(schema, Mapping):
        for keyword in ("$anchor", "$id", "id"):
            name = schema.get(keyword)
            if isinstance(name, str) and (keyword == "$anchor" or name.startswith("#")):
                yield name.removeprefix("#"), (schema, where)
        for name, inner in schema.items():
            if name not in {"const", "enum", "default", "examples"}:
                yield from _anchors(inner, f"{where}/{escape(name)}")
    elif isinstance(schema, Sequence) and not isinstance(schema, str):
        for at, inner in enumerate(schema):
            yield from _anchors(inner, f"{where}/{at}")
