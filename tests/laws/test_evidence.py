"""Laws of workspace evidence: a mixture that sums to one, and counts that are exact."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import infill
from infill.canvas import Canvas, Slot
from infill.errors import OptionError
from infill.models.native import TinyDenoiser
from infill.models.ngrams import ABSENT, BREAK, Counts, contexts, looked
from infill.models.scripted import Scripted, byte_vocab, noise
from infill.models.workspace import OPEN, TEMPLATES, Evidence, Informed, told
from infill.vocab import Vocab

VOCAB = Vocab([b"", *(bytes([letter]) for letter in b"abc\n"), b"", b"\0"], mask=0, blank=5)
VIRTUAL = Vocab([b"", *(bytes([letter]) for letter in b"abc\n"), b"\0"], mask=0)
WISHING = Vocab([b"", b"a", b"b", b"c", b"\n", b"", b"", b""], mask=0, blank=5, expand=6, delete=7)
VOCABS = st.sampled_from([VOCAB, VIRTUAL, WISHING])
TEXT = st.text("abc\n", max_size=12).map(str.encode)
TEXTS = st.dictionaries(st.sampled_from("xyz"), TEXT, max_size=3)
LETTERS = st.integers(1, 4)


@st.composite
def canvases(draw, vocab: Vocab, *, longest: int = 8) -> Canvas:
    """At least one hole; given letters, filled ones and blanks around."""
    kinds = st.sampled_from([Slot.HOLE, Slot.GIVEN, Slot.FILLED])
    slots = [*draw(st.lists(kinds, max_size=longest - 1)), Slot.HOLE]
    blanks = st.just(vocab.blank)
    ids = [draw(LETTERS | blanks if slot == Slot.FILLED else LETTERS) for slot in slots]
    return Canvas(ids, slots)


def informed(vocab: Vocab, texts, *, trust: float = 1.0) -> Informed:
    return Informed(Scripted(vocab, noise(vocab)), Evidence.of(texts, vocab), trust=trust)


def probabilities(scores, canvas: Canvas, vocab: Vocab) -> np.ndarray:
    """[H, V] what is said of every token at every hole."""
    rows = [[scores.logp(0, int(at), t) for t in range(len(vocab))] for at in canvas.holes]
    return np.exp(rows)


def support(evidence: Evidence, canvas: Canvas) -> list[list[float]]:
    found = evidence.of_slots(canvas, canvas.holes)
    return [row.tolist() for row in (found.slots, found.tokens, found.weights, found.totals)]


@given(vocab=VOCABS, texts=TEXTS, data=st.data())
@settings(max_examples=50)
def test_probabilities_sum_to_one_and_what_is_never_written_has_none(vocab, texts, data):
    canvas, model = data.draw(canvases(vocab)), informed(vocab, texts)
    found = probabilities(model([canvas]), canvas, vocab)
    assert found.sum(1) == pytest.approx(1, abs=1e-5)
    assert not found[:, ~vocab.writable].any()


@given(vocab=VOCABS, texts=TEXTS, trust=st.sampled_from([0.3, 1.0, 50.0]), data=st.data())
@settings(max_examples=50)
def test_the_mixture_is_that_of_the_model_and_of_what_was_counted(vocab, texts, trust, data):
    """Computed anew from the model's probabilities: blanks and line ends keep theirs."""
    canvas, model = data.draw(canvases(vocab)), informed(vocab, texts, trust=trust)
    own = probabilities(model.inner([canvas]), canvas, vocab)
    mixed = probabilities(model([canvas]), canvas, vocab)
    said = model.evidence.of_slots(canvas, canvas.holes)
    counted = np.zeros_like(own)
    counted[said.slots, said.tokens] = said.weights
    assert counted.sum(1) == pytest.approx(said.totals)
    speaks = told(vocab)
    assert mixed[:, ~speaks] == pytest.approx(own[:, ~speaks], abs=1e-6)
    for slot, total in enumerate(said.totals):
        if not total:
            assert mixed[slot].tolist() == own[slot].tolist()
            continue
        unseen = speaks & (counted[slot] == 0)
        if unseen.any():
            shares = mixed[slot][unseen] / own[slot][unseen]
            assert shares == pytest.approx(shares[0], rel=1e-4)  # 1 - λ, the same for all
            cached = counted[slot] / total * own[slot][speaks].sum()
            expected = shares[0] * own[slot] + (1 - shares[0]) * cached
            assert mixed[slot][speaks] == pytest.approx(expected[speaks], abs=1e-5)


@given(vocab=VOCABS, texts=TEXTS, data=st.data())
def test_without_trust_or_texts_the_scores_are_the_model_s_to_the_bit(vocab, texts, data):
    canvas = data.draw(canvases(vocab))
    for model in (informed(vocab, texts, trust=0), informed(vocab, {})):
        own, other = model.inner([canvas]), model([canvas])
        for at in canvas.holes.tolist():
            assert own.top(0, at, 9).logps.tobytes() == other.top(0, at, 9).logps.tobytes()
            assert own.top(0, at, 9).tokens.tolist() == other.top(0, at, 9).tokens.tolist()


@given(texts=TEXTS, data=st.data())
@settings(max_examples=50)
def test_a_wish_for_another_length_stays_as_it_is(texts, data):
    canvas, model = data.draw(canvases(WISHING)), informed(WISHING, texts)
    own, other = (one([canvas]).wishes(0, canvas.holes) for one in (model.inner, model))
    assert other.expand == pytest.approx(own.expand, abs=1e-5)
    assert other.delete == pytest.approx(own.delete, abs=1e-5)


EDITS = st.lists(
    st.tuples(st.sampled_from("xyz"), st.none() | TEXT | st.lists(TEXT, max_size=3).map(tuple)),
    max_size=6,
)


@given(texts=TEXTS, edits=EDITS, data=st.data())
@settings(max_examples=50)
def test_any_edits_give_what_building_anew_gives(texts, edits, data):
    """A tuple opens a text, with its stretches; None removes one; bytes are what it says now."""
    evidence, texts, opened = Evidence.of(texts, VOCAB), dict(texts), None
    for name, text in edits:
        if isinstance(text, tuple):
            evidence = evidence.opened(name, *text)
            if opened is not None and opened[0] != name:
                texts[opened[0]] = opened[1]
            texts.pop(name, None)
            opened = name, text
            continue
        evidence = evidence.updated(name, text)
        opened = None if opened is not None and opened[0] == name else opened
        texts = {other: kept for other, kept in texts.items() if other != name}
        texts |= {} if text is None else {name: text}
    whole = {name: text for name, text in texts.items() if isinstance(text, bytes)}
    anew = Evidence.of(whole, VOCAB)
    for name, text in texts.items():
        if isinstance(text, tuple):  # it was open: its stretches are still apart
            anew = anew.opened(name, *text)
    if opened is not None:
        anew = anew.opened(opened[0], *opened[1])
    elif anew.open is not None:
        anew = anew.opened("w").updated("w", None)
    canvas = data.draw(canvases(VOCAB))
    assert support(anew, canvas) == support(evidence, canvas)
    assert anew.digest == evidence.digest


@given(texts=TEXTS, data=st.data())
def test_the_order_of_texts_does_not_matter(texts, data):
    canvas = data.draw(canvases(VOCAB))
    other = dict(data.draw(st.permutations(list(texts.items()))))
    one, two = Evidence.of(texts, VOCAB), Evidence.of(other, VOCAB)
    assert support(one, canvas) == support(two, canvas)
    assert one.digest == two.digest


@given(texts=TEXTS, text=TEXT, data=st.data())
@settings(max_examples=50)
def test_a_text_that_is_removed_leaves_nothing_behind(texts, text, data):
    canvas, before = data.draw(canvases(VOCAB)), Evidence.of(texts, VOCAB)
    for after in (before.updated("w", text), before.opened("w", text, text)):
        assert support(before, canvas) == support(after.updated("w", None), canvas)
        assert after.digest != before.digest
        assert after.updated("w", None).digest == before.digest


@given(texts=TEXTS, canvas=canvases(VOCAB), data=st.data())
def test_a_token_at_a_slot_is_no_evidence_for_itself(texts, canvas, data):
    """What stands at a slot changes nothing that is said of it."""
    evidence = Evidence.of(texts, VOCAB)
    at = np.flatnonzero(canvas.slots == Slot.GIVEN)[:1]
    ids = canvas.ids.copy()
    ids[at] = data.draw(LETTERS)
    one, two = (evidence.of_slots(c, at) for c in (canvas, Canvas(ids, canvas.slots)))
    assert one.weights.tolist() == two.weights.tolist()
    assert one.tokens.tolist() == two.tokens.tolist()


@given(rows=st.lists(st.lists(LETTERS | st.just(BREAK), max_size=9), max_size=3), data=st.data())
def test_counts_are_those_of_looking_at_every_place(rows, data):
    row = data.draw(st.lists(LETTERS, min_size=1, max_size=7))
    known = np.array(data.draw(st.lists(st.booleans(), min_size=len(row), max_size=len(row))))
    at = data.draw(st.integers(0, len(row) - 1))
    counts = Counts.of(
        [np.array(r, dtype=np.int64) for r in rows],
        bits=3,
        templates=TEMPLATES,
        told=np.arange(8) != 4,
    )
    wanted = contexts(np.array(row), known, np.array([at]), bits=3, templates=TEMPLATES)[0]
    found = looked([counts, counts.times(2)], wanted)
    triples = zip(found.queries.tolist(), found.tokens.tolist(), found.counts.tolist(), strict=True)
    expected = {}
    for number, template in enumerate(TEMPLATES):
        if not all(0 <= at + o < len(row) and known[at + o] for o in template):
            assert wanted[number] == ABSENT
            continue
        for text in rows:
            for place, token in enumerate(text):
                near = [text[p] if 0 <= (p := place + o) < len(text) else BREAK for o in template]
                if token not in {BREAK, 4} and near == [row[at + o] for o in template]:
                    expected[number, token] = expected.get((number, token), 0) + 3
    assert expected == {(query, token): count for query, token, count in triples}


def test_what_the_open_text_says_counts_more():
    canvas = Canvas([1, 0], [Slot.GIVEN, Slot.HOLE])
    texts = {"x": b"ab" * OPEN}
    one = Evidence.of(texts, VOCAB).opened("y", b"ac").of_slots(canvas, canvas.holes)
    shares = dict(zip(one.tokens.tolist(), one.weights.tolist(), strict=True))
    assert shares[VOCAB.encode(b"c")[0]] > shares[VOCAB.encode(b"b")[0]]


def test_nothing_is_counted_across_a_hole():
    canvas = Canvas([1, 0], [Slot.GIVEN, Slot.HOLE])
    whole = Evidence.of({}, VOCAB).opened("x", b"ab").of_slots(canvas, canvas.holes)
    apart = Evidence.of({}, VOCAB).opened("x", b"a", b"b").of_slots(canvas, canvas.holes)
    share = [dict(zip(e.tokens.tolist(), e.weights.tolist(), strict=True)) for e in (whole, apart)]
    assert share[0][2] > share[0][1]
    assert share[1][2] == share[1][1]


def test_evidence_of_other_tokens_and_trust_that_is_no_factor_are_refused():
    model = Scripted(VOCAB, noise(VOCAB))
    with pytest.raises(OptionError, match="other tokens"):
        Informed(model, Evidence.of({}, byte_vocab()))
    for trust in (-1.0, float("inf"), float("nan")):
        with pytest.raises(OptionError, match="trust"):
            Informed(model, Evidence.of({}, VOCAB), trust=trust)
    with pytest.raises(OptionError, match="shadow"):
        Informed(model, Evidence.of({}, VOCAB)).shadowed([], [])


SOURCE = b"class Point:\n    def __init__(self, left, top):\n        self.left = left\n"


@pytest.fixture(scope="module")
def embedded() -> TinyDenoiser:
    model = infill.load()
    assert isinstance(model, TinyDenoiser)
    return model


@settings(max_examples=6, deadline=None)
@given(
    shapes=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2**20)), min_size=2, max_size=5)
)
def test_a_row_of_a_batch_is_as_it_is_alone_to_the_bit(embedded, shapes):
    evidence = Evidence.of({"a.py": SOURCE * 3}, embedded.vocab).opened("b.py", SOURCE)
    model, ids = Informed(embedded, evidence), np.array(embedded.vocab.encode(SOURCE * 3))
    rows = []
    for start, holes in shapes:
        row = ids[start % (len(ids) - 8) :][:40]
        bits = np.unpackbits(np.frombuffer(holes.to_bytes(5, "little"), np.uint8))[: len(row)]
        rows.append(Canvas(row, np.where(bits, Slot.HOLE, Slot.GIVEN)))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    together = model(rows)
    for number, canvas in enumerate(rows):
        alone = model([canvas])
        for at in canvas.holes.tolist():
            one, two = together.top(number, at, 7), alone.top(0, at, 7)
            assert one.tokens.tolist() == two.tokens.tolist()
            assert one.logps.tobytes() == two.logps.tobytes()
    torch.set_num_threads(before)


def test_the_shadow_block_is_mixed_as_holes_are(embedded):
    evidence = Evidence.of({"a.py": SOURCE}, embedded.vocab)
    ids = embedded.vocab.encode(SOURCE)
    canvas, at = Canvas(ids, [Slot.FILLED] * len(ids)), np.arange(4, 9)
    plain, mixed = (m.shadowed([canvas], [at]) for m in (embedded, Informed(embedded, evidence)))
    said = evidence.of_slots(canvas, at)
    assert said.totals.all()
    pairs = [(int(slot), ids[slot]) for slot in at]
    raised = [mixed.logp(0, *pair) - plain.logp(0, *pair) for pair in pairs]
    assert np.mean(raised) > 0.01
    nothing = Informed(embedded, evidence, trust=0).shadowed([canvas], [at])
    assert [plain.logp(0, *pair) for pair in pairs] == [nothing.logp(0, *pair) for pair in pairs]


def test_what_was_seen_elsewhere_is_found_again(embedded):
    """Real input: a line whose like stands in another file, its last name hidden."""
    text = b"def area(shape):\n    return shape.horizontal_extent * shape.vertical_extent\n"
    evidence = Evidence.of({"a.py": text, "b.py": SOURCE}, embedded.vocab)
    ids = embedded.vocab.encode(text)
    start = len(embedded.vocab.encode(text[: text.index(b".vertical")]))
    stop = len(ids) - 1
    canvas = Canvas(ids, [Slot.HOLE if start < at < stop else Slot.GIVEN for at in range(len(ids))])
    hidden = canvas.holes.tolist()
    assert len(hidden) >= 2
    own, mixed = embedded([canvas]), Informed(embedded, evidence)([canvas])
    for at in hidden:
        assert mixed.logp(0, at, ids[at]) > own.logp(0, at, ids[at]) + 1
