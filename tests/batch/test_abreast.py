"""Texts side by side: what comes of each is what comes of it alone, and nothing is left behind."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.batch.engines.abreast import abreast
from infill.batch.engines.inline import Inline
from infill.batch.perform import performed
from infill.batch.task import Task
from infill.edit.recipe import Recipe
from infill.errors import BudgetError, ModelError
from infill.models.scripted import Scripted, byte_vocab, noise

VOCAB = byte_vocab()
LETTERS = torch.zeros(VOCAB.model_size)
LETTERS[ord("a") : ord("z") + 1] = 20.0  # bytes of any value would hardly be UTF-8
RANDOM = noise(VOCAB)
MODEL = Scripted(VOCAB, lambda canvas: RANDOM(canvas) + LETTERS)
RECIPE = Recipe(max_tokens=3, tries=1, grammar="none")


class Watched:
    """A model that counts its forwards, and does something at one of them."""

    def __init__(self, inner=MODEL, **at):
        self.inner, self.at, self.sizes = inner, at, []
        self.vocab, self.capabilities = inner.vocab, inner.capabilities

    def __call__(self, canvases):
        self.sizes.append(len(canvases))
        if len(self.sizes) == self.at.get("call"):
            raise self.at["error"]
        refused = self.at.get("refuses")
        if refused and any(refused in VOCAB.decode(c.ids.tolist()) for c in canvases):
            raise ModelError("not this one")
        return self.inner(canvases)


def task(index: int = 0, *, holes: int = 1, recipe: Recipe = RECIPE) -> Task:
    data = b"; ".join(b"v%d = <FILL_ME>" % (index + place) for place in range(holes))
    return Task(name=f"{index}.txt", data=data, language=None, recipe=recipe)


def ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("infill ")]


def same(outcome):
    return replace(outcome, seconds=0.0, traces=())


@settings(max_examples=25, deadline=None)
@given(
    shapes=st.lists(st.tuples(st.integers(0, 99), st.integers(1, 2)), max_size=7),
    width=st.integers(1, 5),
    rows=st.integers(1, 9),
    seed=st.integers(0, 3),
)
def test_what_comes_of_a_text_depends_on_no_neighbour(shapes, width, rows, seed):
    recipe = replace(RECIPE, seed=seed, temperature=seed / 2, candidates=1 + seed % 2)
    tasks = [task(index, holes=holes, recipe=recipe) for index, holes in shapes]
    model = Watched()
    found = list(abreast(enumerate(tasks), model, width=width, rows=rows))
    assert list(range(len(tasks))) == sorted(number for number, _ in found)
    for number, outcome in found:
        assert same(performed(tasks[number], MODEL)) == same(outcome)
    assert max(model.sizes, default=0) <= rows
    assert [] == ours()


def test_the_order_is_always_the_same_and_forwards_are_shared():
    tasks = [task(index, holes=1 + index % 2) for index in range(9)]
    first, second, alone = Watched(), Watched(), Watched()
    one = [number for number, _ in abreast(enumerate(tasks), first, width=4, rows=64)]
    two = [number for number, _ in abreast(enumerate(tasks), second, width=4, rows=64)]
    assert one == two
    assert first.sizes == second.sizes
    for each in tasks:
        performed(each, alone)
    assert sum(alone.sizes) == sum(first.sizes)
    assert 2 * len(first.sizes) < len(alone.sizes)


def test_tasks_are_taken_one_by_one_as_there_is_room():
    taken, done = [], 0

    def source():
        for index in range(12):
            taken.append(index)
            yield index, task(index)

    for _ in abreast(source(), MODEL, width=3, rows=8):
        done += 1
        assert len(taken) <= done + 3
    assert 12 == done


def test_none_says_that_there_is_nothing_at_the_moment():
    items = [(0, task(0)), None, (1, task(1)), None, None, (2, task(2))]
    assert [0, 1, 2] == sorted(n for n, _ in abreast(iter(items), MODEL, width=2, rows=8))


@pytest.mark.parametrize("after", [0, 1, 3])
def test_closing_leaves_no_thread(after):
    running = abreast(((index, task(index)) for index in range(9)), MODEL, width=4, rows=8)
    for _ in range(after):
        next(running)
    running.close()
    assert [] == ours()


@pytest.mark.parametrize("call", [1, 2, 5])
def test_an_interrupt_leaves_no_thread(call):
    model = Watched(call=call, error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        list(abreast(enumerate([task(index) for index in range(6)]), model, width=3, rows=4))
    assert [] == ours()


def test_a_source_that_fails_leaves_no_thread():
    def source():
        yield 0, task(0)
        yield 1, task(1)
        raise OSError

    with pytest.raises(OSError, match=r"^$"):
        list(abreast(source(), MODEL, width=4, rows=4))
    assert [] == ours()


def test_an_error_of_the_model_concerns_the_text_that_it_is_about():
    tasks = [task(10 * index) for index in range(5)]
    model = Watched(refuses=b"v20")
    found = dict(abreast(enumerate(tasks), model, width=5, rows=8))
    assert [2] == [number for number, outcome in sorted(found.items()) if outcome.failure]
    assert "ModelError" == found[2].failure.kind
    for number in (0, 1, 3, 4):
        assert same(performed(tasks[number], MODEL)) == same(found[number])


def test_a_forward_that_fails_once_is_made_again_by_each():
    model = Watched(call=2, error=BudgetError("no", reason="nfe_budget"))
    tasks = [task(index) for index in range(3)]
    found = dict(abreast(enumerate(tasks), model, width=3, rows=64))
    assert not any(outcome.failure for outcome in found.values())


@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize(("error", "says"), [(RuntimeError("oh"), "oh"), (MemoryError(), "memory")])
def test_a_mistake_of_ours_fails_the_text_and_no_other(width, error, says):
    class Bad:
        vocab, capabilities = MODEL.vocab, MODEL.capabilities

        def __call__(self, canvases):
            if any(b"v5" in VOCAB.decode(canvas.ids.tolist()) for canvas in canvases):
                raise error
            return MODEL(canvases)

    tasks = [task(index) for index in (4, 5, 6)]
    with Inline(Bad(), width=width) as engine:
        found = dict(engine.perform(enumerate(tasks)))
    assert [False, True, False] == [bool(found[number].failure) for number in range(3)]
    assert "WorkerError" == found[1].failure.kind
    assert says in found[1].failure.what


def test_a_frame_is_watched_where_one_text_is_worked_on():
    frames = []
    engine = Inline(MODEL, watch=lambda frame, name: frames.append((frame.tick, name)))
    assert "scripted" == engine.digest
    assert "scripted on cpu" == engine.describe()
    (_, outcome), *_ = engine.perform(iter([(7, task())]))
    assert outcome.edits
    assert len(frames) > 1
    assert {name for _, name in frames} == {task().name}
