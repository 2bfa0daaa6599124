"""Settings: typed, told when wrong, and nothing that a workspace may not say."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from infill_lsp import settings
from infill_lsp.options import Inline, Options
from lsprotocol import types

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

    options = given or Options()
    client = SimpleNamespace(configuration=configuration)
    return SimpleNamespace(client=client, given=options, options=options, folders={}, section=None)


def folder_of(tmp_path, text):
    (tmp_path / "infill.toml").write_text(text)
    below = tmp_path / "a b"
    below.mkdir()
    return [types.WorkspaceFolder(below.as_uri(), "a b")]


@pytest.mark.asyncio
async def test_a_project_s_file_is_above_the_editor_and_below_the_client(tmp_path):
    text = "seed = 3\nmax_tokens = 4\ntries = 2\n[lsp.inline]\ndebounce = 5\n"
    folders = folder_of(tmp_path, text)
    now = session({"maxTokens": 9}, None, given=Options(seed=1, marker="@@"))
    assert [] == await settings.pulled(now, folders)
    [options] = now.folders.values()
    assert (3, 9, 5, "@@") == (
        options.seed,
        options.maxTokens,
        options.inline.debounce,
        options.marker,
    )
    assert (1, 9) == (now.options.seed, now.options.maxTokens)


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
