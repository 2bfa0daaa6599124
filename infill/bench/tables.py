"""The tables: where items come from, what is done with them, what is reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic

import numpy as np

from infill.bench import gaps, humaneval, mutate, rename, sandbox
from infill.bench.fixers import FIXERS
from infill.bench.gaps import Gap
from infill.bench.methods import FILLERS, LENGTHS
from infill.bench.outcome import Item, Method, Outcome
from infill.bench.renamers import RENAMERS
from infill.bench.sources import heldout
from infill.errors import OptionError


@dataclass(frozen=True, kw_only=True)
class Table(Generic[Item]):
    """One table of the report.

    draw      (count, random stream) → items
    judge     what is reported of an outcome, by the names in `metrics`
    methods   the first is the one that others are compared with
    plotted   the metrics that are drawn against forwards
    note      what a reader must know of it
    beside    name → digest of what methods know besides the model
    """

    name: str
    title: str
    draw: Callable[[int, np.random.Generator], Sequence[Item]]
    methods: tuple[Method[Item], ...]
    judge: Callable[[Item, Outcome], dict[str, float]]
    metrics: tuple[str, ...]
    plotted: tuple[str, ...]
    note: str = ""
    beside: tuple[tuple[str, str], ...] = ()

    def only(self, names: Sequence[str]) -> Table[Item]:
        """The table with some of its methods. Raises OptionError for a name it does not have."""
        known = {method.name: method for method in self.methods}
        for name in names:
            if name not in known:
                raise OptionError(
                    f"the table {self.name} has no method {name!r}", expected="; ".join(known)
                )
        chosen = tuple(method for method in self.methods if not names or method.name in names)
        return replace(self, methods=chosen)


def _lines(count: int, rng: np.random.Generator, *, lines: int) -> list[Gap]:
    return gaps.draw(heldout(), count, rng, lines=lines)


def _humaneval(count: int, rng: np.random.Generator, *, multi: bool) -> list[Gap]:
    every = humaneval.tasks(multi=multi)
    return [every[at] for at in rng.permutation(len(every))[:count].tolist()]


def _tested(gap: Gap, outcome: Outcome) -> dict[str, float]:
    """What `gaps.judge` says, and whether the problem's tests pass."""
    passed = not outcome.failed and sandbox.passes(f"{outcome.text}\n{gap.tests}")
    return {**gaps.judge(gap, outcome), "passes": float(passed)}


FILL = ("exact", "similarity", "parses", "valid")
FILL_NOTE = (
    "The length is the answer's, but where it says otherwise; best-of-4 takes the draw of the "
    "largest mean log-probability. Under a grammar every fill parses, by construction. Valid: it "
    "parses, and reads no name that neither the text nor its module binds; where the checker "
    "chooses, it asks just that, and there `valid` is no result."
)
MUTATE_NOTE = (
    "Top-1, top-3, chance and repair are of the corrupted programs, kept of the untouched ones. "
    "The checker (syntax and names) that chooses in some rows is what `valid` reports: there it is "
    "no result. Repair asks for the original program."
)
TABLES: dict[str, Table[Any]] = {
    table.name: table
    for table in (
        Table(
            name="single-line",
            title="Single-line infilling, held-out projects",
            draw=partial(_lines, lines=1),
            methods=FILLERS,
            judge=gaps.judge,
            metrics=FILL,
            plotted=FILL,
            note=FILL_NOTE,
        ),
        Table(
            name="multi-line",
            title="Multi-line infilling (2 to 4 lines), held-out projects",
            draw=partial(_lines, lines=2),
            methods=FILLERS,
            judge=gaps.judge,
            metrics=FILL,
            plotted=FILL,
            note=FILL_NOTE,
        ),
        Table(
            name="length",
            title="Unknown length beside oracle, random and fixed; single lines, held-out projects",
            draw=partial(_lines, lines=1),
            methods=LENGTHS,
            judge=gaps.judge,
            metrics=FILL,
            plotted=FILL,
            note=FILL_NOTE,
        ),
        Table(
            name="humaneval-single",
            title="HumanEval-Infilling, single-line (of 1,033)",
            draw=partial(_humaneval, multi=False),
            methods=FILLERS,
            judge=_tested,
            metrics=("passes", *FILL),
            plotted=("passes", *FILL),
            note=FILL_NOTE,
        ),
        Table(
            name="humaneval-multi",
            title="HumanEval-Infilling, multi-line (of 5,815)",
            draw=partial(_humaneval, multi=True),
            methods=FILLERS,
            judge=_tested,
            metrics=("passes", *FILL),
            plotted=("passes", *FILL),
            note=FILL_NOTE,
        ),
        Table(
            name="mutate-and-fix",
            title="Mutate-and-fix: 1 to 3 corruptions, 30 % untouched, held-out names",
            draw=lambda count, rng: mutate.draw(heldout(), count, rng),
            methods=FIXERS,
            judge=mutate.judge,
            metrics=("top1", "top3", "chance", "repair", "valid", "collateral", "kept"),
            plotted=("top1", "repair", "collateral"),
            note=MUTATE_NOTE,
        ),
        Table(
            name="rename",
            title="Rename: one occurrence renamed, the others are to follow",
            draw=lambda count, rng: rename.draw(heldout(), count, rng),
            methods=RENAMERS,
            judge=rename.judge,
            metrics=("exact", "followed", "kept"),
            plotted=("exact", "kept"),
        ),
    )
}
