"""The shadow block: where it is exact leave-one-out, what it must not see, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.canvas import Canvas, Slot
from infill.constrain.combine import Anything
from infill.decode.hypothesis import Hypothesis
from infill.decode.locating import LeaveOneOut, Partition, Shadow
from infill.decode.loop import Streams, denoise
from infill.decode.policy import Threshold
from infill.decode.revision import ThresholdRevision
from infill.decode.schedule import Linear
from infill.decode.search import Beam
from infill.errors import BudgetError, ModelError, OptionError
from infill.models.counted import Counted
from infill.models.native import TinyDenoiser
from infill.models.scripted import Scripted, byte_vocab, noise
from infill.models.tiny import TinyConfig, TinyTransformer
from infill.vocab import Vocab

VOCAB = Vocab([b"", b"", b"", *(bytes([letter]) for letter in b"abcdefgh")], mask=0, eos=1, blank=2)
TOKENS = st.integers(3, len(VOCAB) - 1)
SEEDS = st.integers(0, 20)


def model_of(seed: int, *, layers: int = 1, mix: int = 0, attends: bool = True) -> TinyDenoiser:
    """A model with weights at random, its mixing too; where it does not attend, nothing else."""
    config = TinyConfig(vocab=len(VOCAB), width=32, layers=layers, heads=2, ff=64, mix=mix)
    generator = torch.Generator().manual_seed(seed)
    model = TinyTransformer(config, generator=generator)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "mix" in name or name == "embed":
                weight.normal_(0, 0.5, generator=generator)
            if "attention.out" in name and not attends:
                weight.zero_()
    card = {
        "name": "small",
        "sha256": {"model.safetensors": str(seed)},
        "specials": {"<bos>": 1},
        "languages": {},
    }
    return TinyDenoiser(model, VOCAB, card)


def text(ids: list[int]) -> Canvas:
    return Canvas(ids, [Slot.FILLED] * len(ids))


def same(one, other, *, within: float) -> None:
    assert one.at.tolist() == other.at.tolist()
    assert other.current == pytest.approx(one.current, abs=within)
    assert other.best == pytest.approx(one.best, abs=within)


@given(
    seed=SEEDS,
    ids=st.lists(TOKENS, min_size=1, max_size=16),
    holes=st.sets(st.integers(0, 15), max_size=4),
)
def test_one_layer_without_mixing_is_exact_leave_one_out(seed, ids, holes):
    """Nothing that the other slots say of themselves has seen the hidden one then."""
    model = model_of(seed)
    slots = [Slot.HOLE if at in holes else Slot.FILLED for at in range(len(ids))]
    canvas = Canvas(ids, slots)
    at = np.flatnonzero(canvas.slots == Slot.FILLED).tolist()
    same(LeaveOneOut()(model, canvas, at), Shadow()(model, canvas, at), within=1e-4)


@given(seed=SEEDS, ids=st.lists(TOKENS, min_size=1, max_size=16), mix=st.integers(1, 3))
def test_one_layer_that_only_mixes_is_exact_too(seed, ids, mix):
    """A shadow mixes with its slot's neighbours, with itself in the middle."""
    model, canvas, at = model_of(seed, mix=mix, attends=False), text(ids), range(len(ids))
    same(LeaveOneOut()(model, canvas, at), Shadow()(model, canvas, at), within=1e-4)


@given(seed=SEEDS, ids=st.lists(TOKENS, min_size=2, max_size=12), data=st.data())
def test_a_slot_s_own_token_does_not_reach_its_shadow(seed, ids, data):
    at, other = data.draw(st.integers(0, len(ids) - 1)), data.draw(TOKENS)
    model, changed = model_of(seed), [*ids]
    changed[at] = other
    one, two = (Shadow()(model, text(row), range(len(ids))) for row in (ids, changed))
    assert one.best[at] == pytest.approx(two.best[at], abs=1e-5)
    assert one.tokens[at] == two.tokens[at]


@settings(max_examples=20)
@given(
    seed=SEEDS,
    rows=st.lists(st.lists(TOKENS, min_size=1, max_size=12), min_size=2, max_size=4),
    data=st.data(),
)
def test_a_row_of_a_batch_is_as_it_is_alone_and_so_is_every_slot(seed, rows, data):
    model = model_of(seed, layers=2, mix=2)
    asked = [
        np.array(sorted(data.draw(st.sets(st.integers(0, len(row) - 1), min_size=1))))
        for row in rows
    ]
    together = model.shadowed([text(row) for row in rows], asked)
    for number, (row, at) in enumerate(zip(rows, asked, strict=True)):
        for slot in at.tolist():
            alone = model.shadowed([text(row)], [np.array([slot])])[0].top(slot, 3)
            beside = together[number].top(slot, 3)
            assert beside.logps == pytest.approx(alone.logps, abs=1e-4)


@given(seed=SEEDS, ids=st.lists(TOKENS, min_size=3, max_size=12))
def test_the_canvas_does_not_see_its_shadow(seed, ids):
    """Its holes are scored as they are without one."""
    model = model_of(seed, layers=2, mix=2)
    canvas = Canvas(ids, [Slot.HOLE, *[Slot.FILLED] * (len(ids) - 1)])
    plain = model([canvas])[0].top(0, 3)
    beside = model.shadowed([canvas], [np.arange(1, len(ids))])[0].top(0, 3)
    assert beside.logps == pytest.approx(plain.logps, abs=1e-5)


def test_more_layers_are_an_approximation():
    """So that the equalities above are not those of a shadow that is leave-one-out in disguise."""
    model, canvas = model_of(3, layers=2), text([3, 4, 5, 6, 7, 8])
    one, other = LeaveOneOut()(model, canvas, range(6)), Shadow()(model, canvas, range(6))
    assert np.abs(one.current - other.current).max() > 1e-3


def test_blanks_are_not_doubted_and_the_model_refuses_to_be_asked_about_one():
    model, canvas = model_of(0), text([3, VOCAB.blank, 4])
    assert [0, 2] == Shadow()(model, canvas, range(3)).at.tolist()
    assert not len(Shadow()(model, canvas, [1]).at)
    with pytest.raises(ModelError, match="blank slot"):
        model.shadowed([canvas], [np.array([1])])


def test_a_model_that_takes_no_shadow_block_says_so():
    vocab = byte_vocab()
    model, canvas = Scripted(vocab, noise(vocab)), text([97])
    for denoiser in (model, Counted(model)):
        with pytest.raises(OptionError, match="no shadow block"):
            Shadow()(denoiser, canvas, [0])
    with pytest.raises(OptionError, match="no shadow block"):
        Counted(model).shadowed([canvas], [np.array([0])])


def test_a_shadow_is_one_forward_and_keeps_to_the_budget():
    model, canvas = Counted(model_of(0), nfe_budget=2), text([3, 4, 5, 6])
    doubts = Shadow()(model, canvas, [0, 2, 3])
    assert (doubts.forwards, model.forwards, model.batches, model.slots) == (1, 1, 1, 7)
    Shadow()(model, canvas, [0])
    with pytest.raises(BudgetError, match="budget of forwards"):
        Shadow()(model, canvas, [0])
    assert 2 == model.forwards


def forwards(locate, seed: int) -> tuple[Canvas, int]:
    """What WINO's rule comes to with a locator, and the forwards it took."""
    model = Counted(model_of(seed, layers=2, mix=2))
    canvas = Canvas([3, *[0] * 10, 4], [Slot.GIVEN, *[Slot.HOLE] * 10, Slot.GIVEN])
    policy = ThresholdRevision(
        denoiser=model, locate=locate, inner=Threshold(at_least=0.2), below=0.5
    )
    frontiers = denoise(
        Hypothesis(canvas, Anything(VOCAB, exact_length=True).start(canvas)),
        denoiser=model,
        policy=policy,
        schedule=Linear(5),
        search=Beam(),
        rng=Streams(),
    )
    (*_, last) = frontiers
    return last[0].canvas, model.forwards


def test_wino_s_rule_takes_a_shadow_for_fewer_forwards():
    shadow, parts = [], []
    for seed in range(4):
        canvas, count = forwards(Shadow(), seed)
        assert not len(canvas.holes)
        assert (canvas.ids[0], canvas.ids[-1]) == (3, 4)
        assert canvas == forwards(Shadow(), seed)[0]
        shadow.append(count)
        parts.append(forwards(Partition(4), seed)[1])
    assert sum(shadow) < sum(parts)


SNIPPETS = {
    b"def area(width, height):\n    return width * height\n": b" import",
    b"for name in names:\n    if name not in seen:\n        seen.add(name)\n": b" return",
    b"with open(path) as file:\n    data = file.read()\n": b" ==",
}


@pytest.mark.parametrize("text_", SNIPPETS, ids=lambda one: one[:12].decode())
def test_on_real_code_a_shadow_finds_what_leave_one_out_finds(embedded, text_):
    """A token that cannot stand there is the worst to both, and all are judged nearly alike."""
    ids = list(embedded.vocab.encode(text_))
    at, (token,) = len(ids) // 2, embedded.vocab.encode(SNIPPETS[text_])
    ids[at] = token
    prologue = embedded.capabilities.prologue("python")
    first = len(prologue)
    canvas = Canvas([*prologue, *ids], [Slot.GIVEN] * first + [Slot.FILLED] * len(ids))
    slots = range(first, len(canvas))
    counted = Counted(embedded)
    shadow, exact = Shadow()(counted, canvas, slots), LeaveOneOut()(embedded, canvas, slots)
    assert 1 == counted.forwards
    assert [first + at] == shadow.worst(1, above=2.0) == exact.worst(1, above=2.0)
    assert np.corrcoef(shadow.current, exact.current)[0, 1] > 0.95
