"""A revision that follows several edits: those stay, whatever it changes beside them."""

from __future__ import annotations

from itertools import accumulate
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from infill.batch import perform
from infill.batch.differing import edits_between
from infill.batch.task import Task
from infill.edit.changes import composed
from infill.edit.recipe import Recipe
from infill.edit.revised import Revised
from infill.text import Source, Span, TextEdit, apply_edits

PIECES = ("a", "b", "_x", " ", "\n", "\r\n", "é", "𝒳", "(", ")", "=", "1")


def drawn(random, most):
    return "".join(random.choice(PIECES) for _ in range(random.randint(0, most)))


def before_and_now(random):
    """A text, and what some edits make of it."""
    before = drawn(random, 60)
    letters = list(before)
    for _ in range(random.randint(1, 5)):
        start = random.randint(0, len(letters))
        letters[start : start + random.randint(0, 4)] = drawn(random, 4)
    return before.encode(), "".join(letters).encode()


def changes(random, data, spans, edit):
    """An edit, and others in some spans and beside it."""
    places = [0, *accumulate(len(letter.encode()) for letter in data.decode())]
    found, last = [edit], -1
    for span in spans:
        within = [place for place in places if span.start <= place <= span.stop]
        if len(within) > 1 and random.random() < 0.7:
            start, stop = sorted(random.sample(within, 2))
            if start > last and (stop < edit.span.start or edit.span.stop < start):
                found.append(TextEdit(Span(start, stop), drawn(random, 3).encode()))
                last = stop
    return sorted(found)


def revising(random):
    """In the place of `revise`: what it changes is where it may be, and otherwise anything."""

    def revise(data, spans, *, trigger, **_):
        edits = changes(random, data, spans, trigger)
        if random.random() < 0.5:  # what is on both sides of the edit is one with it
            shifts = (len(e.new) - len(e.span) for e in edits if e.span.stop < trigger.span.start)
            start = trigger.span.start + sum(shifts)
            new = drawn(random, 1).encode() + trigger.new + drawn(random, 1).encode()
            whole = TextEdit(Span(start, start + len(trigger.new)), new)
            edits = composed(data, edits, whole)
        return Revised(Source(data, "a"), tuple(edits), (), 0.0, 0.0, (), 0)

    return revise


@settings(max_examples=400)
@given(st.randoms(use_true_random=False))
def test_what_a_user_typed_is_never_changed(random):
    before, now = before_and_now(random)
    edited = edits_between(now, before)
    task = Task(
        name="a", data=now, language=None, recipe=Recipe(), operation="revise", edited=edited
    )
    with patch.object(perform, "revise", revising(random)):
        work = perform._Work(task, None, None, None, traces=False)
        outcome = perform._OPERATIONS["revise"](work) if edited else None
    for edit in outcome.edits if outcome else ():
        for typed in (one.span for one in edited):
            start, stop = max(edit.span.start, typed.start), min(edit.span.stop, typed.stop)
            assert start >= stop or now[start:stop] in edit.new
    if outcome:
        apply_edits(now, outcome.edits).decode()
