"""What a JSON Schema is refused for: the keyword or the bound is named, and where it stands."""

from __future__ import annotations

import pytest

from infill.constrain.schema.compiling import compile_schema
from infill.constrain.schema.keywords import ANNOTATIONS, REFUSED
from infill.errors import GrammarError, LimitError

ANYTHING_ELSE = {
    "$dynamicRef": "#x",
    "contains": {},
    "dependencies": {"a": {}},
    "dependentSchemas": {},
    "minContains": 1,
    "nullable": True,
    "unevaluatedItems": False,
    "unevaluatedProperties": False,
    "uniqueItems": True,
    "format": "iri",
    "not": {"items": {}},
    "oneOf": [{"minLength": 1}, {"maxLength": 1}],
    "if": {"minimum": 1},
    "multipleOf": 0.3,
    "propertis": {},
}


@pytest.mark.parametrize("keyword", sorted(ANYTHING_ELSE.keys() | REFUSED.keys()))
def test_a_keyword_that_cannot_be_held_to_is_refused_by_name_and_place(keyword):
    inner = {"type": "number"} if keyword == "multipleOf" else {}
    schema = {"properties": {"a/b": {**inner, keyword: ANYTHING_ELSE.get(keyword, {})}}}
    with pytest.raises(GrammarError) as caught:
        compile_schema(schema)
    named = "not" if keyword == "if" else keyword
    assert named in caught.value.what
    assert caught.value.where.startswith("#/properties/a~1b")
    assert caught.value.hint


def test_annotations_change_nothing():
    noted = {"type": "null", **dict.fromkeys(ANNOTATIONS, "anything")}
    assert compile_schema({"type": "null"}) == compile_schema(noted)


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        (7, "#"),
        ({"type": "text"}, "#"),
        ({"properties": []}, "#"),
        ({"items": {"required": "a"}}, "#/items"),
        ({"allOf": []}, "#"),
        ({"enum": "abc"}, "#"),
        ({"minLength": -1}, "#"),
        ({"multipleOf": 0}, "#"),
        ({"minimum": float("nan")}, "#"),
        ({"pattern": "(?=a)"}, "#"),
        ({"pattern": "(a"}, "#"),
        ({"properties": {"\u0663": {}}, "patternProperties": {r"^\d": {}}}, "#"),
        ({"const": "\ud800"}, "#/const"),
        ({"$ref": "#/$defs/none"}, "#"),
        ({"$ref": "other.json"}, "#"),
        ({"$ref": "#"}, "#"),
        ({"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"allOf": [{"$ref": "#"}]}}}, "#"),
    ],
    ids=str,
)
def test_a_schema_that_is_not_well_formed_is_an_error_with_its_place(schema, place):
    with pytest.raises(GrammarError) as caught:
        compile_schema(schema)
    assert place == caught.value.where


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (False, "#: nothing is admitted here"),
        ({"enum": []}, "#/enum: nothing is admitted here"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "minimum 3 is above the maximum 2"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "minLength 3 is above maxLength 2"),
        ({"allOf": [{"pattern": "^a"}, {"pattern": "^b"}], "type": "string"}, "no string meets"),
        ({"type": "string", "const": 1}, "#/const: the types have nothing in common"),
        ({"allOf": [{"type": "null"}, {"type": "array"}]}, "#/allOf/1"),
        ({"type": "array", "minItems": 2, "items": False}, "at least 2 items"),
        ({"type": "object", "required": ["a"], "properties": {"a": False}}, "'a' is required"),
        (
            {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}},
            "a value that never ends",
        ),
    ],
    ids=str,
)
def test_a_schema_that_admits_nothing_says_what_contradicts_what(schema, why):
    with pytest.raises(GrammarError, match="admits nothing") as caught:
        compile_schema(schema)
    assert why in caught.value.got


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "maxLength": 100_000},
        {"type": "array", "items": {}, "maxItems": 100_000},
        {"type": "number", "maximum": 1e300},
        {"patternProperties": {str(n): {} for n in range(9)}},
        {"type": "string", "maxLength": 400, "pattern": "a.{20}b.*c.*d"},
    ],
    ids=str,
)
def test_what_would_cost_too_much_is_a_limit_with_its_place(schema):
    with pytest.raises(LimitError) as caught:
        compile_schema(schema)
    assert caught.value.where == "#"


def test_nesting_that_no_stack_carries_is_a_limit():
    schema = {}
    for _ in range(100_000):
        schema = {"items": schema}
    with pytest.raises(LimitError, match="nested too deeply"):
        compile_schema(schema)
