"""Where a model doubts a text: per slot, how far its best token is ahead of what stands there.

A masked model was never asked about tokens that it sees, so a token is hidden before the model is
asked about it. `Partition` hides a part of the slots at a time, each part spread over the canvas;
`LeaveOneOut` hides one slot at a time, as the reference; `Shadow` asks about all in one forward, of
models that take attention masks and positions; `Visible` hides nothing and is for models that were
trained on corrupted visible tokens (CDLM, arXiv:2512.15596).

The gap, best minus current, protects a token that is unlikely only because many would do.

>>> Partition(parts=0)
Traceback (most recent call last):
infill.errors.OptionError: parts is out of range
  expected: 1 or more
  got: 0
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Canvas, Positions
from infill.decode.candidates import Row, Sampling
from infill.decode.likelihood import BATCH, masked, partition
from infill.errors import OptionError
from infill.models.denoiser import Denoiser, shadowing


@dataclass(frozen=True, eq=False)
class Doubts:
    """What a model thinks of the tokens in N slots.

    at        int64 [N] the slots, in order
    current   float64 [N] log-probability of the token that stands there (nats)
    best      float64 [N] log-probability of the model's best token (nats)
    tokens    int64 [N] that best token
    forwards  canvases that were scored for it
    """

    at: Positions
    current: NDArray[np.float64]
    best: NDArray[np.float64]
    tokens: NDArray[np.int64]
    forwards: int

    @property
    def gaps(self) -> NDArray[np.float64]:
        """[N] Best minus current (nats), 0 or more."""
        return np.maximum(self.best - self.current, 0.0)

    def worst(self, count: int, *, above: float) -> list[int]:
        """The slots with the `count` largest gaps that are larger than `above`, the worst first."""
        gaps = self.gaps
        order = np.argsort(-gaps, kind="stable")[:count]
        return [int(self.at[i]) for i in order if gaps[i] > above]


class Locator(Protocol):
    """A way to find the doubtful slots of a canvas."""

    def __call__(self, denoiser: Denoiser, canvas: Canvas, at: Sequence[int]) -> Doubts:
        """The doubts about the slots `at`, none of which is a hole."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Partition:
    """Hide every `parts`-th slot at a time: `parts` forwards, whatever the length."""

    parts: int = 4

    def __post_init__(self) -> None:
        if self.parts < 1:
            got = str(self.parts)
            raise OptionError("parts is out of range", expected="1 or more", got=got)

    def __call__(self, denoiser: Denoiser, canvas: Canvas, at: Sequence[int]) -> Doubts:
        """Each slot given those of the other parts."""
        return looked(denoiser, canvas, partition(at, self.parts))


@final
@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """Hide one slot at a time: a forward for each."""

    def __call__(self, denoiser: Denoiser, canvas: Canvas, at: Sequence[int]) -> Doubts:
        """Each slot given all others."""
        return looked(denoiser, canvas, partition(at, None))


@final
@dataclass(frozen=True, slots=True)
class Shadow:
    """Leave a mask beside each slot, in one forward (WINO's shadow block, arXiv:2507.18578).

    The mask has the slot's position and sees everything but the slot; it approximates
    `LeaveOneOut`, since the other tokens have seen the slot's. Here it sees no other mask of the
    block, where the paper's do. Slots that were left blank are not doubted: a model is not shown
    them. Raises OptionError for a model that takes no such block.
    """

    def __call__(self, denoiser: Denoiser, canvas: Canvas, at: Sequence[int]) -> Doubts:
        """Each slot that is not blank, given about all others."""
        model, where = shadowing(denoiser), np.array(sorted(at), dtype=np.int64)
        where = where[canvas.ids[where] != denoiser.vocab.blank]
        if not len(where):
            return _none()
        row = model.shadowed([canvas], [where])[0]
        best = row.candidates(where, sampling=Sampling(), uniforms=np.zeros(len(where)))
        current = _current(row, canvas, where, denoiser)
        return Doubts(where, current, best.logps, best.tokens, 1)


@final
@dataclass(frozen=True, slots=True)
class Visible:
    """Hide nothing: one forward. Raises OptionError for a model that was not trained for it."""

    def __call__(self, denoiser: Denoiser, canvas: Canvas, at: Sequence[int]) -> Doubts:
        """Each slot as the model sees it."""
        if not denoiser.capabilities.revises_visible:
            raise OptionError(
                "this model's confidence in visible tokens means nothing",
                expected="a model that was trained on corrupted visible tokens",
                got=denoiser.capabilities.name,
                hint="use Partition() or LeaveOneOut(), which hide tokens before they ask",
            )
        where = np.array(sorted(at), dtype=np.int64)
        row = denoiser([canvas])[0]
        tops = [row.top(slot, 1) for slot in where.tolist()]
        return Doubts(
            where,
            _current(row, canvas, where, denoiser),
            np.array([top.logps[0] for top in tops], dtype=np.float64),
            np.array([top.tokens[0] for top in tops], dtype=np.int64),
            1,
        )


def looked(denoiser: Denoiser, canvas: Canvas, groups: Sequence[Positions]) -> Doubts:
    """The doubts about the slots of all groups; one look per group, which is hidden for it."""
    looks = [masked(canvas, group) for group in groups]
    found: list[tuple[Positions, NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]] = []
    for first in range(0, len(looks), BATCH):
        scores = denoiser(looks[first : first + BATCH])
        for row, group in enumerate(groups[first : first + BATCH]):
            drawn = scores[row].candidates(
                group, sampling=Sampling(), uniforms=np.zeros(len(group))
            )
            current = _current(scores[row], canvas, group, denoiser)
            found.append((group, current, drawn.logps, drawn.tokens))
    if not found:
        return _none()
    at, current, best, tokens = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(at)
    return Doubts(at[order], current[order], best[order], tokens[order], len(looks))


def _none() -> Doubts:
    none = np.zeros(0)
    return Doubts(none.astype(np.int64), none, none, none.astype(np.int64), 0)


def _current(row: Row, canvas: Canvas, at: Positions, denoiser: Denoiser) -> NDArray[np.float64]:
    """[N] What the tokens that stand there get; a blank that the model cannot score is fine."""
    vocab = denoiser.vocab
    virtual = vocab.blank >= vocab.model_size
    tokens = canvas.ids[at].tolist()
    return np.array(
        [
            0.0 if virtual and token == vocab.blank else row.logp(slot, token)
            for slot, token in zip(at.tolist(), tokens, strict=True)
        ],
        dtype=np.float64,
    )
