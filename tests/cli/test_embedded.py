"""The model that ships with the library: one real fill, and weights that are damaged."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infill.cli.exits import Exit
from infill.models.catalogue import EMBEDDED

SOURCE = b"def add(first, second):\r\n    total = first + second\r\n    return <FILL_ME>\r\n"


def infill(*arguments):
    """A fresh process: cold start, no network, one thread (the machine may be busy)."""
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "infill", *map(str, arguments)],
        capture_output=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )


def test_a_hole_in_a_real_file_is_filled_with_code_that_parses(tmp_path):
    path, trace = tmp_path / "a.py", tmp_path / "t.jsonl"
    path.write_bytes(SOURCE)
    result = infill("fill", "--write", "--max-tokens", 2, "--trace", trace, path)
    assert result.returncode == Exit.DONE, result.stderr.decode()
    filled = path.read_bytes()
    ast.parse(filled)
    before, after = SOURCE.split(b"<FILL_ME>")
    assert filled.startswith(before)
    assert filled.endswith(after)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.py", "t.jsonl"]

    played = infill("trace", "play", trace)
    assert played.returncode == Exit.DONE
    assert "total = first + second" in played.stdout.decode()


@pytest.fixture
def weights(tmp_path):
    """A copy of the embedded model, to be damaged."""
    return Path(shutil.copytree(EMBEDDED, tmp_path / "weights"))


def truncate(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def flip_a_bit(folder):
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def empty(folder):
    (folder / "model.safetensors").write_bytes(b"")


def remove(folder):
    (folder / "model.safetensors").unlink()


def change_the_tokenizer(folder):
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace("the", "eht", 1))


def remove_the_tokenizer(folder):
    (folder / "tokenizer.json").unlink()


def break_the_card(folder):
    (folder / "config.json").write_text("{")


def empty_the_card(folder):
    (folder / "config.json").write_text("{}")


def ask_for_another_shape(folder):
    path = folder / "config.json"
    card = json.loads(path.read_text())
    card["model"]["width"] *= 2
    path.write_text(json.dumps(card))


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        flip_a_bit,
        empty,
        remove,
        change_the_tokenizer,
        remove_the_tokenizer,
        break_the_card,
        empty_the_card,
        ask_for_another_shape,
    ],
)
def test_damaged_weights_are_told_and_nothing_is_filled(run, weights, tmp_path, damage):
    damage(weights)
    path = tmp_path / "a.py"
    path.write_bytes(SOURCE)
    result = run("fill", "--write", "--model", weights, path)
    assert result.exit_code == Exit.MODEL
    assert result.stderr.startswith("error: ")
    assert str(weights) in result.stderr
    assert path.read_bytes() == SOURCE
