"""`infill.score`: which tokens are scored, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infill
from infill.errors import HoleError, OptionError
from infill.models.scripted import Scripted, byte_vocab, noise

VOCAB = byte_vocab(b"ab", b"cd")
MODEL = Scripted(VOCAB, noise(VOCAB), context=40)


@given(st.text("abcd", min_size=1, max_size=200), st.data())
def test_the_tokens_that_a_span_touches_are_scored_and_no_others(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    stop = data.draw(st.integers(start + 1, min(len(text), start + 12)))
    found = infill.score(text, [(start, stop)], model=MODEL)
    sizes = [len(VOCAB.token_bytes(token)) for token in VOCAB.encode(text.encode())]
    ends = np.cumsum(sizes)
    wanted = [i for i, end in enumerate(ends) if end > start and end - sizes[i] < stop]
    assert found.at.tolist() == wanted
    assert found.kind == "path likelihood"
    assert found.forwards == len(wanted)
    assert (found.logps <= 0).all()
    assert found.total == pytest.approx(found.mean * len(wanted))


def test_measures_are_named_and_never_mixed():
    whole = infill.score("abcdabcd", [(0, 8)], model=MODEL, measure="pseudo-likelihood", parts=2)
    assert (whole.kind, whole.forwards) == ("pseudo-likelihood", 2)
    with pytest.raises(OptionError, match="no such measure"):
        infill.score("ab", [(0, 2)], model=MODEL, measure="likelihood")


def test_what_stands_far_from_a_span_does_not_matter():
    near = infill.score("cd" * 50 + "ab" + "cd" * 50, [(100, 102)], model=MODEL)
    far = infill.score("ab" * 10 + "cd" * 50 + "ab" + "cd" * 50, [(120, 122)], model=MODEL)
    assert near.total == pytest.approx(far.total)


@pytest.mark.parametrize("span", [(1, 1), (4, 4), (0, 9), (9, 12)])
def test_an_empty_span_is_refused(span):
    with pytest.raises(HoleError, match="empty or out of bounds"):
        infill.score("abcd", [span], model=MODEL)


def test_spans_that_no_model_sees_together_are_refused():
    with pytest.raises(OptionError, match="further apart"):
        infill.score("a" * 90, [(0, 1), (89, 90)], model=MODEL)
    with pytest.raises(HoleError, match="no span to score"):
        infill.score("abcd", [], model=MODEL)
