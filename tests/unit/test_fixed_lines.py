"""The embedded weights are still worth what was recorded of them."""

from __future__ import annotations

import numpy as np
import pytest

from infill.bench import fixed
from infill.bench.controls import reciting
from infill.bench.gaps import Gap
from infill.errors import InputError
from infill.models.catalogue import digest_of, load
from infill.models.scripted import Scripted, byte_vocab, even

TOLERANCE = 0.03  # of 100 lines and about 1,000 tokens; another processor rounds otherwise
AGAIN = "infill bench lines --record infill/weights/lines.json"


def test_there_are_a_hundred_lines_and_none_is_there_twice():
    assert 100 == len({gap.id for gap in fixed.lines()})


def test_the_record_is_of_the_embedded_weights():
    assert digest_of() == fixed.recorded()["model"], f"new weights? {AGAIN}"


def test_the_embedded_weights_fill_fixed_lines_as_well_as_was_recorded():
    expected, found = fixed.recorded(), fixed.measured(load())
    assert expected["lines"] == found["lines"], f"the lines are other ones: {AGAIN}"
    assert found["exact"] >= expected["exact"] - TOLERANCE
    assert found["tokens"] >= expected["tokens"] - TOLERANCE


def test_a_model_that_knows_nothing_would_be_noticed(monkeypatch):
    some = fixed.lines()[:5]
    monkeypatch.setattr(fixed, "lines", lambda: some)
    vocab = byte_vocab()
    found = fixed.measured(Scripted(vocab, even(vocab)))
    assert found["tokens"] < fixed.recorded()["tokens"] - TOLERANCE


def test_a_model_that_knows_the_answer_fills_it_in(monkeypatch):
    gap = Gap(id="a", text="def f(x):\n    \n    return y\n", at=14, answer="y = x + 1")
    monkeypatch.setattr(fixed, "lines", lambda: [gap])
    vocab = byte_vocab()
    blank = Scripted(vocab, even(vocab))
    knowing = reciting(blank, gap.text[: gap.at], gap.answer, gap.text[gap.at :])
    found = fixed.measured(knowing)
    assert (1, 1) == (found["exact"], found["tokens"])


def test_a_window_holds_the_hole_between_what_stands_around_it():
    vocab = byte_vocab()
    model = Scripted(vocab, even(vocab))
    for gap in fixed.lines()[:20]:
        count = min(len(gap.answer), 60)
        canvas = fixed._canvas(model, gap, count)
        assert len(canvas) <= fixed.SLOTS
        assert count == len(canvas.holes)
        assert (np.diff(canvas.holes) == 1).all()
        text = vocab.decode(canvas.ids[canvas.ids != 0].tolist()).decode()
        assert text in gap.text


def test_without_a_record_it_is_said_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match="no figures") as caught:
        fixed.recorded(tmp_path / "lines.json")
    assert "infill bench lines --record" in caught.value.hint
