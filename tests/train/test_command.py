"""`python -m infill.train`, end to end, on a corpus of the library's own files."""

import json

import pytest
from click.testing import CliRunner

from infill.errors import InputError, ModelError
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
        "evaluate", "--folder", folder, "--weights", folder / "w", "--windows", 1,
    )  # fmt: skip
    assert 0.0 <= json.loads(figures)["suspicion_auc"] <= 1.0
    (folder / "figures.json").write_text(figures)
    (folder / "tables").mkdir()
    (folder / "tables" / "README.md").write_text("# All tables\n")
    table, digest = folder / "tables" / "lines.md", config["sha256"]["model.safetensors"]
    table.write_text(f"## Lines\n\nModel infill-fixture ({digest[:12]})\n")
    writing = (
        "card", "--folder", folder, "--weights", folder / "w", "--tables", folder / "tables",
        "--figures", folder / "figures.json", "--hardware", "a slide rule",
    )  # fmt: skip
    call(*writing)
    card = (folder / "w" / "CARD.md").read_text()
    assert "3 steps" in card
    assert "on a slide rule" in card
    assert "### Lines" in card
    assert "All tables" not in card
    table.write_text("## Lines\n\nModel infill-fixture (0123456789ab)\n")
    with pytest.raises(InputError, match="of other weights"):
        call(*writing)


def test_the_control_is_trained_beside_the_model_and_goes_on(folder):
    call("tokenizer", "--folder", folder, "--size", 512)
    run = ("run", "--preset", "fixture", "--control", "--folder", folder)
    call(*run, "--steps", 2, "--weights", folder / "c")
    assert "continued at step 2" in call(*run, "--steps", 3)
    call(
        "export", "--preset", "fixture", "--control", "--folder", folder, "--weights", folder / "c"
    )
    assert not (folder / "checkpoint.pt").exists()
    _, config, _ = load_model(folder / "c")
    assert (config["name"], config["trained"]["steps"]) == ("infill-fixture-control", 3)
    assert config["model"]["causal"]
    assert config["asks"] == []
    with pytest.raises(ModelError, match="left of a slot"):
        call("evaluate", "--folder", folder, "--weights", folder / "c")


def test_one_command_makes_the_weights_and_goes_on_where_it_was_cut(folder):
    options = ("--preset", "fixture", "--folder", folder, "--weights", folder / "w", "--seed", 1)
    few = ("--windows", 1, "--tables", folder / "tables")
    said = call("weights", *options, *few, "--minutes", 0.001)
    assert "train: " in said
    first = load_model(folder / "w")[1]["trained"]
    spent = checkpoint.read(folder / "checkpoint.pt")["counts"]["minutes"]
    more = call("weights", *options, *few, "--minutes", spent + 0.05)
    assert "continued at step" in more
    assert "M tokens" in more
    assert load_model(folder / "w")[1]["trained"]["steps"] > first["steps"]
    assert load_model(folder / "w")[1]["asks"] == ["<expand>"]
    card = (folder / "w" / "CARD.md").read_text()
    assert "threads of" in card
    assert "not measured yet; `infill bench model` does it" in card
    (folder / "tables").mkdir()
    digest = load_model(folder / "w")[1]["sha256"]["model.safetensors"]
    for name, own in (("lines", digest[:12]), ("others", "0123456789ab")):
        (folder / "tables" / f"{name}.md").write_text(f"## {name}\n\nModel infill ({own})\n")
    call("weights", *options, *few, "--minutes", spent)  # nothing is left to do but the card
    card = (folder / "w" / "CARD.md").read_text()
    assert "### lines" in card
    assert "### others" not in card
    assert "not measured" not in card
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
