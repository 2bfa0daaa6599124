"""Published samplers on random logits, each by its rule as published, and their known faults.

The references keep ids and a mask id, as those samplers do, and know nothing of canvases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.canvas import Canvas, Reopen, Slot
from infill.constrain.combine import Anything
from infill.decode.candidates import Sampling
from infill.decode.hypothesis import Hypothesis
from infill.decode.likelihood import masked
from infill.decode.locating import LeaveOneOut, Visible
from infill.decode.loop import Streams, denoise
from infill.decode.policy import (
    Blockwise,
    Confidence,
    Entropy,
    EntropyBounded,
    Factor,
    Margin,
    Threshold,
)
from infill.decode.remdm import P2
from infill.decode.schedule import Linear, ticks
from infill.decode.search import Beam
from infill.models.scripted import Scripted, noise
from infill.vocab import Vocab

MASK = 0
VOCAB = Vocab([b"", *(bytes([letter]) for letter in b"abcdefgh")], mask=MASK)
SEEDS = st.integers(0, 10_000)
MASKED = st.lists(st.booleans(), min_size=1, max_size=14).filter(any)


class Published:
    """What the references share: ids with the mask id in them, and softmax over real tokens."""

    def __init__(self, script, masks: list[bool]) -> None:
        self.script, self.given = script, np.array([not mask for mask in masks])
        self.ids = np.where(self.given, 3, MASK)

    @property
    def canvas(self) -> Canvas:
        slots = np.where(self.ids == MASK, Slot.HOLE, Slot.FILLED)
        return Canvas(self.ids, np.where(self.given, Slot.GIVEN, slots))

    def look(self) -> tuple[np.ndarray, np.ndarray]:
        """Per position the likeliest token [T], and the distribution [T, V]; the mask is banned."""
        logits = self.script(self.canvas).double().numpy().copy()
        logits[:, MASK] = -np.inf
        shares = np.exp(logits - logits.max(-1, keepdims=True))
        return logits.argmax(-1), shares / shares.sum(-1, keepdims=True)

    def commit(self, confidence: np.ndarray, tokens: np.ndarray, count: int) -> None:
        """Write the `count` masked positions of the largest confidence."""
        confidence = np.where(self.ids == MASK, confidence, -np.inf)
        for at in np.argsort(-confidence, kind="stable")[:count]:
            self.ids[at] = tokens[at]

    def left(self) -> int:
        return int((self.ids == MASK).sum())


def llada(script, masks, steps: int, block: int) -> np.ndarray:
    """generate.py: block after block; in each, n_t = M // S, one more in the first M % S steps."""
    run = Published(script, masks)
    blocks = range(0, len(masks), block)
    for start in blocks:
        inside = np.zeros(len(masks), dtype=bool)
        inside[start : start + block] = True
        each = steps // len(blocks)
        count = int((inside & (run.ids == MASK)).sum())
        for step in range(each):
            tokens, shares = run.look()
            confidence = np.where(inside, shares.max(-1), -np.inf)
            run.commit(confidence, tokens, count // each + (step < count % each))
    return run.ids


def dream(script, masks, steps: int, algorithm: str) -> np.ndarray:
    """generation_utils.py: M (1 - s/t) positions from t to s, all in the last step.

    Where that rounds to none it takes one: ours has no idle steps.
    """
    run = Published(script, masks)
    times = np.linspace(1, 1e-3, steps + 1)
    for step in range(steps):
        if not run.left():
            break
        tokens, shares = run.look()
        best = np.sort(shares, -1)
        with np.errstate(divide="ignore", invalid="ignore"):
            confidence = {
                "maskgit_plus": best[:, -1],
                "topk_margin": best[:, -1] - best[:, -2],
                "entropy": np.nan_to_num(shares * np.log(shares)).sum(-1),
            }[algorithm]
        part = 1 - times[step + 1] / times[step] if step < steps - 1 else 1
        run.commit(confidence, tokens, max(1, int(run.left() * part)))
    return run.ids


def fast_dllm(script, masks, *, threshold: float = 0, factor: float = 0) -> np.ndarray:
    """All above the threshold, or the longest run by 1 - factor/(n + 1); the likeliest always."""
    run = Published(script, masks)
    while run.left():
        tokens, shares = run.look()
        best = np.where(run.ids == MASK, shares.max(-1), -1)
        count = int((best >= threshold).sum()) if threshold else 0
        if factor:
            for n, confidence in enumerate(-np.sort(-best[best >= 0]), start=1):
                if not (n + 1) * (1 - confidence) < factor:
                    break
                count = n
        run.commit(best, tokens, max(1, count))
    return run.ids


def entropy_bounded(script, masks, gamma: float) -> np.ndarray:
    """The EB-Sampler: the longest run by rising entropy with Σ H - max H within gamma."""
    run = Published(script, masks)
    while run.left():
        tokens, shares = run.look()
        with np.errstate(divide="ignore", invalid="ignore"):
            entropies = -np.nan_to_num(shares * np.log(shares)).sum(-1)
        rising = np.sort(entropies[run.ids == MASK])
        fits = [k for k in range(1, len(rising) + 1) if rising[:k].sum() - rising[k - 1] <= gamma]
        run.commit(-entropies, tokens, max(fits))
    return run.ids


@dataclass(frozen=True)
class Plan:
    """Options of P2; its planner is the model itself, with or without a look at what it judges."""

    eta: float
    temperature: float
    visible: bool


def path_planning(script, masks, steps: int, plan: Plan) -> tuple[list[list[int]], list[list[int]]]:
    """P2: per step the ids, and which positions were taken back.

    What is given is pinned. Of the N others, N (1 - i/S) are masked after step i: those of the
    lowest scores. A masked one scores the log-probability of its draw, a written one what the
    planner gives its token, times eta: the model as it sees it, or with that token masked.
    """
    run, path, taken = Published(script, masks), [], []
    pinned = run.given
    for step in range(steps):
        _, shares = run.look()
        drawn = tokens_drawn(shares, plan.temperature, step)
        scores = np.log(np.take_along_axis(shares, drawn[:, None], 1)[:, 0])
        for at in np.flatnonzero((run.ids != MASK) & ~pinned):
            token, known = run.ids[at], run.ids.copy()
            run.ids[at] = token if plan.visible else MASK
            scores[at] = plan.eta * np.log(run.look()[1][at, token])
            run.ids = known
        scores[pinned] = np.inf
        lowest = np.argsort(scores, kind="stable")[: sum(masks) * (steps - step - 1) // steps]
        keep = np.ones(len(masks), dtype=bool)
        keep[lowest] = False
        taken.append(np.flatnonzero((run.ids != MASK) & ~keep).tolist())
        run.ids = np.where(keep, np.where(run.ids == MASK, drawn, run.ids), MASK)
        path.append(run.ids.tolist())
    return path, taken


def tokens_drawn(shares: np.ndarray, temperature: float, step: int) -> np.ndarray:
    """[T] A token for each position, by the second row of numbers that the step's stream has."""
    if not temperature:
        return shares.argmax(-1)
    stream = Streams().at(step, 0)
    _, uniforms = stream.random(len(shares)), stream.random(len(shares))
    sharp = shares ** (1 / temperature)
    cumulative = np.cumsum(sharp / sharp.sum(-1, keepdims=True), -1)
    return (cumulative <= uniforms[:, None]).sum(-1)


@dataclass(frozen=True)
class Kappa:
    """P2's linear schedule: N (1 - i/S) stay open after step i."""

    steps: int | None

    def open_after(self, done: int, steps: int, slots: int) -> int:
        return slots * (steps - done) // steps


@dataclass(frozen=True)
class DreamSchedule:
    """Dream's times as a schedule of ours."""

    steps: int | None

    def open_after(self, done: int, steps: int, slots: int) -> int:
        times, left = np.linspace(1, 1e-3, steps + 1), slots
        for step in range(done):
            part = 1 - times[step + 1] / times[step] if step < steps - 1 else 1
            left -= min(left, max(1, int(left * part)))
        return left


def start_of(masks: list[bool]) -> Hypothesis:
    canvas = Canvas([3] * len(masks), [Slot.HOLE if mask else Slot.GIVEN for mask in masks])
    return Hypothesis(canvas, Anything(VOCAB, exact_length=True).start(canvas))


def ours(script, masks, policy, schedule) -> tuple[list[int], int]:
    """The ids of a greedy fill, and the ticks it took."""
    frontiers = list(
        denoise(
            start_of(masks),
            denoiser=Scripted(VOCAB, script),
            policy=policy,
            schedule=schedule,
            search=Beam(),
            rng=Streams(),
        )
    )
    return frontiers[-1][0].canvas.ids.tolist(), len(frontiers)


@given(seed=SEEDS, masks=MASKED, steps=st.integers(1, 14))
def test_llada_low_confidence_in_one_block(seed, masks, steps):
    script, steps = noise(VOCAB, seed), min(steps, sum(masks))
    ids, took = ours(script, masks, Confidence(), Linear(steps))
    assert llada(script, masks, steps, len(masks)).tolist() == ids
    assert steps == took


@given(seed=SEEDS, blocks=st.integers(1, 4), each=st.integers(1, 3), size=st.integers(1, 3))
def test_llada_low_confidence_block_after_block(seed, blocks, each, size):
    """Where blocks have equal shares of the steps; elsewhere ours carries the rest on."""
    script, block = noise(VOCAB, seed), each * size
    masks = [True] * (blocks * block)
    ids, took = ours(script, masks, Blockwise(size=block), Linear(blocks * each))
    assert llada(script, masks, blocks * each, block).tolist() == ids
    assert blocks * each == took


@pytest.mark.parametrize(
    ("algorithm", "policy"),
    [("maskgit_plus", Confidence()), ("topk_margin", Margin()), ("entropy", Entropy())],
)
@given(seed=SEEDS, masks=MASKED, steps=st.integers(1, 14))
def test_the_three_algorithms_of_dream(algorithm, policy, seed, masks, steps):
    script, steps = noise(VOCAB, seed), min(steps, sum(masks))
    ids, _ = ours(script, masks, policy, DreamSchedule(steps))
    assert dream(script, masks, steps, algorithm).tolist() == ids


@given(seed=SEEDS, masks=MASKED, threshold=st.floats(0.1, 0.99))
def test_fast_dllm_by_threshold(seed, masks, threshold):
    script = noise(VOCAB, seed)
    ids, _ = ours(script, masks, Threshold(at_least=threshold), one_at_least(masks))
    assert fast_dllm(script, masks, threshold=threshold).tolist() == ids


@given(seed=SEEDS, masks=MASKED, factor=st.floats(0.1, 5))
def test_fast_dllm_by_factor(seed, masks, factor):
    script = noise(VOCAB, seed)
    ids, _ = ours(script, masks, Factor(factor=factor), one_at_least(masks))
    assert fast_dllm(script, masks, factor=factor).tolist() == ids


@given(seed=SEEDS, masks=MASKED, gamma=st.floats(0, 5))
def test_the_entropy_bounded_set(seed, masks, gamma):
    script = noise(VOCAB, seed)
    ids, _ = ours(script, masks, EntropyBounded(gamma=gamma), one_at_least(masks))
    assert entropy_bounded(script, masks, gamma).tolist() == ids


@given(
    seed=SEEDS,
    masks=MASKED,
    steps=st.integers(1, 14),
    plan=st.builds(
        Plan,
        eta=st.sampled_from([0.0, 0.5, 1.0, 3.0]),
        temperature=st.sampled_from([0.0, 0.7]),
        visible=st.booleans(),
    ),
)
@settings(max_examples=2 * settings.default.max_examples)
def test_path_planning_with_pins(seed, masks, steps, plan):
    script, steps = noise(VOCAB, seed), min(steps, sum(masks))
    path, taken = path_planning(script, masks, steps, plan)
    frontiers = planned(script, masks, steps, plan)
    assert path == [frontier[0].canvas.ids.tolist() for frontier in frontiers]
    assert taken == [
        [move.at for move in frontier[0].step if isinstance(move, Reopen)] for frontier in frontiers
    ]


def test_path_planning_does_take_back_and_more_with_a_larger_eta():
    """So that the parity above is not one of policies that only write."""
    counts = dict.fromkeys((0.0, 0.5, 1.0, 3.0), 0)
    for seed in range(20):
        for eta in counts:
            plan = Plan(eta, temperature=0.7, visible=True)
            _, taken = path_planning(noise(VOCAB, seed), [True] * 10, 5, plan)
            counts[eta] += sum(map(len, taken))
    assert not counts[0.0]
    assert 0 < counts[0.5] < counts[1.0] < counts[3.0]


def planned(script, masks, steps: int, plan: Plan) -> list:
    """The frontiers of our P2."""
    model = Scripted(VOCAB, script, revises_visible=True)
    policy = P2(
        denoiser=model,
        inner=Confidence(sampling=Sampling(temperature=plan.temperature)),
        locate=Visible() if plan.visible else LeaveOneOut(),
        eta=plan.eta,
        cap=None,
    )
    return list(
        denoise(
            start_of(masks),
            denoiser=model,
            policy=policy,
            schedule=Kappa(steps),
            search=Beam(),
            rng=Streams(),
        )
    )


def one_at_least(masks: list[bool]) -> Linear:
    """A tick for each slot: no more is asked of a policy than one."""
    return Linear(sum(masks))


# -- faults that published code has


@settings(max_examples=25)
@given(seed=SEEDS, rows=st.lists(MASKED, min_size=2, max_size=4), steps=st.integers(1, 6))
@pytest.mark.parametrize("policy", [Confidence(), Margin(), Entropy()], ids=repr)
def test_ragged_rows_have_quotas_of_their_own_and_given_tokens_stay(policy, seed, rows, steps):
    """One quota for a batch, the mean, made top-k reach for given tokens in the shorter rows."""
    script = noise(VOCAB, seed)
    starts = [start_of(masks) for masks in rows]
    scores = Scripted(VOCAB, script)([h.canvas for h in starts])
    for row, (start, masks) in enumerate(zip(starts, rows, strict=True)):
        tick = next(ticks(Linear(steps), slots=sum(masks), limit=1))
        (step,) = policy(start, scores[row], tick, np.random.default_rng(0))
        count, taken = sum(masks), min(steps, sum(masks))
        assert count // taken + (count % taken > 0) == len(step)
        child = start.extend(step).canvas
        kept = start.canvas.slots == Slot.GIVEN
        assert (child.ids[kept] == 3).all()
        alone = Scripted(VOCAB, script)([start.canvas])
        assert (step,) == tuple(policy(start, alone[0], tick, np.random.default_rng(0)))


@given(seed=SEEDS, padding=st.integers(0, 60), steps=st.integers(1, 8))
def test_the_steps_are_for_the_holes_and_not_for_blocks_that_have_none(seed, padding, steps):
    """Steps that were shared out over all blocks of a canvas gave a fill 26 of the 64 asked for."""
    masks = [False] * padding + [True] * 5 + [False] * padding + [True] * 3
    for policy in (Confidence(), Blockwise(size=4, inner=Confidence())):
        ids, took = ours(noise(VOCAB, seed), masks, policy, Linear(steps))
        assert steps == took
        assert MASK not in ids


@pytest.mark.parametrize(
    "policy", [Confidence(), Margin(), Entropy(), Threshold(), Factor(), EntropyBounded()], ids=repr
)
@given(seed=SEEDS, masks=MASKED)
def test_the_mask_token_is_never_written_however_likely(policy, seed, masks):
    """A mask that is committed wastes its turn, and stays in the text."""

    def script(canvas: Canvas) -> torch.Tensor:
        logits = noise(VOCAB, seed)(canvas)
        logits[:, MASK] = 30.0
        return logits

    ids, took = ours(script, masks, policy, Linear())
    assert MASK not in ids
    assert took <= sum(masks)
    plain = ours(noise(VOCAB, seed), masks, policy, Linear())
    assert (ids, took) == plain  # nor does it weigh on how sure the others are


def test_the_unconditional_half_of_a_guided_batch_does_not_see_its_padding(embedded):
    """Guidance asks for a canvas and for the same without its text; rows differ in length."""
    ids = embedded.vocab.encode(b"def area(r):\n    return ")
    canvases = [
        Canvas([*ids[:count], 0, 0], [Slot.GIVEN] * count + [Slot.HOLE] * 2) for count in (4, 9)
    ]
    halves = [masked(canvas, np.flatnonzero(canvas.slots == Slot.GIVEN)) for canvas in canvases]
    together = embedded([*canvases, *halves])
    for row, canvas in enumerate([*canvases, *halves]):
        alone = embedded([canvas])
        for at in (len(canvas) - 2, len(canvas) - 1):
            one, other = alone.top(0, at, 5), together.top(row, at, 5)
            assert one.tokens.tolist() == other.tokens.tolist()
            assert other.logps == pytest.approx(one.logps, abs=2e-3)
