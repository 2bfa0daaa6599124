"""A short look at a model: 100 short lines of held-out code that never change, side by side.

No grammar and no search, the length of the answer, two tokens a step, a narrow window: this says
whether weights still are what they were, not what the library makes of them. `infill bench lines`
writes down what a test then holds the embedded weights to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

import numpy as np

from infill.bench.gaps import Gap, draw
from infill.bench.sources import heldout
from infill.canvas import Canvas, Slot, Write
from infill.decode.candidates import Sampling
from infill.errors import InputError
from infill.models.catalogue import EMBEDDED
from infill.models.denoiser import Denoiser

PROJECTS = ("lark", "sortedcontainers")  # what any install of the tests brings
LINES, SEED = 100, 20261122
LARGEST, LONGEST = 20_000, 32  # characters of a module and of a line: long ones take long
SLOTS = 128  # of a window; half as dear as 256
TOKENS = 2  # a step
ROWS = 10  # windows in one forward
RECORD = EMBEDDED / "lines.json"


class Figures(TypedDict):
    """Exact match and token accuracy, as shares, of which lines, by which weights.

    lines   a digest of the lines and of what stands around them
    model   the digest of the weights
    """

    lines: str
    model: str
    exact: float
    tokens: float


@lru_cache(maxsize=1)
def lines() -> list[Gap]:
    """The 100 lines. Raises InputError where their projects are not installed as pinned."""
    modules = [module for module in heldout(PROJECTS) if len(module.text) <= LARGEST]
    drawn = draw(modules, 4 * LINES, np.random.default_rng(SEED), lines=1)
    return [gap for gap in drawn if len(gap.answer) <= LONGEST][:LINES]


def measured(denoiser: Denoiser) -> Figures:
    """What a model makes of the lines."""
    gaps = lines()
    known = hashlib.sha256(json.dumps([(gap.text, gap.answer) for gap in gaps]).encode())
    answers = [_ids(denoiser, gap.answer) for gap in gaps]
    fills: list[list[int]] = []
    for first in range(0, len(gaps), ROWS):
        part = slice(first, first + ROWS)
        fills += _filled(denoiser, gaps[part], [len(answer) for answer in answers[part]])
    pairs = list(zip(fills, answers, strict=True))
    same = [a == b for fill, answer in pairs for a, b in zip(fill, answer, strict=True)]
    return {
        "lines": known.hexdigest(),
        "model": denoiser.capabilities.digest,
        "exact": round(sum(fill == answer for fill, answer in pairs) / len(pairs), 4),
        "tokens": round(sum(same) / len(same), 4),
    }


def recorded(path: Path = RECORD) -> Figures:
    """What was written down. Raises InputError where nothing was."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            "no figures of the fixed lines",
            where=str(path),
            got=str(error),
            hint=f"infill bench lines --record {path}",
        ) from error


def record(figures: Figures, path: Path = RECORD) -> None:
    """Write figures down."""
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _ids(denoiser: Denoiser, text: str) -> list[int]:
    return list(denoiser.vocab.encode(text.encode()))


def _filled(denoiser: Denoiser, gaps: Sequence[Gap], counts: Sequence[int]) -> list[list[int]]:
    """Each gap's tokens, the surest first."""
    canvases = [_canvas(denoiser, gap, count) for gap, count in zip(gaps, counts, strict=True)]
    begun = [canvas.holes for canvas in canvases]
    while going := [row for row, canvas in enumerate(canvases) if len(canvas.holes)]:
        scores = denoiser([canvases[row] for row in going])
        for place, row in enumerate(going):
            holes = canvases[row].holes
            found = scores.candidates(
                place, holes, sampling=Sampling(), uniforms=np.zeros(len(holes))
            )
            surest = np.argsort(-found.logps, kind="stable")[:TOKENS].tolist()
            step = (
                Write(int(holes[at]), int(found.tokens[at]), float(found.logps[at]))
                for at in surest
            )
            canvases[row] = canvases[row].apply(tuple(step))
    return [canvas.ids[at].tolist() for canvas, at in zip(canvases, begun, strict=True)]


def _canvas(denoiser: Denoiser, gap: Gap, count: int) -> Canvas:
    """The hole in its window, two thirds of which lie before it where there is so much."""
    opening = denoiser.capabilities.prologue("python")
    before, after = _ids(denoiser, gap.text[: gap.at]), _ids(denoiser, gap.text[gap.at :])
    room = SLOTS - len(opening) - count
    after = after[: max(room // 3, room - len(before))]
    before = before[max(0, len(before) - room + len(after)) :]
    ids = [*opening, *before, *([0] * count), *after]
    slots = [Slot.GIVEN] * len(ids)
    start = len(opening) + len(before)
    slots[start : start + count] = [Slot.HOLE] * count
    return Canvas(ids, slots)
