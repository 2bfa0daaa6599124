"""What a denoise step costs without a model, next to a loop that softmaxes every position.

V = 32,000 and T = 128, of which 64 are holes, filled one per step: the shape at which other
samplers were measured at 20 to 170 ms per step (two CPU cores). The model is a fixed table of
logits; the time to copy them out of it is left out of both figures.
"""

from __future__ import annotations

import statistics
import time

import torch

from infill.canvas import Canvas, Slot
from infill.constrain.combine import Anything
from infill.decode.hypothesis import Hypothesis
from infill.decode.loop import Streams, denoise
from infill.decode.policy import Confidence
from infill.decode.schedule import Linear
from infill.decode.scores import LogitScores
from infill.decode.search import Beam
from infill.models.denoiser import Capabilities
from infill.vocab import Vocab

V, T, HOLES, ROUNDS = 32_000, 128, 64, 11


class Table:
    """A model that answers with rows of one table, whatever the canvas says."""

    def __init__(self) -> None:
        pieces = [b"%d " % token for token in range(V)]
        self.vocab = Vocab(pieces, mask=V - 1, blank=V - 2)
        self.logits = torch.randn(T, V, generator=torch.Generator().manual_seed(0))
        self.capabilities = Capabilities(name="table", digest="table", context=T)
        self.forwards, self.seconds = 0, 0.0

    def __call__(self, canvases):
        self.forwards += 1
        return LogitScores(self.vocab, canvases, lambda _, at: self.rows(at))

    def rows(self, at):
        before = time.perf_counter()
        rows = self.logits.index_select(0, at)
        self.seconds += time.perf_counter() - before
        return rows


def ours(model: Table) -> Canvas:
    canvas = Canvas([1] * T, [Slot.GIVEN] * (T - HOLES) + [Slot.HOLE] * HOLES)
    state = Anything(model.vocab, exact_length=True).start(canvas)
    frontiers = denoise(
        Hypothesis(canvas, state),
        denoiser=model,
        policy=Confidence(),
        schedule=Linear(),
        search=Beam(1),
        rng=Streams(0),
    )
    *_, last = frontiers
    return last[0].canvas


def reference(model: Table) -> torch.Tensor:
    """LLaDA's rule written plainly: softmax and argmax over all T positions, then one commit."""
    ids = torch.full((T,), model.vocab.mask)
    ids[: T - HOLES] = 1
    for _ in range(HOLES):
        logits = model.rows(torch.arange(T))
        logits[:, model.vocab.mask] = -torch.inf
        logits[:, model.vocab.blank] = -torch.inf
        masked = ids == model.vocab.mask
        best = logits.argmax(-1)
        sure = torch.softmax(logits, -1).gather(-1, best[:, None])[:, 0]
        at = torch.where(masked, sure, -torch.inf).topk(1).indices
        ids[at] = best[at]
    return ids


def timed(fill, model: Table) -> float:
    """Seconds of a fill, without the model's."""
    before, model.seconds = time.perf_counter(), 0.0
    fill(model)
    return time.perf_counter() - before - model.seconds


def test_a_step_without_the_model(figure, counted):
    model = Table()
    canvas = ours(model)
    assert canvas.ids.tolist() == reference(model).tolist()  # the same rule, so the same tokens
    counted("sampler_overhead", {"forwards": model.forwards, "written": HOLES})
    pairs = [(timed(ours, model), timed(reference, model)) for _ in range(ROUNDS)]
    mine, theirs = (1e3 * statistics.median(times) / HOLES for times in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    figure("sampler overhead per step (V=32,000, T=128)", f"{mine:.2f} ms")
    figure("  softmax over all positions", f"{theirs:.2f} ms")
    figure("  ratio", f"{ratio:.3f}")
