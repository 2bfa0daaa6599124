"""The tiny transformer: ragged rows, and weights refused unless they are the right ones."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.errors import OptionError, WeightsError
from infill.models.asked import FEWEST, Hidden, hidden_at
from infill.models.tiny import TinyConfig, TinyTransformer, load_model, save_model

CONFIG = TinyConfig(vocab=97, width=32, layers=2, heads=2, ff=64, context=32)


def tiny(seed: int = 0, **options: int) -> TinyTransformer:
    model = TinyTransformer(
        replace(CONFIG, **options), generator=torch.Generator().manual_seed(seed)
    )
    with torch.no_grad():  # mixing starts at zero; give it something to leak
        for name, weight in model.named_parameters():
            if "mix" in name:
                weight.normal_(0, 0.3, generator=torch.Generator().manual_seed(seed))
    return model.eval()


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=5), st.integers(0, 9))
@torch.no_grad()
def test_a_ragged_batch_equals_its_rows_alone(sizes, seed):
    model = tiny()
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, 97, (len(sizes), max(sizes)), generator=generator)
    together = model.hidden(ids, torch.tensor(sizes))
    for row, size in enumerate(sizes):
        alone = model.head(model.hidden(ids[row : row + 1, :size])[0])
        beside = model.head(together[row, :size])
        assert torch.allclose(alone, beside, atol=1e-4)
        assert torch.equal(alone.argmax(1), beside.argmax(1))


@settings(max_examples=25, deadline=None)
@given(data=st.data(), mix=st.integers(0, 3), seed=st.integers(0, 9))
@torch.no_grad()
def test_hidden_states_that_are_asked_for_are_those_of_a_run_over_all_slots(data, mix, seed):
    sizes = data.draw(st.lists(st.integers(1, 20), min_size=1, max_size=4))
    pairs = [(row, at) for row, size in enumerate(sizes) for at in range(size)]
    asked = data.draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=30))
    rows, at = torch.tensor(asked).T
    model = tiny(seed, mix=mix)
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, 97, (len(sizes), max(sizes)), generator=generator)
    stream = model.stream(ids, torch.tensor(sizes))
    whole = model.finish(stream)[rows, at]
    assert torch.equal(whole, model.hidden(ids, torch.tensor(sizes))[rows, at])
    assert torch.allclose(whole, hidden_at(model, stream, rows, at), atol=1e-5)
    lazy = Hidden(model, stream)
    for _ in range(2):  # alone where they are few, then from all
        assert torch.allclose(whole, lazy.at(rows, at), atol=1e-5)
    assert (0, 32) == lazy.at(rows[:0], at[:0]).shape


@torch.no_grad()
def test_few_asked_slots_cost_no_run_of_the_last_block_over_all():
    model, seen = tiny(), []
    model.blocks[-1].mlp.register_forward_hook(lambda _, args, __: seen.append(args[0].shape[:-1]))
    lazy = Hidden(model, model.stream(torch.zeros(2, 30, dtype=torch.long)))
    for rows, at in [([], []), ([0, 1, 1], [3, 4, 9]), ([0], [5]), ([1], [6])]:
        lazy.at(torch.tensor(rows, dtype=torch.long), torch.tensor(at, dtype=torch.long))
    assert [(FEWEST,), (2, 30)] == seen  # three, and one more
    many = Hidden(model, model.stream(torch.zeros(1, 30, dtype=torch.long)))
    many.at(torch.zeros(30, dtype=torch.long), torch.arange(30))
    assert (1, 30) == seen[-1]


@torch.no_grad()
def test_what_lies_beyond_the_end_of_a_row_is_never_seen():
    model = tiny()
    ids = torch.arange(20).reshape(2, 10)
    lengths = torch.tensor([6, 10])
    changed = ids.clone()
    changed[0, 6:] = 96
    first, second = model.hidden(ids, lengths), model.hidden(changed, lengths)
    assert torch.equal(first[0, :6], second[0, :6])


@torch.no_grad()
def test_both_sides_of_a_position_reach_it():
    model = tiny()
    ids = torch.arange(12)[None]
    plain = model.hidden(ids)[0, 6]
    for at in (0, 11):
        changed = ids.clone()
        changed[0, at] = 90
        assert not torch.allclose(plain, model.hidden(changed)[0, 6], atol=1e-5)


def test_the_same_generator_draws_the_same_weights():
    first, second = tiny().state_dict(), tiny().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_an_impossible_shape_is_refused():
    with pytest.raises(OptionError, match="multiple of 10"):
        TinyConfig(vocab=9, width=32, layers=1, heads=5, ff=8)
    with pytest.raises(OptionError, match="not positive"):
        TinyConfig(vocab=9, width=32, layers=0, heads=2, ff=8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tiny(), '{"a": "é"}', tmp_path / "model", extra={"name": "test"})
    return tmp_path / "model"


@torch.no_grad()
def test_what_is_saved_is_loaded_up_to_half_precision(folder):
    model, config, tokenizer = load_model(folder)
    ids = torch.arange(10)[None]
    assert torch.allclose(model.hidden(ids), tiny().hidden(ids), atol=0.02)
    assert (tokenizer, config["name"], model.config) == ('{"a": "é"}', "test", CONFIG)
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json", "model.safetensors", "tokenizer.json",
    ]  # fmt: skip


def test_another_precision_can_be_asked_for(folder):
    assert load_model(folder, dtype=torch.bfloat16)[0].embed.dtype == torch.bfloat16


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "gone"])
def test_a_damaged_file_is_refused_before_it_is_parsed(folder, name, damage):
    data = bytearray((folder / name).read_bytes())
    if damage == "gone":
        (folder / name).unlink()
    else:
        data[-1] ^= 1
        (folder / name).write_bytes(data[:-3] if damage == "truncated" else data)
    with pytest.raises(WeightsError, match=name):
        load_model(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2}, {"model": {}}, {"model": {"vocab": 1}}, {"sha256": {}}, {"sha256": None},
        {"model": {"vocab": 97, "width": 32, "layers": 2, "heads": 2, "ff": 64, "wings": 2}},
        {"model": {"vocab": 97, "width": 32, "layers": 1, "heads": 2, "ff": 64}},
        {"model": {"vocab": 97, "width": 33, "layers": 1, "heads": 2, "ff": 64}},
    ],
)  # fmt: skip
def test_a_config_that_does_not_fit_is_refused(folder, change):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(WeightsError):
        load_model(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\xff"])
def test_a_config_that_is_no_json_object_is_refused(folder, text):
    (folder / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(WeightsError, match=r"config\.json"):
        load_model(folder)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="no model here"):
        load_model(tmp_path)
