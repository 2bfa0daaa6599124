"""Ways to find and mend what is wrong in a text. Add another to `FIXERS`.

Doubt is the gap between the model's best token and the one that stands there, where the place is
hidden (leave-one-out); a partition hides every n-th piece at once, at n forwards for all of them.
A doubted piece is cut out and filled anew. The checker that may choose among texts knows syntax
and names; what is reported is whether the text became the original one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from infill.bench.controls import reciting, uniform
from infill.bench.methods import Rate
from infill.bench.metrics import pieces
from infill.bench.mutate import Mutant
from infill.bench.outcome import Method, Outcome
from infill.bench.programs import faults, headed
from infill.canvas import Canvas, Slot
from infill.decode.likelihood import masked, partition
from infill.edit.goals import Problems
from infill.edit.holes import Hole
from infill.edit.proposal import Proposal
from infill.edit.revise import revise
from infill.edit.settings import Settings
from infill.edit.workbench import Workbench
from infill.errors import InfillError, UnverifiedError
from infill.models.denoiser import Denoiser
from infill.text import Span

MOST_TOKENS = 6  # of what replaces a piece
HIDDEN, VISIBLE = 10.0, 3.0
"""Nats of doubt below which a piece is let be, where it was hidden and where it was not.

Names that nobody has seen are doubted wherever they stand; set on other mutants (LOG.md).
"""


def doubts(denoiser: Denoiser, text: str, *, parts: int) -> NDArray[np.float64]:
    """[P] Nats by which the model would rather have something else, per piece of the text.

    parts   how many forwards to spread the hidden pieces over; 0 hides none and asks about what
            is visible, which a masked model was not trained to answer
    """
    opening = denoiser.capabilities.prologue("python")
    ids = denoiser.vocab.encode(text.encode())
    canvas = Canvas([*opening, *ids], [Slot.GIVEN] * (len(opening) + len(ids)))
    tokens = list(_tokens(denoiser, text, ids, len(opening)))
    groups = partition(range(len(tokens)), parts) if parts else [np.arange(len(tokens))]
    looks = [canvas] * len(groups)
    if parts:
        looks = [masked(canvas, {at for i in group for at in tokens[i]}) for group in groups]
    scores = denoiser(looks)
    found = np.zeros(len(tokens))
    for row, group in enumerate(groups):
        for piece in group.tolist():
            gaps = [
                float(scores.top(row, at, 1).logps[0]) - scores.logp(row, at, int(canvas.ids[at]))
                for at in tokens[piece]
            ]
            found[piece] = np.mean(gaps)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixing:
    """Doubt, refill, look again.

    parts       see `doubts`
    rounds      how often to look
    candidates  how many doubted pieces to refill each time, to go on with the best result
    checked     whether the checker says when to stop and which result is best; else the surest
                doubt decides, and `HIDDEN` or `VISIBLE` says when to stop
    """

    parts: int = 4
    rounds: int = 3
    candidates: int = 1
    checked: bool = False

    def __call__(self, denoiser: Denoiser, mutant: Mutant, seed: int) -> Outcome:
        """The mended mutant."""
        return self.mend(denoiser, mutant.text, mutant.free, seed)

    def mend(
        self,
        denoiser: Denoiser,
        text: str,
        free: frozenset[str],
        seed: int,
        *,
        kept: AbstractSet[int] = frozenset(),
    ) -> Outcome:
        """The mended text; the pieces `kept` stay."""
        rng = np.random.default_rng([seed, len(text)])
        first: list[int] = []
        settled, checks = set(kept), 0
        for _ in range(self.rounds):
            gaps = doubts(denoiser, text, parts=self.parts)
            order = np.lexsort((rng.random(len(gaps)), -gaps)).tolist()
            first = first or order
            checks += self.checked
            if self.checked and not faults(text, free):
                break
            unsure = HIDDEN if self.parts else VISIBLE
            least = 0.0 if self.checked else unsure
            tried = [at for at in order if at not in settled and gaps[at] > least]
            options = [(at, _refilled(denoiser, text, at)) for at in tried[: self.candidates]]
            if not options:
                break
            if len(options) > 1:
                checks += len(options)
                options.sort(key=lambda option: faults(option[1], free))
            at, new = options[0]
            grown = len(pieces(new)) - len(pieces(text))
            settled = {place + grown * (place > at) for place in settled}
            settled |= set(range(at, at + max(grown, 0) + 1))
            text = new
        return Outcome(text=text, suspects=tuple(first), checks=checks)


@dataclass(frozen=True, slots=True)
class Revising:
    """The library's revision; it stops at diagnostics, or looks at doubted places too.

    checked   the checker is its goal, and ends it where it finds no fault
    """

    trigger: Literal["diagnostics"] | None
    checked: bool = False

    def __call__(self, denoiser: Denoiser, mutant: Mutant, seed: int) -> Outcome:
        """The revised mutant; as it is where nothing was found that parses."""
        head = headed(mutant.free, mutant.text)
        whole = head + mutant.text
        goal = Problems(lambda text: faults(text, mutant.free)) if self.checked else None
        try:
            found = revise(
                whole,
                [Span(len(head), len(whole))],  # programs are ASCII
                trigger=self.trigger,
                language="python",
                goal=goal,
                model=denoiser,
                settings=Settings(seed=seed),
            )
        except InfillError as error:
            return Outcome(text=mutant.text, failed=error.what)
        row = pieces(mutant.text)
        touched = [
            at
            for place in found.located
            for at, piece in enumerate(row)
            if len(head) + piece.start < place.span.stop
            and place.span.start < len(head) + piece.stop
        ]
        checks = 0 if goal is None else len(goal.known)
        text = found.text.removeprefix(head)
        return Outcome(text=text, suspects=tuple(dict.fromkeys(touched)), checks=checks)


def nothing(denoiser: Denoiser, mutant: Mutant, seed: int) -> Outcome:
    """The text as it is; doubts at random."""
    del denoiser
    count = len(pieces(mutant.text))
    order = np.random.default_rng([seed, *mutant.id.encode()]).permutation(count)
    return Outcome(text=mutant.text, suspects=tuple(order.tolist()))


def by_uniform(denoiser: Denoiser, mutant: Mutant, seed: int) -> Outcome:
    """What the loop makes of a model that knows nothing: chance."""
    return Fixing(checked=True)(uniform(denoiser), mutant, seed)


def by_names(denoiser: Denoiser, mutant: Mutant, seed: int) -> Outcome:
    """What the library's revision makes of a model that knows nothing: the parser and the names."""
    return Revising(None, checked=True)(uniform(denoiser), mutant, seed)


def by_copy(denoiser: Denoiser, mutant: Mutant, seed: int) -> Outcome:
    """What the loop makes of a model that finds every text right: nothing."""
    return Fixing(checked=True)(reciting(denoiser, mutant.text), mutant, seed)


def _tokens(denoiser: Denoiser, text: str, ids: Sequence[int], first: int) -> Iterator[list[int]]:
    """Per piece, the slots of the tokens that it shares bytes with."""
    sizes = [len(denoiser.vocab.token_bytes(token)) for token in ids]
    stops = np.cumsum(sizes)
    for piece in pieces(text):
        start, stop = (len(text[:at].encode()) for at in (piece.start, piece.stop))
        low = int(np.searchsorted(stops, start, side="right"))
        high = int(np.searchsorted(stops, stop, side="left"))
        yield [first + at for at in range(low, high + 1)]


def _refilled(denoiser: Denoiser, text: str, at: int) -> str:
    """The text with one piece written anew, one token a step; as it is where nothing comes.

    What does not parse stands: where several pieces are wrong, mending one leaves it so.
    """
    piece = pieces(text)[at]
    start, stop = (len(text[:place].encode()) for place in (piece.start, piece.stop))
    settings = Settings(schedule=Rate(1), tries=1, max_tokens=MOST_TOKENS)
    hole = Hole(start, stop, min_tokens=1)
    try:
        workbench = Workbench(denoiser, settings)
        return workbench.fill(text, [hole], language="python", grammar=False).text
    except UnverifiedError as error:
        return error.proposal.text if isinstance(error.proposal, Proposal) else text
    except InfillError:
        return text


FIXERS: tuple[Method[Mutant], ...] = (
    Method("greedy, partition of 4", Fixing()),
    Method("greedy, visible confidence", Fixing(parts=0)),
    Method("greedy, partition of 4, checker stops", Fixing(checked=True, rounds=12)),
    Method("best of 4 by the checker", Fixing(checked=True, candidates=4)),
    Method("infill.revise, diagnostics", Revising("diagnostics")),
    Method("infill.revise, the checker as goal", Revising(None, checked=True)),
    Method("infill.revise, diagnostics and doubts", Revising(None)),
    Method("nothing (doubts at random)", nothing, draws=True),
    Method("uniform model", by_uniform, draws=True),
    Method("infill.revise, uniform model", by_names),
    Method("copy model", by_copy),
)
