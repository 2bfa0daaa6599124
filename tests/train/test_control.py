"""The autoregressive control: it sees what is on its left, and learns to fill in the middle."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.errors import ModelError, WeightsError
from infill.models.native import TinyDenoiser
from infill.models.tiny import TinyConfig, TinyTransformer, parameters_in, save_model
from infill.train.control import Control, arranged, rearranged
from infill.train.corrupt import FULL
from infill.train.loop import Trainer, by_steps
from infill.train.parallel import Team
from infill.train.presets import RunConfig, causal
from infill.train.session import Wanted, prepare, ready
from infill.train.stream import draw
from infill.train.tokenizer import LANGUAGES, SPECIALS, Kind, Special

SHAPE = TinyConfig(vocab=1024, width=64, layers=2, heads=2, ff=128, context=64)
CONFIG = causal(RunConfig(model=SHAPE, tokens=1024))


def model_of(config: TinyConfig) -> TinyTransformer:
    """A model whose mixing, which begins at zero, does something."""
    generator = torch.Generator().manual_seed(0)
    model = TinyTransformer(config, generator=generator)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "mix" in name:
                weight.normal_(0.0, 0.3, generator=generator)
    return model


@settings(max_examples=20)
@given(st.integers(1, 31), st.integers(0, 2**16))
def test_what_comes_later_is_not_seen(at, seed):
    rng = np.random.default_rng(seed)
    first = torch.from_numpy(rng.integers(0, 1024, size=(1, 32)))
    other = first.clone()
    other[0, at:] = torch.from_numpy(rng.integers(0, 1024, size=32 - at))
    model = model_of(replace(SHAPE, causal=True))
    with torch.no_grad():
        one, two = model.hidden(first), model.hidden(other)
    assert torch.allclose(one[0, :at], two[0, :at], atol=1e-5)


def test_what_came_before_is_seen_by_mixing_and_attention():
    ids = torch.arange(32)[None]
    other = ids.clone()
    other[0, 3] = 99
    for mix in (0, 2):
        model = model_of(replace(SHAPE, causal=True, mix=mix))
        with torch.no_grad():
            changed = (model.hidden(ids) - model.hidden(other))[0].abs().amax(1) > 1e-6
        assert not changed[:3].any()
        assert changed[3:].all()


def test_the_control_has_the_size_of_the_denoiser():
    one, other = (TinyTransformer(replace(SHAPE, causal=kind)) for kind in (False, True))
    assert parameters_in(one) == parameters_in(other)
    assert {n: w.shape for n, w in one.named_parameters()} == {
        n: w.shape for n, w in other.named_parameters()
    }


@pytest.mark.parametrize("seed", range(5))
def test_a_rearranged_row_says_the_text_it_was_made_of(stream, codec, seed):
    rng = np.random.default_rng(seed)
    windows = draw(stream, rng, B=16, T=64)
    batch = rearranged(windows, codec, FULL, rng)
    plain = 0
    for ids, targets, asked, row in zip(
        batch.ids.tolist(), batch.targets.tolist(), batch.weights, windows.ids.tolist(), strict=True
    ):
        assert ids[1:] == targets[:-1]
        silent = {Special.BOS, Special.PYTHON, *(Special.PREFIX, Special.SUFFIX, Special.MIDDLE)}
        assert not silent & {t for t, weight in zip(targets, asked, strict=True) if weight}
        if Special.PREFIX not in ids:
            plain += 1
            assert ids == row
            continue
        assert ids[2] == Special.PREFIX
        assert ids[-1] == Special.EOS
        assert asked[-2] == 1.0  # where the middle ends is learnt
        suffix, middle = ids.index(Special.SUFFIX), ids.index(Special.MIDDLE)
        before, after = ids[3:suffix], ids[suffix + 1 : middle]
        assert ids[: middle + 1] == arranged(before, after)
        assert middle < 63  # something is left out
        assert [*ids[:2], *before, *ids[middle + 1 : -1], *after] == row[:-4]
    assert plain < 8


def test_the_control_learns_and_a_cut_run_goes_on_the_same(stream, codec, tmp_path):
    whole = Trainer(CONFIG, stream, codec)
    expected = [report.loss for report in whole.run(by_steps(30))]
    assert sum(expected[-5:]) < sum(expected[:5]) - 2.5
    first = Trainer(CONFIG, stream, codec)
    losses = [report.loss for report in islice(first.run(by_steps(30)), 3)]
    first.save(tmp_path / "c.pt")
    second = Trainer(CONFIG, stream, codec)
    second.restore(tmp_path / "c.pt")
    losses += [report.loss for report in islice(second.run(by_steps(30)), 2)]
    assert losses == expected[:5]


@pytest.fixture
def control(codec) -> Control:
    return Control(model_of(replace(SHAPE, causal=True)), codec, "none")


@settings(max_examples=15)
@given(st.data(), st.integers(1, 9))
def test_a_fill_is_as_long_as_it_may_be_and_stays_on_its_line(files, codec, data, most):
    exact, lines = data.draw(st.booleans()), data.draw(st.booleans())
    control = Control(model_of(replace(SHAPE, causal=True)), codec, "none")
    text = data.draw(st.sampled_from(files)).text
    at = data.draw(st.integers(0, min(400, len(text))))
    fill, forwards = control.fill(text[:at], text[at:], most=most, exact=exact, lines=lines)
    assert forwards <= most + 1
    assert lines or "\n" not in fill
    if exact:
        assert forwards == most + text[:at].endswith("\n")


def test_a_hole_that_begins_a_line_gets_its_indentation(control, monkeypatch):
    codec = control.codec
    wanted = iter([*codec.encode("\n    return x"), *codec.encode("\n")])
    asked = []

    def told(*asking):
        asked.append(asking[-1])
        return next(wanted)

    monkeypatch.setattr(Control, "_next", told)
    fill, _ = control.fill("def f(x):\n", "\n", most=9)
    assert fill == "    return x"
    newline = codec.kinds == Kind.NEWLINE
    assert not asked[0][~newline].any()
    assert asked[1][~newline].any()


def test_the_context_is_not_outgrown(control, monkeypatch):
    lengths, inner = [], Control._next

    def told(own, row, allowed):
        lengths.append(len(row))
        return inner(own, row, allowed)

    monkeypatch.setattr(Control, "_next", told)
    line = "value = value + 1\n"
    control.fill(line * 90, "\n" + line * 90, most=8, exact=True)
    assert 40 < max(lengths) <= SHAPE.context


def test_only_a_control_is_taken_for_one(codec, files, tmp_path):
    extra = {
        "name": "toy",
        "specials": {name: index for index, name in enumerate(SPECIALS)},
        "languages": {"python": LANGUAGES["python"]},
    }
    for kind in (False, True):
        shape = replace(SHAPE, causal=kind)
        save_model(TinyTransformer(shape), codec.json, tmp_path / str(kind), extra=extra)
    assert Control.from_folder(tmp_path / "True").model.config.causal
    with pytest.raises(WeightsError, match="no autoregressive control"):
        Control.from_folder(tmp_path / "False")
    with pytest.raises(ModelError, match="left of a slot"):
        TinyDenoiser.from_folder(tmp_path / "True", device="cpu")
    wanted = Wanted(out=tmp_path / "m", base=tmp_path / "True", tokens=256)
    prepare(wanted, files)
    with pytest.raises(ModelError, match="left of a slot"):
        ready(wanted, Team())
