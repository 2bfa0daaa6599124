"""One text being filled: attempt after attempt, window by window, until there are fills enough.

All holes of a window are denoised jointly. Where a fill does not parse, or no text of the
grammar has the lengths that are next in line, other lengths are tried. Knows nothing of files.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from infill.edit.attempt import Attempt
from infill.edit.denoising import Denoising, Frame
from infill.edit.judging import Judge
from infill.edit.pool import Filled, Pool
from infill.edit.proposal import HoleFill, Proposal
from infill.edit.proposing import proposed
from infill.edit.settings import Settings
from infill.edit.verify import Check
from infill.edit.workspace import Workspace
from infill.errors import BudgetError, FillError, InfillError, UnverifiedError
from infill.models.counted import Counted
from infill.models.denoiser import Denoiser

ABREAST = 8
"""Attempts that are denoised side by side at most; more only cost memory."""


Round = tuple[Attempt, list[range]]
"""An attempt, and the groups of holes that it fills anew one after the other."""


class Job:
    """What has been tried, and what was found."""

    def __init__(
        self,
        denoiser: Denoiser,
        settings: Settings,
        judge: Judge,
        cancelled: Callable[[], bool] | None = None,
        workspace: Workspace | None = None,
    ) -> None:
        self.workspace = workspace
        self.denoiser = Counted(
            denoiser,
            nfe_budget=settings.nfe_budget,
            time_limit=settings.time_limit,
            cancelled=cancelled,
        )
        self.settings, self.judge = settings, judge
        self.source, self.holes = judge.source, judge.holes
        self.denoising = Denoising(self.denoiser, settings, self.judge)
        self.pool = Pool(self.denoiser, settings)
        self.latest: list[Round] = [(Attempt.of(len(judge.holes)), self.denoising.groups)]
        self.more: Iterator[Round] | None = None
        self.passed: Attempt | None = None  # the first

    def run(self) -> Iterator[Frame]:
        """Attempt after attempt, until there are fills enough or they only repeat themselves.

        Where a budget ends, the last frame has the best so far.
        """
        self.denoising.find_stand_ins()
        try:
            frame = yield from self._attempts()
        except BudgetError as error:
            if error.reason != "cancelled":
                self._propose(look=False)
            self._complete(error)
            frame, stopped = self._still(), error.reason
        else:
            stopped = ""
        best, *others = self.pool.ranked()[: self.pool.wanted]
        proposal = self._proposal(best, [self._proposal(other) for other in others], stopped)
        yield replace(frame, proposal=proposal)

    def _attempts(self) -> Generator[Frame, None, Frame]:
        """Fill the pool. Raises UnverifiedError or FillError when it stays empty."""
        denoising = self.denoising
        frame, check = None, Check("complete", ok=False, reason="nothing was tried")
        seen: set[tuple[object, ...]] = set()
        self._open()
        while self.latest and denoising.begun < self._most:
            first, repeated = len(denoising.traces), False
            for turn in range(max(len(groups) for _, groups in self.latest)):
                pairs = [(one, groups[turn]) for one, groups in self.latest if turn < len(groups)]
                for frame in denoising.run(pairs):
                    yield frame
            for attempt, _ in self.latest:
                check = self._judged(attempt, first)
                repeated |= attempt.outcome in seen
                seen.add(attempt.outcome)
            if self.pool.enough or repeated:  # greedy decoding has been through all lengths
                break
            self._go_on(check)
        self._propose(look=True)
        if not self.pool:
            raise self._nothing(check)
        return frame or self._still()

    def _propose(self, *, look: bool) -> None:
        """Take in the best lines of the workspace, as many as fills are to be handed out."""
        if not self.workspace:
            return
        missing = 1 + self.settings.alternatives
        for attempt, margin in proposed(self.denoising, self.workspace, self.passed, look=look):
            check = self._judged(attempt, 0, margin)
            missing -= check.ok
            if not missing:
                return

    @property
    def _most(self) -> int:
        """Attempts."""
        return max(self.settings.tries * len(self.holes), self.pool.wanted)

    def _open(self) -> None:
        """Set up the first attempts: side by side, where none needs the fills of another.

        Where there is a budget, one attempt is to be complete before others take from it.
        """
        (first, groups), *_ = self.latest
        bounded = self.settings.nfe_budget is not None or self.settings.time_limit is not None
        if len(groups) == 1 and self.pool.wanted > 1 and not bounded:
            self.denoising.rank(first, groups[0])
            self.more = self._variations(first)
            self.latest += itertools.islice(self.more, min(self.pool.wanted, ABREAST) - 1)

    def _go_on(self, check: Check) -> None:
        """Set up the next attempts; none where all lengths were tried."""
        if self.passed is None:
            attempt = self.latest[-1][0].again()
            blamed = self._next_length(attempt, check)
            self.latest = [(attempt, [group for group in self.denoising.groups if blamed in group])]
            return
        if self.more is None:
            self.more = self._variations(self.passed)
        missing = max(1, self.pool.wanted - len(self.pool))
        room = 1 if self.settings.nfe_budget is not None else ABREAST
        count = max(0, min(missing, room, self._most - self.denoising.begun))
        self.latest = list(itertools.islice(self.more, count))

    def _variations(self, first: Attempt) -> Iterator[Round]:
        """An attempt with another length for one hole, the best lengths of all holes first."""
        others = [
            [(hole, rank) for rank in range(len(row)) if rank != first.tried[hole]]
            for hole, row in enumerate(self.denoising.lengths)
        ]
        for turn in itertools.chain(*itertools.zip_longest(*others)):
            if turn is not None:
                attempt = first.varied(*turn)
                yield attempt, self.denoising.anew(attempt, turn[0])

    def _judged(self, attempt: Attempt, first: int, margin: float = 0.0) -> Check:
        """What the checks say of an attempt; the pool and its traces, from `first` on, are told."""
        traces = self.denoising.traces
        check = self.judge.check(attempt.fills, traces)
        if check.ok:
            self.pool.add(replace(self._filled(attempt, check), margin=margin))
            self.passed = self.passed or attempt
            return check
        outcome = "incomplete" if check.name == "complete" else "unparsable"
        for index in range(first, len(traces)):
            if traces[index].header.attempt == attempt.number:
                traces[index] = replace(traces[index], outcome=outcome, reason=check.reason)
        return check

    def _filled(self, attempt: Attempt, check: Check) -> Filled:
        """What the holes hold now."""
        return Filled(
            edits=self.judge.edits(attempt.fills),
            source=self.source,
            holes=tuple(
                HoleFill(
                    text=(fill or b"").decode(errors="replace"),
                    score=score,
                    origin=attempt.origins.get(hole, "model"),
                )
                for hole, (fill, score) in enumerate(
                    zip(attempt.fills, attempt.scores, strict=True)
                )
            ),
            check=check,
            windows=tuple(attempt.done[start] for start in sorted(attempt.done)),
        )

    def _next_length(self, attempt: Attempt, check: Check) -> int:
        """Choose another length for the hole to blame.

        Where it has none left it goes back to its best, and its nearest neighbour changes; after
        the last of all, each is at its best again, for a sampling policy to draw anew.
        """
        blamed = self.judge.blamed(attempt.fills, check)
        for index in sorted(range(len(self.holes)), key=lambda i: abs(i - blamed)):
            if attempt.tried[index] + 1 < len(self.denoising.lengths[index]):
                attempt.tried[index] += 1
                return index
            attempt.tried[index] = 0
        return blamed

    def _complete(self, error: BudgetError) -> None:
        """Take in what is complete; where nothing is, complete what lacks least, by a witness.

        Raises the error where that does not pass the checks.
        """
        for attempt, _ in self.latest:
            self._judged(attempt, len(self.denoising.traces))
        for attempt in sorted((one for one, _ in self.latest), key=lambda one: one.lacking):
            if self.pool:
                return
            self.denoising.complete(attempt)
            check = self.judge.check(attempt.fills, self.denoising.traces)
            if check.ok:
                self.pool.add(replace(self._filled(attempt, check), witnessed=True))
        if not self.pool:
            error.where = error.where or self.source.name
            error.hint = "nothing that parses was found so far; raise the budget"
            raise error

    def _still(self) -> Frame:
        """A frame of what there is when the work ends early."""
        attempt, _ = self.latest[0]
        if attempt.going is not None:
            group, window, best = attempt.going
            return self.denoising.frame(group, window, best.canvas)
        window = self.denoising.first_window()
        return self.denoising.frame(self.denoising.groups[0], window, window.canvas)

    def _proposal(
        self, filled: Filled, others: Sequence[Proposal] = (), stopped: str = ""
    ) -> Proposal:
        checked = self.judge.language is not None or self.judge.rule is not None
        rivals = [[p.holes[i].text for p in others] for i in range(len(filled.holes))]
        return Proposal(
            source=self.source,
            edits=filled.edits,
            score=sum(hole.score for hole in filled.holes) / len(filled.holes),
            checks=(filled.check,) if checked else (),
            holes=tuple(
                replace(hole, alternatives=tuple(t for t in dict.fromkeys(row) if t != hole.text))
                for hole, row in zip(filled.holes, rivals, strict=True)
            ),
            traces=tuple(self.denoising.traces),
            alternatives=tuple(others)[: self.settings.alternatives],
            forwards=self.denoiser.forwards,
            stopped=stopped,
            witnessed=filled.witnessed,
            goal=filled.goal,
            scope=self.judge.scope,
            windows=filled.windows,
        )

    def _nothing(self, check: Check) -> InfillError:
        attempts = len({trace.header.attempt for trace in self.denoising.traces})
        if not self.denoising.traces:
            if self.denoising.limit is not None:
                return self.denoising.limit
            return FillError(
                "no hole could be filled",
                where=self.source.name,
                expected=""
                if self.judge.rule is None
                else f"text of the grammar {self.judge.rule.grammar.name}",
                hint="raise max_tokens" if self.judge.rule is None else "set exact_length=False",
            )
        return UnverifiedError(
            f"no fill was found that parses, in {attempts} attempts",
            proposal=self._proposal(self._filled(self.latest[-1][0], check)),
            traces=tuple(self.denoising.traces),
            where=f"{self.source.name}: {check.reason}",
            hint="raise tries or max_tokens, change the seed, or give the hole more context",
        )
