"""DESIGN §5, law 13: every byte outside the holes is identical, and what a canvas may do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from infill.decode.candidates import Sampling
from infill.decode.policy import Confidence, LeftToRight
from infill.decode.schedule import Linear
from infill.edit.holes import Hole
from infill.edit.settings import Settings
from infill.edit.workbench import Workbench
from infill.errors import UnverifiedError
from infill.models.scripted import Scripted, byte_vocab, noise

VOCAB = byte_vocab(b"    ", b"\n    ", b"return", b"turn", b" = ", b"()", "é".encode())
PIECES = st.sampled_from(
    [
        "a",
        "retu",
        "rn",
        " ",
        "    ",
        "\t",
        "\n",
        "\r\n",
        "\ufeff",
        "é",
        "𝕏",
        "👩‍💻",
        "\u2028",
        "\f",
        '"',
        "(",
    ]
)


@st.composite
def holed(draw) -> tuple[str, list[Hole]]:
    """A text of awkward pieces, perhaps with a BOM, and holes between or over some of them."""
    text, holes, offset = "", [], 0
    if draw(st.booleans()):
        text, offset = "\ufeff", 3
    for index in range(draw(st.integers(1, 3))):
        between = "".join(draw(st.lists(PIECES, min_size=1 if index else 0, max_size=8)))
        old = "".join(draw(st.lists(PIECES, max_size=2)))
        start = offset + len(between.encode())
        offset = start + len(old.encode())
        text += between + old
        holes.append(Hole(start, offset, max_tokens=draw(st.integers(1, 4))))
    return text + "".join(draw(st.lists(PIECES, max_size=8))), holes


def ascii_only(seed: int):
    random = noise(VOCAB, seed)

    def script(canvas):
        logits = random(canvas)
        logits[:, 128:256] = -30.0
        return logits

    return script


def boundaries(data: bytes, holes: list[Hole]) -> bool:
    return not any(
        data[at - 1 : at + 1] == b"\r\n" for hole in holes for at in (hole.start, hole.stop) if at
    )


@given(case=holed(), seed=st.integers(0, 2**32), exact=st.booleans())
def test_every_byte_outside_the_holes_is_identical(case, seed, exact):
    text, holes = case
    data = text.encode()
    assume(boundaries(data, holes))
    settings = Settings(
        seed=seed,
        max_tokens=4,
        tries=2,
        exact_length=exact,
        policy=Confidence(sampling=Sampling(temperature=1.0)),
        schedule=Linear(steps=3),
    )
    bench = Workbench(Scripted(VOCAB, ascii_only(seed)), settings)
    try:
        proposal = bench.fill(text, holes)
    except UnverifiedError as error:
        proposal = error.proposal
    expected, done = b"", 0
    for hole, edit in zip(holes, proposal.edits, strict=True):
        assert (hole.start, hole.stop) == (edit.span.start, edit.span.stop)
        expected += data[done : hole.start] + edit.new
        done = hole.stop
    assert expected + data[done:] == proposal.data
    assert len(holes) == len(proposal.holes)
    for hole, edit in zip(holes, proposal.edits, strict=True):
        # with a byte vocabulary and one token per slot, a length bound can be checked from outside
        assert len(edit.new) <= hole.max_tokens * VOCAB.longest * 2


@given(case=holed(), seed=st.integers(0, 2**32))
def test_filling_twice_gives_the_same_text_and_the_same_traces(case, seed):
    text, holes = case
    assume(boundaries(text.encode(), holes))
    settings = Settings(
        seed=seed,
        tries=1,
        max_tokens=3,
        policy=LeftToRight(sampling=Sampling(temperature=1.0, top_p=0.9)),
    )
    bench = Workbench(Scripted(VOCAB, ascii_only(seed)), settings)
    results = []
    for _ in range(2):
        try:
            proposal = bench.fill(text, holes)
        except UnverifiedError as error:
            proposal = error.proposal
        steps = [[step.moves for step in trace.steps] for trace in proposal.traces]
        results.append((proposal.data, proposal.score, steps))
    assert results[0] == results[1]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_is_written_ends_lines_as_the_file_does(newline):
    text = f"if x:{newline}\ty = 1{newline}<FILL_ME>{newline}"
    answer = VOCAB.encode(b"if z:\n    w")

    def script(canvas):
        logits = torch.full((len(canvas), VOCAB.model_size), -5.0)
        for start, stop in canvas.regions():
            for at, token in zip(range(start, stop), answer, strict=False):
                logits[at, token] = 9.0
        return logits

    settings = Settings(max_tokens=len(answer))
    proposal = Workbench(Scripted(VOCAB, script), settings).fill(
        text, [Hole(text.index("<"), text.index(">") + 1, len(answer), len(answer))]
    )
    assert text.replace("<FILL_ME>", f"if z:{newline}\tw").encode() == proposal.data
    assert np.isfinite(proposal.score)


@pytest.mark.parametrize("text", ["", "x = 1", "x = 1\n"])
def test_a_hole_that_may_take_no_token_is_filled_with_nothing(text):
    bench = Workbench(Scripted(VOCAB, ascii_only(0)), Settings())
    assert text == bench.fill(text, [Hole(len(text), len(text), max_tokens=0)]).text


def test_a_byte_order_mark_between_two_holes_keeps_them_apart():
    def script(canvas):  # the first region wants "a", the second "b"
        logits = torch.full((len(canvas), VOCAB.model_size), -5.0)
        for letter, (start, stop) in zip(b"ab", canvas.regions(), strict=False):
            logits[start:stop, letter] = 9.0
        return logits

    proposal = Workbench(Scripted(VOCAB, script), Settings(max_tokens=1)).fill(
        "<FILL_ME>\ufeff<FILL_ME>"
    )
    assert proposal.text == "a\ufeffb"
