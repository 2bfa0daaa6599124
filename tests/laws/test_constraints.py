"""DESIGN §5, laws 1 to 8, held against every constraint there is."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from infill.canvas import Reopen, Slot, Write


@given(data=st.data())
def test_start_is_a_state_exactly_when_some_completion_is_valid(world, data):
    case = data.draw(world.cases())
    assert bool(case.completions(case.canvas)) == (case.constraint.start(case.canvas) is not None)


@given(data=st.data())
def test_allowed_is_what_stands_there_in_some_valid_completion(world, draws, data):
    case, state = data.draw(world.living())
    valid = case.completions(case.canvas)
    for at in case.canvas.holes.tolist():
        assert sorted({int(one.ids[at]) for one in valid}) == draws.tokens(state, at, case.vocab)


@given(data=st.data())
def test_reopen_is_never_vetoed(world, draws, data):
    case, state = data.draw(world.living())
    states, _ = data.draw(draws.walks(state, case.vocab))
    state = states[-1]
    for at in data.draw(st.permutations(state.canvas.holes.tolist())):
        state = state.after(Write(at, int(state.witness().ids[at]), -1.0))
    filled = [at for at, slot in enumerate(state.canvas.slots) if slot == Slot.FILLED]
    assume(filled)
    for at in data.draw(st.permutations(filled)):
        state = state.after(Reopen(at))
        assert state is not None


@given(data=st.data())
def test_a_write_is_admitted_exactly_when_its_bit_is_set(world, draws, data):
    case, state = data.draw(world.living())
    states, _ = data.draw(draws.walks(state, case.vocab))
    assume(len(states[-1].canvas.holes))
    assert case.constraint.exact
    for at in states[-1].canvas.holes.tolist():
        admitted = [
            token
            for token in range(len(case.vocab))
            if states[-1].after(Write(at, token, 0.0)) is not None
        ]
        assert admitted == draws.tokens(states[-1], at, case.vocab)


@given(data=st.data())
def test_a_mask_has_no_bit_beyond_the_vocabulary(world, data):
    case, state = data.draw(world.living())
    for at in case.canvas.holes.tolist():
        mask = state.allowed(at)
        assert (str(mask.dtype), len(mask)) == ("int32", -(-len(case.vocab) // 32))
        assert not int(mask[-1]) & 0xFFFF_FFFF & ~((1 << len(case.vocab)) - 1)


@given(data=st.data())
def test_a_living_state_without_holes_has_a_text_that_an_independent_check_accepts(
    world, draws, data
):
    case, state = data.draw(world.living())
    while len(holes := state.canvas.holes):
        at = int(data.draw(st.sampled_from(holes.tolist())))
        token = data.draw(st.sampled_from(draws.tokens(state, at, case.vocab)))
        state = state.after(Write(at, token, -1.0))
    assert case.valid(state.canvas)


@given(data=st.data())
def test_writes_to_two_holes_commute(world, draws, data):
    case, state = data.draw(world.living())
    states, _ = data.draw(draws.walks(state, case.vocab))
    last = states[-1]
    assume(len(last.canvas.holes) > 1)
    i, j = data.draw(st.permutations(last.canvas.holes.tolist()))[:2]
    for a in range(len(case.vocab)):
        for b in range(len(case.vocab)):
            one, other = Write(i, a, -1.0), Write(j, b, -2.0)
            first = (after := last.after(one)) and after.after(other)
            second = (after := last.after(other)) and after.after(one)
            assert first == second


@given(data=st.data())
def test_after_changes_neither_the_state_nor_its_canvas(world, draws, data):
    case, state = data.draw(world.living())
    canvas, number = case.canvas, hash(state)

    def seen():
        masks = [state.allowed(at).tolist() for at in canvas.holes.tolist()]
        return canvas.ids.tolist(), canvas.slots.tolist(), canvas.logps.tolist(), masks

    before = seen()
    data.draw(draws.walks(state, case.vocab))
    state.witness()
    assert before == seen()
    assert (number, canvas) == (hash(state), state.canvas)


@given(data=st.data())
def test_a_witness_is_complete_and_valid_and_agrees_with_what_stands(world, draws, data):
    case, state = data.draw(world.living())
    states, _ = data.draw(draws.walks(state, case.vocab))
    canvas, witness = states[-1].canvas, states[-1].witness()
    assert not len(witness.holes)
    assert case.valid(witness)
    pinned = canvas.slots != Slot.HOLE
    assert canvas.ids[pinned].tolist() == witness.ids[pinned].tolist()
    assert canvas.slots[pinned].tolist() == witness.slots[pinned].tolist()


@given(data=st.data())
def test_any_moves_give_the_state_that_a_fresh_start_gives(world, draws, data):
    case, state = data.draw(world.living())
    states, moves = data.draw(draws.walks(state, case.vocab))
    fresh = case.constraint.start(case.canvas.apply(moves))
    assert fresh == states[-1]
    assert hash(fresh) == hash(states[-1])
    for at in fresh.canvas.holes.tolist():
        assert fresh.allowed(at).tolist() == states[-1].allowed(at).tolist()


@given(data=st.data())
def test_moves_never_touch_given_slots(world, draws, data):
    case, state = data.draw(world.living())
    states, _ = data.draw(draws.walks(state, case.vocab))
    given_ids = [c.ids[c.slots == Slot.GIVEN].tolist() for c in (case.canvas, states[-1].canvas)]
    assert given_ids[0] == given_ids[1]


@given(data=st.data())
def test_a_vetoed_splice_has_no_completion(world, draws, data):
    case, state = data.draw(world.living())
    move = data.draw(draws.moves(state.canvas, case.vocab))
    assume(move is not None)
    after = state.after(move)
    completions = case.completions(state.canvas.apply((move,)))
    assert (after is not None) == bool(completions)
