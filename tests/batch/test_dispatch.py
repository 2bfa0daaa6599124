"""However workers die, each task has one outcome, and only what kills them fails."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.batch.engines.dispatch import Dispatch, Finished, Gone, Ready, Unloadable
from infill.batch.engines.protocol import without_place
from infill.batch.task import Failure, Outcome, Task
from infill.edit.recipe import Recipe
from infill.errors import ModelError, WorkerError

READY = Ready("digest", "a model", "cpu", 3)


class Played:
    """A crew whose workers are played: which of them speaks next, and who dies, is drawn.

    deadly   numbers of tasks that kill their worker
    """

    def __init__(self, draw=lambda _: 0, *, deadly=(), unlucky=(), first=(READY,)):
        self.draw, self.deadly, self.unlucky = draw, set(deadly), deque(unlucky)
        self.first = deque(first)
        self.held: dict[int, deque[tuple[int, Task]]] = {}
        self.waiting: dict[int, object] = {}
        self.hired = 0

    def hire(self):
        number, self.hired = self.hired, self.hired + 1
        self.held[number] = deque()
        self.waiting[number] = self.first.popleft() if len(self.first) > 1 else self.first[0]
        return number

    def give(self, worker, ticket, task):
        if worker in self.held:
            self.held[worker].append((ticket, task))

    def hear(self):
        speaking = sorted({*self.waiting, *(w for w, held in self.held.items() if held)})
        assert speaking, "it waits for what never comes"
        worker = speaking[self.draw(len(speaking) - 1)]
        if worker in self.waiting:
            said = self.waiting.pop(worker)
            if isinstance(said, Gone | Unloadable):
                del self.held[worker]
            return worker, said
        held = self.held[worker]
        unlucky = bool(self.unlucky) and self.unlucky.popleft()
        if unlucky or any(int(task.name) in self.deadly for _, task in held):
            del self.held[worker]
            return worker, Gone("it was killed by SIGKILL")
        ticket, task = held.popleft()
        return worker, Finished(ticket, Outcome(remarks=(task.name,)))

    def dismiss(self):
        self.held, self.waiting = {}, {}


def tasks(count):
    return [
        (100 + index, Task(name=str(index), data=b"", language=None, recipe=Recipe()))
        for index in range(count)
    ]


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(),
    count=st.integers(0, 14),
    jobs=st.integers(1, 4),
    deadly=st.sets(st.integers(0, 13), max_size=3),
)
def test_every_task_has_one_outcome_and_only_the_deadly_fail(data, count, jobs, deadly):
    crew = Played(lambda most: data.draw(st.integers(0, most)), deadly=deadly)
    found = list(Dispatch(crew, jobs=jobs).perform(iter(tasks(count))))
    assert {100 + index: 1 for index in range(count)} == Counter(number for number, _ in found)
    for number, outcome in found:
        if number - 100 in deadly:
            assert "WorkerError" == outcome.failure.kind
            assert "SIGKILL" in outcome.failure.got
        else:
            assert (str(number - 100),) == outcome.remarks


@settings(max_examples=60, deadline=None)
@given(data=st.data(), deaths=st.lists(st.booleans(), max_size=12))
def test_a_worker_that_is_killed_loses_nothing(data, deaths):
    crew = Played(lambda most: data.draw(st.integers(0, most)), unlucky=deaths)
    found = list(Dispatch(crew, jobs=2).perform(iter(tasks(9))))
    assert list(range(100, 109)) == sorted(number for number, _ in found)
    if sum(deaths) <= 1:
        assert not any(outcome.failure for _, outcome in found)


def test_tasks_are_taken_as_there_is_room():
    taken = []

    def source():
        for number, task in tasks(30):
            taken.append(number)
            yield number, task

    for done, _ in enumerate(Dispatch(Played(), jobs=2).perform(source()), 1):
        assert len(taken) <= done + 2 * (READY.width + 1)
    assert 30 == len(taken)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), count=st.integers(1, 8), jobs=st.integers(1, 4))
def test_few_tasks_are_shared_by_all_workers(data, count, jobs):
    crew = Played(lambda most: data.draw(st.integers(0, most)))
    dispatch = Dispatch(crew, jobs=jobs, share=-(-count // jobs))
    found = []
    for number, _ in dispatch.perform(iter(tasks(count))):
        assert max(map(len, crew.held.values()), default=0) <= -(-count // jobs)
        found.append(number)
    assert list(range(100, 100 + count)) == sorted(found)


def test_who_stops_early_ends_the_workers_and_can_begin_anew():
    crew = Played()
    dispatch = Dispatch(crew, jobs=2)
    running = dispatch.perform(iter(tasks(9)))
    next(running)
    running.close()
    assert {} == crew.held
    assert 5 == len(list(dispatch.perform(iter(tasks(5)))))


def test_a_model_that_cannot_be_loaded_is_said():
    refused = Unloadable(Failure.of(ModelError("there is no model 'x'")))
    with pytest.raises(ModelError, match="no model 'x'"):
        Dispatch(Played(first=[refused]), jobs=2).ready()
    with pytest.raises(WorkerError, match="no worker could be started"):
        list(
            Dispatch(Played(first=[Gone("it ended with status 1")]), jobs=2).perform(iter(tasks(2)))
        )


def test_others_go_on_without_a_worker_that_could_not_begin():
    crew = Played(first=[Gone("it ended with status 1"), READY])
    assert 4 == len(list(Dispatch(crew, jobs=2).perform(iter(tasks(4)))))
    assert 2 == crew.hired


@pytest.mark.parametrize("other", [{"digest": "another"}, {"version": "0"}])
def test_a_worker_with_another_model_or_version_is_refused(other):
    turns = iter([1])
    crew = Played(lambda _: next(turns, 0), first=[READY, replace(READY, **other)])
    with pytest.raises(ModelError, match="another model"):
        list(Dispatch(crew, jobs=2).perform(iter(tasks(9))))


def test_a_goal_has_no_place_on_another_machine():
    (_, task), *_ = tasks(1)
    assert without_place(task) is None
    outcome = without_place(replace(task, recipe=Recipe(goal="pytest")))
    assert "OptionError" == outcome.failure.kind
