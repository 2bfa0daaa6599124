"""The embedded model: milliseconds per denoise step, and a cold start to the first diff."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
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
from infill.text import Source

ROOT = Path(__file__).parent.parent
T, HOLES, RUNS = 256, 16, 5


def test_a_denoise_step_of_the_embedded_model(figure, counted):
    models = {name: infill.load(name) for name in ("embedded", "embedded:int8")}
    source = Source.of((ROOT / "infill" / "canvas.py").read_bytes())
    ids = models["embedded"].vocab.encode(source.data)[:T]
    middle = range(T // 2 - HOLES // 2, T // 2 + HOLES // 2)
    canvas = Canvas(ids, [Slot.HOLE if at in middle else Slot.GIVEN for at in range(T)])
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(RUNS):
        for name, model in models.items():
            before = time.perf_counter()
            for _frontier in denoise(
                Hypothesis(canvas, Anything(model.vocab, exact_length=True).start(canvas)),
                denoiser=model,
                policy=Confidence(),
                schedule=Linear(),
                search=Beam(1),
                rng=Streams(0),
            ):
                times[name].append(1e3 * (time.perf_counter() - before))
                before = time.perf_counter()
    steps = len(times["embedded"]) // RUNS
    counted("embedded_step", {"steps": steps, "slots": len(canvas)})
    exact, fast = (statistics.median(row) for row in times.values())
    figure("embedded model, one denoise step (T=256)", f"{exact:.1f} ms")
    figure("  in 8 bits", f"{fast:.1f} ms, ratio {fast / exact:.2f}")


def test_cold_start_to_the_first_diff(figure):
    command = [sys.executable, "-m", "infill", "fill", "examples/first_fill.py"]
    walls, peaks = [], []
    for _ in range(RUNS):
        before = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)  # noqa: S603
        with process.stdout as stdout:
            diff = stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)  # it need not be waited for again
        walls.append(time.perf_counter() - before)
        peaks.append(usage.ru_maxrss / 1024)
        assert process.returncode == 0
        assert diff.startswith(b"--- a/examples/first_fill.py")
    figure("cold start to the first diff (wall)", f"{statistics.median(walls):.2f} s")
    figure("  peak resident memory", f"{statistics.median(peaks):.0f} MiB")


def test_help_starts_at_once(figure):
    command = [sys.executable, "-m", "infill", "--help"]
    walls = []
    for _ in range(RUNS):
        before = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        walls.append(time.perf_counter() - before)
    figure("infill --help", f"{1e3 * statistics.median(walls):.0f} ms")
