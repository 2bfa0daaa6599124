"""Compiled grammars on disk: found again by every process, rebuilt when they cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields

import pytest

from infill.constrain.engine import kept
from infill.constrain.engine.packed import Packed, pack
from infill.constrain.grammar import Grammar
from infill.constrain.syntax import Syntax
from infill.vocab import Vocab

VOCAB = Vocab([b"", *(bytes([byte]) for byte in range(256))], mask=0)
SUMS = 'start: sum\nsum: [sum "+"] INT | "(" sum ")"\nINT: /[0-9]+/\n%ignore " "'
EMPTY = 'start: "a"*'
DIGEST = "from infill.constrain.grammar import Grammar; print(Grammar.named({!r}).syntax.digest)"

WARM = """
import sys
from infill.constrain.grammar import Grammar
print(Grammar.named({!r}).syntax.digest, "lark" in sys.modules)
"""


def said(thing):
    """The fields of a value, as something that can be compared."""
    values = {field.name: getattr(thing, field.name) for field in fields(thing)}
    return {name: getattr(value, "tolist", lambda v=value: v)() for name, value in values.items()}


def shapes(packed):
    return {
        field.name: (getattr(packed, field.name).dtype, getattr(packed, field.name).shape)
        for field in fields(Packed)
    }


def syntax_of(name):
    return Grammar.lark(name).syntax if "\n" in name or ":" in name else Grammar.named(name).syntax


def digests(name: str) -> set[str]:
    """What the digest is in processes that order their sets differently."""
    return {
        subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", DIGEST.format(name)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }


def test_a_grammar_has_one_digest_in_every_process():
    assert 1 == len(digests("python"))
    assert 1 == len(digests("toml"))


@pytest.mark.parametrize("name", ["python", "json", SUMS, EMPTY])
def test_what_was_kept_is_what_was_built(name, tmp_path, monkeypatch):
    monkeypatch.setenv("INFILL_CACHE", str(tmp_path))
    made = []
    monkeypatch.setattr(kept, "pack", lambda *parts: made.append(parts) or pack(*parts))
    syntax = syntax_of(name)
    built, again = kept.parts(syntax, VOCAB), kept.parts(syntax, VOCAB)
    assert 1 == len(list(tmp_path.glob("*.npz")))
    ((tables, modes, tokens),) = made
    assert shapes(built) == shapes(again)
    assert said(built) == said(again)
    for packed in (built, again):
        assert said(tables) == said(packed.tables)
        assert list(modes) == list(packed.modes)
        assert said(tokens.lexer) == said(packed.lexer)
        assert said(tokens.follows) == said(packed.tokens.follows)
        assert list(tokens.twins) == list(packed.tokens.twins)
        assert tokens.classes.tolist() == packed.tokens.classes.tolist()
        assert tokens.samples == packed.tokens.samples
        assert tokens.plain == packed.tokens.plain
        assert tokens.firsts.tolist() == packed.tokens.firsts.tolist()
        assert tokens.lexer is not packed.tokens.lexer
        assert packed.lexer is packed.tokens.lexer


@pytest.mark.parametrize("name", ["json", EMPTY])
def test_the_dense_transitions_are_those_of_the_tables(name, tmp_path, monkeypatch):
    monkeypatch.setenv("INFILL_CACHE", str(tmp_path))
    packed = kept.parts(syntax_of(name), VOCAB)
    tables, dense = packed.tables, packed.shift()
    assert (len(tables.shifts), len(tables.symbols)) == dense.shape
    for state, row in enumerate(tables.shifts):
        assert row == {x: to for x, to in enumerate(dense[state].tolist()) if to >= 0}


@pytest.mark.parametrize("name", ["python", "json", "toml", SUMS])
def test_a_syntax_is_what_its_json_says(name):
    syntax = syntax_of(name)
    assert syntax == Syntax.from_json(syntax.json)
    assert syntax.digest == Syntax.from_json(syntax.json).digest


def test_a_named_grammar_that_is_kept_needs_no_lark(tmp_path, monkeypatch):
    monkeypatch.setenv("INFILL_CACHE", str(tmp_path))
    cold, warm = (
        subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", WARM.format("python")],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        for _ in range(2)
    )
    assert [Grammar.named("python").syntax.digest, "True"] == cold
    assert [cold[0], "False"] == warm


def test_a_syntax_is_kept_for_one_text_indentation_and_lark(tmp_path, monkeypatch):
    monkeypatch.setenv("INFILL_CACHE", str(tmp_path))
    syntax, columns = Grammar.lark(SUMS).syntax, Grammar.named("python").syntax.indentation
    (of_python,) = tmp_path.glob("*.json")
    for text, indentation, release in [
        ("a", None, "1"),
        ("b", None, "1"),
        ("a", columns, "1"),
        ("a", None, "2"),
        ("a", None, "2"),
    ]:
        monkeypatch.setattr(kept.metadata, "version", lambda _, release=release: release)
        assert syntax == kept.syntax_of(text, indentation, lambda: syntax)
    assert 4 == len({*tmp_path.glob("*.json")} - {of_python})


def test_lark_without_a_known_release_is_asked_each_time(tmp_path, monkeypatch):
    def unknown(name):
        raise kept.metadata.PackageNotFoundError(name)

    monkeypatch.setenv("INFILL_CACHE", str(tmp_path))
    monkeypatch.setattr(kept.metadata, "version", unknown)
    assert Grammar.named("calculator").syntax.rules
    assert [] == list(tmp_path.iterdir())


def halved(data):
    return data[: len(data) // 2]


def zeroed(data):
    at = len(data) // 2
    return data[:at] + bytes(8) + data[at + 8 :]


@pytest.mark.parametrize("name", ["python", "json", SUMS])
@pytest.mark.parametrize("broken", [halved, zeroed, lambda _: b"", lambda _: b"[]"])
def test_a_broken_file_is_built_anew(name, broken, tmp_path, monkeypatch):
    monkeypatch.setenv("INFILL_CACHE", str(tmp_path))
    syntax = syntax_of(name)
    if name != "python":  # which takes seconds
        kept.parts(syntax, VOCAB)
    whole = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for path, data in whole.items():
        path.write_bytes(broken(data))
    assert syntax == syntax_of(name)
    if name != "python":
        assert kept.parts(syntax, VOCAB).tokens.samples
    sizes = {path: path.stat().st_size for path in tmp_path.iterdir()}
    assert {path: len(data) for path, data in whole.items()} == sizes
    assert all(path.read_bytes() != broken(data) for path, data in whole.items())


@pytest.mark.parametrize("data", ["{}", "[1]", "null", '"a"', '{"indentation": {}}'])
def test_json_that_is_no_syntax_is_built_anew(data, tmp_path, monkeypatch):
    monkeypatch.setenv("INFILL_CACHE", str(tmp_path))
    syntax = Grammar.named("calculator").syntax
    (path,) = tmp_path.iterdir()
    path.write_text(data)
    assert syntax == Grammar.named("calculator").syntax
    assert syntax.json == path.read_text()


def test_a_folder_that_cannot_be_written_to_only_costs_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INFILL_CACHE", str(tmp_path / "file" / "below"))
    assert kept.parts(Grammar.named("calculator").syntax, VOCAB).tokens.samples
