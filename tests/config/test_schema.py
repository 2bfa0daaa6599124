"""The schema: one truth for files, the environment, the command line and the language server."""

from __future__ import annotations

import shlex
from dataclasses import asdict, fields, is_dataclass

import click
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from infill_lsp.options import Options
from settings_drawn import SETTINGS

from infill.cli import main, output
from infill.config import environment, schema
from infill.config.files import Config
from infill.config.schema import KEYS, TABLES, json_schema, suggestion
from infill.edit.recipe import Recipe

JSON = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def nested(name, value):
    for part in reversed(name.split(".")):
        value = {part: value}
    return value


def written(value):
    """A value as somebody would say it in the environment."""
    if isinstance(value, list):
        return shlex.join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


@given(SETTINGS)
def test_what_fits_is_valid_for_the_json_schema(setting):
    key, value = setting
    assert key.rule.fits(value)
    VALIDATOR.validate(nested(key.name, value))


@given(key=st.sampled_from(list(KEYS.values())), value=JSON)
def test_what_a_rule_takes_of_anything_the_json_schema_takes_too(key, value):
    valid = VALIDATOR.is_valid(nested(key.name, value))
    assert valid or not key.rule.fits(value)


def test_the_json_schema_is_one_and_refuses_what_is_unknown():
    jsonschema.Draft202012Validator.check_schema(json_schema())
    for wrong in (
        {"sede": 1},
        {"lsp": {"seed": 1}},
        {"lsp": 1},
        {"seed": -1},
        {"search": "bean:2"},
    ):
        assert not VALIDATOR.is_valid(wrong)


@given(SETTINGS)
def test_the_environment_can_say_every_value(setting):
    key, value = setting
    text = written(value)
    expected = {} if text == "" else {key.name: key.taken(value)}
    assert expected == environment.read({environment.variable(key.name): text})


def test_each_setting_has_a_variable_of_its_own():
    variables = [*map(environment.variable, KEYS), *environment.OTHERS]
    assert len(variables) == len(set(variables))


def test_defaults_fit_and_are_those_of_the_recipe():
    for key in KEYS.values():
        assert key.default is None or key.rule.fits(key.default), key.name
        assert key.help.endswith(".")
    values = Config().values
    assert asdict(Recipe()) == {name: values[name] for name in asdict(Recipe())}


def commands(group):
    for command in group.commands.values():
        yield from commands(command) if isinstance(command, click.Group) else [command]


DRAWN = {"quality", "model"}
"""Benches, whose seed is drawn where none is given."""


def options():
    for command in commands(main):
        for option in command.params:
            if option.name in KEYS and command.name not in DRAWN:
                yield pytest.param(command, option, id=f"{command.name} {option.name}")


@pytest.mark.parametrize(("command", "option"), [*options()])
def test_options_of_commands_have_the_defaults_and_take_the_values_of_the_schema(command, option):
    key = KEYS[option.name]
    parent = main.context_class(main, **main.context_settings)  # click keeps the help's names
    context = command.make_context("x", [], parent=parent, resilient_parsing=True)
    default = context.params[option.name]
    assert key.default == (list(default) if isinstance(default, tuple) else default)
    if isinstance(option.type, click.Choice):
        assert set(option.type.choices) == set(key.rule.schema["enum"])


def test_names_that_are_said_twice_are_the_same():
    assert output.COLORS == schema.COLORS


def camel(name):
    first, *others = name.rpartition(".")[2].split("_")
    return first + "".join(map(str.title, others))


def offered(options):
    for entry in fields(options):
        value = getattr(options, entry.name)
        yield from offered(value) if is_dataclass(value) else [(entry, value)]


def test_the_language_server_takes_its_settings_from_here():
    found = {entry.metadata["key"]: (entry, value) for entry, value in offered(Options())}
    assert {name for name in KEYS if name.startswith("lsp.")} <= set(found)
    for name, (entry, value) in found.items():
        key = KEYS[name]
        assert (entry.name, value) == (camel(name), key.default or key.nothing or key.default)
        assert entry.metadata["rule"].trusted == key.trusted


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sede", "seed"),
        ("max-tokens", "max_tokens"),
        ("maxTokens", "max_tokens"),
        ("accept", "lsp.accept"),
        ("lsp.inline.maxTokens", "lsp.inline.max_tokens"),
        ("inline", "lsp.inline"),
        ("quux", ""),
    ],
)
def test_what_was_meant_is_suggested(name, meant):
    assert meant == suggestion(name)


def test_tables_are_those_of_the_settings():
    assert set(TABLES) == {name.rpartition(".")[0] for name in KEYS} - {""}


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("length", "1-256", True),
        ("length", "1-257", False),
        ("length", "9-3", False),
        ("length", "1,300,2", False),
        ("length", "0", False),
        ("length", "٣", False),
        ("search", "beam:64", True),
        ("search", "beam:65", False),
        ("search", "beam:0", False),
        ("search", "greedy\n", False),
        ("top_p", 0, False),
        ("top_p", 1, True),
        ("temperature", float("inf"), False),
        ("time_limit", float("nan"), False),
        ("seed", 2**64 - 1, True),
        ("seed", 2**64, False),
        ("seed", True, False),
        ("seed", 1.0, False),
        ("marker", " ", False),
        ("exclude", ["a", ""], False),
        ("exclude", "a", False),
        ("grammar", "my.lark", True),
        ("grammar", "pyton", False),
    ],
)
def test_the_edges_of_rules(name, value, fits):
    assert fits == KEYS[name].rule.fits(value)


def test_a_variable_that_looks_like_a_setting_is_found():
    strange = {"INFILL_SEDE": "1", "INFILL_XYZZY": "1", "INFILL_SEED": "1", "PATH": ""}
    assert {"INFILL_SEDE": "INFILL_SEED", "INFILL_XYZZY": ""} == environment.unknown(strange)
