"""Files of settings: the highest source wins and is named; what is wrong is told with its line."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from settings_drawn import SETTINGS

from infill.cli.configuring import toml
from infill.config.environment import variable
from infill.config.files import File, load, read_file
from infill.config.schema import KEYS
from infill.config.trust import trust
from infill.errors import OptionError


def written(values):
    """TOML of settings, and the line that each is on."""
    lines, at = ["# settings"], {}
    for table in ("", "lsp", "lsp.inline"):
        lines += [f"[{table}]"] if table else []
        for name, value in values.items():
            inside, _, last = name.rpartition(".")
            if inside == table:
                lines.append(f"{last} = {toml(value)}")
                at[name] = len(lines)
    return "\n".join(lines) + "\n", at


def said(value):
    """As a switch or a number is said in the environment; texts and lists are left to others."""
    return str(value).lower() if isinstance(value, bool) else str(value)


SOURCES = st.lists(SETTINGS, max_size=6).map(lambda some: {key.name: value for key, value in some})
SIMPLE = SOURCES.map(lambda some: {n: v for n, v in some.items() if not isinstance(v, list)})


@given(environment=SIMPLE, project=SOURCES, user=SOURCES, files=st.booleans())
def test_of_any_sources_the_highest_wins_and_is_named(
    tmp_path_factory, environment, project, user, files
):
    folder = tmp_path_factory.mktemp("settings")
    environ = {"INFILL_CONFIG": str(folder / "own.toml"), "INFILL_STATE": str(folder / "state")}
    environ |= {variable(name): said(value) for name, value in environment.items()}
    lines = {}
    for name, values in (("own.toml", user), ("infill.toml", project)):
        text, lines[name] = written(values)
        (folder / name).write_text(text, encoding="utf-8", newline="")
    trust(folder / "infill.toml", (folder / "infill.toml").read_bytes(), folder / "state")
    config = load(folder, environ=environ, files=files)
    for name, key in KEYS.items():
        if name in environment:
            expected, origin = environment[name], f"environment {variable(name)}"
        elif files and name in project:
            expected, origin = project[name], f"{folder}/infill.toml:{lines['infill.toml'][name]}"
        elif files and name in user:
            expected, origin = user[name], f"{folder}/own.toml:{lines['own.toml'][name]}"
        else:
            assert (key.default, "default") == (config.values[name], config.origin(name))
            continue
        assert origin == config.origin(name)
        got = config.values[name]
        if key.path and got != key.taken(expected):
            assert Path(got).is_absolute()
        else:
            assert key.taken(expected) == got


@given(data=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_whatever_is_in_a_file_it_is_read_or_told(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("settings") / "infill.toml"
    path.write_bytes(data)
    with suppress(OptionError):
        assert set(read_file(File(path, "user"), {}).values) <= set(KEYS)


def test_the_nearest_file_counts_and_only_it(home):
    (home / "infill.toml").write_text("seed = 1\ntries = 2\n")
    below = home / "a" / "b"
    below.mkdir(parents=True)
    (home / "a" / "pyproject.toml").write_text('[tool.infill]\nseed = 3\n[tool.other]\nx = "y"\n')
    (below / "pyproject.toml").write_text('[project]\nname = "infill-plugin"\n')
    config = load(below)
    assert (3, 8) == (config.values["seed"], config.values["tries"])
    assert "a/pyproject.toml:2" == config.origin("seed")


def test_of_two_files_beside_each_other_infill_toml_counts_and_the_other_is_told(home, run):
    (home / "infill.toml").write_text("seed = 1\n")
    (home / "pyproject.toml").write_text("[tool.infill]\nseed = 2\ntries = 3\n")
    config = load()
    assert (1, 8) == (config.values["seed"], config.values["tries"])
    assert config.files[0].file.shadowed == home / "pyproject.toml"
    told = run("config", "path")
    assert "pyproject.toml: its [tool.infill] does not count beside infill.toml" in told.stderr


def test_a_broken_pyproject_concerns_us_only_where_it_names_us(home):
    (home / "pyproject.toml").write_text("[tool.ruff\n")
    assert () == load().files
    (home / "pyproject.toml").write_text("[tool.infill\n")
    with pytest.raises(OptionError, match="no TOML"):
        load()


@pytest.mark.parametrize(
    ("data", "what", "where"),
    [
        (b"seed = \n", "this is no TOML", "infill.toml:1"),
        (b"tries = 2\nseed = 'x\n", "this is no TOML", "infill.toml:2"),
        (b"a = [1,\n\n", "this is no TOML", "infill.toml:2"),
        (b"\xef\xbb\xbfseed = 1\n", "byte-order mark", "infill.toml:1"),
        (b"# ok\n# \xff\n", "UTF-8", "infill.toml:2"),
        (b"seed = 1\nseed = 2\n", "this is no TOML", "infill.toml:2"),
        (b"\nsede = 1\n", "'seed'?", "infill.toml:2"),
        (b"lsp.live = true\nlsp.inlin.live = true\n", "'lsp.inline'?", "infill.toml:2"),
        (b"lsp = 3\n", "expected: [lsp]", "infill.toml:1"),
        (b'"lsp.live" = true\n', "there is no setting", "infill.toml:1"),
        (b'x = """\nseed = 1\n"""\nseed = -1\n', "there is no setting 'x'", "infill.toml:1"),
        (b'marker = """\nseed = 1\n"""\nseed = -1\n', "expected: a number", "infill.toml:4"),
        (b"[seed]\n", "expected: a number", "infill.toml:1"),
        (b"seed = true\n", "got: True", "infill.toml:1"),
        (b"seed = 2026-11-22\n", "got: datetime", "infill.toml:1"),
        (b"seed = 1.0\n", "got: 1.0", "infill.toml:1"),
        (b"exclude = ['a', 3]\n", "a list of texts", "infill.toml:1"),
        (b"a = " + b"[" * 9_000 + b"]" * 9_000, "nested too deeply", "infill.toml"),
        (b"#" * 1_000_001, "too long", "infill.toml"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(home, data, what, where):
    (home / "infill.toml").write_bytes(data)
    with pytest.raises(OptionError) as told:
        load()
    assert what in str(told.value)
    assert where == told.value.where


def test_a_file_that_cannot_be_read_is_told(home):
    path = home / "infill.toml"
    path.symlink_to("gone.toml")
    with pytest.raises(OptionError, match="cannot be read"):
        load()
    path.unlink()
    path.mkdir()
    with pytest.raises(OptionError, match="no regular file"):
        load()
    path.rmdir()
    os.mkfifo(path)  # to open it would wait for ever
    with pytest.raises(OptionError, match="no regular file"):
        load()


def test_a_user_s_file_that_is_named_must_be_there_and_none_may_be_asked_for(home):
    with pytest.raises(OptionError, match="no such file"):
        load(environ={"INFILL_CONFIG": str(home / "gone.toml")})
    assert () == load(environ={"INFILL_CONFIG": os.devnull}).files


def test_a_bad_value_of_the_environment_names_its_variable():
    with pytest.raises(OptionError) as told:
        load(environ={"INFILL_LSP_INLINE_DEBOUNCE": "soon"}, files=False)
    assert told.value.where == "environment INFILL_LSP_INLINE_DEBOUNCE"


@pytest.mark.usefixtures("home")
def test_paths_of_a_file_are_meant_from_its_folder(tmp_path, monkeypatch):
    own = tmp_path / "own" / "infill" / "config.toml"
    own.write_text('model = "../mine"\ngrammar = "my.lark"\n')
    config = load()
    assert config.values["model"] == str(own.parent / "../mine")
    assert config.values["grammar"] == str(own.parent / "my.lark")
    monkeypatch.setenv("HOME", str(tmp_path))
    own.write_text('model = "~/mine"\n')
    assert load().values["model"] == str(tmp_path / "mine")
    own.write_text('model = "embedded"\n')
    assert load().values["model"] == "embedded"


def test_auto_is_no_grammar_and_stands_above_one(home, tmp_path):
    (tmp_path / "own" / "infill" / "config.toml").write_text('grammar = "json"\n')
    (home / "infill.toml").write_text('grammar = "auto"\n')
    config = load()
    assert (None, "infill.toml:1") == (config.values["grammar"], config.origin("grammar"))


def test_the_settings_of_nothing_are_an_error():
    with pytest.raises(KeyError):
        load(environ={}, files=False).origin("sede")
