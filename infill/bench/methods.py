"""Ways to fill a gap, each a `Settings` and a rule for the length. Add another to `FILLERS`.

Best-of-N selects by the model's own mean log-probability and by nothing that is reported; where
its name says so, by the checker that `valid` reports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from infill.bench.controls import reciting, uniform
from infill.bench.gaps import Gap, opened, workspace
from infill.bench.outcome import Method, Outcome
from infill.bench.programs import faults, headed
from infill.decode.candidates import Sampling
from infill.decode.lanes import Remasking
from infill.decode.policy import Confidence
from infill.decode.revision import PartitionRevision
from infill.decode.search import Beam
from infill.edit.goals import Problems
from infill.edit.holes import Hole
from infill.edit.proposal import Proposal
from infill.edit.revise import revise
from infill.edit.settings import Settings
from infill.edit.workbench import Workbench
from infill.errors import InfillError, UnverifiedError
from infill.models.denoiser import Denoiser
from infill.text import Span

MOST_TOKENS = 24  # the longest fill that is considered where the length is not known
MOST_OF_LINES = 96  # likewise, for several lines
FIXED = 8  # tokens
WARM = Sampling(temperature=0.7, top_p=0.95)
APART = 64  # between the seeds of two draws; one fill uses a seed per attempt


@dataclass(frozen=True, slots=True)
class Rate:
    """A schedule that fills `tokens` slots in every tick, however many there are."""

    tokens: int = 1

    @property
    def steps(self) -> int | None:
        """One for each slot at most; the last are not needed."""
        return None

    def open_after(self, done: int, steps: int, slots: int) -> int:
        """Slots left open after `done` ticks."""
        return 0 if done >= steps else max(0, slots - done * self.tokens)


Length = Callable[[Denoiser, Gap, int], tuple[int, int]]
"""(denoiser, gap, seed) → the fewest and the most tokens of the fill."""


def oracle(denoiser: Denoiser, gap: Gap, seed: int) -> tuple[int, int]:
    """As many tokens as the answer has; no user knows that."""
    del seed
    count = max(1, len(denoiser.vocab.encode((lead(gap) + gap.answer).encode())))
    return count, count


def lead(gap: Gap) -> str:
    """The newline before a gap that begins a line, which is written anew with the indentation.

    The two are one token to many models, ours too: after a newline alone they indent nothing
    (`benchmarks/LOG.md`). A fill that leaves it out joins the line above, and is no fill.
    """
    return "\n" * gap.text[: gap.at].endswith("\n")


def unknown(denoiser: Denoiser, gap: Gap, seed: int) -> tuple[int, int]:
    """Whatever the library chooses."""
    del denoiser, gap, seed
    return 0, MOST_TOKENS


def long(denoiser: Denoiser, gap: Gap, seed: int) -> tuple[int, int]:
    """Whatever the library chooses, for several lines."""
    del denoiser, gap, seed
    return 0, MOST_OF_LINES


def fixed(denoiser: Denoiser, gap: Gap, seed: int) -> tuple[int, int]:
    """Always the same."""
    del denoiser, gap, seed
    return FIXED, FIXED


def random(denoiser: Denoiser, gap: Gap, seed: int) -> tuple[int, int]:
    """Any length up to the longest, drawn anew for each gap."""
    del denoiser
    drawn = np.random.default_rng([seed, *gap.id.encode()]).integers(1, MOST_TOKENS + 1)
    return int(drawn), int(drawn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """One fill of the library per draw; of several draws the one the model finds likeliest.

    free      without grammar, and what does not parse stands as it is
    informed  in the whole file, of a project whose other texts are known
    checked   the checker (see `faults`) is the goal: of a search, and of the draws, which end with
              the first that it finds no fault with
    """

    settings: Settings
    length: Length = oracle
    draws: int = 1
    free: bool = False
    informed: bool = False
    checked: bool = False

    def __call__(self, denoiser: Denoiser, gap: Gap, seed: int) -> Outcome:
        """The best of the draws; where the library gives none, the text with an empty gap."""
        found: list[Proposal] = []
        failed = ""
        goal = Problems(lambda text: faults(text, gap.free)) if self.checked else None
        for draw in range(self.draws):
            own = (seed * self.draws + draw) * APART
            try:
                found.append(self._fill(denoiser, gap, own, goal))
            except UnverifiedError as error:
                failed = error.what
                if self.free and isinstance(error.proposal, Proposal):
                    found.append(error.proposal)
            except InfillError as error:
                failed = f"{type(error).__name__}: {error.what}"
            if goal is not None and found and goal.reached(found[-1].text):
                break
        if not found:
            return Outcome(text=gap.text, fills=("",), failed=failed)
        best = max(found, key=lambda one: (one.goal or 0.0, one.score))
        checks = 0 if goal is None else len(goal.known)
        begins, fill = lead(gap), best.holes[0].text
        own = fill.removeprefix(begins) if fill.startswith(begins) else ""
        return Outcome(text=_judged(best), fills=(own,), checks=checks)

    def _fill(self, denoiser: Denoiser, gap: Gap, seed: int, goal: Problems | None) -> Proposal:
        least, most = self.length(denoiser, gap, seed)
        text, first = opened(gap) if self.informed else (gap.text, 0)
        start, at = (len(text[:end].encode()) for end in (first, first + gap.at))
        begins = lead(gap)
        settings = replace(self.settings, seed=seed, goal=goal, one_line=not begins)
        known = workspace(gap) if self.informed else None
        return Workbench(denoiser, settings, workspace=known).fill(
            text,
            [Hole(at - len(begins), at, least, most)],
            language="python",
            grammar=False if self.free else None,
            name=gap.module.path if gap.module else gap.id,
            scope=Span(start, start + len(gap.text.encode())),
        )


def _judged(found: Proposal) -> str:
    """The part of a filled file that was the gap's text."""
    scope, data = found.scope or Span(0, len(found.source.data)), found.data
    stop = scope.stop + len(data) - len(found.source.data)
    return data[scope.start : stop].decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Mended:
    """A fill that `revise` goes over, with the checker as its goal; nothing else may change."""

    first: Filling

    def __call__(self, denoiser: Denoiser, gap: Gap, seed: int) -> Outcome:
        """The fill as it is where the checker finds no fault, or no change is an improvement."""
        begun = self.first(denoiser, gap, seed)
        if begun.failed or not faults(begun.text, gap.free):
            return replace(begun, checks=begun.checks + 1)
        head = headed(gap.free, begun.text)
        start = len((head + gap.text[: gap.at]).encode())
        span = Span(start, start + len(begun.fills[0].encode()))
        goal = Problems(lambda text: faults(text, gap.free))
        try:
            found = revise(
                head + begun.text,
                [span] if len(span) else [],
                trigger="diagnostics",
                language="python",
                goal=goal,
                model=denoiser,
            )
        except InfillError:
            return begun
        text = found.text.removeprefix(head)
        fill = text[gap.at : len(text) - len(gap.text) + gap.at]
        return Outcome(text=text, fills=(fill,), checks=begun.checks + 1 + len(goal.known))


def greedy(tokens: int, *, length: Length = oracle, free: bool = False) -> Filling:
    """The surest `tokens` slots in every tick.

    Where the length is given it is tried once; so is the first that is chosen where no grammar
    holds, as to try until something parses is to ask the parser.
    """
    tries = 1 if free or length not in {unknown, long} else Settings().tries
    settings = Settings(schedule=Rate(tokens), tries=tries)
    return Filling(settings=settings, length=length, free=free)


def best_of(draws: int, tokens: int, *, length: Length = oracle) -> Filling:
    """The likeliest of several drawn fills."""
    settings = Settings(policy=Confidence(sampling=WARM), schedule=Rate(tokens), tries=1)
    return Filling(settings=settings, draws=draws, length=length)


def revised(tokens: int, *, rounds: int = 1) -> Filling:
    """Greedy, and then the most doubted slots are reopened and refilled, one a step."""
    settings = replace(greedy(tokens).settings, policy=PartitionRevision(rounds=rounds))
    return Filling(settings=settings)


def checked(draws: int, tokens: int) -> Filling:
    """Drawn fills until the checker finds no fault with one; else the one with the fewest."""
    return replace(best_of(draws, tokens), checked=True)


def remasked(tokens: int) -> Filling:
    """Greedy, and then doubted slots are taken back until the checker finds no fault."""
    settings = Settings(schedule=Rate(tokens), search=Remasking(width=2, rounds=2), tries=1)
    return Filling(settings=settings, checked=True)


def beam(width: int, tokens: int, *, length: Length = oracle) -> Filling:
    """A beam over trajectories, ranked by mean log-probability."""
    settings = Settings(schedule=Rate(tokens), search=Beam(width), tries=1)
    return Filling(settings=settings, length=length)


def by_uniform(denoiser: Denoiser, gap: Gap, seed: int) -> Outcome:
    """What the grammar alone makes of a gap: the model knows nothing."""
    return greedy(1)(uniform(denoiser), gap, seed)


def by_copy(denoiser: Denoiser, gap: Gap, seed: int) -> Outcome:
    """What a model that knows the answer writes: less than all is lost by the bench itself."""
    begins = lead(gap)
    before, after = gap.text[: gap.at].removesuffix(begins), gap.text[gap.at :]
    parts = before, begins + gap.answer, after
    return greedy(1)(reciting(denoiser, *parts), gap, seed)


def coarse(denoiser: Denoiser, gap: Gap, seed: int) -> Outcome:
    """What the library chooses from few lengths."""
    settings = Settings(schedule=Rate(1), length="coarse")
    return Filling(settings=settings, length=unknown)(denoiser, gap, seed)


def candidates(count: int, rank_by: Literal["agreement", "boundary"]) -> Filling:
    """So many fills of different lengths, of which the library takes the best."""
    settings = Settings(schedule=Rate(1), candidates=count, rank_by=rank_by)
    return Filling(settings=settings, length=unknown)


BASE = "greedy, 1 a step"
FILLERS: tuple[Method[Gap], ...] = (
    Method(BASE, greedy(1)),
    Method("greedy, 2 a step", greedy(2)),
    Method("greedy, 4 a step", greedy(4)),
    Method("best of 4, 4 a step", best_of(4, 4), draws=True),
    Method("greedy, 2 a step, revised", revised(2)),
    Method("best of 4, 4 a step, by the checker", checked(4, 4), draws=True),
    Method("4 a step, remasked until the checker is content", remasked(4)),
    Method("greedy, 1 a step, then infill.revise", Mended(greedy(1))),
    Method("beam of 4, 4 a step", beam(4, 4)),
    Method("beam of 4, 1 a step", beam(4, 1)),
    Method("greedy, 1 a step, no grammar", greedy(1, free=True)),
    Method("greedy, 1 a step, unknown length", greedy(1, length=unknown)),
    Method("uniform model", by_uniform),
    Method("copy model, of the answer", by_copy),
)
LENGTHS: tuple[Method[Gap], ...] = (
    Method("unknown length", greedy(1, length=unknown)),
    Method("unknown length, coarse", coarse),
    Method("unknown length, 4 candidates by agreement", candidates(4, "agreement")),
    Method("unknown length, 4 candidates by boundary", candidates(4, "boundary")),
    Method(BASE + " (oracle length)", greedy(1)),
    Method("random length", greedy(1, length=random), draws=True),
    Method(f"fixed length ({FIXED})", greedy(1, length=fixed)),
    Method("best of 4 random lengths", best_of(4, 1, length=random), draws=True),
    Method("best of 4 (oracle length)", best_of(4, 4), draws=True),
)
