"""One text being filled: attempt after attempt, window by window, until there are fills enough.

All holes of a window are denoised jointly. Where a fill does not parse, or no text of the
grammar has the lengths that are next in line, other lengths are tried. Knows nothing of files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast

from infill.canvas import Canvas
from infill.constrain.affix import Affixes
from infill.constrain.protocol import State
from infill.decode.hypothesis import Hypothesis
from infill.decode.loop import Streams, denoise
from infill.decode.search import Beam, Search
from infill.decode.trace import Trace
from infill.edit.goals import OnCanvases
from infill.edit.heading import heading
from infill.edit.holes import Hole
from infill.edit.judging import Judge, Rule
from infill.edit.lengths import choices, ranked
from infill.edit.pool import Filled, Pool
from infill.edit.proposal import HoleFill, Proposal
from infill.edit.settings import Settings
from infill.edit.verify import Check
from infill.edit.view import View
from infill.edit.window import Framing, Window
from infill.errors import BudgetError, FillError, InfillError, LimitError, UnverifiedError
from infill.models.counted import Counted
from infill.models.denoiser import Denoiser
from infill.text import Source


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment of a fill: the best canvas after a tick. The last frame has the proposal."""

    attempt: int
    tick: int
    window: Window
    canvas: Canvas
    proposal: Proposal | None = None


class Job:
    """What has been tried, and what each hole holds now."""

    def __init__(  # noqa: PLR0913, PLR0917 - what the workbench found out
        self,
        denoiser: Denoiser,
        settings: Settings,
        source: Source,
        holes: tuple[Hole, ...],
        language: str | None,
        rule: Rule | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.denoiser = Counted(
            denoiser,
            nfe_budget=settings.nfe_budget,
            time_limit=settings.time_limit,
            cancelled=cancelled,
        )
        self.settings, self.source, self.holes, self.rule = settings, source, holes, rule
        self.judge = Judge(source, holes, language, rule)
        context = min(settings.limits.context, denoiser.capabilities.context)
        self.framing = Framing(
            self.denoiser,
            source,
            holes,
            language,
            context,
            exact_length=settings.exact_length,
            one_line=settings.one_line,
            grammar=None if rule is None else rule.constraint,
        )
        self.choices = [choices(hole, settings, source) for hole in holes]
        self.groups = self.framing.groups([row[-1] for row in self.choices])
        self.fills: list[bytes | None] = [None] * len(holes)
        self.scores = [0.0] * len(holes)
        self.lengths: list[list[int]] = [[] for _ in holes]  # candidates, the best first
        self.tried = [0] * len(holes)  # which of them is tried now
        self.stand_ins: Sequence[bytes] = ()  # for the open holes of other windows
        self.done: dict[int, tuple[Window, Canvas]] = {}  # by the first hole of their group
        self.going: tuple[range, Window, Hypothesis] | None = None  # what is being denoised
        self.pool = Pool(self.denoiser, settings)
        self.traces: list[Trace] = []
        self.limit: LimitError | None = None  # what cut a search short, so that a length was left

    def run(self) -> Iterator[Frame]:
        """Attempt after attempt, until there are fills enough or they only repeat themselves.

        Where a budget ends, the last frame has the best so far.
        """
        self.stand_ins = self._stand_ins()
        try:
            frame = yield from self._attempts()
        except BudgetError as error:
            self._complete(error)
            frame, stopped = self._still(), error.reason
        else:
            stopped = ""
        best, *others = self.pool.ranked()
        proposal = self._proposal(best, [self._proposal(other) for other in others], stopped)
        yield replace(frame, proposal=proposal)

    def _attempts(self) -> Generator[Frame, None, Frame]:
        """Fill the pool. Raises UnverifiedError or FillError when it stays empty."""
        attempt, pending, frame = 0, self.groups, None
        seen: set[tuple[object, ...]] = set()
        check = Check("complete", ok=False, reason="nothing was tried")
        settings = self.settings
        most = max(settings.tries * len(self.holes), settings.candidates, settings.alternatives + 1)
        while attempt < most:
            tick, first = None, len(self.traces)
            for group in pending:
                for tick in self._denoise(group, attempt):
                    yield tick
            check = self.judge.check(self.fills, self.traces)
            self._label(first, check)
            frame = tick or frame
            if tick is not None and check.ok:
                self.pool.add(self._filled(check))
                if self.pool.enough:
                    break
            outcome = (*self.tried, *self.fills)
            attempt += tick is not None  # lengths that no text of the grammar has cost nothing
            if self.pool:
                pending = self._vary()
            else:
                blamed = self._next_length(check)
                pending = [group for group in self.groups if blamed in group]
            if outcome in seen or not pending:  # greedy decoding has been through all lengths
                break
            seen.add(outcome)
        if frame is None or not self.pool:
            raise self._nothing(check)
        return frame

    def _denoise(self, group: range, attempt: int) -> Iterator[Frame]:
        """Fill a group's holes jointly, at the lengths that are next in line."""
        settings = self.settings
        for index in group:
            self.fills[index] = None
        if not self.lengths[group.start]:
            rows = [self.choices[i] for i in group]
            orders = ranked(self.framing, group, self.fills, rows)
            for index, order in zip(group, orders, strict=True):
                self.lengths[index] = order
            self._drop_too_short(group)
        window = self._window(group, [self.lengths[i][self.tried[i]] for i in group])
        state = self._begun(window)
        if state is None:
            return
        best = start = Hypothesis(window.canvas, state)
        self.going = group, window, best
        yield Frame(attempt, 0, window, window.canvas)
        times, before = list[float](), time.perf_counter()
        try:
            for tick, frontier in enumerate(
                denoise(
                    start,
                    denoiser=self.denoiser,
                    policy=settings.policy,
                    schedule=settings.schedule,
                    search=self._aimed(window),
                    limits=settings.limits,
                    rng=Streams(settings.seed + attempt),
                )
            ):
                best = frontier[0]
                self.going = group, window, best
                times.append(1e3 * (time.perf_counter() - before))
                yield Frame(attempt, tick + 1, window, best.canvas)
                before = time.perf_counter()
        finally:
            holes = [self.holes[i] for i in group]
            header = heading(self.denoiser, settings, self.judge, window, holes, attempt)
            self.traces.append(Trace.of(header, best, vocab=self.denoiser.vocab, ms=times))
        if best.done:
            self._keep(group, window, best.canvas)

    def _aimed(self, window: Window) -> Search:
        """The search; where one canvas holds all that is open, it knows the goal too."""
        search, goal = self.settings.search, self.settings.goal
        if goal is None or len(self.groups) > 1 or getattr(search, "goal", goal) is not None:
            return search

        def text(canvas: Canvas) -> str:
            return self.judge.text(
                [self._restored(*pair) for pair in enumerate(window.fills(canvas))]
            )

        return replace(cast("Beam", search), goal=OnCanvases(goal, text))

    def _restored(self, index: int, fill: bytes) -> bytes:
        """A fill with the line ends and tabs that its place in the file has."""
        return View.of(self.source, self.holes[index].start).restore(fill)

    def _window(
        self, group: range, lengths: Sequence[int], *, exact_length: bool | None = None
    ) -> Window:
        return self.framing.window(
            group, lengths, self.fills, stand_ins=self.stand_ins, exact_length=exact_length
        )

    def _begun(self, window: Window) -> State | None:
        """The constraint's state; None where no text has these lengths, or none was found."""
        try:
            return window.constraint.start(window.canvas)
        except LimitError as error:
            self.limit = error  # another length may do; where none does, this is the reason
            return None

    def _stand_ins(self) -> Sequence[bytes]:
        """A text for each hole, which together make one of the grammar.

        Raises FillError when there is none: then no fill can be found, whatever the lengths;
        LimitError when none was found, and there may be some.
        """
        if self.rule is None:
            return ()
        whole, grammar = self.framing.whole, self.rule.constraint
        slots = [row[-1] for row in self.choices]
        keeps = self.framing.keeps_its_line
        lines = [Affixes(one_line=keeps(index)) for index in range(len(slots))]
        if (found := whole.witness(grammar, slots, lines)) is not None:
            return found
        free = None
        with suppress(LimitError):
            free = whole.witness(grammar, slots)
        name = self.rule.grammar.name
        raise FillError(
            "no text of the grammar fits",
            where=self.source.name,
            expected=f"text of the grammar {name}, in up to {max(slots)} tokens for a hole",
            hint="one_line=False (--many-lines) would let the holes take several lines"
            if free is not None
            else "look for what conflicts with `infill grammar explain FILE`, raise max_tokens, "
            "or fill without a grammar: grammar='none'",
        )

    def _drop_too_short(self, group: range) -> None:
        """Leave out the lengths that no text of the grammar has, whatever the other holes hold."""
        if self.rule is None:
            return
        longest = [self.choices[i][-1] for i in group]
        for place, index in enumerate(group):
            low, *more = sorted(self.lengths[index])
            lengths = [low, *more]
            if not more:
                continue
            first, last = 0, len(more)  # the longest is taken to fit: the whole text has a witness
            while first < last:
                middle = (first + last) // 2
                tokens = [*longest[:place], lengths[middle], *longest[place + 1 :]]
                window = self._window(group, tokens, exact_length=False)
                if self._begun(window) is None:
                    first = middle + 1
                else:
                    last = middle
            self.lengths[index] = [n for n in self.lengths[index] if n >= lengths[first]]

    def _keep(self, group: range, window: Window, canvas: Canvas) -> None:
        fills, scores = window.fills(canvas), window.scores(canvas)
        for index, fill, score in zip(group, fills, scores, strict=True):
            self.fills[index], self.scores[index] = self._restored(index, fill), score
        self.done[group.start] = window, canvas

    def _filled(self, check: Check) -> Filled:
        """What the holes hold now."""
        return Filled(
            edits=self.judge.edits(self.fills),
            source=self.source,
            holes=tuple(
                HoleFill((fill or b"").decode(errors="replace"), score)
                for fill, score in zip(self.fills, self.scores, strict=True)
            ),
            check=check,
            windows=tuple(self.done[start] for start in sorted(self.done)),
            tried=tuple(self.tried),
            fills=tuple(self.fills),
        )

    def _next_length(self, check: Check) -> int:
        """Choose another length for the hole to blame.

        Where it has none left it goes back to its best, and its nearest neighbour changes; after
        the last of all, each is at its best again, for a sampling policy to draw anew.
        """
        blamed = self.judge.blamed(self.fills, check)
        for index in sorted(range(len(self.holes)), key=lambda i: abs(i - blamed)):
            if self.tried[index] + 1 < len(self.lengths[index]):
                self.tried[index] += 1
                return index
            self.tried[index] = 0
        return blamed

    def _vary(self) -> list[range]:
        """Go back to the first fill, with another length for one of its holes; none is left: []."""
        first = self.pool.first
        self.fills, self.tried = list(first.fills), list(first.tried)
        for (window, canvas), group in zip(first.windows, self.groups, strict=True):
            self._keep(group, window, canvas)
        if (other := self.pool.variation(self.lengths)) is None:
            return []
        index, self.tried[index] = other
        return [group for group in self.groups if index in group]

    def _label(self, first: int, check: Check) -> None:
        """Tell the last attempt's traces, those from `first` on, how it ended."""
        if check.ok:
            return
        outcome = "incomplete" if check.name == "complete" else "unparsable"
        for index in range(first, len(self.traces)):
            self.traces[index] = replace(self.traces[index], outcome=outcome, reason=check.reason)

    def _complete(self, error: BudgetError) -> None:
        """A fill without the model, where there is none yet: witnesses for what is open.

        Raises the error where that does not pass the checks.
        """
        if self.pool:
            return
        if self.going is not None:
            group, window, best = self.going
            self._keep(group, window, best.state.witness())
        for index, fill in enumerate(self.fills):
            if fill is None:
                self.fills[index] = self.stand_ins[index] if self.stand_ins else b""
        check = self.judge.check(self.fills, self.traces)
        if not check.ok:
            error.hint = "nothing that parses was found so far; raise the budget"
            raise error
        self.pool.add(self._filled(check))

    def _still(self) -> Frame:
        """A frame of what there is when the work ends early."""
        if self.going is not None:
            _, window, best = self.going
            return Frame(0, 0, window, best.canvas)
        window = self._window(self.groups[0], [self.choices[i][0] for i in self.groups[0]])
        return Frame(0, 0, window, window.canvas)

    def _proposal(
        self, filled: Filled, others: Sequence[Proposal] = (), stopped: str = ""
    ) -> Proposal:
        checked = self.judge.language is not None or self.rule is not None
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
            traces=tuple(self.traces),
            alternatives=tuple(others)[: self.settings.alternatives],
            forwards=self.denoiser.forwards,
            stopped=stopped,
            goal=filled.goal,
        )

    def _nothing(self, check: Check) -> InfillError:
        attempts = len({trace.header.attempt for trace in self.traces})
        if not self.traces:
            if self.limit is not None:
                return self.limit
            return FillError(
                "no hole could be filled",
                where=self.source.name,
                expected=""
                if self.rule is None
                else f"text of the grammar {self.rule.grammar.name}",
                hint="raise max_tokens" if self.rule is None else "set exact_length=False",
            )
        return UnverifiedError(
            f"no fill was found that parses, in {attempts} attempts",
            proposal=self._proposal(self._filled(check)),
            traces=tuple(self.traces),
            where=f"{self.source.name}: {check.reason}",
            hint="raise tries or max_tokens, change the seed, or give the hole more context",
        )
