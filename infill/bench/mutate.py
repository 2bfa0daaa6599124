"""Mutate-and-fix: programs with one to three corrupted pieces, and some without.

A corruption replaces one piece: a local that is read becomes a name that is bound nowhere, or a
bracket, a colon or a keyword becomes something that does not parse. Each alone makes the checker
fail. 30 % of the items, of any first few too, are left as they are: there, nothing may change.
"""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from infill.bench.metrics import chance, changed, parses, pieces
from infill.bench.outcome import Outcome
from infill.bench.programs import Program, faults, fresh, loads, programs, put
from infill.bench.sources import Module

UNTOUCHED = 3  # of ten
MOST = 3  # corruptions
TRIES = 20  # places drawn for one corruption before a program is given up
_BRACKETS = "()[]{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A program, maybe corrupted.

    text    what a method is given
    gold    what it was
    wrong   the pieces that were replaced, none where `text` is `gold`
    free    names that the program may use without binding them
    """

    id: str
    text: str
    gold: str
    wrong: frozenset[int]
    free: frozenset[str]


def draw(modules: Sequence[Module], count: int, rng: np.random.Generator) -> list[Mutant]:
    """`count` mutants; fewer where the modules do not have as many programs."""
    found: list[Mutant] = []
    for program in programs(modules, rng):
        if len(found) == count:
            break
        quota = UNTOUCHED * (len(found) + 1) // 10 > UNTOUCHED * len(found) // 10
        if (mutant := mutated(program, rng, corrupt=not quota)) is not None:
            found.append(mutant)
    return found


def mutated(program: Program, rng: np.random.Generator, *, corrupt: bool) -> Mutant | None:
    """The program, as it is or with 1 to 3 corruptions; None where no place was found."""
    wanted = int(rng.integers(1, MOST + 1)) if corrupt else 0
    words: dict[int, str] = {}
    uses = loads(program)
    for _ in range(TRIES * wanted):
        if len(words) == wanted:
            break
        found = _corruption(program, uses, rng)
        if found is not None and found[0] not in words:
            words |= dict([found])
    if len(words) < wanted:
        return None
    text = put(program.text, words)
    return Mutant(
        id=program.id,
        text=text,
        gold=program.text,
        wrong=frozenset(words),
        free=program.free,
    )


def judge(mutant: Mutant, outcome: Outcome) -> dict[str, float]:
    """Location and repair of the corrupted, what else was changed, and whether the rest was kept.

    top1, top3   a corrupted piece is the most doubted, or among the first three (corrupted items)
    chance       how likely a piece drawn at random is a corrupted one
    repair       the text is the original, white space at line ends apart (corrupted items only)
    collateral   share of right pieces that are gone or came in besides
    kept         nothing was changed (untouched items only)
    valid        the checker finds no fault
    """
    gone, added = changed(mutant.text, outcome.text)
    right = len(pieces(mutant.text)) - len(mutant.wrong)
    same = _plain(outcome.text) == _plain(mutant.gold)
    row = {
        "collateral": (len(gone - mutant.wrong) + added) / right,
        "valid": float(not faults(outcome.text, mutant.free)),
    }
    if not mutant.wrong:
        return {**row, "kept": float(outcome.text == mutant.text)}
    hits = [float(not mutant.wrong.isdisjoint(outcome.suspects[:first])) for first in (1, 3)]
    lucky = chance(len(pieces(mutant.text)), mutant.wrong, 1)
    return {**row, "top1": hits[0], "top3": hits[1], "chance": lucky, "repair": float(same)}


def _corruption(
    program: Program, uses: Sequence[int], rng: np.random.Generator
) -> tuple[int, str] | None:
    """A piece and what replaces it, such that the checker fails; None where this draw does not."""
    row = pieces(program.text)
    signs = [i for i, piece in enumerate(row) if piece.text in {*_BRACKETS, ":"}]
    words = [i for i, piece in enumerate(row) if keyword.iskeyword(piece.text)]
    kinds = [kind for kind in (uses, signs, words) if kind]
    places = kinds[int(rng.integers(len(kinds)))]
    at = places[int(rng.integers(len(places)))]
    old = row[at].text
    if old in _BRACKETS or old == ":":
        others = [sign for sign in (*_BRACKETS, ":", ";", ",") if sign != old]
        new = others[int(rng.integers(len(others)))]
    else:
        new = fresh(rng, program.text)
    text = put(program.text, {at: new})
    fails = faults(text, program.free) if places is uses else not parses(text)
    return (at, new) if fails and len(pieces(text)) == len(row) else None


def _plain(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]
