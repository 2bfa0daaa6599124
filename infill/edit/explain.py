"""Whether a text with holes can be completed at all, and which part of it is in the way if not.

No model is asked: a hole is so many bytes that may be any, or nothing. Knows nothing of files.

>>> from infill.constrain.grammar import Grammar
>>> sums = Grammar.lark('start: INT ("+" INT)*\\nINT: /[0-9]+/')
>>> source = Source.of("1++_")
>>> reading = Reading(source, (Hole(3, 4),), sums)
>>> reading.places() is None, reading.conflict()
(True, Conflict(cause=Span(start=1, stop=2), effect=Span(start=2, stop=3)))
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

from infill.constrain.affix import FREE, Affixes
from infill.constrain.grammar import Grammar
from infill.constrain.grammatical import Grammatical
from infill.edit.grammars import constraint
from infill.edit.holes import Hole
from infill.edit.view import View
from infill.edit.whole import WholeText
from infill.errors import LimitError
from infill.limits import DEFAULT, Limits
from infill.text import Source, Span
from infill.vocab import Vocab

ROOM = 24
"""Bytes that a hole may take, and that may follow a prefix; what only longer text can complete is
taken for impossible."""
GLANCE = 0.3
"""What a search may cost (`Limits.effort`): there are hundreds of them."""
LOOK_BACK = 400
"""Characters, and then lines, to try as the beginning of a conflict."""
OPENING = b"\"'`#\\*/-"
"""Bytes that open strings and comments, in one language or another."""
WORD = re.compile(rb"[\w\x80-\xff]*")


def byte_vocab() -> Vocab:
    """The 256 bytes as tokens."""
    return Vocab([*(bytes([value]) for value in range(256)), b"", b""], mask=256, blank=257)


BYTES = byte_vocab()


@dataclass(frozen=True, slots=True)
class Place:
    """What a hole can hold: at least so many bytes, for instance these."""

    hole: Hole
    least: int
    example: bytes


@dataclass(frozen=True, slots=True)
class Conflict:
    """The text at `effect` cannot follow, in whatever context, the text from `cause` on.

    An empty `effect` is the end of the text.
    """

    cause: Span
    effect: Span


@dataclass(frozen=True)
class Reading:
    """A text with holes, to be read by a grammar."""

    source: Source
    holes: tuple[Hole, ...]
    grammar: Grammar
    limits: Limits = field(default=DEFAULT, repr=False)

    def places(self) -> list[Place] | None:
        """What each hole can hold, or None when the text cannot be completed."""
        whole = self._whole(self._start, len(self.source.data))
        if (found := self._witness(whole)) is None:
            return None
        return [
            Place(hole, self._least(whole, index), example)
            for index, (hole, example) in enumerate(zip(self.holes, found, strict=True))
        ]

    def conflict(self) -> Conflict | None:
        """The shortest beginning that cannot be completed, and where in it the conflict begins."""
        ends = list(self._boundaries())
        data = self.source.data
        index = _first(lambda i: not self._completable(self._start, ends[i]), len(ends))
        if index == len(ends):
            if self.places() is not None:
                return None
            return Conflict(Span(self._start, len(data)), Span(len(data), len(data)))
        before = stop = ends[index]
        while before == stop or not self.source.is_boundary(before):
            before -= 1
        effect = self._word(Span(before, stop))
        for start in self._beginnings(ends[:index], before):
            if not self._completable(start, stop, free=True) and self._completable(
                start, before, free=True
            ):
                return Conflict(self._cause(start, effect), effect)
        return Conflict(Span(self._start, effect.start), effect)

    @property
    def _start(self) -> int:
        data = self.source.data
        return len(data) - len(data.removeprefix(codecs.BOM_UTF8))

    @cached_property
    def _fixed(self) -> Grammatical:
        return replace(constraint(self.grammar, BYTES, self.limits), effort=GLANCE)

    @cached_property
    def _show(self) -> Callable[[bytes], bytes]:
        return View.of(self.source, 0).show

    def _boundaries(self) -> Iterator[int]:
        """Every end of a beginning of the text: after each character outside the holes."""
        spans = [hole.span for hole in self.holes]
        at = self._start
        for span in [*spans, Span(len(self.source.data), len(self.source.data))]:
            size = 0
            for character in self.source.data[at : span.start].decode():
                size += len(character.encode())
                yield at + size
            at = span.stop

    def _beginnings(self, ends: Sequence[int], last: int) -> list[int]:
        """Where a conflict may begin, the latest first: characters, and then lines."""
        ends = sorted({self._start, *ends, last})
        near = ends[: -LOOK_BACK - 1 : -1]
        lines = [at for at in ends[:-LOOK_BACK] if self.source.data[at - 1 : at] == b"\n"]
        return [*near, *lines[: -LOOK_BACK - 1 : -1]]

    def _word(self, span: Span) -> Span:
        """The span, and what is left and right of it of the same word, outside of holes."""
        data = self.source.data
        if not WORD.fullmatch(data, span.start, span.stop):
            return span
        low = max(
            (hole.stop for hole in self.holes if hole.stop <= span.start), default=self._start
        )
        high = min(
            (hole.start for hole in self.holes if hole.start >= span.stop), default=len(data)
        )
        right = WORD.match(data, span.stop, high)
        left = WORD.match(data[low : span.start][::-1])
        return Span(span.start - (left.end() if left else 0), right.end() if right else span.stop)

    def _cause(self, start: int, effect: Span) -> Span:
        """The conflict's beginning: its first word, or its first character that shows."""
        while start < effect.start and self.source.data[start : start + 1].isspace():
            start += 1
        stop = start + 1
        while not self.source.is_boundary(stop):
            stop += 1
        word = self._word(Span(start, stop))
        return Span(word.start, min(word.stop, max(effect.start, stop)))

    def _completable(self, start: int, stop: int, *, free: bool = False) -> bool:
        """Whether something can follow `stop`; with `free`, something may stand before `start`."""
        stretches = (*self._whole(start, stop).stretches, b"")
        if not free:
            return self._witness(WholeText(stretches)) is not None
        whole = WholeText((b"", *stretches))
        return any(self._witness(whole, context) is not None for context in self._contexts)

    @cached_property
    def _contexts(self) -> list[Affixes]:
        """What may stand for the left of a conflict: it opens neither a string nor a comment.

        In those anything can stand, so that nothing would ever be in conflict. Double quotes do
        no harm where strings end with the line, as in JSON, and the context ends with one.
        """
        contexts = [Affixes(without=OPENING)]
        if not any(self._begins(text) for text in (b'"\n', b'"""\n')):
            contexts.append(Affixes(suffix=b"\n", without=OPENING.replace(b'"', b"")))
        return contexts

    def _begins(self, text: bytes) -> bool:
        return self._witness(WholeText((text, b""))) is not None

    def _whole(self, start: int, stop: int) -> WholeText:
        """The stretches of a part of the text."""
        inside = [hole for hole in self.holes if start <= hole.start and hole.stop <= stop]
        bounds = [start, *(at for hole in inside for at in (hole.start, hole.stop)), stop]
        pairs = zip(bounds[::2], bounds[1::2], strict=True)
        return WholeText(tuple(self._show(self.source.data[a:b]) for a, b in pairs))

    def _witness(self, whole: WholeText, first: Affixes = FREE) -> list[bytes] | None:
        count = len(whole.stretches) - 1
        affixes = [first, *[FREE] * (count - 1)]
        return self._found(whole, [ROOM] * count, affixes)

    def _found(
        self, whole: WholeText, slots: Sequence[int], affixes: Sequence[Affixes] = ()
    ) -> list[bytes] | None:
        with suppress(LimitError):  # what is not found at a glance is taken for impossible
            return whole.witness(self._fixed, slots, affixes)
        return None

    def _least(self, whole: WholeText, index: int) -> int:
        """The fewest bytes that the hole can hold."""

        def fits(size: int) -> bool:
            slots = [ROOM] * len(self.holes)
            slots[index] = size
            return self._found(whole, slots) is not None

        return _first(fits, ROOM)


def _first(holds: Callable[[int], bool], stop: int) -> int:
    """The first number below `stop` for which something holds that goes on to hold, else `stop`."""
    low, high = 0, stop
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
