"""`infill train`, end to end, on a little code: tuned, adapted, resumed, and refused."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from infill.canvas import Canvas, Slot
from infill.cli import main
from infill.errors import InputError, OptionError
from infill.models.native import TinyDenoiser, vocab_of
from infill.models.tiny import TinyTransformer, load_model
from infill.train import session
from infill.train.corrupt import FULL
from infill.train.export import export
from infill.train.loop import Trainer, by_steps
from infill.train.parallel import Team
from infill.train.presets import RunConfig, tiny_config
from infill.train.session import Wanted, prepare, ready, run
from infill.train.tokenizer import SPECIALS, Codec, learn

SHAPE = ("--scratch", "--width", 32, "--layers", 1, "--context", 64)
SHORT = ("--tokens", 256, "--steps", 6, "--threads", 1)


def call(*arguments, code=0):
    result = CliRunner().invoke(main, list(map(str, ("train", *arguments))))
    assert result.exit_code == code, (result.output, result.exception)
    return result


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    monkeypatch.setenv("INFILL_CONFIG", "/dev/null")
    monkeypatch.setattr(session, "WINDOWS", 4)


@pytest.fixture(scope="module")
def code(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("code")
    for file in files:
        (folder / file.path).write_text(file.text)
    (folder / "notes.json").write_text("{}")
    (folder / "broken.py").write_text("def (\n")
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory, files):
    """A small model to go on from."""
    folder = tmp_path_factory.mktemp("base") / "base"
    codec = Codec(learn((file.text for file in files), size=512))
    config = RunConfig(model=tiny_config(64, 1, 512, 64))
    model = TinyTransformer(config.model, generator=torch.Generator().manual_seed(0))
    export(model, codec, folder, name="base", config=config, trained={})
    return folder


def weights_of(folder):
    return load_model(Path(folder))[0].state_dict()


def same(left, right):
    return all(torch.equal(left[name], right[name]) for name in left)


def test_from_code_to_a_model_that_fills_with_a_card(code, tmp_path):
    said = call(code, "--out", tmp_path / "m", *SHAPE, *SHORT)
    assert "1 not Python that parses" in said.stderr
    assert "1 not Python" in said.stderr
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert (config["name"], config["asks"], config["model"]["width"]) == ("m", ["<expand>"], 32)
    card = (tmp_path / "m" / "CARD.md").read_text()
    assert "trained from scratch" in card
    assert "| 50.0 % |" in card
    assert "6 steps" in said.stdout
    hole = tmp_path / "a.py"
    hole.write_text("x = <FILL_ME>\n")
    arguments = ["fill", hole, "--model", tmp_path / "m", "--length", 2, "--language", "none"]
    filled = CliRunner().invoke(main, list(map(str, arguments)))
    assert filled.exit_code == 0, filled.output
    assert "\n+x = " in filled.stdout


def test_tuning_starts_from_the_base_and_keeps_its_tokenizer(code, base, tmp_path):
    call(code, "--out", tmp_path / "m", "--base", base, *SHORT, "--rate", "1e-3")
    assert (base / "tokenizer.json").read_bytes() == (
        tmp_path / "m" / "tokenizer.json"
    ).read_bytes()
    before, after = weights_of(base), weights_of(tmp_path / "m")
    moved = [(after[name] - before[name]).abs().max() for name in before if "mix" not in name]
    assert 0 < max(moved) < 0.1


@pytest.mark.skipif(importlib.util.find_spec("peft") is None, reason="infill-lm[train]")
def test_adapters_are_merged_and_nothing_else_has_moved(code, base, tmp_path):
    call(code, "--out", tmp_path / "m", "--base", base, "--lora", 2, *SHORT)
    before, after = weights_of(base), weights_of(tmp_path / "m")
    assert before.keys() == after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    matrices = ("qkv.weight", "out.weight", "gate_up.weight", "down.weight")
    assert {name for name in before if name.endswith(matrices)} == moved


@pytest.mark.skipif(importlib.util.find_spec("peft") is None, reason="infill-lm[train]")
def test_a_model_says_the_same_with_adapters_and_with_them_merged(stream, codec):
    config = RunConfig(model=tiny_config(64, 1, 1024, 32), tokens=256, lora=2)
    trainer = Trainer(config, stream, codec)
    for _ in trainer.run(by_steps(3)):
        pass
    ids = torch.arange(40, 60)[None]
    assert torch.allclose(trainer.model.hidden(ids), trainer.plain().hidden(ids), atol=1e-5)


@pytest.mark.parametrize("lora", [0, 2])
def test_a_run_that_was_cut_ends_as_one_that_was_not(base, files, tmp_path, lora):
    if lora:
        pytest.importorskip("peft", reason="infill-lm[train]")
    wanted = Wanted(
        out=tmp_path / "whole", base=base, lora=lora, length=("steps", 6), tokens=256, every=0.0
    )

    class Cutting:
        """Ends a run after a step, before the checkpoint of that."""

        def __init__(self, at):
            self.at = at

        def step(self, report):
            if report.step == self.at:
                raise KeyboardInterrupt

        def verdict(self, nats, best):
            pass

    def go(wanted, cut=0):
        if not wanted.resume:
            prepare(wanted, files)
        return run(wanted, ready(wanted, Team()), Team(), Cutting(cut))

    whole, part = go(wanted), replace(wanted, out=tmp_path / "part")
    with pytest.raises(KeyboardInterrupt):
        go(part, cut=4)
    again = go(replace(part, resume=True))
    assert same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "part"))
    assert (whole.before, whole.after, whole.steps) == (again.before, again.after, again.steps)
    logs = [
        [(said["step"], said["loss"]) for said in map(json.loads, text.splitlines())]
        for text in ((tmp_path / name / "training" / "log.jsonl").read_text()
                     for name in ("whole", "part"))
    ]  # fmt: skip
    assert [step for step, _ in logs[1]] == [1, 2, 3, 4, 4, 5, 6]
    assert logs[0] == sorted(set(logs[1]))


@pytest.mark.parametrize("name", ["train.npz", "tokenizer.json", "checkpoint.pt"])
def test_what_was_damaged_since_is_not_gone_on_with(code, tmp_path, name):
    call(code, "--out", tmp_path / "m", *SHAPE, *SHORT)
    path = tmp_path / "m" / "training" / name
    path.write_bytes(path.read_bytes()[:-7] + b"1234567")
    said = call(code, "--out", tmp_path / "m", *SHAPE, *SHORT, "--resume", code=2)
    assert "sha256" in said.stderr
    assert name in said.stderr


def test_a_run_that_is_there_is_not_written_over(code, tmp_path):
    call(code, "--out", tmp_path / "m", *SHAPE, *SHORT)
    said = call(code, "--out", tmp_path / "m", *SHAPE, *SHORT, code=2)
    assert "--resume" in said.stderr
    other = call(code, "--out", tmp_path / "m", *SHAPE, *SHORT, "--seed", 3, "--resume", code=2)
    assert "its seed differs" in other.stderr


def test_without_code_there_is_nothing_to_train_on(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.py").write_text("def (\n")
    said = call(tmp_path, "--out", tmp_path / "m", *SHORT, code=2)
    assert "no code to train on" in said.stderr
    assert "1 not Python" in said.stderr
    assert not (tmp_path / "m").exists()


def test_too_little_code_says_how_much_there_is(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.py").write_text(f"{name} = 1\n")
    said = call(tmp_path, "--out", tmp_path / "m", *SHAPE, *SHORT, code=2)
    assert "too little code on the train side" in said.stderr


def test_a_tokenizer_of_another_model_is_refused(base, code, files, tmp_path):
    wanted = Wanted(out=tmp_path / "m", base=base, tokens=256)
    prepare(wanted, files)
    other = learn(["x = 1\n" * 50], size=400)
    (tmp_path / "m" / "training" / "tokenizer.json").write_text(other)
    with pytest.raises(OptionError, match="tokenizer does not match the weights"):
        ready(wanted, Team())
    model, *_ = load_model(base)
    export(model, Codec(other), tmp_path / "odd", name="odd", config=RunConfig(model=model.config),
           trained={})  # fmt: skip
    said = call(code, "--out", tmp_path / "n", "--base", tmp_path / "odd", *SHORT, code=2)
    assert "tokenizer does not match" in said.stderr


def test_memory_that_is_not_there_is_told_before_the_start(code, tmp_path, monkeypatch):
    monkeypatch.setattr("infill.train.memory.free", lambda _device: 1_000_000)
    said = call(code, "--out", tmp_path / "m", *SHAPE, *SHORT, code=3)
    assert "not enough memory" in said.stderr
    assert "GB free" in said.stderr


def test_a_loss_that_is_no_number_leaves_the_best_model(base, code, tmp_path):
    said = call(code, "--out", tmp_path / "n", "--base", base, *SHORT, "--rate", "1e38", code=3)
    assert "no number any more, at step" in said.stderr
    assert same(weights_of(tmp_path / "n"), weights_of(base))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--steps", 1, "--epochs", 1), "give one of"),
        (("--width", 64), "--width needs --scratch"),
        (("--scratch", "--lora", 2), "cannot go with --scratch"),
        (("--lora", 2, "--fsdp"), "cannot go together"),
        (("--fsdp",), "over several processes"),
        (("--tokens", 16), "a step has too few tokens"),
    ],
)
def test_options_that_do_not_fit_are_refused(code, base, tmp_path, options, reason):
    own = () if "--scratch" in options else ("--base", base)
    said = call(code, "--out", tmp_path / "m", *own, *options, code=2)
    assert reason in said.stderr


def test_a_plan_is_printed_for_people_and_for_programs(code, base):
    said = call(
        "plan", code, "--base", base, "--epochs", 20, "--tokens", 256, "--threads", 1
    ).stdout
    assert "masked diffusion   autoregressive" in said
    assert "arXiv:2507.15857" in said
    assert "against: " in said
    page = call("plan", code, "--base", base, "--tokens", 256, "--format", "json").stdout
    figures = json.loads(page)
    assert figures["epochs"] == 10
    assert figures["tokens_per_second_here"] > 0
    assert figures["worth_diffusion"] > figures["worth_autoregressive"]


def test_expand_is_an_ask_only_where_it_was_trained(base, tmp_path):
    model, config, own = load_model(base)
    assert vocab_of(own, config["specials"], config["asks"]).expand == SPECIALS.index("<expand>")
    without = RunConfig(model=model.config, full=replace(FULL, expansions=0.0))
    export(model, Codec(own), tmp_path, name="m", config=without, trained={})
    denoiser = TinyDenoiser.from_folder(tmp_path)
    assert denoiser.vocab.expand is None
    canvas = Canvas([40, 0], [Slot.GIVEN, Slot.HOLE])
    with pytest.raises(OptionError, match="no token for a length"):
        denoiser([canvas])[0].wishes(canvas.holes)
    wishes = TinyDenoiser.from_folder(base)([canvas])[0].wishes(canvas.holes)
    assert wishes.expand[0] > float("-inf")


def test_preparing_twice_is_refused_once_a_run_is_kept(base, files, tmp_path):
    wanted = Wanted(out=tmp_path / "m", base=base, tokens=256)
    prepare(wanted, files)
    prepare(wanted, files)  # nothing was trained yet
    (tmp_path / "m" / "training" / "checkpoint.pt").write_bytes(b"")
    with pytest.raises(InputError, match="a run is kept here"):
        prepare(wanted, files)
