"""Lines of a workspace as fills: written in one step, under the same constraint as a model's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from infill.canvas import Write
from infill.decode.hypothesis import Hypothesis
from infill.decode.likelihood import BATCH
from infill.edit.attempt import Attempt, Denoised
from infill.edit.denoising import Denoising
from infill.edit.ranking import chances, looked, own
from infill.edit.retrieval import Found
from infill.edit.rows import Around
from infill.edit.view import View
from infill.edit.window import Window
from infill.edit.workspace import Workspace

LOOKED = 8
"""Proposals for a hole that a model looks at, those that are likeliest without it."""


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """A proposed fill of one hole.

    data     as a model is shown it
    origin   "path:line" of where it is from
    chance   the probability that it is exactly what the hole wants
    window   the hole's canvas with as many open slots as it takes
    length   tokens of it, those apart that were healed
    ids      the tokens of the slots
    logps    their log-probabilities with all of them hidden (nats); 0 where no model was asked
    """

    hole: int
    data: bytes
    origin: str
    chance: float
    window: Window
    length: int
    ids: tuple[int, ...]
    logps: tuple[float, ...] = ()


def proposed(
    denoising: Denoising, workspace: Workspace, base: Attempt | None, *, look: bool
) -> Iterator[tuple[Attempt, float]]:
    """Attempts with lines of the workspace in some holes, as `base` in the others.

    With each, how much likelier it is right than the base: the difference of their chances, added
    up over these holes. Nothing has judged them but the constraint. The best come first.
    Raises BudgetError where a model cannot be asked any more, and `look` says to ask it.
    """
    count = len(denoising.holes)
    start = Attempt.of(count) if base is None else base
    rows = [offers(denoising, workspace, hole, start.fills, look=look) for hole in range(count)]
    written = [_chance_of(start, hole) for hole in range(count)]
    better = [
        row[0] for row, mine in zip(rows, written, strict=True) if row and row[0].chance > mine
    ]
    singles = sorted((one for row in rows for one in row), key=lambda one: -one.chance)
    choices = [better] if len(better) > 1 else []
    choices += [[one] for one in singles]
    for choice in choices:
        attempt, traces = start.again(), len(denoising.traces)
        if all(_put(denoising, attempt, one) for one in choice) and None not in attempt.fills:
            yield attempt, sum(one.chance - written[one.hole] for one in choice)
        else:
            del denoising.traces[traces:]


def offers(
    denoising: Denoising,
    workspace: Workspace,
    hole: int,
    fills: Sequence[bytes | None],
    *,
    look: bool,
) -> list[Offer]:
    """What the workspace proposes for a hole, the likeliest first; none where no line is given."""
    around = _around(denoising, hole)
    if not around.left.lines and not around.right.lines:
        return []
    found = workspace.lines.proposals(around)
    ranks = chances([one.traits for one in found])
    best = sorted(range(len(found)), key=lambda i: -ranks[i])[:LOOKED]
    row: list[Offer] = []
    for i in best:
        offer = _offer(denoising, hole, fills, found[i])
        if offer is not None:
            row.append(replace(offer, chance=ranks[i]))
    if look and row:
        row = _looked(denoising, row)
    return sorted(row, key=lambda one: -one.chance)


def _around(denoising: Denoising, hole: int) -> Around:
    source, holes = denoising.source, denoising.holes
    show = View.of(source, holes[hole].start).show
    ends = [0, *(at for one in holes for at in (one.start, one.stop)), len(source.data)]
    pieces = [source.data[start:stop] for start, stop in list(pairwise(ends))[::2]]
    return Around(
        source.name,
        tuple(show(piece).decode(errors="replace") for piece in pieces),
        hole,
        tuple(source.position(at).line for at in ends[::2]),
    )


def _offer(
    denoising: Denoising, hole: int, fills: Sequence[bytes | None], found: Found
) -> Offer | None:
    """None where its tokens are more or fewer than the hole may have."""
    framing, group, data = denoising.framing, range(hole, hole + 1), found.text.encode()
    shortest = framing.window(group, [1], fills)
    [(before, after)] = shortest.affixes
    ids = framing.denoiser.vocab.encode(before + data + after)
    start, stop = shortest.canvas.between(shortest.anchors[0])
    length = len(ids) - (stop - start - 1)
    if not denoising.may_have(hole, length):
        return None
    window = framing.window(group, [length], fills)
    return Offer(hole, data, found.origin, 0.0, window, length, tuple(ids))


def _looked(denoising: Denoising, row: Sequence[Offer]) -> list[Offer]:
    """The offers as the model finds them; those of one length share a forward."""
    canvases = list(dict.fromkeys(one.window.canvas for one in row))
    logps: dict[int, tuple[float, ...]] = {}
    for first in range(0, len(canvases), BATCH):
        batch = canvases[first : first + BATCH]
        scores = denoising.denoiser(batch)
        for number, one in enumerate(row):
            if one.window.canvas in batch:
                start, _ = one.window.canvas.between(one.window.anchors[0])
                at = scores[batch.index(one.window.canvas)]
                logps[number] = tuple(at.logp(slot, t) for slot, t in enumerate(one.ids, start))
    sums = [sum(logps[number]) for number in range(len(row))]
    told = looked([one.chance for one in row], sums, [len(one.ids) for one in row])
    return [
        replace(one, chance=chance, logps=logps[number])
        for number, (one, chance) in enumerate(zip(row, told, strict=True))
    ]


def _put(denoising: Denoising, attempt: Attempt, offer: Offer) -> bool:
    """Write an offer into its hole in one step, with a trace; False where that is not admitted."""
    hole, group = offer.hole, range(offer.hole, offer.hole + 1)
    attempt.fills[hole] = None
    attempt.done = {first: one for first, one in attempt.done.items() if not _covers(one, hole)}
    window = denoising.framing.window(
        group, [offer.length], attempt.fills, stand_ins=denoising.stand_ins
    )
    state = denoising.started(window)
    if state is None:
        return False
    start, _ = window.canvas.between(window.anchors[0])
    logps = offer.logps or (0.0,) * len(offer.ids)
    pairs = zip(offer.ids, logps, strict=True)
    writes = tuple(Write(at, *pair) for at, pair in enumerate(pairs, start))
    written = Hypothesis(window.canvas, state).extend(writes)
    if written is None or not written.done:
        return False
    denoising.note(attempt, group, window, written)
    attempt.origins[hole] = offer.origin
    return True


def _covers(one: Denoised, hole: int) -> bool:
    return one.first <= hole < one.first + len(one.window.anchors)


def _chance_of(attempt: Attempt, hole: int) -> float:
    """The probability that a hole holds what it should; 0 where it is open."""
    for one in attempt.done.values():
        if _covers(one, hole):
            start, stop = one.canvas.between(one.window.anchors[hole - one.first])
            return own(float(one.canvas.logps[start:stop].sum()))
    return 0.0
