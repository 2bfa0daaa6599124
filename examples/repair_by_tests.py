"""Repair small functions until their tests pass: the embedded model proposes tree edits.

Wants `pip install tree-sitter tree-sitter-python`. The programs that are tried run in a process
of their own, without imports or files, for at most a second.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import tree_sitter_python

import infill
from infill.trees import Beam, Found, ModelEdits, Proposer, SitterTrees, search

PYTHON = SitterTrees(tree_sitter_python.language())
BODY = (0, 4)  # the block of the first function: the name and parameters are the tests' to say
HARNESS = """\
import ast, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
names = "abs all any bool dict enumerate float int len list max min range reversed round set " \\
    "sorted str sum tuple zip".split()
kept = __builtins__ if isinstance(__builtins__, dict) else vars(__builtins__)
space = {"__builtins__": {name: kept[name] for name in names}}
program, *tests = ast.literal_eval(sys.stdin.read())
exec(program, space)
passed = 0
for call, expected in tests:
    try:
        passed += repr(eval(call, space)) == expected
    except Exception:
        pass
print(passed)
"""
Test = tuple[str, str]
"""A call, and the repr of what it should return."""


@dataclass(frozen=True)
class Passing:
    """A goal: the part of the tests that pass."""

    tests: Sequence[Test]

    def score(self, text: str) -> float:
        """The part of the tests that pass, from 0 to 1; 0 where the text cannot be run."""
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter, isolated
                [sys.executable, "-I", "-S", "-c", HARNESS],
                input=repr([text, *self.tests]),
                capture_output=True,
                text=True,
                timeout=2,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return 0.0
        return int(done.stdout) / len(self.tests) if done.returncode == 0 else 0.0

    def reached(self, text: str) -> bool:
        """Whether all pass."""
        return self.score(text) == 1


@dataclass(frozen=True)
class Broken:
    """A function with one mistake, and tests that say so."""

    text: str
    tests: tuple[Test, ...]


BROKEN = (
    Broken(
        "def area(width, height):\n    return width + height\n",
        (("area(2, 3)", "6"), ("area(2, 2)", "4"), ("area(0, 5)", "0")),
    ),
    Broken(
        "def total(values):\n    result = 0\n    for value in values:\n"
        "        result -= value\n    return result\n",
        (("total([1, 2])", "3"), ("total([])", "0"), ("total([5])", "5")),
    ),
    Broken(
        "def largest(values):\n    best = values[0]\n    for value in values:\n"
        "        if value < best:\n            best = value\n    return best\n",
        (("largest([1, 3, 2])", "3"), ("largest([4])", "4"), ("largest([-2, -1])", "-1")),
    ),
    Broken(
        "def is_even(number):\n    return number % 2 == 1\n",
        (("is_even(2)", "True"), ("is_even(3)", "False"), ("is_even(0)", "True")),
    ),
    Broken(
        "def last(items):\n    return items[0]\n",
        (("last([1, 2])", "2"), ("last('abc')", "'c'"), ("last([7])", "7")),
    ),
    Broken(
        "def count(words, word):\n    found = 0\n    for other in words:\n"
        "        if other == word:\n            found += 2\n    return found\n",
        (("count('aab', 'a')", "2"), ("count([], 1)", "0"), ("count([1, 2], 2)", "1")),
    ),
    Broken(
        "def between(low, value, high):\n    return low <= value and value >= high\n",
        (
            *(("between(1, 2, 3)", "True"), ("between(1, 3, 3)", "True")),
            *(("between(1, 4, 3)", "False"), ("between(1, 0, 3)", "False")),
        ),
    ),
    Broken(
        "def mean(values):\n    return sum(values) / max(values)\n",
        (("mean([1, 2, 3])", "2.0"), ("mean([4])", "4.0"), ("mean([2, 2])", "2.0")),
    ),
)


def repair(broken: Broken, proposer: Proposer, *, nodes: int = 30, seed: int = 0) -> Found:
    """Edit the function until its tests pass, or `nodes` programs were tried."""
    return search(
        [broken.text],
        reader=PYTHON,
        proposer=proposer,
        goal=Passing(broken.tests),
        beam=Beam(width=1, children=12, nodes=nodes),
        seed=seed,
    )


def main() -> None:
    """Repair two of the functions."""
    for broken in BROKEN[:2]:
        found = repair(
            broken, ModelEdits(denoiser=infill.load(), language="python", sigma=6, below=BODY)
        )
        print(f"{'repaired' if found.reached else 'not repaired'} after {found.nodes} programs")
        print(found.text)


if __name__ == "__main__":
    main()
