"""Compiled grammars on disk: found again by every process, rebuilt when they cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

from infill.constrain import kept
from infill.constrain.grammar import Grammar
from infill.vocab import Vocab

VOCAB = Vocab([b"", *(bytes([byte]) for byte in range(256))], mask=0)
DIGEST = "from infill.constrain.grammar import Grammar; print(Grammar.named({!r}).syntax.digest)"


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


def test_what_was_kept_is_what_was_built(tmp_path, monkeypatch):
    monkeypatch.setenv("INFILL_CACHE", str(tmp_path))
    syntax = Grammar.named("toml").syntax
    built, again = kept.parts(syntax, VOCAB), kept.parts(syntax, VOCAB)
    assert 1 == len(list(tmp_path.glob("*.npz")))
    assert built.tables.shifts == again.tables.shifts
    assert list(built.modes) == list(again.modes)
    assert (built.lexer.table == again.lexer.table).all()
    assert built.lexer.moves == again.lexer.moves
    assert built.tokens.samples == again.tokens.samples
    assert np.array_equal(built.tokens.classes, again.tokens.classes)


def test_a_broken_file_is_built_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("INFILL_CACHE", str(tmp_path))
    syntax = Grammar.named("calculator").syntax
    kept.parts(syntax, VOCAB)
    (path,) = tmp_path.glob("*.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert kept.parts(syntax, VOCAB).tokens.samples
    assert path.read_bytes()[:2] == b"PK"
    assert len(path.read_bytes()) == len(whole)


def test_a_folder_that_cannot_be_written_to_only_costs_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INFILL_CACHE", str(tmp_path / "file" / "below"))
    assert kept.parts(Grammar.named("calculator").syntax, VOCAB).tokens.samples
