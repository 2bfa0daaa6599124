"""JSON Schema as a grammar: laws against an independent validator, refusals, real schemas."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.constrain.schema.compiling import compile_schema, judge
from infill.constrain.schema.digits import NUMBER
from infill.constrain.schema.strings import STRING
from infill.constrain.syntax import Syntax
from infill.errors import InfillError, LimitError

LEXEME = re.compile(rf"(?P<space>[ \t\n\r]+)|{STRING}|{NUMBER}|true|false|null|[\[\]{{}},:]")


def lexemes(text):
    """The lexemes of a JSON text; None where it has none."""
    at, found = 0, []
    while at < len(text):
        match = LEXEME.match(text, at)
        if match is None:
            return None
        at = match.end()
        found += [] if match["space"] else [match.group()]
    return found


@cache
def terminal(pattern, lexeme):
    return re.fullmatch(pattern, lexeme) is not None


class Earley:
    """A recogniser that knows nothing but the rules: each lexeme is a set of terminals."""

    def __init__(self, syntax: Syntax):
        self.syntax = syntax
        self.rules = {}
        for rule in syntax.rules:
            self.rules.setdefault(rule.origin, []).append(rule.expansion)

    def accepts(self, text):
        words = lexemes(text)
        if words is None:
            return False
        rows = [{} for _ in range(len(words) + 1)]
        asked = [{} for _ in rows]
        rows[0] = {(self.syntax.start, body, 0, 0): None for body in self.rules[self.syntax.start]}
        for at, row in enumerate(rows):
            word = words[at] if at < len(words) else None
            todo = list(row)
            while todo:
                origin, body, dot, start = item = todo.pop()
                if dot == len(body):
                    new = [(o, b, d + 1, s) for o, b, d, s in asked[start].get(origin, ())]
                elif body[dot] in self.rules:
                    asked[at].setdefault(body[dot], []).append(item)
                    new = [(body[dot], inner, 0, at) for inner in self.rules[body[dot]]]
                else:
                    if word is not None and self.is_a(word, body[dot]):
                        rows[at + 1][origin, body, dot + 1, start] = None
                    continue
                todo += [one for one in new if one not in row]
                row.update(dict.fromkeys(new))
        return any(
            origin == self.syntax.start and dot == len(body) and start == 0
            for origin, body, dot, start in rows[-1]
        )

    def is_a(self, word, name):
        return any(t.name == name and terminal(t.pattern, word) for t in self.syntax.terminals)


def accepts(schema, value, **options):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Earley(compile_schema(schema, **options)).accepts(text)


def validator(schema, **options):
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    return kind(schema, **options)


NAMES = st.sampled_from(["a", "b", "c", "x-1", 'q"', "d/e"])
WORDS = st.sampled_from(
    ["", "a", "b", "ab", "ba", "aab", "1", "x-1", 'q"', "\\", "a\nb", "\x01", "é"]
)
WHOLE = st.integers(-12, 120)
DECIMALS = st.sampled_from([0.5, -0.5, 1.5, 2.25, -3.75, 9.5, 10.5])
SCALARS = st.none() | st.booleans() | WHOLE | DECIMALS | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)
PATTERNS = st.sampled_from(["^a", "b$", "a+b?", "^[ab]*$", "^(a|x)-?", "^.{2}$", "[^a]", "^x-"])


def keywords(optional):
    """A schema with some of these keywords."""
    return st.fixed_dictionaries({}, optional=optional)


def bounded(low, high, values):
    return {low: values, high: values}


def containers(inner):
    few = st.integers(0, 3)
    properties = st.dictionaries(NAMES, inner, max_size=4)
    objects = {
        "properties": properties,
        "required": st.lists(NAMES, max_size=2, unique=True),
        "additionalProperties": inner,
        "patternProperties": st.dictionaries(PATTERNS, inner, max_size=2),
        "propertyNames": strings(),
        "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=1), max_size=1),
        **bounded("minProperties", "maxProperties", few),
    }
    arrays = {
        "items": inner,
        "prefixItems": st.lists(inner, min_size=1, max_size=2),
        **bounded("minItems", "maxItems", few),
    }
    branches = st.lists(inner, min_size=1, max_size=3)
    mixed = {"anyOf": branches, "oneOf": branches, "allOf": branches, "not": inner}
    conditional = {"if": inner, "then": inner, "else": inner}
    kind = st.sampled_from(["string", "integer", "number", "object", "array", "null", "boolean"])
    typed = {"type": kind | st.lists(kind, min_size=1, max_size=3, unique=True)}
    return st.one_of(
        keywords(objects).map(lambda schema: {"type": "object", **schema}),
        keywords(arrays).map(lambda schema: {"type": "array", **schema}),
        keywords({**mixed, **typed}),
        keywords({**objects, **typed, **mixed}),
        keywords({**conditional, **typed}),
        st.just({"$ref": "#"}),
        st.just({"$ref": "#/$defs/leaf"}),
    )


def strings():
    return keywords(
        {
            **bounded("minLength", "maxLength", st.integers(0, 3)),
            "pattern": PATTERNS,
            "enum": st.lists(WORDS, min_size=1, max_size=3),
        }
    )


def leaves():
    limits = WHOLE | DECIMALS
    number = keywords(
        {
            **bounded("minimum", "maximum", limits),
            **bounded("exclusiveMinimum", "exclusiveMaximum", limits),
            "multipleOf": st.sampled_from([1, 2, 5, 10, 3, 0.5]),
        }
    )
    return st.one_of(
        st.booleans(),
        strings(),
        strings().map(lambda schema: {"type": "string", **schema}),
        number.map(lambda schema: {"type": "number", **schema}),
        number.map(lambda schema: {"type": ["integer", "null"], **schema}),
        VALUES.map(lambda value: {"const": value}),
        st.lists(VALUES, min_size=1, max_size=3).map(lambda values: {"enum": values}),
    )


SCHEMAS = st.tuples(st.recursive(leaves(), containers, max_leaves=6), leaves()).map(
    lambda pair: {**pair[0], "$defs": {"leaf": pair[1]}} if isinstance(pair[0], dict) else pair[0]
)
SPELLINGS = st.sampled_from(
    [
        ("a", "\\u0061"),
        ("/", "\\/"),
        ("1", "1.0"),
        ("1", "1e0"),
        (",", " ,\n"),
        ('"a"', '"b"'),
        ("0", "-0"),
        (":", ": "),
        ("}", ',"a":1}'),
        ("5", "4999"),
        ("5", "50"),
    ]
)


def near(schema, root, rng, depth=5):  # noqa: PLR0911 - one for each keyword and type
    """A value that was made with the schema in mind; valid often enough."""
    if not isinstance(schema, dict) or depth == 0 or rng.random() < 0.05:
        return rng.choice([None, True, 0, 7, 1.5, "", "ab", [], {}, {"a": 1}, [0]])
    if "$ref" in schema:
        return near(root if schema["$ref"] == "#" else root["$defs"]["leaf"], root, rng, depth - 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    inner = [*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", [])]
    inner += [schema[keyword] for keyword in ("if", "then", "else") if keyword in schema]
    kinds = schema.get("type", ["string", "number", "object", "array", "null", "boolean"])
    kind = kinds if isinstance(kinds, str) else rng.choice(kinds)
    if inner and rng.random() < 0.6:
        return near(rng.choice(inner), root, rng, depth - 1)
    match kind:
        case "object":
            return near_object([schema, *inner], root, rng, depth)
        case "array":
            first = [near(one, root, rng, depth - 1) for one in schema.get("prefixItems", [])]
            more = [schema.get("items", True)] * rng.randint(schema.get("minItems", 0), 4)
            items = [*first, *(near(one, root, rng, depth - 1) for one in more)]
            return items[: rng.choice([schema.get("maxItems", 9), 9, len(first)])]
        case "string":
            return rng.choice(["", "a", "b", "ab", "ba", "x-1", "x-b", "aab", "\\n", "é", "1"])
        case "integer" | "number":
            bounds = [schema[k] for k in schema if "imum" in k]
            return rng.choice([*bounds, *(b + 1 for b in bounds), 0, 1, -1, 5, 10, 0.5, 30])
        case _:
            return rng.choice([None, True, False])


def near_object(schemas, root, rng, depth):
    found = {}
    for schema in filter(lambda one: isinstance(one, dict), schemas):
        names = {**dict.fromkeys(schema.get("required", []), True), **schema.get("properties", {})}
        for name, inner in names.items():
            if name in schema.get("required", []) or rng.random() < 0.6:
                found[name] = near(inner, root, rng, depth - 1)
    extra = [one.get("additionalProperties", True) for one in schemas if isinstance(one, dict)]
    if rng.random() < 0.4:
        found[rng.choice(["a", "b", "x-1", "ab", "new"])] = near(extra[0], root, rng, depth - 1)
    names = list(found)
    rng.shuffle(names)
    return {name: found[name] for name in names}


def compiled(schema, order="any"):
    """A recogniser, or None where the schema is refused or admits nothing."""
    try:
        return Earley(compile_schema(schema, order=order))
    except InfillError:
        return None


RANDOM = st.randoms(use_true_random=False)
ORDERS = st.sampled_from(["any", "declared", "auto", "loose"])


@given(SCHEMAS, ORDERS, st.lists(VALUES, max_size=5), st.lists(SPELLINGS, max_size=3), RANDOM)
def test_what_the_grammar_accepts_is_valid_however_it_is_spelled(
    schema, order, values, spellings, rng
):
    earley = compiled(schema, order)
    values += [near(schema, schema, rng) for _ in range(12)]
    for value in values if earley else ():
        text = json.dumps(value, ensure_ascii=False)
        for old, new in spellings:
            text = text.replace(old, new)
        if earley.accepts(text):
            assert validator(schema).is_valid(json.loads(text)), text


@given(SCHEMAS, st.lists(VALUES, max_size=5), RANDOM)
def test_what_is_valid_is_accepted_in_its_canonical_spelling(schema, values, rng):
    earley = compiled(schema)
    values += [near(schema, schema, rng) for _ in range(12)]
    for value in values if earley else ():
        if validator(schema).is_valid(value):
            assert earley.accepts(json.dumps(value, ensure_ascii=False)), value


CASES = Path(__file__).parents[1] / "cases" / "jsonschema"


@pytest.mark.parametrize("path", sorted(CASES.glob("*.json")), ids=lambda path: path.stem)
def test_real_schemas_admit_what_they_should_and_nothing_else(path):
    case = json.loads(path.read_text())
    checked = validator(case["schema"], format_checker=jsonschema.FormatChecker())
    earley = Earley(compile_schema(case["schema"], order="auto"))
    for value in case["valid"]:
        assert checked.is_valid(value), value
        assert earley.accepts(json.dumps(value, ensure_ascii=False, indent=1)), value
    for value in case["invalid"]:
        assert not checked.is_valid(value), value
        assert not earley.accepts(json.dumps(value, ensure_ascii=False)), value


def test_few_properties_come_in_any_order_and_many_in_the_declared_one():
    few = {"properties": dict.fromkeys("abcde", True), "required": ["b"]}
    many = {"properties": dict.fromkeys("abcdef", True), "required": ["b"]}
    assert accepts(few, '{"c":1,"b":2,"a":3,"z":4}')
    assert not accepts(many, '{"c":1,"b":2,"a":3}')
    assert accepts(many, '{"x":0,"a":3,"y":0,"b":1,"z":0,"f":2}')
    assert accepts(many, '{"c":1,"b":2,"a":3}', order="any")
    assert accepts(many, '{"c":1,"b":2,"a":3}', order="loose")
    assert not accepts(many, '{"c":1,"a":3}', order="loose")
    with pytest.raises(LimitError):
        compile_schema({"properties": {f"p{n}": True for n in range(11)}}, order="any")


def test_a_declared_property_comes_once_and_no_other_key_can_spell_it():
    schema = {"properties": {"a/b": {"type": "null"}}, "additionalProperties": {"type": "number"}}
    assert accepts(schema, '{"a/b": null, "c": 1}')
    assert accepts(schema, '{"a\\/b": null}')
    assert not accepts(schema, '{"a/b": null, "a/b": null}')
    for spelled in ('"a/b"', '"a\\/b"', '"a\\u002fb"', '"\\u0061/b"'):
        assert not accepts(schema, f"{{{spelled}: 1}}")


def test_white_space_may_be_forbidden():
    assert accepts({"type": "array"}, "[1, 2]")
    assert "WS" not in {one.name for one in compile_schema({}, whitespace="none").terminals}


def test_large_schemas_share_what_is_equal():
    point = {"type": "object", "properties": {axis: {"type": "number"} for axis in "xyz"}}
    one = compile_schema({"type": "object", "properties": {"a": point}})
    forty = compile_schema({"type": "object", "properties": {f"p{n}": point for n in range(40)}})
    assert len(forty.rules) - len(one.rules) < 40 * 6


def test_the_judge_is_the_standard_library():
    assert judge('{"a": [1, null]}') is None
    assert judge("[1,]")
    assert judge("[Infinity]")
