"""A whole text as a model reads it: its tokens, where they lie, and how likely each is.

The text may be longer than the model's context: it is read in overlapping windows. Offsets are
those of the user's bytes, however the text is shown (`View`). Nothing is changed here.
"""

from __future__ import annotations

import codecs
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Canvas, Positions, Slot
from infill.decode.likelihood import LEFT, RIGHT
from infill.decode.locating import Doubts, Locator, looked
from infill.edit.view import TAB, View
from infill.models.denoiser import Denoiser
from infill.text import Source, Span


@dataclass(frozen=True, eq=False)
class Reading:
    """One text and one model that reads it.

    context   tokens that the model is shown at once, prologue included
    """

    denoiser: Denoiser
    source: Source
    language: str | None
    context: int

    @cached_property
    def _shown(self) -> tuple[bytes, NDArray[np.int64]]:
        """What the model reads, and per byte of it (and its end) where the user's byte is."""
        data = self.source.data
        mark = len(data) - len(data.removeprefix(codecs.BOM_UTF8))
        view, text = View.of(self.source, 0), data[mark:]
        shown = view.show(text)
        if shown == text:
            return shown, np.arange(mark, len(data) + 1)
        places: list[int] = []
        at, start = mark, True
        while at < len(data):
            byte = data[at : at + 1]
            tab = start and byte == b"\t" and view.tabs and at > mark
            if data[at : at + 2] != b"\r\n":  # the line feed alone is shown
                places += [at] * (len(TAB) if tab else 1)
            start = byte == b"\n" or tab
            at += 1
        return shown, np.array([*places, len(data)])

    @cached_property
    def ids(self) -> tuple[int, ...]:
        """The tokens of the text."""
        return tuple(self.denoiser.vocab.encode(self._shown[0]))

    @cached_property
    def starts(self) -> list[int]:
        """Where each token starts in the user's bytes, and the end of the text."""
        sizes = [len(self.denoiser.vocab.token_bytes(token)) for token in self.ids]
        ends = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
        return self._shown[1][ends].tolist()

    def span(self, token: int) -> Span:
        """The bytes of a token."""
        return Span(self.starts[token], self.starts[token + 1])

    def tokens(self, span: Span) -> range:
        """The tokens that share a byte with a span; none for an empty one."""
        if not len(span):
            return range(0)
        first = max(0, bisect_right(self.starts, span.start) - 1)
        return range(first, min(len(self.ids), bisect_left(self.starts, span.stop)))

    def inside(self, spans: Sequence[Span]) -> list[int]:
        """The tokens of several spans, in order."""
        return sorted({token for span in spans for token in self.tokens(span)})

    def around(self, span: Span) -> range:
        """The tokens of a span and those beside it, which a bad fill makes unlikely."""
        inside = self.tokens(span)
        if not len(inside):
            first = bisect_left(self.starts, span.start)
            inside = range(min(first, len(self.ids)), min(first, len(self.ids)))
        return range(max(0, inside.start - LEFT), min(len(self.ids), inside.stop + RIGHT))

    def doubts(self, tokens: Sequence[int], locate: Locator) -> Doubts:
        """The doubts about some tokens; `at` counts tokens of the text."""
        found: list[Doubts] = []
        for canvas, first, part in self._windows(tokens):
            doubts = locate(self.denoiser, canvas, [token - first for token in part])
            found.append(_shifted(doubts, first))
        return _joined(found)

    def hidden(self, span: Span) -> tuple[Canvas, Positions, list[int]]:
        """A canvas with the tokens of a span as holes, their slots [N], and what stands there."""
        tokens = list(self.tokens(span))
        canvas, first, _ = next(self._windows(tokens))
        at = np.array(tokens, dtype=np.int64) - first
        ids, slots = canvas.ids.copy(), canvas.slots.copy()
        ids[at], slots[at] = 0, Slot.HOLE  # equal, whatever stood there
        return Canvas(ids, slots), at, [self.ids[token] for token in tokens]

    def support(self, groups: Sequence[Sequence[int]]) -> tuple[list[float], int]:
        """Per group of tokens, Σ log-probability of them when all of the group are hidden.

        And the forwards that it took. In nats.
        """
        sums, forwards = [0.0] * len(groups), 0
        order = sorted(range(len(groups)), key=lambda index: groups[index][0])
        where = {token: index for index in order for token in groups[index]}
        for canvas, first, part in self._windows(sorted(where)):
            inside = dict.fromkeys(where[token] for token in part)
            hidden = [
                np.array([t - first for t in part if where[t] == index], dtype=np.int64)
                for index in inside
            ]
            doubts = looked(self.denoiser, canvas, hidden)
            forwards += doubts.forwards
            for at, logp in zip(doubts.at.tolist(), doubts.current.tolist(), strict=True):
                sums[where[at + first]] += logp
        return sums, forwards

    def _windows(self, tokens: Sequence[int]) -> Iterator[tuple[Canvas, int, list[int]]]:
        """Canvases that show all of `tokens`, each with those that it is for.

        Between the two stands what to take off a token to get its slot.
        """
        prologue = self.denoiser.capabilities.prologue(self.language)
        room, left = self.context - len(prologue), sorted(tokens)
        while left:
            low = max(0, min(left[0] - room // 4, len(self.ids) - room))
            high = min(len(self.ids), low + room)
            reach = high if high == len(self.ids) else high - room // 8
            part = [token for token in left if token < reach]
            left = left[len(part) :]
            ids = [*prologue, *self.ids[low:high]]
            slots = [Slot.GIVEN] * len(prologue) + [Slot.FILLED] * (high - low)
            yield Canvas(ids, slots), low - len(prologue), part


def _shifted(doubts: Doubts, first: int) -> Doubts:
    return Doubts(doubts.at + first, doubts.current, doubts.best, doubts.tokens, doubts.forwards)


def _joined(found: Sequence[Doubts]) -> Doubts:
    def column(name: str) -> NDArray[np.float64]:
        return np.concatenate([getattr(one, name) for one in found] or [np.zeros(0)])

    return Doubts(
        column("at").astype(np.int64),
        column("current"),
        column("best"),
        column("tokens").astype(np.int64),
        sum(one.forwards for one in found),
    )
