"""What a batch adds to the work: planning, the journal, verification, and memory.

Real files of the standard library, each without one expression. Overhead is the time of a run that
is journalled, checked and written, against the same texts performed one after the other and thrown
away, in turns.
"""

from __future__ import annotations

import os
import random
import runpy
import statistics
import subprocess
import sys
import sysconfig
import time
from functools import partial
from pathlib import Path

import pytest

import infill
from infill.batch.checks import checked
from infill.batch.codec import task_from
from infill.batch.conductor import Conductor, Orders, data_of
from infill.batch.engines.inline import Inline
from infill.batch.journal import Journal
from infill.batch.perform import performed
from infill.batch.store import Store
from infill.cli.request import Request
from infill.cli.running import planned
from infill.models.catalogue import digest_of

ROOT = Path(__file__).parents[2]
without_one = runpy.run_path(str(Path(__file__).with_name("holes.py")))["without_one"]
LARGEST = 20_000  # bytes of a file
ROUNDS = 3


def library(folder: Path, count: int) -> list[Path]:
    """So many files of the standard library, each with a hole."""
    rng, made = random.Random(0), list[Path]()  # noqa: S311 - a sample
    paths = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
    paths = [path for path in paths if "site-packages" not in path.parts]
    rng.shuffle(paths)
    folder.mkdir()
    for path in paths:
        data = path.read_bytes()
        if len(data) > LARGEST or (cut := without_one(data, rng)) is None:
            continue
        made.append(folder / f"{len(made):04}_{path.name}")
        made[-1].write_bytes(cut[0])
        if len(made) == count:
            return made
    raise AssertionError(f"the library has only {len(made)} such files")


def journal_of(folder: Path, runs: Path) -> Journal:
    """A run with all files of a folder planned, as `infill fill FOLDER --write` does it."""
    given = {"paths": (str(folder),), "write": True, "allow_dirty": True}
    journal = Journal.create(runs, {})
    planned(journal, Request.of("fill", given))
    return journal


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_planning_two_thousand_files(here, figure):
    texts = library(here / "texts", 200)
    for number, path in enumerate(texts * 9):
        copy = here / "texts" / f"part{number % 200}" / f"{number}.py"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    took = list[float]()
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        with journal_of(here / "texts", here / "runs") as journal:
            took.append(time.perf_counter() - begun)
            assert journal.count("planned") == 2_000
    figure("plan: 2,000 files with a hole, into a journal", f"{statistics.median(took):.2f} s")


def test_the_journal_and_the_checks(here, figure):
    count = 16
    texts = library(here / "texts", count)
    before = [path.read_bytes() for path in texts]
    model, digest = infill.load("embedded"), digest_of("embedded")
    alone, whole, checking = list[float](), list[float](), list[float]()
    performed(first_task(here), model)  # tables are made once
    for number in range(ROUNDS):
        with journal_of(here / "texts", here / f"runs{number}") as journal:
            rows = [journal.row(n) for n in journal.numbers()]
            tasks = [task_from(row.task, data_of(journal, row)) for row in rows]
            begun = time.perf_counter()
            outcomes = [performed(task, model) for task in tasks]
            alone.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            for task, outcome in zip(tasks, outcomes, strict=True):
                checked(task, outcome.edits)
            checking.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            with Store(here / f"runs{number}") as store:
                engine = partial(made, Inline(model, width=1))
                conductor = Conductor(journal, store, engine, digest, Orders(write=True))
                shown = list(conductor.run())
            whole.append(time.perf_counter() - begun)
            assert [row.outcome.edits for row in shown] == [one.edits for one in outcomes]
            assert {row.state for row in shown} <= {"written", "failed"}
        for path, data in zip(texts, before, strict=True):
            path.write_bytes(data)
    ratios = [a / b for a, b in zip(whole, alone, strict=True)]
    figure(
        f"journal, store and writing: {count} texts",
        f"{statistics.median(whole):.2f} s, alone {statistics.median(alone):.2f} s",
    )
    figure("  overhead", f"{100 * (statistics.median(ratios) - 1):+.1f} %")
    part = statistics.median(checking) / statistics.median(alone)
    figure("  verification, which both do", f"{100 * part:.1f} % of the work")


def made(engine: Inline, _: int) -> Inline:
    return engine


def first_task(here: Path):
    with journal_of(here / "texts", here / "runs") as journal:
        row = journal.row(0)
        return task_from(row.task, data_of(journal, row))


@pytest.mark.parametrize("count", [25, 100, 400])
def test_memory_is_flat(here, figure, count):
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("memory of processes is read from /proc")
    library(here / "texts", count)
    command = [sys.executable, "-m", "infill", "fill", "texts", "--write", "--jobs", "2"]
    environment = {
        **os.environ,
        "INFILL_STATE": str(here / "state"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
    }
    quick = ["--length", "2", "--format", "json"]  # memory is asked for, not quality
    with (here / "report.json").open("wb") as report:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [*command, *quick], cwd=here, env=environment, stdout=report, stderr=subprocess.DEVNULL
        )
        largest = together = 0
        while process.poll() is None:
            found = [memory(pid) for pid in family(process.pid)]
            largest = max(largest, *(rss for rss, _ in found), 0)
            together = max(together, sum(pss for _, pss in found))
            time.sleep(0.2)
    assert process.returncode in {0, 3}
    assert largest
    figure(
        f"memory: {count} texts, 2 jobs",
        f"{together >> 20} MiB together, {largest >> 20} MiB the largest process",
    )


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for one in found:
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def memory(pid: int) -> tuple[int, int]:
    """Resident bytes of a process, and its share where several have the same."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return 0, 0
    sizes = {name: 1024 * int(rest.split()[0]) for name, rest in (x.split(":") for x in lines)}
    return sizes["Rss"], sizes["Pss"]
