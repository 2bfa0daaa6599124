"""What a beam costs: milliseconds per tick beside greedy decoding, and forwards for a fill.

The embedded model, T = 256 of which 16 are holes. Every canvas that is scored is one forward; a
beam's canvases share one batch in each tick.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import infill
from infill.canvas import Canvas, Slot
from infill.constrain.combine import Anything
from infill.decode.hypothesis import Hypothesis
from infill.decode.loop import Streams, denoise
from infill.decode.policy import Confidence
from infill.decode.schedule import Linear
from infill.decode.search import Beam
from infill.models.counted import Counted
from infill.text import Source

ROOT = Path(__file__).parent.parent
T, HOLES, ROUNDS = 256, 16, 5


def canvas_of(model) -> Canvas:
    source = Source.of((ROOT / "infill" / "canvas.py").read_bytes())
    ids = model.vocab.encode(source.data)[:T]
    middle = range(T // 2 - HOLES // 2, T // 2 + HOLES // 2)
    return Canvas(ids, [Slot.HOLE if at in middle else Slot.GIVEN for at in range(T)])


class Timed:
    """Keeps the seconds that the model takes."""

    def __init__(self, inner) -> None:
        self.inner, self.seconds = inner, 0.0
        self.vocab, self.capabilities = inner.vocab, inner.capabilities

    def __call__(self, canvases):
        before = time.perf_counter()
        scores = self.inner(canvases)
        self.seconds += time.perf_counter() - before
        return scores


def filled(model, width: int) -> tuple[list[float], float, Canvas]:
    """Milliseconds of each tick, of the model in each, and the best canvas."""
    timed = Timed(model)
    canvas, times, best = canvas_of(model), list[float](), None
    before = time.perf_counter()
    for frontier in denoise(
        Hypothesis(canvas, Anything(model.vocab, exact_length=True).start(canvas)),
        denoiser=timed,
        policy=Confidence(),
        schedule=Linear(),
        search=Beam(width),
        rng=Streams(0),
    ):
        best = frontier[0].canvas
        times.append(1e3 * (time.perf_counter() - before))
        before = time.perf_counter()
    return times, 1e3 * timed.seconds / len(times), best


def test_a_tick_of_a_beam_beside_greedy_decoding(figure, counted):
    model = infill.load("embedded")
    counts, found, rows = {}, {}, {}
    for width in (1, 4):
        asked = Counted(model)
        ticks, _, found[width] = filled(asked, width)
        counts |= {f"ticks of {width}": len(ticks), f"forwards of {width}": asked.forwards}
    counted("search", counts)
    assert found[4].mean_score >= found[1].mean_score
    for _ in range(ROUNDS):  # in turns, so that what else runs here slows both
        for width in (1, 4):
            ticks, forward, _ = filled(model, width)
            rows.setdefault(width, []).append((statistics.median(ticks[1:]), forward))
    ticks, forwards = (
        {width: statistics.median(row[part] for row in rows[width]) for width in (1, 4)}
        for part in (0, 1)
    )
    figure("a tick of Beam(1) (T=256)", f"{ticks[1]:.1f} ms, {forwards[1]:.1f} of them the model")
    figure("a tick of Beam(4)", f"{ticks[4]:.1f} ms, {forwards[4]:.1f} of them the model")
    figure("  ratio", f"{ticks[4] / ticks[1]:.2f}")
    figure(
        "mean log-probability of the fill, width 1 and 4",
        f"{found[1].mean_score:.3f} and {found[4].mean_score:.3f}",
    )
