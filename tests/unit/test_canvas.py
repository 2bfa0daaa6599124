"""The canvas and its moves, against lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.canvas import Canvas, Reopen, Slot, Splice, Write
from infill.errors import MoveError

G, H, F = Slot.GIVEN, Slot.HOLE, Slot.FILLED
ROWS = st.lists(st.tuples(st.sampled_from([G, H, F]), st.integers(1, 9)), max_size=8)


def canvas_of(row: list[tuple[Slot, int]]) -> Canvas:
    return Canvas([token for _, token in row], [slot for slot, _ in row], [-0.5] * len(row))


def as_row(canvas: Canvas) -> list[tuple[Slot, int]]:
    return [
        (Slot(slot), token)
        for slot, token in zip(canvas.slots.tolist(), canvas.ids.tolist(), strict=True)
    ]


MOVES = st.one_of(
    st.builds(Write, st.integers(-1, 9), st.integers(1, 9), st.just(-0.25)),
    st.builds(Reopen, st.integers(-1, 9)),
    st.builds(Splice, st.integers(-1, 9), st.integers(-1, 4), st.integers(-1, 3)),
)


def naive(row: list[tuple[Slot, int]], move) -> list[tuple[Slot, int]] | None:
    """The row after a move by the rules in words, or None where they refuse it."""
    size = len(row)
    match move:
        case Write(at, token, _):
            fine = 0 <= at < size and row[at][0] == H
            return [*row[:at], (F, token), *row[at + 1 :]] if fine else None
        case Reopen(at):
            fine = 0 <= at < size and row[at][0] == F
            return [*row[:at], (H, 0), *row[at + 1 :]] if fine else None
        case Splice(at, delete, holes):
            if at < 0 or delete < 0 or holes < 0 or at + delete > size:
                return None
            cut = [slot for slot, _ in row[at : at + delete]]
            beside = [row[i][0] for i in (at - 1, at) if 0 <= i < size]
            fine = all(slot == H for slot in cut) if delete else H in beside
            return [*row[:at], *[(H, 0)] * holes, *row[at + delete :]] if fine else None


@given(ROWS, MOVES)
def test_a_move_does_what_its_rule_says_or_is_refused(row, move):
    canvas = canvas_of(row)
    expected = naive(as_row(canvas), move)
    if expected is None:
        with pytest.raises(MoveError):
            canvas.apply((move,))
    else:
        after = canvas.apply((move,))
        assert expected == as_row(after)
        for name in ("ids", "slots", "logps"):  # a canvas has rows of its own, and keeps them
            own = getattr(after, name)
            assert not own.flags.writeable
            assert (
                own.tolist() == getattr(Canvas(after.ids, after.slots, after.logps), name).tolist()
            )
            assert not np.shares_memory(own, getattr(canvas, name))
    assert canvas_of(row) == canvas


@given(ROWS)
def test_what_an_id_or_a_score_says_at_a_hole_is_forgotten(row):
    canvas = canvas_of(row)
    assert [0 if slot == H else token for slot, token in row] == canvas.ids.tolist()
    assert [-0.5 if slot == F else 0.0 for slot, _ in row] == canvas.logps.tolist()
    assert [at for at, (slot, _) in enumerate(row) if slot == H] == canvas.holes.tolist()


@given(ROWS)
def test_a_score_is_a_sum_and_a_mean_over_what_was_written(row):
    filled = sum(slot == F for slot, _ in row)
    assert -0.5 * filled == canvas_of(row).score
    assert (-0.5 if filled else 0.0) == canvas_of(row).mean_score


@given(ROWS)
def test_regions_are_the_runs_between_given_slots_and_between_finds_them_by_number(row):
    canvas, runs, anchors = canvas_of(row), [], [-1]
    for at, (slot, _) in enumerate([*row, (G, 0)]):
        if slot == G:
            runs.append((anchors[-1] + 1, at))
            anchors.append(at)
    assert [run for run in runs if run[0] < run[1]] == canvas.regions()
    assert runs == [canvas.between(given_slots) for given_slots in range(len(runs))]


def test_equal_canvases_are_equal_however_they_were_scored():
    one, other = (Canvas([1, 2], [G, F], [0, logp]) for logp in (-1, -2))
    assert (one, hash(one)) == (other, hash(other))
    assert one != Canvas([1, 2], [G, G])
    assert one != "a canvas"


def test_a_canvas_cannot_be_changed_in_place():
    canvas = Canvas([1], [F])
    for row in (canvas.ids, canvas.slots, canvas.logps):
        with pytest.raises(ValueError, match="read-only"):
            row[0] = 1


def test_rows_of_different_lengths_are_refused():
    with pytest.raises(MoveError, match="one length"):
        Canvas([1, 2], [G])


def test_a_step_that_fails_half_way_changes_nothing():
    canvas = Canvas([0, 0], [H, H])
    with pytest.raises(MoveError):
        canvas.apply((Write(0, 1, 0.0), Write(0, 2, 0.0)))
    assert [0, 1] == canvas.holes.tolist()
