"""Best-first beam search over edits, towards a goal.

Every text that is met is parsed, scored once and never met again (equal trees are one text); the
best `beam` of parents and children go on, so the best text is never lost. Knows nothing of where
edits come from. Source: Tree Diffusion (arXiv:2405.20519, §3.4), ranked by the goal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from infill.errors import InputError, OptionError
from infill.goal import Goal
from infill.trees.proposers import Proposer
from infill.trees.tree import Edit, Parsed, Reader, edited

IDLE = 20  # rounds without a new text after which there is nothing more to find


@dataclass(frozen=True, slots=True)
class Node:
    """A text that was met: its score, the sum of its edits' logps (nats), and the way to it."""

    parsed: Parsed
    score: float
    logp: float = 0.0
    parent: Node | None = None
    edit: Edit | None = None

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits that lead here, the first one first."""
        found, node = list[Edit](), self
        while node.parent is not None and node.edit is not None:
            found.append(node.edit)
            node = node.parent
        return tuple(reversed(found))


Rank = Callable[[Node, np.random.Generator], float]
"""What a beam prefers: more is better. Ties go to the likelier edits, then to the older text."""


def by_goal(node: Node, rng: np.random.Generator) -> float:
    """The better a text by the goal, the better."""
    del rng
    return node.score


def at_random(node: Node, rng: np.random.Generator) -> float:
    """Any text is as good as any other: the control."""
    del node
    return float(rng.random())


@dataclass(frozen=True, slots=True, kw_only=True)
class Beam:
    """How to search.

    width     texts that go on after each round; 1 climbs hills
    children  edits that are asked for of each of them
    rank      which go on; `at_random` is the control
    nodes     the budget: how many texts may be parsed, scored and compared
    """

    width: int = 16
    children: int = 12
    nodes: int = 5_000
    rank: Rank = field(default=by_goal)

    def __post_init__(self) -> None:
        for name in ("width", "children", "nodes"):
            if (value := getattr(self, name)) < 1:
                raise OptionError(f"{name} is out of range", expected="1 or more", got=str(value))


@dataclass(frozen=True, slots=True)
class Found:
    """The best text of a search.

    edits     the way to it from the start it came from
    nodes     texts that were scored, starts included
    refused   edits that were no typed replacement, and texts that were met before
    forwards  canvases that a model scored for it
    """

    text: str
    score: float
    reached: bool
    start: str
    edits: tuple[Edit, ...]
    nodes: int
    refused: int
    forwards: int


def search(  # noqa: PLR0913 - what, with what, to what end, how, and by which numbers
    starts: Iterable[str],
    *,
    reader: Reader,
    proposer: Proposer,
    goal: Goal,
    beam: Beam | None = None,
    seed: int = 0,
) -> Found:
    """Edit the starts until the goal is reached or the budget is spent.

    The same seed and arguments give the same result. Raises InputError for a start that does not
    parse or where there is none.
    """
    run = _Run(reader, proposer, goal, beam or Beam(), np.random.default_rng(seed))
    before = proposer.forwards
    run.begin(starts)
    while not run.over:
        run.round()
    best, origin = run.best, run.best
    while origin.parent is not None:
        origin = origin.parent
    return Found(
        text=best.parsed.text,
        score=best.score,
        reached=run.reached,
        start=origin.parsed.text,
        edits=best.edits,
        nodes=run.nodes,
        refused=run.refused,
        forwards=proposer.forwards - before,
    )


@dataclass
class _Run:
    """One search under way."""

    reader: Reader
    proposer: Proposer
    goal: Goal
    beam: Beam
    rng: np.random.Generator
    best: Node = field(init=False)
    frontier: list[Node] = field(default_factory=list[Node])
    seen: set[str] = field(default_factory=set[str])
    nodes: int = 0
    refused: int = 0
    idle: int = 0
    reached: bool = False

    def begin(self, starts: Iterable[str]) -> None:
        for text in starts:
            parsed = self.reader.read(text)
            if parsed is None:
                raise InputError("a search starts with texts that parse", got=repr(text[:60]))
            if not self.over:
                self._meet(parsed, None, None)
        if not self.frontier:
            raise InputError("a search needs a text to start with")

    @property
    def over(self) -> bool:
        return self.reached or self.nodes >= self.beam.nodes or self.idle >= IDLE

    def round(self) -> None:
        """Edit each text of the frontier, and keep the best of all."""
        met = self.nodes
        for parent in tuple(self.frontier):
            for edit in self.proposer.propose(parent.parsed, self.beam.children, self.rng):
                if self.over:
                    return
                self._meet(edited(self.reader, parent.parsed, edit), parent, edit)
        self.idle = 0 if self.nodes > met else self.idle + 1
        rank, rng = self.beam.rank, self.rng
        ranked = [
            (rank(node, rng), node.logp, -age, node) for age, node in enumerate(self.frontier)
        ]
        ranked.sort(key=lambda entry: entry[:3], reverse=True)
        self.frontier = [node for *_, node in ranked[: self.beam.width]]

    def _meet(self, parsed: Parsed | None, parent: Node | None, edit: Edit | None) -> None:
        if parsed is None or parsed.key in self.seen:
            self.refused += 1
            return
        self.seen.add(parsed.key)
        self.nodes += 1
        before = parent.logp if parent else 0.0
        score = self.goal.score(parsed.text)
        node = Node(parsed, score, before + (edit.logp if edit else 0.0), parent, edit)
        self.frontier.append(node)
        reached = self.goal.reached(parsed.text)
        if reached or self.nodes == 1 or score > self.best.score:
            self.best = node
        self.reached = reached
