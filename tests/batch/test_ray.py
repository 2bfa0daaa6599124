"""A local Ray cluster of two workers, one of which is killed; run where Ray is installed."""

from __future__ import annotations

import importlib.util
import os
import signal
from dataclasses import replace

import pytest

import infill
from infill.batch.engines.inline import Inline
from infill.batch.engines.ray import Ray
from infill.batch.task import Task
from infill.edit.recipe import Recipe
from infill.errors import OptionError, WorkerError
from infill.models.catalogue import use_threads

HERE = importlib.util.find_spec("ray") is not None
RECIPE = Recipe(max_tokens=3, length="2", tries=3)
with_ray = pytest.mark.skipif(not HERE, reason="Ray is not installed")


def tasks() -> list[Task]:
    texts = [
        "x = <FILL_ME>\n",
        "def f(a):\n    return <FILL_ME>\n",
        "for i in <FILL_ME>:\n    pass\n",
    ]
    return [
        Task(name=f"{index}.py", data=texts[index % 3].encode(), language="python", recipe=RECIPE)
        for index in range(12)
    ]


@with_ray
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_with_a_worker_killed_finds_what_is_found_here():
    import ray  # noqa: PLC0415 - an extra

    use_threads(1)
    expected = dict(Inline(infill.load()).perform(enumerate(tasks()[:3])))
    goal = replace(tasks()[0], recipe=Recipe(goal="true"))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        with Ray(width=2) as engine:
            assert infill.load().capabilities.digest == engine.digest
            assert "2 actors" in engine.describe()
            found = []
            for done in engine.perform(enumerate([*tasks(), goal])):
                if 1 == len(found):
                    os.kill(engine.pids()[0], signal.SIGKILL)
                found.append(done)
    finally:
        ray.shutdown()
    assert list(range(13)) == sorted(number for number, _ in found)
    outcomes = dict(found)
    assert "OptionError" == outcomes.pop(12).failure.kind
    for number, outcome in outcomes.items():
        same = expected[number % 3]
        assert (same.edits, same.pieces, same.failure) == (
            outcome.edits,
            outcome.pieces,
            outcome.failure,
        )


@with_ray
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_is_not_there_is_said():
    with pytest.raises(WorkerError, match="cannot be reached"):
        Ray(address="auto")


@pytest.mark.skipif(HERE, reason="Ray is installed")
def test_without_ray_the_extra_is_named():
    with pytest.raises(OptionError, match="infill-lm\\[ray\\]"):
        Ray()
