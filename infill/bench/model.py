"""The tables of `infill bench model`: what the model is worth, beside what it must beat.

The columns are methods like all others. Those that need a trained thing besides the model get it
here: baselines the training corpus, the autoregressive control its weights. Add another to
`columns`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from infill.bench.baselines import Continued, NextLine, Training, retrieved
from infill.bench.control import Controlled
from infill.bench.gaps import Gap
from infill.bench.methods import MOST_OF_LINES, MOST_TOKENS, greedy, long, unknown
from infill.bench.outcome import Method
from infill.bench.tables import TABLES, Table
from infill.train.control import Control

FIXERS = (
    "greedy, partition of 4",
    "infill.revise, diagnostics",
    "infill.revise, diagnostics and doubts",
    "nothing (doubts at random)",
    "infill.revise, uniform model",
    "copy model",
)
NOTE = (
    "Oracle length: as many tokens as the answer has, which no user knows; unknown length: whoever "
    "fills finds out. Without a grammar the first length that is chosen is taken, whatever it "
    "parses as. Retrieval and the workspace know the project without the hidden lines, and with a "
    "workspace the whole file is open, not the function or class alone; 5-gram and "
    "next line know the training text. A fill that is none counts as wrong and as not parsing. "
    "Valid: it parses, and reads no name that neither the text nor its module binds."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What there is besides the model; a column whose part is None is left out."""

    training: Training | None = None
    control: Control | None = None

    @property
    def digests(self) -> tuple[tuple[str, str], ...]:
        """Of what a run depends on besides the model."""
        parts = (("corpus", self.training), ("control", self.control))
        return tuple((name, part.digest) for name, part in parts if part is not None)


def table(name: str, beside: Beside) -> Table[Any]:
    """The table of this name with the columns of `infill bench model`."""
    found = TABLES[name]
    if name == "mutate-and-fix":
        return found.only(FIXERS)
    chosen = tuple(
        columns(
            beside,
            project=not name.startswith("humaneval"),
            several=name in {"multi-line", "humaneval-multi"},
        )
    )
    return replace(found, methods=chosen, note=NOTE, beside=beside.digests)


def columns(beside: Beside, *, project: bool, several: bool) -> Iterator[Method[Gap]]:
    """Ways to fill gaps, baselines first.

    project   whether the gaps stand in a project
    several   whether they may be of several lines
    """
    most, length = (MOST_OF_LINES, long) if several else (MOST_TOKENS, unknown)
    if project and not several:
        yield Method("retrieval alone", retrieved)
    if beside.training is not None:
        yield Method("5-gram, oracle length", Continued(beside.training, oracle=True))
        if not several:
            yield Method("5-gram, unknown length", Continued(beside.training, oracle=False))
            yield Method("most frequent next line", NextLine(beside.training))
    if beside.control is not None:
        for oracle, name in ((True, "oracle"), (False, "unknown")):
            filler = Controlled(beside.control, most=most, oracle=oracle, several=several)
            yield Method(f"autoregressive control, {name} length", filler)
    yield Method("model, oracle length", greedy(1, free=True))
    yield Method("model, unknown length", greedy(1, length=length, free=True))
    yield Method("model with grammar, oracle length", greedy(1))
    yield Method("model with grammar, unknown length", greedy(1, length=length))
    if project:
        informed = replace(greedy(1, length=length), informed=True)
        yield Method("model with grammar and workspace, unknown length", informed)
