"""Settings: typed, told when wrong, and nothing that a workspace may not say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from infill_lsp.options import Inline, Options

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
