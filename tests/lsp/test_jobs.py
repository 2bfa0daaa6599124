"""The queue of a worker, with a worker that does what the test says."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import infill_lsp.jobs
import pytest
from infill_lsp.jobs import JobError, Jobs
from infill_lsp.messages import Cancel, Checkable, Failed, Loaded, Task, Unloadable

pytestmark = pytest.mark.asyncio


class Scripted:
    """A child that hears everything, and says what it is made to say."""

    made: ClassVar[list[Scripted]] = []

    def __init__(self, arguments, told, ended) -> None:
        self.arguments, self.told, self.ended = arguments, told, ended
        self.heard = []
        self.made.append(self)

    async def start(self) -> None:
        asyncio.get_running_loop().call_soon(self.told, Loaded(model="m", device="cpu", ms=0.0))

    def tell(self, message) -> None:
        self.heard.append(message)

    def kill(self) -> None:
        self.ended(-9)

    async def stop(self) -> None: ...


@pytest.fixture
def jobs(monkeypatch) -> Jobs:
    Scripted.made = []
    monkeypatch.setattr(infill_lsp.jobs, "Child", Scripted)
    monkeypatch.setattr(infill_lsp.jobs, "PATIENCE", 0.01)
    return Jobs([], lambda _: None)


def run(jobs: Jobs, job: str, document: str = "a"):
    task = Task(job=job, kind="check", text="", name=document)
    return asyncio.ensure_future(jobs.run(task, document=document, place=job))


async def heard(count: int) -> Scripted:
    """The last child, once that many have been started and it was told a task."""
    async with asyncio.timeout(2):
        while len(Scripted.made) < count or not Scripted.made[-1].heard:
            await asyncio.sleep(0.001)
    return Scripted.made[-1]


async def test_a_worker_that_does_not_heed_a_cancel_is_ended_and_whoever_waits_is_served(jobs):
    for number in range(1, 4):  # as often as a worker may die by itself
        stuck = run(jobs, f"stuck{number}")
        child = await heard(number)
        waiting = run(jobs, "waiting", "b") if number == 3 else None
        jobs.cancel(job=f"stuck{number}")
        with pytest.raises(asyncio.CancelledError):
            await stuck
        assert Cancel(f"stuck{number}") in child.heard
    child = await heard(4)
    assert jobs.status.state == "working"
    child.told(Checkable(job="waiting", completable=True))
    assert (await waiting).completable


async def test_a_job_that_was_told_to_an_ending_worker_is_told_to_the_next(jobs, monkeypatch):
    monkeypatch.setattr(Scripted, "kill", lambda _: None)  # its end comes a little later
    first, second = run(jobs, "first"), run(jobs, "second", "b")
    child = await heard(1)
    jobs.cancel(job="first")
    await asyncio.sleep(0.05)
    child.told(Failed(job="first", error="cancelled", message=""))
    assert child.heard[-1].job == "second"
    child.ended(-9)
    after = await heard(2)
    after.told(Checkable(job="second", completable=True))
    assert (await second).completable
    assert first.cancelled()


async def test_a_worker_that_dies_by_itself_is_not_started_for_ever(jobs):
    rows = [run(jobs, str(number)) for number in range(4)]
    for count in range(1, 4):
        (await heard(count)).kill()
    ends = await asyncio.wait_for(asyncio.gather(*rows, return_exceptions=True), 2)
    assert all(isinstance(one, JobError) for one in ends)
    assert "three times" in str(ends[3])
    assert len(Scripted.made) == 3


async def test_a_model_that_is_there_at_the_second_try_is_at_work(jobs):
    first = run(jobs, "first")
    child = await heard(1)
    child.told(Unloadable("no memory"))
    assert "failed" == jobs.status.state
    child.told(Failed(job="first", error="ModelError", message="no memory"))
    with pytest.raises(JobError, match="no memory"):
        await first
    second = run(jobs, "second")
    await asyncio.sleep(0.01)
    child.told(Loaded(model="m", device="cpu", ms=0.0))
    assert "working" == jobs.status.state
    child.told(Checkable(job="second", completable=True))
    assert (await second).completable
    assert "idle" == jobs.status.state


async def test_after_the_end_a_job_is_refused_and_not_left_waiting(jobs):
    await jobs.close()
    with pytest.raises(JobError, match="shutting down"):
        await asyncio.wait_for(run(jobs, "late"), 1)
