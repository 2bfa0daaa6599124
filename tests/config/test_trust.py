"""What a repository may not say unless the user trusts that very file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.config.files import File, load, read_file
from infill.config.schema import KEYS
from infill.config.trust import is_trusted, trust, untrust
from infill.errors import OptionError, WriteError

RESTRICTED = {
    "goal": '"true"',
    "model": '"mine"',
    "threads": "3",
    "jobs": "3",
    "verify_cmd": '"true"',
    "engine": '"ray"',
    "ray_address": '"host:1"',
    "allow_dirty": "true",
    "lsp.notifications": "true",
    "grammar": '"own.lark"',
    "language": '"none"',
}


@given(before=st.binary(), after=st.binary())
def test_a_file_is_trusted_with_its_bytes_alone(tmp_path_factory, before, after):
    state = tmp_path_factory.mktemp("state")
    file = state / "infill.toml"
    trust(file, before, state)
    assert is_trusted(file, before, state)
    assert (before == after) == is_trusted(file, after, state)
    assert not is_trusted(file.with_name("other.toml"), before, state)
    assert (True, False) == (untrust(file, state), untrust(file, state))
    assert not is_trusted(file, before, state)


def test_all_that_only_the_user_may_set_is_tested_here():
    restricted = {name for name, key in KEYS.items() if key.trusted or key.public}
    assert restricted == set(RESTRICTED)


@pytest.mark.parametrize("name", RESTRICTED)
def test_a_project_s_file_is_refused_until_it_is_trusted_and_when_it_changes(home, run, name):
    path = home / "infill.toml"
    path.write_text(f"seed = 1\n{name} = {RESTRICTED[name]}\n")
    with pytest.raises(OptionError) as told:
        load()
    assert "may not be set by a project's file" in told.value.what
    assert told.value.where == "infill.toml:2"
    assert "infill config trust infill.toml" in told.value.hint
    trusted = run("config", "trust")
    assert (0, True) == (trusted.exit_code, name in trusted.stderr)
    assert "infill.toml:2" == load().origin(name)
    path.write_text(path.read_text() + "# changed\n")
    with pytest.raises(OptionError):
        load()


def test_trust_that_was_taken_back_is_gone(home, run):
    (home / "infill.toml").write_text("threads = 3\n")
    assert 0 == run("config", "trust", "infill.toml").exit_code
    assert 3 == load().values["threads"]
    assert 0 == run("config", "untrust").exit_code
    with pytest.raises(OptionError):
        load()
    assert 1 == run("config", "untrust").exit_code


def test_the_user_s_own_file_and_environment_and_a_named_file_may_say_all(home, tmp_path):
    own = tmp_path / "own" / "infill" / "config.toml"
    own.write_text('verify_cmd = "true"\n')
    other = home / "other.toml"
    other.write_text("threads = 2\n")
    config = load(file=other)
    assert ("true", 2) == (config.values["verify_cmd"], config.values["threads"])
    assert 4 == load(environ={"INFILL_THREADS": "4", "INFILL_CONFIG": str(own)}).values["threads"]


def test_a_link_is_trusted_as_the_file_that_it_is(home, run):
    (home / "real.toml").write_text("threads = 2\n")
    (home / "infill.toml").symlink_to("real.toml")
    assert 0 == run("config", "trust").exit_code
    assert 2 == load().values["threads"]
    (home / "infill.toml").unlink()
    (home / "evil.toml").write_text("threads = 3\n")
    (home / "infill.toml").symlink_to("evil.toml")
    with pytest.raises(OptionError):
        load()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b"\xff"])
def test_a_damaged_entry_trusts_nothing(tmp_path, damage):
    file = tmp_path / "infill.toml"
    trust(file, b"", tmp_path)
    (entry,) = (tmp_path / "trusted").iterdir()
    entry.write_bytes(damage)
    assert not is_trusted(file, b"", tmp_path)


def test_trust_that_cannot_be_kept_is_told(tmp_path):
    (tmp_path / "state").write_text("")
    with pytest.raises(WriteError, match="could not be kept"):
        trust(tmp_path / "infill.toml", b"", tmp_path / "state")


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("arguments", [("trust",), ("untrust",), ("trust", "gone.toml")])
def test_what_is_not_there_cannot_be_trusted(run, arguments):
    assert 2 == run("config", *arguments).exit_code


def test_what_is_wrong_is_not_trusted(home, run):
    (home / "infill.toml").write_text("modle = 'x'\n")
    told = run("config", "trust")
    assert (2, True) == (told.exit_code, "did you mean 'model'?" in told.stderr)


def test_the_page_on_settings_names_all_that_is_refused_and_its_example_can_be_read(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    refused = page.partition("refused:")[2].partition("They are")[0]
    assert set(RESTRICTED) == {words.split()[0] for words in re.findall(r"`([^`]*)`", refused)}
    [example] = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "infill.toml").write_text(example)
    found = read_file(File(tmp_path / "infill.toml", "project"), {"INFILL_STATE": str(tmp_path)})
    assert {"seed", "lsp.inline.debounce"} < set(found.values)
