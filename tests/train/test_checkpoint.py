import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.errors import InputError
from infill.train.checkpoint import noted, read, require_noted, write

STATE = {"weights": {"w": torch.arange(6.0)}, "counts": {"step": 3}}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "c.pt"
    write(path, STATE)
    return path


def test_a_checkpoint_says_what_was_saved(good):
    found = read(good)
    assert torch.equal(found["weights"]["w"], torch.arange(6.0))
    assert found["counts"] == {"step": 3}
    assert [path.name for path in good.parent.iterdir()] == ["c.pt"]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_one_byte_that_changed_or_an_end_that_is_missing_is_found(good, data):
    whole = good.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    damaged = good.with_name("d.pt")
    for text in (bytes(flipped), whole[:at]):
        damaged.write_bytes(text)
        with pytest.raises(InputError, match="checkpoint"):
            read(damaged)
    damaged.unlink()


def test_what_is_missing_says_so(tmp_path):
    with pytest.raises(InputError, match="no checkpoint to go on from"):
        read(tmp_path / "c.pt")
    with pytest.raises(InputError, match="a file of the run is missing"):
        noted(tmp_path, ["train.npz"])


def test_files_that_changed_since_a_checkpoint_are_refused(tmp_path):
    (tmp_path / "a").write_text("1")
    state = {"notes": {"sha256": noted(tmp_path, ["a"])}}
    require_noted(state, tmp_path, ["a"])
    (tmp_path / "a").write_text("2")
    with pytest.raises(InputError, match="not the one that the checkpoint was made with"):
        require_noted(state, tmp_path, ["a"])
