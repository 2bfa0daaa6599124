"""Rename: one occurrence of a local got a new name and stays; the others are to follow.

The right answer is unique: every other occurrence has the new name, and nothing else differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from infill.bench.metrics import changed, pieces
from infill.bench.outcome import Outcome
from infill.bench.programs import fresh, programs, put
from infill.bench.sources import Module

FEWEST = 3  # occurrences of the name


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """A program whose piece `locked` has the name `new`; the pieces `stale` still have `old`."""

    id: str
    text: str
    gold: str
    old: str
    new: str
    locked: int
    stale: tuple[int, ...]


def draw(modules: Sequence[Module], count: int, rng: np.random.Generator) -> list[Rename]:
    """`count` renames; the first occurrence, which binds the name, is the locked one."""
    found: list[Rename] = []
    for program in programs(modules, rng):
        if len(found) == count:
            break
        often = [name for name, places in program.locals.items() if len(places) >= FEWEST]
        if not often:
            continue
        old = often[int(rng.integers(len(often)))]
        new = fresh(rng, program.text)
        locked, *stale = program.locals[old]
        found.append(
            Rename(
                id=program.id,
                text=put(program.text, {locked: new}),
                gold=put(program.text, dict.fromkeys((locked, *stale), new)),
                old=old,
                new=new,
                locked=locked,
                stale=tuple(stale),
            )
        )
    return found


def judge(item: Rename, outcome: Outcome) -> dict[str, float]:
    """Exact: the one right text. Followed: share of stale occurrences renamed. Kept: the rest."""
    row = pieces(outcome.text)
    gone, _ = changed(item.text, outcome.text)
    count = len(pieces(item.text))
    aligned = len(row) == count
    others = count - len(item.stale)
    return {
        "exact": float(outcome.text == item.gold),
        "followed": sum(row[at].text == item.new for at in item.stale) / len(item.stale)
        if aligned
        else 0.0,
        "kept": 1 - len(gone - set(item.stale)) / others,
    }
