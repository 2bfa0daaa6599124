"""`infill models`: the choice goes to the user's own file, and everything else in it stays."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.cli.configuring import toml
from infill.config.writing import with_setting
from infill.errors import OptionError
from infill.models.tiny import TinyConfig, TinyTransformer
from infill.train.corpus import File
from infill.train.export import export
from infill.train.presets import RunConfig
from infill.train.tokenizer import Codec, learn

SHAPE = TinyConfig(vocab=320, width=16, layers=1, heads=1, ff=16, context=32)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "mine"
    codec = Codec(learn([File("", "a.py", "x = 1\n" * 50).text], size=320))
    config = RunConfig(model=SHAPE)
    shape = TinyConfig(vocab=codec.tokenizer.get_vocab_size(), width=16, layers=1, heads=1, ff=16)
    export(TinyTransformer(shape), codec, folder, name="mine", config=config, trained={})
    return folder


def own(home):
    return home.parent / "own" / "infill" / "config.toml"


def test_a_model_is_used_and_the_file_otherwise_as_it_was(home, run, model):
    before = '# mine\nseed = 7  # why\n\n[lsp]\nlive = false\nmodel_like = "model = 1"\n'
    before = before.replace('model_like = "model = 1"\n', "")
    own(home).write_text(before)
    assert run("models", "use", model).exit_code == 0
    assert own(home).read_text() == f'model = "{model}"\n{before}'
    listed = run("models", "list").stdout.splitlines()
    assert any(line.startswith(f"* {model}") and "config.toml:1" in line for line in listed)
    assert run("models", "use", "embedded").exit_code == 0
    assert own(home).read_text() == before
    assert run("models").stdout.startswith("* embedded")


def test_a_file_is_made_where_there_is_none(home, run, model):
    own(home).parent.rmdir()
    assert run("models", "use", model).exit_code == 0
    assert tomllib.loads(own(home).read_text()) == {"model": str(model)}
    assert [path.name for path in own(home).parent.iterdir()] == ["config.toml"]


def test_a_folder_is_kept_by_its_whole_path(home, run, model, monkeypatch):
    monkeypatch.chdir(model.parent)
    assert run("models", "use", "mine").exit_code == 0
    assert tomllib.loads(own(home).read_text()) == {"model": str(model)}


@pytest.mark.usefixtures("home")
def test_what_is_above_the_users_file_is_told(run, model, monkeypatch):
    monkeypatch.setenv("INFILL_MODEL", "embedded")
    result = run("models", "use", model)
    assert result.exit_code == 0
    assert "but here embedded is used: environment INFILL_MODEL says so" in result.stderr


def test_what_is_no_model_is_not_written(home, run, tmp_path):
    for what in ("nowhere", tmp_path):
        assert run("models", "use", what).exit_code == 5
        assert not own(home).exists()


def test_a_damaged_model_is_not_written(home, run, model, tmp_path):
    for path in model.iterdir():
        data = path.read_bytes()
        (tmp_path / path.name).write_bytes(data[:-9] if path.suffix == ".safetensors" else data)
    result = run("models", "use", tmp_path)
    assert result.exit_code == 5
    assert "truncated" in result.stderr
    assert not own(home).exists()


@pytest.mark.usefixtures("home")
def test_without_a_file_of_settings_nothing_is_written(run, model, monkeypatch):
    monkeypatch.setenv("INFILL_CONFIG", "/dev/null")
    result = run("models", "use", model)
    assert result.exit_code == 2
    assert "no file of settings" in result.stderr


def test_broken_settings_are_told_and_left(home, run, model):
    own(home).write_text("seed = \n")
    result = run("models", "use", model)
    assert result.exit_code == 2
    assert own(home).read_text() == "seed = \n"
    assert "* " not in run("models").stdout


KEYS = st.sampled_from(["seed", "model", "tries", "lsp", "a b"])
VALUES = st.one_of(st.integers(), st.booleans(), st.text(max_size=9), st.lists(st.integers()))


@settings(max_examples=150, deadline=None)
@given(
    top=st.dictionaries(KEYS, VALUES, max_size=4),
    inner=st.dictionaries(KEYS, VALUES, max_size=3),
    value=st.none() | st.text(max_size=9),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_one_setting_changes_and_no_other(top, inner, value, end):
    lines = [
        f"{toml(key) if ' ' in key else key} = {toml(one)}  # said" for key, one in top.items()
    ]
    lines += ["[table]", *(f"{toml(key)} = {toml(one)}" for key, one in inner.items())]
    text = end.join([*lines, ""])
    written = None if value is None else toml(value)
    changed = with_setting(text, "model", written, "config.toml")
    expected = tomllib.loads(text)
    expected.pop("model", None)
    if value is not None:
        expected["model"] = value
    assert tomllib.loads(changed) == expected
    kept = [line for line in text.split("\n") if not line.startswith("model =")]
    assert all(line in changed.split("\n") for line in kept)


def test_a_value_over_several_lines_is_left_to_the_user():
    with pytest.raises(OptionError, match="cannot be told"):
        with_setting('model = """a\nb"""\n', "model", '"c"', "config.toml")
