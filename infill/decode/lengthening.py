"""Lengths found while denoising: a policy that lets a model split a hole in two, or drop it.

For models that were trained with an expand and a delete token (DreamOn, arXiv:2602.01326). These
tokens are asks, and never stand in a slot: where one is the model's wish for a hole, the policy
proposes a `Splice`, which the constraint judges as it judges every move.

>>> Lengthening(most=-1)
Traceback (most recent call last):
infill.errors.OptionError: most is out of range
  expected: 0 or more
  got: -1
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Positions, Splice, Step
from infill.decode.candidates import Row, Wishes
from infill.decode.hypothesis import Hypothesis
from infill.decode.policy import Confidence, Unmasking
from infill.decode.schedule import Tick
from infill.errors import OptionError


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Lengthening:
    """In each tick the surest hole has its wish: two holes for one, none for it, or text.

    The published rule, which does one thing per step too: the position that the model is surest
    of is chosen, expand makes two masks of it, delete takes it out, and expand is banned once the
    budget is spent. What differs: wishes are the likeliest tokens, where the paper draws them (at
    temperature 0.2); text is drawn as `inner` has it, among the holes that want text; a splice
    that the constraint refuses leaves the hole to text.

    The length that a hole has at first, and its `max_tokens`, say where this begins; `most` bounds
    where it ends, as do the limits of the fill and the model's context. A fill takes at most a tick
    for each slot at first and two for each of `most`. Raises OptionError for a model whose
    vocabulary has neither `expand` nor `delete`.

    inner   fills the holes
    most    slots that may be added on the way to one result, in all holes together
    pace    slots filled in a tick: the schedule counts those that there were at the start
    """

    inner: Unmasking = field(default_factory=Confidence)
    most: int = 32
    pace: int = 1

    def __post_init__(self) -> None:
        for name, value, least in (("most", self.most, 0), ("pace", self.pace, 1)):
            if value < least:
                expected = f"{least} or more"
                raise OptionError(f"{name} is out of range", expected=expected, got=str(value))

    @property
    def draws(self) -> bool:
        """Whether tokens are drawn; lengths are not."""
        return self.inner.draws

    def __call__(
        self, hypothesis: Hypothesis, row: Row, tick: Tick, rng: np.random.Generator
    ) -> Iterable[Step]:
        """One splice, or one step of writes."""
        holes = hypothesis.canvas.holes
        wishes = row.wishes(holes)
        if added(hypothesis) >= self.most:
            wishes = wishes.without_expand()
        text = wishes.write >= np.maximum(wishes.expand, wishes.delete)
        for i, splice in _splices(holes, wishes, text):
            if hypothesis.extend((splice,)) is not None:
                yield (splice,)
                return
            text[i] = True  # the constraint refuses another length there
        for at in (holes[text], holes):  # others only where nothing can be written to these
            short = Tick(tick.index, max(0, len(at) - self.pace))
            if len(at) and (step := self.inner.writes(hypothesis, row, short, rng, at=at)):
                yield step
                return


def added(hypothesis: Hypothesis) -> int:
    """Slots that splices have added on the way to a hypothesis; what they took away is not less."""
    moves = (move for one in hypothesis.lineage() for move in one.step)
    return sum(max(0, move.holes - move.delete) for move in moves if isinstance(move, Splice))


def _splices(
    holes: Positions, wishes: Wishes, text: NDArray[np.bool_]
) -> Iterator[tuple[int, Splice]]:
    """The splices that come before any text: of the holes that are surer than all that want text.

    The surest first, each with the index of its hole.
    """
    lengths = np.maximum(wishes.expand, wishes.delete)
    longer = wishes.expand >= wishes.delete
    for i in np.argsort(-np.where(text, wishes.write, lengths), kind="stable").tolist():
        if text[i]:
            return
        yield i, Splice(int(holes[i]), 1, 2 if longer[i] else 0)
