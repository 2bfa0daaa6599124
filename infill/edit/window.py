"""Windows: what a model is shown of a text with holes, and how its canvas maps back.

A window is one canvas for a group of neighbouring holes: the text left of the first, the text
between them, the text right of the last, each cropped so that all fits the model's context.
Long text between two holes keeps its ends. Holes that cannot share a context form groups.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

from infill.canvas import Canvas, Slot
from infill.constrain.affix import Affixed, Affixes
from infill.constrain.grammatical import Grammatical
from infill.constrain.protocol import Constraint
from infill.edit.heal import split_left, split_right
from infill.edit.holes import Hole
from infill.edit.view import View
from infill.edit.whole import WholeText, around
from infill.errors import OptionError
from infill.models.denoiser import Denoiser
from infill.text import Source, Span
from infill.vocab import Vocab

SIDE = 28  # tokens of context that a hole wants on each side, at least
BYTES_PER_TOKEN = 16  # generous: what is cut before encoding would not have been shown


@dataclass(frozen=True, slots=True)
class Context:
    """The tokens between two holes (or a hole and an end), and what is healed at either end."""

    before: tuple[int, ...]
    """Offered again to the hole on the left."""
    given: tuple[int, ...]
    after: tuple[int, ...]
    """Offered again to the hole on the right."""


@dataclass(frozen=True, slots=True)
class Window:
    """A canvas to denoise, and where its holes are on it.

    anchors   per hole, the number of given slots to its left (`Canvas.between`)
    healed    per hole, the user's tokens that are offered again at its region's two ends
    affixes   per hole, the bytes of those tokens, which its region must begin and end with
    """

    canvas: Canvas
    constraint: Constraint
    anchors: tuple[int, ...]
    healed: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    affixes: tuple[tuple[bytes, bytes], ...]
    vocab: Vocab

    def fills(self, canvas: Canvas) -> list[bytes]:
        """The bytes that a canvas puts into each hole, without the user's own next to it."""
        fills: list[bytes] = []
        for anchor, (prefix, suffix) in zip(self.anchors, self.affixes, strict=True):
            start, stop = canvas.between(anchor)
            ids, slots = canvas.ids[start:stop], canvas.slots[start:stop]
            region = self.vocab.decode(ids[slots == Slot.FILLED].tolist())
            fills.append(region.removeprefix(prefix).removesuffix(suffix))
        return fills

    def scores(self, canvas: Canvas) -> list[float]:
        """Per hole, the mean log-probability of its tokens (nats)."""
        ranges = [canvas.between(anchor) for anchor in self.anchors]
        return [float(canvas.logps[a:b].mean()) if b > a else 0.0 for a, b in ranges]


@dataclass(frozen=True)
class Framing:
    """How one text with holes is shown to one model."""

    denoiser: Denoiser
    source: Source
    holes: tuple[Hole, ...]
    language: str | None
    context: int
    """Tokens of a canvas."""
    exact_length: bool
    one_line: bool = False
    """Whether a hole that shares its line with text before it must stay on that line."""
    grammar: Grammatical | None = field(default=None, repr=False)
    """What the whole text must be, where that is known."""
    scope: Span | None = None
    """The part of the text that the grammar reads; None is all of it."""

    def groups(self, longest: Sequence[int]) -> list[range]:
        """The holes that share a canvas, given the most tokens each may take.

        Raises OptionError when one hole alone leaves no room for context.
        """
        groups: list[range] = []
        start = used = 0
        room = self.context - len(self.denoiser.capabilities.prologue(self.language))
        for index, tokens in enumerate(longest):
            cost = tokens + 2 * SIDE
            if cost > room:
                raise OptionError(
                    "a hole is too long for the model's context",
                    where=f"{self.source.name}, {self.source.position(self.holes[index].start)}",
                    expected=f"max_tokens <= {room - 2 * SIDE}",
                    got=str(tokens),
                )
            if used + cost > room:
                groups.append(range(start, index))
                start, used = index, 0
            used += cost
        return [*groups, range(start, len(longest))]

    def window(
        self,
        group: range,
        lengths: Sequence[int],
        fills: Sequence[bytes | None],
        *,
        stand_ins: Sequence[bytes | None] = (),
        exact_length: bool | None = None,
    ) -> Window:
        """The canvas of a group: `lengths` new slots per hole of it; other holes as filled.

        `fills` has one entry per hole of the text, None where it is open. Where a grammar is to
        hold, `stand_ins` are what it is to read in the open holes of other windows.
        """
        contexts = self._contexts(group, sum(lengths), fills)
        vocab = self.denoiser.vocab
        ids = [*self.denoiser.capabilities.prologue(self.language), *contexts[0].given]
        slots = [Slot.GIVEN] * len(ids)
        anchors: list[int] = []
        for (left, right), length in zip(pairwise(contexts), lengths, strict=True):
            anchors.append(slots.count(Slot.GIVEN))
            space = not vocab.decode(left.after).strip()  # " " is part of the token it precedes
            width = len(left.after) * (not space) + length + len(right.before)
            ids += [0] * width + list(right.given)
            slots += [Slot.HOLE] * width + [Slot.GIVEN] * len(right.given)
        healed = tuple((left.after, right.before) for left, right in pairwise(contexts))
        affixes = tuple((vocab.decode(left), vocab.decode(right)) for left, right in healed)
        kept = [
            Affixes(*pair, one_line=self.keeps_its_line(index))
            for index, pair in zip(group, affixes, strict=True)
        ]
        exact = self.exact_length if exact_length is None else exact_length
        constraint: Constraint
        if self.grammar is None:
            constraint = Affixed(vocab, dict(zip(anchors, kept, strict=True)), exact_length=exact)
        else:
            constraint = around(
                self.whole,
                self.grammar,
                group,
                self._read(fills, stand_ins),
                anchors=anchors,
                affixes=kept,
                exact_length=exact,
            )
        return Window(Canvas(ids, slots), constraint, tuple(anchors), healed, affixes, vocab)

    def reaches(
        self, group: range, lengths: Sequence[int], fills: Sequence[bytes | None], hole: int
    ) -> bool:
        """Whether the group's canvas shows anything of what fills a hole left of it."""
        left, *_ = self._contexts(group, sum(lengths), fills)
        shown = self.denoiser.vocab.decode([*left.before, *left.given, *left.after])
        nearer = [*fills[:hole], None, *fills[hole + 1 :]]
        view = View.of(self.source, self.holes[group.start].start)
        everything = len(self.source.data) + sum(len(fill or b"") for fill in fills)
        text = self._text(group.start, nearer, step=-1, reach=everything)
        return len(shown) >= len(view.show(text))

    @cached_property
    def whole(self) -> WholeText:
        """The text between the holes as a model is shown it."""
        data, show = self.source.data, View.of(self.source, 0).show
        scope = self.scope or Span(0, len(data))
        first = max(scope.start, self._mark)
        bounds = [first, *(at for hole in self.holes for at in (hole.start, hole.stop)), scope.stop]
        pairs = zip(bounds[::2], bounds[1::2], strict=True)
        return WholeText(tuple(show(data[a:b]) for a, b in pairs))

    def _read(
        self, fills: Sequence[bytes | None], stand_ins: Sequence[bytes | None]
    ) -> list[bytes | None]:
        """What a grammar reads in each hole: what is there, or what stands in for it."""
        show = View.of(self.source, 0).show
        others = stand_ins or [None] * len(fills)
        pairs = zip(fills, others, strict=True)
        return [other if fill is None else show(fill) for fill, other in pairs]

    def keeps_its_line(self, index: int) -> bool:
        """Whether the hole must stay on its line: something stands before it there."""
        data, at = self.source.data, self.holes[index].start
        return self.one_line and bool(data[data.rfind(b"\n", 0, at) + 1 : at].strip())

    def _contexts(self, group: range, slots: int, fills: Sequence[bytes | None]) -> list[Context]:
        """The group's contexts, cropped to the model's context and healed at the holes."""
        vocab = self.denoiser.vocab
        room = self.context - len(self.denoiser.capabilities.prologue(self.language))
        reach, room = room * BYTES_PER_TOKEN, room - slots  # the same text for all lengths
        left = self._text(group.start, fills, step=-1, reach=reach)
        right = self._text(group.stop, fills, step=1, reach=reach)
        inner = [self.source.data[self.holes[i].stop : self.holes[i + 1].start] for i in group[:-1]]
        view = View.of(self.source, self.holes[group.start].start)
        texts = (_whole(left), *(_ends(text, reach) for text in inner), _whole(right))
        ids = [self._tokens(view.show(text)) for text in texts]
        weights = [1, *(2 for _ in inner), 1]
        kept = [
            _crop(vocab, tokens, budget, keep_start=index > 0, keep_end=index < len(inner) + 1)
            for index, (tokens, budget) in enumerate(
                zip(ids, _shares([len(row) for row in ids], weights, room), strict=True)
            )
        ]
        contexts = [
            _healed(vocab, tokens, at_left=index > 0, at_right=index < len(kept) - 1)
            for index, tokens in enumerate(kept)
        ]
        return contexts if self.scope is None else self._in_scope(contexts, group, fills)

    def _in_scope(
        self, contexts: list[Context], group: range, fills: Sequence[bytes | None]
    ) -> list[Context]:
        """The contexts without offers of text that lies outside of the scope: none reads it."""
        decode, shown = self.denoiser.vocab.decode, self._read(fills, ())
        left, *inner, right = contexts
        if len(decode(left.after)) > len(self.whole.before(group.start, shown)):
            left = replace(left, given=(*left.given, *left.after), after=())
        if len(decode(right.before)) > len(self.whole.after(group.stop - 1, shown)):
            right = replace(right, given=(*right.before, *right.given), before=())
        return [left, *inner, right]

    def _tokens(self, text: bytes) -> Sequence[int]:
        """The tokens of a text, kept: a window is made for every length."""
        if text not in self._encoded:
            self._encoded[text] = self.denoiser.vocab.encode(text)
        return self._encoded[text]

    @cached_property
    def _encoded(self) -> dict[bytes, Sequence[int]]:
        return {}

    @cached_property
    def _mark(self) -> int:
        """Where the text begins: no model needs to see a byte order mark."""
        return len(codecs.BOM_UTF8) if self.source.data.startswith(codecs.BOM_UTF8) else 0

    def _text(self, start: int, fills: Sequence[bytes | None], *, step: int, reach: int) -> bytes:
        """Up to `reach` bytes outward from a group's edge, to the next open hole or the end."""
        data, parts, reach = self.source.data, list[bytes](), max(reach, 0)
        edges = (at for hole in self.holes for at in (hole.start, hole.stop))
        bounds = [self._mark, *edges, len(data)]
        index = start
        while True:
            first, last = bounds[2 * index : 2 * index + 2]
            parts.append(
                data[max(first, last - reach) : last]
                if step < 0
                else data[first : min(last, first + reach)]
            )
            neighbour = index - 1 if step < 0 else index
            if not 0 <= neighbour < len(self.holes) or fills[neighbour] is None:
                break
            parts.append(fills[neighbour] or b"")
            index += step
        text = b"".join(parts[::step])
        return text[max(0, len(text) - reach) :] if step < 0 else text[:reach]


def _ends(data: bytes, reach: int) -> bytes:
    """The two ends of a long text: what lies between would not be shown, so is not encoded."""
    return data if len(data) <= 2 * reach else _whole(data[:reach]) + _whole(data[-reach:])


def _whole(data: bytes) -> bytes:
    """The data without the part of a character that cropping by bytes may have left."""
    return data.decode(errors="ignore").encode()


def _shares(sizes: Sequence[int], weights: Sequence[int], room: int) -> list[int]:
    """`room` tokens shared out by weight; what one text does not need goes to the others."""
    shares = [0] * len(sizes)
    wanting = sorted(range(len(sizes)), key=lambda i: sizes[i] / weights[i])
    weight = sum(weights)
    for index in wanting:
        shares[index] = min(sizes[index], room * weights[index] // weight)
        room -= shares[index]
        weight -= weights[index]
    return shares


def _crop(
    vocab: Vocab, ids: Sequence[int], budget: int, *, keep_start: bool, keep_end: bool
) -> list[int]:
    """At most `budget` tokens, the ones nearest to the holes; cut at a line where one is near."""
    if len(ids) <= budget:
        return list(ids)
    head = budget // 2 if keep_end else budget
    tail = budget - head if keep_start else budget
    kept: list[int] = []
    if keep_start:
        kept += ids[:head]
    if keep_end and tail:
        kept += _from_line(vocab, ids[-tail:])
    return kept


def _from_line(vocab: Vocab, ids: Sequence[int]) -> list[int]:
    """The tokens after the first line break, unless that would lose a quarter of them."""
    for index, token in enumerate(ids[: len(ids) // 4]):
        if b"\n" in vocab.token_bytes(token):
            return list(ids[index + 1 :])
    return list(ids)


def _healed(vocab: Vocab, ids: Sequence[int], *, at_left: bool, at_right: bool) -> Context:
    before, rest = split_right(vocab, ids) if at_left else ([], list(ids))
    given, after = split_left(vocab, rest) if at_right else (rest, [])
    if at_left and at_right and not given:  # two holes must keep a given slot between them
        before, given, after = [], [*before, *after], []
    return Context(tuple(before), tuple(given), tuple(after))
