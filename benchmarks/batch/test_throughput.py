"""Two hundred holes in a hundred real files: side by side, and one at a time in the same run.

The files are those of packages that this project pins; from each, two expressions were taken. The
ways take turns, 25 files at a time, so that a machine that gets slower does so for all of them.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import infill
from infill.batch.engines.abreast import Gathered
from infill.batch.engines.inline import Inline
from infill.batch.engines.processes import Processes
from infill.batch.engines.protocol import Numbered, jobs_for
from infill.batch.task import Outcome, Task
from infill.edit.recipe import Recipe
from infill.models.catalogue import use_threads

PACKAGES = ("click", "rich", "pygls", "hypothesis", "cattrs", "jsonschema", "pygments", "lark")
FILES, BLOCK, SHELL = int(os.environ.get("INFILL_BENCH_FILES", "100")), 25, 20
HOLES = 2
MARKER = "<FILL_ME>"


def places(text: str) -> list[tuple[int, int]]:
    """Where the values of simple assignments and returns stand, 4 to 40 characters on one line."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return [
        (starts[v.lineno - 1] + v.col_offset, starts[v.lineno - 1] + (v.end_col_offset or 0))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Assign | ast.Return)
        and (v := node.value) is not None
        and v.lineno == v.end_lineno
        and 4 <= (v.end_col_offset or 0) - v.col_offset <= 40
        and not isinstance(v, ast.Constant)
    ]


def texts() -> Iterator[tuple[str, str]]:
    """Names and texts with two holes each, always the same ones."""
    rng = random.Random(0)  # noqa: S311
    files = list[Path]()
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        files += sorted(Path(spec.origin).parent.rglob("*.py"))
    rng.shuffle(files)
    for path in files:
        text = path.read_bytes().decode()
        if not (800 < len(text) < 40_000 and text.isascii()) or MARKER in text:
            continue
        found = places(text)
        if len(found) < HOLES:
            continue
        (start, stop), (second, end) = sorted(rng.sample(found, HOLES))
        if stop < second:
            yield path.name, text[:start] + MARKER + text[stop:second] + MARKER + text[end:]


def tasks(count: int) -> list[Task]:
    found = [
        Task(name=name, data=text.encode(), language="python", recipe=Recipe())
        for (name, text), _ in zip(texts(), range(count), strict=False)
    ]
    assert count == len(found)
    return found


class OneByOne:
    """A model that is asked for one canvas at a time."""

    def __init__(self, inner):
        self.inner, self.vocab, self.capabilities = inner, inner.vocab, inner.capabilities

    def __call__(self, canvases):
        return Gathered([self.inner([canvas])[0] for canvas in canvases])


@dataclass
class Way:
    """One way to do the work: what it took, in wall and in processor seconds."""

    name: str
    perform: Callable[[Iterator[Numbered]], Iterator[tuple[int, Outcome]]]
    threads: int
    pids: Callable[[], Sequence[int]] = list
    wall: float = 0.0
    cpu: float = 0.0
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def run(self, block: list[Numbered]) -> None:
        use_threads(self.threads)
        wall, cpu = time.perf_counter(), self._cpu()
        self.outcomes |= dict(self.perform(iter(block)))
        self.wall += time.perf_counter() - wall
        self.cpu += self._cpu() - cpu

    def _cpu(self) -> float:
        return time.process_time() + sum(spent(pid) for pid in self.pids())


def spent(pid: int) -> float:
    """Processor seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak(pid: int) -> int:
    """The most MiB that a process had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) >> 10


def edits(outcomes: dict[int, Outcome]) -> list[object]:
    return [
        (number, outcome.edits, outcome.failure) for number, outcome in sorted(outcomes.items())
    ]


def test_holes_per_minute(figure):
    model, cores = infill.load(), jobs_for(None, gpu=False)
    corpus = list(enumerate(tasks(FILES)))
    with Processes(jobs=jobs_for(FILES)) as engine:
        ways = [
            Way("one at a time", Inline(model).perform, cores),
            Way("one canvas at a time, one thread", Inline(OneByOne(model)).perform, 1),
            Way("side by side, one process", Inline(model, width=None).perform, cores),
            Way(engine.describe(), engine.perform, cores, engine.pids),
        ]
        for way in ways[:3]:
            list(way.perform(iter(corpus[:1])))  # grammars are compiled, pages touched
        list(engine.perform(iter(corpus[:16])))
        for first in range(0, len(corpus), BLOCK):
            for way in ways:
                way.run(corpus[first : first + BLOCK])
            for way in ways:
                print(f"{first} {way.name}: {way.wall:.1f} s, cpu {way.cpu:.1f} s", flush=True)
    base, alone, *_, best = ways
    for way in ways:
        figure(
            f"holes per minute, {way.name}",
            f"{60 * HOLES * FILES / way.wall:.0f} (x {base.wall / way.wall:.2f}), "
            f"{way.cpu / FILES / HOLES:.2f} s of a core per hole (x {base.cpu / way.cpu:.2f})",
        )
    if best.threads // jobs_for(FILES) <= 1:
        assert edits(alone.outcomes) == edits(best.outcomes)
    figure("texts that failed", str(sum(o.failure is not None for o in best.outcomes.values())))
    figure(
        "forwards per hole",
        f"{sum(o.forwards for o in best.outcomes.values()) / FILES / HOLES:.1f}",
    )


def test_a_shell_loop(tmp_path, figure):
    block = tasks(SHELL)
    paths = [tmp_path / f"{number}_{task.name}" for number, task in enumerate(block)]
    for path, task in zip(paths, block, strict=True):
        path.write_bytes(task.data)
    with Processes(jobs=jobs_for(SHELL)) as engine:
        before = time.perf_counter()
        outcomes = dict(engine.perform(enumerate(block)))
        ours = time.perf_counter() - before
    assert len(outcomes) == SHELL
    before = time.perf_counter()
    for path in paths:  # what a person would write in a shell
        subprocess.run(  # noqa: S603
            [sys.executable, "-m", "infill", "fill", str(path)], capture_output=True, check=False
        )
    theirs = time.perf_counter() - before
    figure(
        f"{SHELL} files: engine, loop in a shell",
        f"{ours:.1f} s with its start, {theirs:.1f} s (x {theirs / ours:.2f})",
    )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks /proc")
def test_memory_is_flat(figure):
    known = list[str]()
    with Processes(jobs=2) as engine:
        for count, _ in enumerate(engine.perform(enumerate(tasks(FILES))), 1):
            if count in {FILES // 4, FILES // 2, FILES}:
                known.append(f"{count}: {' '.join(str(peak(pid)) for pid in engine.pids())}")
    figure("peak MiB of each worker after so many texts", "; ".join(known))
    here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    figure("peak MiB of the parent", str(here))
