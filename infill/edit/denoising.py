"""Denoises windows of one text, those of several attempts side by side.

It knows which lengths its holes may have and in which order to try them, and keeps the traces;
which attempts to make, and which is best, is for the job above.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from infill.canvas import Canvas
from infill.constrain.affix import Affixes
from infill.constrain.protocol import State
from infill.decode.hypothesis import Hypothesis
from infill.decode.loop import Course, Streams, together
from infill.decode.revision import told
from infill.decode.trace import Header, Trace
from infill.edit.aiming import aimed
from infill.edit.attempt import Attempt, Denoised
from infill.edit.heading import heading
from infill.edit.holes import Hole
from infill.edit.judging import Judge
from infill.edit.lengths import choices, ranked
from infill.edit.proposal import Proposal
from infill.edit.settings import Settings
from infill.edit.window import Framing, Window
from infill.errors import FillError, LimitError
from infill.models.denoiser import Denoiser


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment of a fill: the best canvas after a tick. The last frame has the proposal.

    Of attempts that are made side by side, the first that is not done is shown. `holes` are the
    window's, in the text that is filled.
    """

    attempt: int
    tick: int
    window: Window
    canvas: Canvas
    holes: tuple[Hole, ...]
    proposal: Proposal | None = None


@dataclass(slots=True)
class _Run:
    """One window of one attempt on its way; `ms` is the wall time after each tick."""

    attempt: Attempt
    group: range
    window: Window
    course: Course
    ms: list[float] = field(default_factory=list[float])

    def note(self) -> None:
        self.attempt.going = self.group, self.window, self.course.frontier[0]


class Denoising:
    """What one text is denoised with, and what is known of its holes' lengths."""

    def __init__(
        self,
        denoiser: Denoiser,
        settings: Settings,
        judge: Judge,
    ) -> None:
        self.denoiser, self.settings, self.judge = denoiser, settings, judge
        self.source, self.holes, self.rule = judge.source, judge.holes, judge.rule
        self.framing = Framing(
            denoiser,
            judge.source,
            judge.holes,
            judge.language,
            min(settings.limits.context, denoiser.capabilities.context),
            exact_length=settings.exact_length,
            one_line=settings.one_line,
            grammar=None if self.rule is None else self.rule.constraint,
            scope=judge.scope,
        )
        self.choices = [choices(hole, settings, judge.source) for hole in judge.holes]
        self.groups = self.framing.groups([row[-1] for row in self.choices])
        self.lengths: list[list[int]] = [[] for _ in judge.holes]  # candidates, the best first
        self.stand_ins: Sequence[bytes] = ()  # for the open holes of other windows
        self.traces: list[Trace] = []
        self.limit: LimitError | None = None  # what cut a search short, so that a length was left
        self.begun = 0  # attempts

    def run(self, pairs: Sequence[tuple[Attempt, range]]) -> Iterator[Frame]:
        """Fill a group's holes jointly in each attempt, at the lengths that are next in line.

        An attempt whose lengths no text of the grammar has is not begun.
        """
        runs = [run for attempt, group in pairs if (run := self._begin(attempt, group))]
        for run in runs[:1]:
            yield self.frame(run.group, run.window, run.window.canvas, run.attempt.number)
        before = time.perf_counter()
        try:
            for moved in together([run.course for run in runs], self.denoiser):
                passed = 1e3 * (time.perf_counter() - before)
                going = [run for run in runs if run.course in moved]
                for run in going:
                    run.note()
                    run.ms.append(passed)
                run = going[0]
                canvas = run.course.frontier[0].canvas
                yield self.frame(
                    run.group, run.window, canvas, run.attempt.number, tick=len(run.ms)
                )
                before = time.perf_counter()
        finally:
            self.traces += [self._trace(run) for run in runs]
            for run in runs:
                if run.course.frontier[0].done:
                    self.keep(run.attempt, run.group, run.window, run.course.frontier[0].canvas)

    def frame(
        self, group: range, window: Window, canvas: Canvas, attempt: int = 0, *, tick: int = 0
    ) -> Frame:
        """A moment of a group's window."""
        holes = self.holes[group.start : group.stop]
        return Frame(attempt, tick, window, canvas, holes)

    def keep(self, attempt: Attempt, group: range, window: Window, canvas: Canvas) -> None:
        """Note what a complete canvas puts into a group's holes."""
        fills, scores = window.fills(canvas), window.scores(canvas)
        for index, fill, score in zip(group, fills, scores, strict=True):
            attempt.fills[index], attempt.scores[index] = self.judge.restored(index, fill), score
        attempt.done[group.start] = Denoised(group.start, window, canvas)

    def may_have(self, hole: int, length: int) -> bool:
        """Whether a hole may have so many tokens, tried or not."""
        row = self.choices[hole]
        if isinstance(self.settings.length, str):
            return row[0] <= length <= row[-1]
        return length in row

    def note(self, attempt: Attempt, group: range, window: Window, written: Hypothesis) -> None:
        """Keep what was written into a group's holes in one step, without the model."""
        if attempt.number < 0:
            attempt.number, self.begun = self.begun, self.begun + 1
        header = self._header(group, window, attempt.number)
        self.traces.append(Trace.of(header, written, vocab=self.denoiser.vocab, ms=[0.0]))
        self.keep(attempt, group, window, written.canvas)

    def anew(self, attempt: Attempt, hole: int) -> list[range]:
        """The groups to denoise after another length was chosen for a hole, opened.

        The hole's own, and in order each that shows anything of one before it that is among them.
        """
        pending = list[range]()
        for group in self.groups:
            lengths = [self.lengths[i][attempt.tried[i]] for i in group]
            if hole in group or (
                pending
                and self.framing.reaches(group, lengths, attempt.fills, pending[-1].stop - 1)
            ):
                pending.append(group)
        for group in pending:
            attempt.open(group)
        return pending

    def complete(self, attempt: Attempt) -> None:
        """Fill what is open in an attempt without the model: witnesses, or else stand-ins."""
        if attempt.going is not None:
            group, window, best = attempt.going
            if attempt.fills[group.start] is None:
                self.keep(attempt, group, window, best.state.witness())
        others = self.stand_ins or [b""] * len(self.holes)
        pairs = zip(attempt.fills, others, strict=True)
        attempt.fills = [other if fill is None else fill for fill, other in pairs]

    def first_window(self) -> Window:
        """The first group's, with its shortest holes."""
        group = self.groups[0]
        fills = [None] * len(self.holes)
        return self._window(group, [self.choices[i][0] for i in group], fills)

    def find_stand_ins(self) -> None:
        """Find a text for each hole, which together make one of the grammar.

        Raises FillError when there is none: then no fill can be found, whatever the lengths;
        LimitError when none was found, and there may be some.
        """
        if self.rule is None:
            return
        whole, grammar = self.framing.whole, self.rule.constraint
        slots = [row[-1] for row in self.choices]
        keeps = self.framing.keeps_its_line
        lines = [Affixes(one_line=keeps(index)) for index in range(len(slots))]
        if (found := whole.witness(grammar, slots, lines)) is not None:
            self.stand_ins = found
            return
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

    def rank(self, attempt: Attempt, group: range) -> None:
        """Put the lengths of a group's holes into the order in which they are tried, once."""
        if self.lengths[group.start]:
            return
        rows = [self.choices[i] for i in group]
        orders = ranked(self.framing, group, attempt.fills, rows)
        for index, order in zip(group, orders, strict=True):
            self.lengths[index] = order
        self._drop_too_short(group, attempt.fills)

    def _begin(self, attempt: Attempt, group: range) -> _Run | None:
        attempt.open(group)
        self.rank(attempt, group)
        lengths = [self.lengths[i][attempt.tried[i]] for i in group]
        window = self._window(group, lengths, attempt.fills)
        state = self.started(window)
        if state is None:
            return None
        if attempt.number < 0:
            attempt.number, self.begun = self.begun, self.begun + 1
        settings = self.settings
        course = Course(
            Hypothesis(window.canvas, state),
            policy=told(settings.policy, self.denoiser),
            schedule=settings.schedule,
            search=aimed(settings, self.judge, window, group, attempt.fills, self.stand_ins),
            limits=settings.limits,
            rng=Streams(settings.seed + attempt.number),
        )
        run = _Run(attempt, group, window, course)
        run.note()
        return run

    def _header(self, group: range, window: Window, number: int) -> Header:
        holes = [self.holes[i] for i in group]
        return heading(self.denoiser, self.settings, self.judge, window, holes, number)

    def _trace(self, run: _Run) -> Trace:
        header = self._header(run.group, run.window, run.attempt.number)
        best = run.course.frontier[0]
        return Trace.of(header, best, vocab=self.denoiser.vocab, ms=run.ms)

    def _window(
        self,
        group: range,
        lengths: Sequence[int],
        fills: Sequence[bytes | None],
        *,
        exact_length: bool | None = None,
    ) -> Window:
        return self.framing.window(
            group, lengths, fills, stand_ins=self.stand_ins, exact_length=exact_length
        )

    def started(self, window: Window) -> State | None:
        """The constraint's state; None where no text has these lengths, or none was found."""
        try:
            return window.constraint.start(window.canvas)
        except LimitError as error:
            self.limit = error  # another length may do; where none does, this is the reason
            return None

    def _drop_too_short(self, group: range, fills: Sequence[bytes | None]) -> None:
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
                window = self._window(group, tokens, fills, exact_length=False)
                if self.started(window) is None:
                    first = middle + 1
                else:
                    last = middle
            self.lengths[index] = [n for n in self.lengths[index] if n >= lengths[first]]
