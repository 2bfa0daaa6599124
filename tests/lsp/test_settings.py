"""Settings: typed, told when wrong, and nothing that a workspace may not say."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from infill_lsp import settings
from infill_lsp.options import Inline, Options
from lsprotocol import types

from infill.config.trust import trust

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
NAMES = st.sampled_from([*vars(Options()), *(f"inline.{name}" for name in vars(Inline())), "x"])


@given(values=st.dictionaries(NAMES, JSON), trusted=st.booleans())
def test_whatever_comes_settings_stay_of_their_types(values, trusted):
    options, faults = Options().updated(values, trusted=trusted)
    again, none = Options().updated(
        {name: value for name, value in vars(options).items() if name != "inline"}
    )
    assert ([], options.model) == (none, again.model)
    assert all(fault.startswith("infill.") for fault in faults)
    if not trusted:
        assert (Options().model, Options().threads) == (options.model, options.threads)


def test_settings_may_be_nested_or_dotted():
    nested, _ = Options().updated({"inline": {"debounce": 7}})
    dotted, faults = Options().updated({"inline.debounce": 7})
    assert (nested, []) == (dotted, faults)


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"maxTokenz": 3}, "did you mean 'maxTokens'"),
        ({"seed": True}, "expected a number"),
        ({"accept": "never"}, "'auto' or 'ask' or 'at_once'"),
        ({"inline": 3}, "expected an object"),
        ({"inline.timeLimit": 0}, "0.9 is kept"),
    ],
)
def test_a_fault_says_what_was_expected(values, part):
    options, [fault] = Options().updated(values)
    assert part in fault
    assert Options() == options


@pytest.mark.parametrize("name", ["model", "threads", "notifications"])
def test_a_workspace_is_not_trusted_with_what_runs(name):
    value = {"model": "evil", "threads": 3, "notifications": True}[name]
    options, [fault] = Options().updated({name: value}, trusted=False)
    assert (Options(), True) == (options, "may not be set by a workspace" in fault)
    assert not Options().updated({name: value}, trusted=True)[1]


def session(*answers, given=None):
    """As much of a session as settings need, of a client that answers so, or not at all."""

    async def configuration(scopes):
        del scopes
        return list(answers)

    client = SimpleNamespace(configuration=configuration)
    return SimpleNamespace(
        client=client, given=given or {}, options=Options(), first=None, folders={}, section=None
    )


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The user's own file of settings."""
    (path := tmp_path / "config.toml").write_text("")
    monkeypatch.setenv("INFILL_CONFIG", str(path))
    monkeypatch.setenv("INFILL_STATE", str(tmp_path / "state"))
    return path


def folder_of(tmp_path, text):
    (tmp_path / "infill.toml").write_text(text)
    below = tmp_path / "a b"
    below.mkdir()
    return [types.WorkspaceFolder(below.as_uri(), "a b")]


@pytest.mark.asyncio
async def test_the_client_is_above_the_environment_above_files_above_defaults(
    tmp_path, own, monkeypatch
):
    own.write_text(
        'marker = "own"\nseed = 1\nmax_tokens = 1\n[lsp]\nalternatives = 1\n'
        "time_limit = 1\ninline.debounce = 1\n"
    )
    text = 'marker = "p"\nseed = 2\nmax_tokens = 2\n[lsp]\nalternatives = 2\ntime_limit = 2\n'
    folders = folder_of(tmp_path, text)
    for name in ("MARKER", "SEED", "MAX_TOKENS", "LSP_ALTERNATIVES"):
        monkeypatch.setenv(f"INFILL_{name}", "3")
    now = session({"marker": "5"}, None, given={"marker": "4", "seed": 4})
    assert [] == await settings.pulled(now, folders)
    [inside] = now.folders.values()
    for options, of_project in ((inside, 2), (now.options, 1)):
        assert ("5", 4, 3, 3, of_project, 1, 12) == (
            options.marker,
            options.seed,
            options.maxTokens,
            options.alternatives,
            options.timeLimit,
            options.inline.debounce,
            options.inline.maxTokens,
        )


@pytest.mark.asyncio
async def test_a_project_s_file_holds_for_a_client_without_configuration(tmp_path):
    folders = folder_of(tmp_path, 'seed = 3\ngrammar = "auto"\n')
    now = session()
    assert [] == await settings.pulled(now, folders)
    assert [3] == [options.seed for options in now.folders.values()]
    assert [] == settings.pushed(now, {"infill": {"seed": 4}}, folders)
    assert [4] == [options.seed for options in now.folders.values()]
    assert [] == await settings.pulled(now, folders)
    assert [4] == [options.seed for options in now.folders.values()]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sede = 1\n", "there is no setting 'sede'; did you mean 'seed'?"),
        ("threads = 1\n", "threads may not be set by a project's file"),
        ("seed = 18446744073709551615\n", "infill.seed: expected a number"),
        ("seed = \n", "this is no TOML"),
    ],
)
@pytest.mark.asyncio
async def test_what_is_wrong_with_a_project_s_file_is_told_once(tmp_path, text, said):
    folders = folder_of(tmp_path, text) * 2
    now = session()
    [fault] = await settings.pulled(now, folders)
    assert said in fault
    assert "infill.toml" in fault
    assert [Options()] == list(now.folders.values())


@pytest.mark.asyncio
async def test_what_is_wrong_with_one_source_leaves_the_others(tmp_path, own, monkeypatch):
    own.write_text("seed = 1\nthreads = 2\n")
    monkeypatch.setenv("INFILL_MAX_TOKENS", "many")
    now, folders = session(), folder_of(tmp_path, "sede = 1\n")
    faults = "\n".join(await settings.pulled(now, folders))
    assert "environment INFILL_MAX_TOKENS" in faults
    assert "infill.toml:1: there is no setting 'sede'" in faults
    [options] = now.folders.values()
    assert (1, 2, 24) == (options.seed, options.threads, options.maxTokens)
    own.write_text("seed = \n")
    (tmp_path / "infill.toml").write_text("max_tokens = 3\n")
    monkeypatch.delenv("INFILL_MAX_TOKENS")
    [fault] = await settings.pulled(now, folders)
    assert "config.toml:1: this is no TOML" in fault
    [options] = now.folders.values()
    assert (0, 3) == (options.seed, options.maxTokens)


def test_a_project_chooses_what_runs_only_where_the_user_trusts_its_file(tmp_path, own):
    own.write_text('model = "mine"\n')
    folders = folder_of(tmp_path, 'model = "weights/theirs"\nthreads = 3\n')
    now = session()
    assert [] == settings.initial(now, {"notifications": True}, folders)
    assert ("mine", 0, True) == (now.first.model, now.first.threads, now.first.notifications)
    file = tmp_path / "infill.toml"
    trust(file, file.read_bytes(), tmp_path / "state")
    settings.initial(now, None, folders)
    assert (str(tmp_path / "weights/theirs"), 3) == (now.first.model, now.first.threads)
    assert "mine" == now.options.model  # in no folder
    settings.initial(now, None, folders * 2)
    assert "mine" == now.first.model  # nobody knows of which folder
    settings.initial(now, {"model": "here"}, folders)
    assert "here" == now.first.model
