"""What a fill is made of, token by token: how sure the model was, when, and what else it saw.

The candidates are asked for once the text is whole: each token is hidden, a quarter of them at a
time, and the model says what it would write there between all the others. It is no record of the
fill, in which a token may have been written before its neighbours.
"""

from __future__ import annotations

import codecs
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from infill.canvas import Canvas, Reopen, Slot, Splice, Write
from infill.decode.candidates import Row
from infill.decode.likelihood import masked, partition
from infill.decode.trace import Trace
from infill.edit.attempt import Denoised
from infill.edit.proposal import Proposal
from infill.edit.view import View
from infill.models.denoiser import Denoiser
from infill.vocab import Vocab

PARTS = 4
"""Forwards for one window."""
SHOWN = 5
"""Candidates of a token."""


@dataclass(frozen=True, slots=True)
class TokenDetail:
    """One token of a fill, or what of it lies in the hole.

    text         what it adds to the text; "" where it holds the beginning of a character only
    probability  what the model gave it when it was written; 0 where no model wrote it
    step         the tick, from 0, in which it was written for good; -1 where no model wrote it
    candidates   texts that the model would write there, with their probabilities, the best first
    """

    text: str
    probability: float
    step: int
    candidates: tuple[tuple[str, float], ...]


def details(proposal: Proposal, denoiser: Denoiser) -> tuple[tuple[TokenDetail, ...], ...]:
    """Per hole of a proposal, its tokens in order: four forwards for each window, or fewer.

    The texts of a hole's tokens are together its fill as the model wrote it: lines end with "\\n"
    and are indented with spaces, whatever the file has (`View.restore`). What stands in a hole
    that no model filled, since a budget ended first, is one token that nothing is known of.
    """
    found = {
        one.first + index: tokens
        for one in proposal.windows
        for index, tokens in enumerate(_window(one, proposal, denoiser))
    }
    views = [View.of(proposal.source, edit.span.start) for edit in proposal.edits]
    pairs = zip(proposal.holes, views, strict=True)
    others = [view.show(hole.text.encode()).decode() for hole, view in pairs]
    return tuple(
        found.get(index, (TokenDetail(text, 0.0, -1, ()),) if text else ())
        for index, text in enumerate(others)
    )


def settled(trace: Trace) -> list[int]:
    """Per slot of the canvas that a trace leads to, the tick that wrote it; -1 where none did."""
    ticks = [-1] * len(trace.header.canvas)
    for step in trace.steps:
        for move in step.moves:
            match move:
                case Write(at):
                    ticks[at] = step.tick
                case Reopen(at):
                    ticks[at] = -1
                case Splice(at, delete, holes):
                    ticks[at : at + delete] = [-1] * holes
    return ticks


def _window(
    one: Denoised, proposal: Proposal, denoiser: Denoiser
) -> Iterator[tuple[TokenDetail, ...]]:
    """The tokens of each hole of a window."""
    canvas, vocab = one.canvas, denoiser.vocab
    pieces = [_pieces(one, index) for index in range(len(one.window.anchors))]
    looks = _looks(denoiser, canvas, [at for row in pieces for at, _, _ in row])
    ticks = _ticks(one, proposal)
    for row in pieces:
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        yield tuple(
            TokenDetail(
                decode(part, final=at == row[-1][0]),
                math.exp(canvas.logps[at]) if ticks[at] >= 0 else 0.0,
                ticks[at],
                _candidates(looks[at], vocab, cut),
            )
            for at, part, cut in row
        )


def _pieces(one: Denoised, hole: int) -> list[tuple[int, bytes, tuple[bytes, bytes]]]:
    """The slots of a hole that hold some of its fill, that part, and what is cut off around it."""
    canvas, vocab = one.canvas, one.window.vocab
    start, stop = canvas.between(one.window.anchors[hole])
    prefix, suffix = one.window.affixes[hole]
    slots = [at for at in range(start, stop) if canvas.slots[at] == Slot.FILLED]
    texts = [vocab.token_bytes(int(canvas.ids[at])) for at in slots]
    whole = b"".join(texts)
    first = len(prefix) if whole.startswith(prefix) else 0
    last = len(whole) - (len(suffix) if whole[first:].endswith(suffix) else 0)
    found: list[tuple[int, bytes, tuple[bytes, bytes]]] = []
    begin = 0
    for at, text in zip(slots, texts, strict=True):
        left, right = max(first - begin, 0), max(begin + len(text) - last, 0)
        begin += len(text)
        if left + right < len(text):
            end = len(text) - right
            found.append((at, text[left:end], (text[:left], text[end:])))
    return found


def _looks(denoiser: Denoiser, canvas: Canvas, at: list[int]) -> dict[int, list[tuple[int, float]]]:
    """Per slot the best tokens, and their log-probabilities (nats), while it is hidden."""
    if not at:
        return {}
    groups = partition(at, PARTS)
    scores = denoiser([masked(canvas, group) for group in groups])
    pairs = [(row, slot) for row, group in enumerate(groups) for slot in group.tolist()]
    return {slot: _best(scores[row], slot) for row, slot in pairs}


def _best(row: Row, at: int) -> list[tuple[int, float]]:
    top = row.top(at, SHOWN)
    return list(zip(top.tokens.tolist(), top.logps.tolist(), strict=True))


def _candidates(
    look: list[tuple[int, float]], vocab: Vocab, cut: tuple[bytes, bytes]
) -> tuple[tuple[str, float], ...]:
    """The candidates' texts, each once, without the user's own beside the hole."""
    found: dict[str, float] = {}
    for token, logp in look:
        data = vocab.token_bytes(token).removeprefix(cut[0]).removesuffix(cut[1])
        found.setdefault(data.decode(errors="replace"), math.exp(logp))
    return tuple(found.items())


def _ticks(one: Denoised, proposal: Proposal) -> list[int]:
    """Per slot the tick that wrote it; -1 where the canvas has what the trace does not lead to."""
    for trace in proposal.traces:
        if trace.header.canvas is one.window.canvas:
            left, ticks = trace.replay(), settled(trace)
            if len(left) == len(one.canvas):
                wrote = (left.ids == one.canvas.ids) & (left.slots == one.canvas.slots)
                return np.where(wrote, ticks, -1).tolist()
    return [-1] * len(one.canvas)
