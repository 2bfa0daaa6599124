"""`python -m infill.train`, end to end, on a corpus of the library's own files."""

import json

import pytest
from click.testing import CliRunner

from infill.models.tiny import load_model
from infill.train import checkpoint, corpus, presets
from infill.train.__main__ import main
from infill.train.presets import RunConfig, tiny_config
from infill.train.tokenizer import SPECIALS


def call(*arguments):
    words = ["--threads", "1", *map(str, arguments)]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def folder(tmp_path, files, monkeypatch):
    for side in ("train", "heldout"):
        corpus.write_files(files, tmp_path / f"{side}.jsonl")
    toy = RunConfig(model=tiny_config(64, 1, 512), tokens=1024)
    monkeypatch.setitem(presets.PRESETS, "fixture", toy)
    return tmp_path


def test_corpus_to_weights(folder):
    call("tokenizer", "--folder", folder, "--size", 512)
    call("run", "--preset", "fixture", "--steps", 2, "--folder", folder, "--weights", folder / "w")
    more = call("run", "--preset", "fixture", "--steps", 3, "--folder", folder)
    assert "continued at step 2" in more
    call("export", "--preset", "fixture", "--folder", folder, "--weights", folder / "w")
    _, config, _ = load_model(folder / "w")
    assert (config["name"], config["trained"]["steps"]) == ("infill-fixture", 3)
    assert [config["specials"][name] for name in SPECIALS] == list(range(32))
    figures = call(
        "evaluate", "--folder", folder, "--weights", folder / "w", "--per-project", 2,
        "--windows", 1,
    )  # fmt: skip
    assert json.loads(figures)["lines"] == 2
    (folder / "figures.json").write_text(figures)
    call(
        "card", "--folder", folder, "--weights", folder / "w",
        "--figures", folder / "figures.json", "--hardware", "a slide rule",
    )  # fmt: skip
    card = (folder / "w" / "CARD.md").read_text()
    assert "3 steps" in card
    assert "on a slide rule" in card
    assert "(2 lines from 1 projects" in card


def test_one_command_makes_the_weights_and_goes_on_where_it_was_cut(folder):
    options = ("--preset", "fixture", "--folder", folder, "--weights", folder / "w", "--seed", 1)
    few = ("--per-project", 2, "--windows", 1)
    said = call("weights", *options, *few, "--minutes", 0.001)
    assert "train: " in said
    first = load_model(folder / "w")[1]["trained"]
    spent = checkpoint.read(folder / "checkpoint.pt")["counts"]["minutes"]
    more = call("weights", *options, *few, "--minutes", spent + 0.05)
    assert "continued at step" in more
    assert "M tokens" in more
    assert load_model(folder / "w")[1]["trained"]["steps"] > first["steps"]
    assert load_model(folder / "w")[1]["asks"] == ["<expand>"]
    assert "threads of" in (folder / "w" / "CARD.md").read_text()
    (folder / "train.npz").write_bytes((folder / "heldout.npz").read_bytes() + b"!")
    changed = CliRunner().invoke(main, list(map(str, ("weights", *options, *few))))
    assert "not the one that the checkpoint was made with" in str(changed.exception)


COMMANDS = ["weights", "corpus", "tokenizer", "run", "evaluate", "export", "card"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_documents_itself(command):
    assert "--folder" in call(command, "--help")


def test_a_run_needs_exactly_one_length(folder):
    for lengths in ([], ["--steps", "1", "--minutes", "1"]):
        result = CliRunner().invoke(main, ["run", "--folder", str(folder), *lengths])
        assert result.exit_code == 2
        assert "one of --minutes, --until, --steps" in result.output


def test_an_hour_that_is_none_is_refused(folder):
    call("tokenizer", "--folder", folder, "--size", 512)
    result = CliRunner().invoke(
        main, ["run", "--preset", "fixture", "--folder", str(folder), "--until", "25:99"]
    )
    assert result.exit_code == 2
    assert "not HH:MM" in result.output
