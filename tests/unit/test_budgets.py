"""Budgets, candidates, alternatives, goals, lengths: what a job does with its forwards."""

from __future__ import annotations

import json
import re
from difflib import SequenceMatcher

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from infill.canvas import Slot
from infill.decode.candidates import Sampling
from infill.decode.lanes import BestOf, Remasking
from infill.decode.particles import Particles
from infill.decode.policy import Confidence
from infill.decode.revision import PartitionRevision
from infill.decode.search import Beam
from infill.edit.choices import POLICIES, policy_named
from infill.edit.goals import Function, OnCanvases
from infill.edit.holes import Hole
from infill.edit.lengths import choices
from infill.edit.pool import Filled, Pool
from infill.edit.proposal import HoleFill
from infill.edit.settings import Settings
from infill.edit.verify import Check
from infill.edit.workbench import Workbench
from infill.errors import BudgetError, OptionError
from infill.limits import Limits
from infill.models.counted import Counted
from infill.models.scripted import Scripted, byte_vocab, even, favour, noise
from infill.text import Source, Span, TextEdit

VOCAB = byte_vocab(b"()", b"((", b"x)", b'"a"', b"1,", b"[[")
MARKER = "<FILL_ME>"
TEXT = f'{{"k": [1, {MARKER}], "l": {MARKER}}}'


class Watched:
    """A model that counts what reaches it."""

    def __init__(self, inner):
        self.inner, self.vocab, self.capabilities = inner, inner.vocab, inner.capabilities
        self.canvases = 0

    def __call__(self, canvases):
        self.canvases += len(canvases)
        return self.inner(canvases)


def fill(text: str, *, seed: int = 0, holes=None, cancelled=None, grammar="json", **options):
    model = Watched(Scripted(VOCAB, noise(VOCAB, seed)))
    bench = Workbench(model, Settings(seed=seed, **options))
    return bench.fill(text, holes, grammar=grammar, cancelled=cancelled), model


@given(st.integers(0, 99), st.integers(0, 120))
def test_a_budget_holds_and_what_comes_out_is_good(seed, budget):
    proposal, model = fill(TEXT, seed=seed, nfe_budget=budget)
    assert proposal.forwards == model.canvases <= budget
    json.loads(proposal.text)
    assert re.fullmatch(".*".join(map(re.escape, TEXT.split(MARKER))), proposal.text, re.DOTALL)
    assert proposal.stopped in {"", "nfe_budget"}


@pytest.mark.parametrize("name", POLICIES)
@given(st.integers(0, 9), st.integers(0, 60))
def test_a_budget_holds_for_every_policy(name, seed, budget):
    policy = policy_named(name, Sampling(temperature=0.5))
    proposal, model = fill(TEXT, seed=seed, policy=policy, max_tokens=9, nfe_budget=budget)
    assert proposal.forwards == model.canvases <= budget
    json.loads(proposal.text)


def test_a_revision_asks_whom_it_is_told_to():
    judge = Watched(Scripted(VOCAB, noise(VOCAB, 1)))
    own = PartitionRevision(denoiser=judge, above=0.0)
    proposal, model = fill(TEXT, policy=own, length=4)
    assert judge.canvases > 0
    assert proposal.forwards == model.canvases


@given(st.integers(0, 99), st.integers(0, 30), st.permutations([2, 3, 6]))
def test_more_candidates_under_a_budget_are_no_worse_than_one(seed, spare, lengths):
    """One fill is made whole before others take from the budget."""
    text = f'["a", {MARKER}]'
    whole = {fill(text, seed=seed, length=[n])[0].text for n in lengths}
    enough = fill(text, seed=seed, length=lengths)[0].forwards
    budget = enough + spare
    proposal, _ = fill(text, seed=seed, length=lengths, candidates=3, nfe_budget=budget)
    assert proposal.text in whole


def test_what_is_complete_when_the_budget_ends_is_taken():
    vocab = byte_vocab()
    asked = 0

    def cancelled():
        nonlocal asked
        asked += 1
        return asked > 5  # a look, two ticks for the short one, one more

    model = Scripted(vocab, favour(vocab, b"aaaaaaaa"))
    bench = Workbench(model, Settings(length=[6, 2], candidates=2))
    proposal = bench.fill(f"y = {MARKER}", cancelled=cancelled)
    assert (proposal.holes[0].text, proposal.stopped) == ("aa", "cancelled")
    assert not proposal.witnessed


@given(st.integers(1, 9), st.integers(1, 12))
def test_candidates_take_no_more_attempts_than_tries(tries, candidates):
    proposal, _ = fill(f"[1, {MARKER}]", tries=tries, candidates=candidates, max_tokens=9)
    assert len(proposal.traces) <= max(tries, candidates)


@pytest.mark.parametrize(("before", "typical"), [("", 8), ("x\n", 8), ("    ", 8), ("f(", 4)])
def test_a_fill_that_begins_a_line_is_typically_longer(before, typical):
    vocab = byte_vocab()
    bench = Workbench(Scripted(vocab, even(vocab)), Settings(one_line=False))
    assert len(bench.fill(f"{before}{MARKER}\n").holes[0].text) == typical


@given(st.integers(0, 99))
def test_candidates_go_side_by_side_and_are_the_fills_of_their_lengths_alone(seed):
    text, lengths = f'["a", {MARKER}]', [1, 2, 3, 5]
    model = Counted(Scripted(VOCAB, noise(VOCAB, seed)))
    settings = Settings(seed=seed, length=lengths, candidates=4, alternatives=3, rank_by="boundary")
    proposal = Workbench(model, settings).fill(text, grammar="json")
    looks, scoring = 1, 1  # batches: one look at all lengths, one for each fill's neighbours
    assert model.batches <= looks + max(lengths) + len(lengths) * scoring
    alone = {fill(text, seed=seed, length=n)[0].text for n in lengths}
    assert {one.text for one in (proposal, *proposal.alternatives)} == alone


@given(st.lists(st.text("ab(", min_size=1, max_size=6), min_size=3, max_size=5, unique=True))
def test_the_fill_that_is_most_like_the_others_is_the_best(texts):
    source = Source.of(b"", "")
    pool = Pool(Counted(Scripted(VOCAB, noise(VOCAB))), Settings(rank_by="agreement"))
    for text in texts:
        edits = (TextEdit(Span(0, 0), text.encode()),)
        check = Check("untouched", ok=True)
        pool.add(Filled(source, edits, (HoleFill(text, 0.0),), check, ()))

    def likeness(text: str) -> float:
        others = [other for other in texts if other != text]
        return sum(SequenceMatcher(None, text, other, autojunk=False).ratio() for other in others)

    best = pool.ranked()[0].holes[0].text
    assert likeness(best) == pytest.approx(max(map(likeness, texts)))


def test_another_measure_is_refused():
    with pytest.raises(OptionError, match="rank_by is out of range"):
        Settings(rank_by="length")


@given(st.integers(0, 99))
def test_forwards_are_what_reached_the_model(seed):
    proposal, model = fill(TEXT, seed=seed, candidates=3)
    assert proposal.forwards == model.canvases > 0
    assert not proposal.stopped
    assert not proposal.witnessed


def test_no_time_and_a_cancel_hand_out_the_best_so_far():
    proposal, model = fill(TEXT, time_limit=0.0)
    assert (proposal.stopped, model.canvases) == ("time_limit", 0)
    assert proposal.witnessed
    json.loads(proposal.text)
    asked = []
    proposal, model = fill(TEXT, cancelled=lambda: len(asked) > 3 or asked.append(1) or False)
    assert proposal.stopped == "cancelled"
    assert 0 < model.canvases
    json.loads(proposal.text)


def test_a_budget_that_ends_before_anything_parses_is_an_error():
    model = Scripted(VOCAB, favour(VOCAB, b")"))
    bench = Workbench(model, Settings(nfe_budget=3))
    with pytest.raises(BudgetError, match="budget of forwards") as caught:
        bench.fill(f"x = ({MARKER}\n", language="python", grammar="none")
    assert caught.value.reason == "nfe_budget"
    assert "raise the budget" in caught.value.hint


@given(st.integers(0, 99), st.integers(1, 4))
def test_alternatives_are_distinct_and_good(seed, count):
    proposal, _ = fill(f"[1, {MARKER}]", seed=seed, alternatives=count)
    texts = [proposal.text, *(other.text for other in proposal.alternatives)]
    assert len(set(texts)) == len(texts) <= count + 1
    for text in texts:
        json.loads(text)
    assert set(proposal.holes[0].alternatives) <= {
        other.holes[0].text for other in proposal.alternatives
    }


def test_another_fill_is_found_where_there_is_one():
    proposal, _ = fill(f"[1, {MARKER}]", alternatives=3)
    assert len(proposal.alternatives) == 3


class Longer:
    """A goal: many characters; so many are enough."""

    def __init__(self, enough):
        self.enough = enough

    def score(self, text):
        return len(text)

    def reached(self, text):
        return len(text) >= self.enough


def test_the_fill_that_scores_best_is_taken_and_work_ends_at_the_goal():
    first, _ = fill(f"[1, {MARKER}]", max_tokens=40)
    best, much = fill(f"[1, {MARKER}]", max_tokens=40, tries=20, goal=Longer(1_000))
    assert best.goal == len(best.text) > len(first.text)
    reached, little = fill(f"[1, {MARKER}]", max_tokens=40, goal=Longer(1))
    assert (reached.text, reached.goal) == (first.text, len(first.text))
    assert little.canvases < much.canvases


@given(st.integers(1, 9))
def test_a_length_is_kept_and_costs_no_look(size):
    vocab = byte_vocab()
    model = Scripted(vocab, favour(vocab, b"a" * 24))
    proposal = Workbench(model, Settings(length=size)).fill(f"f({MARKER})")
    assert proposal.holes[0].text == "a" * size
    assert proposal.forwards == size
    several = Workbench(model, Settings(length=[size, size + 2])).fill(f"f({MARKER})")
    assert len(several.holes[0].text) in {size, size + 2}


@pytest.mark.parametrize("length", ["short", 0, [], [1, 999], range(4)])
def test_an_impossible_length_is_refused(length):
    with pytest.raises(OptionError, match="length is out of range"):
        Settings(length=length)


@pytest.mark.parametrize("steps", [1, -1])
def test_a_range_of_lengths_is_not_gone_over(steps):
    """That would take more memory than there is."""
    vast = range(1, 10**14)[::steps]
    with pytest.raises(OptionError, match="length is out of range"):
        Settings(length=vast)
    raised = Settings(length=vast, limits=Limits(hole=10**15))
    assert [2, 3, 4] == choices(Hole(0, 0, min_tokens=2, max_tokens=4), raised, Source(b""))


@given(
    st.integers(0, 9),
    st.integers(1, 30),
    st.builds(range, st.integers(1, 30), st.integers(1, 30), st.sampled_from([-3, -1, 1, 2])),
)
def test_a_range_of_lengths_is_the_lengths_in_it(least, most, wanted):
    assume(wanted and least <= most)
    for hole in (Hole(0, 0, min_tokens=least, max_tokens=most), Hole(0, 0, min_tokens=least)):
        found = []
        for length in (wanted, list(wanted), np.array(wanted)):
            try:
                found.append(choices(hole, Settings(length=length), Source(b"")))
            except OptionError:
                found.append(None)
        listed = [n for n in sorted(wanted) if least <= n <= (hole.max_tokens or 99)]
        assert [listed or None] * 3 == found


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("length", [2.5, ["a"], [1.5], True, [1, True], None]),
        ("candidates", ["3", 1.5, True, None]),
        ("alternatives", ["3", 1.5]),
        ("nfe_budget", ["3", 2.5, False]),
        ("time_limit", ["3", True]),
        ("tries", [True, 2.0]),
        ("seed", [True, "1"]),
        ("max_tokens", [1.0]),
        ("search", ["beam", None, Beam]),
        ("limits", [None]),
    ],
)
def test_a_setting_of_another_type_is_refused(name, values):
    for value in values:
        with pytest.raises(OptionError, match=f"{name} is of another type") as caught:
            Settings(**{name: value})
        assert repr(value) == caught.value.got


def test_numbers_of_numpy_are_numbers():
    whole = {name: np.int64(2) for name in ("seed", "tries", "candidates", "length", "nfe_budget")}
    settings = Settings(**whole, time_limit=np.float32(9.0), max_tokens=np.int32(4))
    proposal = Workbench(Scripted(VOCAB, noise(VOCAB)), settings).fill(f"f({MARKER})")
    (header, *_) = proposal.traces[0].lines()
    assert 2 == json.loads(header)["seed"]


@pytest.mark.parametrize("search", [Beam(65), BestOf(65), Particles(65), Remasking(65)])
def test_a_search_wider_than_the_limits_is_refused(search):
    with pytest.raises(OptionError, match="too wide") as caught:
        Settings(search=search)
    assert "limits.frontier" in caught.value.expected


def test_a_search_is_steered_by_the_goal():
    """The model would rather write b; the goal wants an a."""
    vocab = byte_vocab()

    def script(canvas):
        logits = torch.zeros(len(canvas), vocab.model_size)
        logits[:, ord("b")], logits[:, ord("a")] = 9.0, 8.0
        return logits

    class Wanted:
        def score(self, text):
            return text.count("a")

        def reached(self, text):
            return "a" in text

    model = Scripted(vocab, script)
    plain = Workbench(model, Settings(length=1)).fill(f"x{MARKER}y")
    aimed = Workbench(model, Settings(length=1, search=Beam(2), goal=Wanted())).fill(f"x{MARKER}y")
    assert (plain.text, aimed.text, aimed.goal) == ("xby", "xay", 1)


def rather_b(canvas):
    """Would rather write b, and nearly as gladly a."""
    logits = torch.zeros(len(canvas), VOCAB.model_size)
    logits[:, ord("b")], logits[:, ord("a")] = 9.0, 8.0
    return logits


def apart(newline: str = "\n") -> str:
    """Two holes that are on no common canvas of 100 tokens, and do not see each other."""
    return newline.join([MARKER, *["........"] * 40, MARKER, ""])


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_goal_steers_the_search_where_holes_are_in_several_windows(newline):
    """Both holes must have an a, and neither is on the other's canvas."""
    text, asked = apart(newline), []

    def wanted(filled):
        asked.append(filled)
        return filled.count("a")

    options = {"length": 1, "limits": Limits(context=100), "search": Beam(2)}
    model, goal = Scripted(VOCAB, rather_b), Function(wanted, enough=2)
    plain = Workbench(model, Settings(**options)).fill(text)
    aimed = Workbench(model, Settings(goal=goal, **options)).fill(text)
    assert ["b", "b"] == [hole.text for hole in plain.holes]
    assert ["a", "a"] == [hole.text for hole in aimed.holes]
    assert (2.0, text.replace(MARKER, "a")) == (aimed.goal, aimed.text)
    assert 2 == aimed.forwards  # one in each window, and the work is at its end
    pairs = [("b", ""), ("a", ""), ("a", "b"), ("a", "a")]
    texts = [text.replace(MARKER, one, 1).replace(MARKER, other) for one, other in pairs]
    assert set(texts) == set(asked)


@pytest.mark.parametrize("seed", range(3))
def test_a_search_stops_in_the_window_in_which_the_goal_is_reached(seed):
    asked = [0, 0]

    def script(canvas):
        asked[int(canvas.slots[0] == Slot.GIVEN)] += 1  # the first hole begins its window
        return rather_b(canvas)

    settings = Settings(
        seed=seed,
        length=1,
        limits=Limits(context=100),
        policy=Confidence(sampling=Sampling(temperature=1.0)),
        search=Remasking(2, rounds=20),
        goal=Function(lambda filled: filled.count("a"), enough=2),
    )
    proposal = Workbench(Scripted(VOCAB, script), settings).fill(apart())
    assert 2.0 == proposal.goal
    assert asked[1] < asked[0] / 2  # in the first it cannot be reached yet, and all rounds are run


def test_what_stands_in_for_the_holes_of_other_windows_is_of_the_grammar():
    asked = []
    goal = Function(lambda filled: asked.append(filled) or 0.0)
    text = f"[1, {MARKER},{' 2,' * 100} {MARKER}]"
    limits = Limits(context=110)
    fill(text, search=Beam(2), goal=goal, max_tokens=4, tries=1, limits=limits)
    assert 2 < len({json.dumps(json.loads(filled)) for filled in asked})


def test_a_search_keeps_a_goal_of_its_own():
    rather_none, many = (
        Function(lambda text, sign=sign: sign * text.count("a")) for sign in (-1, 1)
    )
    own = OnCanvases(rather_none, lambda canvas: canvas.text(VOCAB).decode())
    settings = Settings(length=1, search=Beam(2, goal=own), goal=many)
    assert "xby" == Workbench(Scripted(VOCAB, rather_b), settings).fill(f"x{MARKER}y").text


def test_a_length_that_a_hole_forbids_is_refused():
    with pytest.raises(OptionError, match="cannot have the wanted length") as caught:
        fill("[1, 2]", holes=[Hole(4, 5, min_tokens=1, max_tokens=3)], length=[5, 6])
    assert "from 1 to 3" in caught.value.expected


def test_the_context_chooses_between_lengths():
    """All fills are as likely; the tokens beside them are only where the hole has two tokens."""

    def script(canvas):
        logits = torch.zeros(len(canvas), VOCAB.model_size)
        zs = sum(VOCAB.token_bytes(int(t)) == b"z" for t in canvas.ids[canvas.slots != Slot.HOLE])
        right = zs + len(canvas.holes) > 0 and len(canvas) == len("f(zz, b)")
        for at, letter in enumerate(b"f(zz, b)" if right else b""):
            logits[at, letter] = 9.0
        logits[:, ord("z")] += 4.0
        return logits

    bench = Workbench(Scripted(VOCAB, script), Settings(length=[1, 2, 3], candidates=3))
    assert bench.fill(f"f({MARKER}, b)").text == "f(zz, b)"


def counts(canvas):
    """Would write k after x=, and elsewhere how many k are given, or the digit that is."""
    logits = torch.zeros(len(canvas), VOCAB.model_size)
    given = bytes(canvas.ids[canvas.slots == Slot.GIVEN].tolist())
    digit = next((byte for byte in given if chr(byte).isdigit()), ord("0") + given.count(b"k"))
    for at in canvas.holes.tolist():
        before = bytes(canvas.ids[:at][canvas.slots[:at] == Slot.GIVEN].tolist())
        logits[at, ord("k") if before.endswith(b"x=") else digit] = 20.0
    return logits


@pytest.mark.parametrize(("gaps", "seen"), [((30, 80), True), ((300, 300), False)])
def test_an_alternative_reaches_the_windows_that_show_it_and_no_others(gaps, seen):
    """The second window shows the first hole, the third the second only; or none shows another."""
    dots = ["." * gap for gap in gaps]
    text = "\n".join([f"x={MARKER}", dots[0], f"y={MARKER}", dots[1], f"z={MARKER}\n"])
    settings = Settings(length=[1, 2, 3], alternatives=6, limits=Limits(context=100))
    proposal = Workbench(Scripted(VOCAB, counts), settings).fill(text)
    found = [[hole.text for hole in one.holes] for one in (proposal, *proposal.alternatives)]
    assert 7 == len({*map(tuple, found)})  # two other lengths of each hole
    assert all({str(len(x) if seen else 0)} == {*y, *z} for x, y, z in found)
    places = {mark.start(): index for index, mark in enumerate(re.finditer(MARKER, text))}
    done = {}
    for trace in proposal.traces:
        done.setdefault(trace.header.attempt, []).append(places[trace.header.holes[0][0]])
    assert [0, 1, 2] == done.pop(0)
    again = [[0, 1, 2], [1, 2], [2]] if seen else [[0], [1], [2]]
    assert sorted(2 * again) == sorted(done.values())


def test_counting_does_not_change_what_is_counted():
    model = Scripted(VOCAB, noise(VOCAB, 1))
    counted = Counted(model)
    plain = Workbench(model, Settings()).fill(TEXT, grammar="json")
    assert Workbench(counted, Settings()).fill(TEXT, grammar="json").text == plain.text
    assert counted.forwards == plain.forwards
