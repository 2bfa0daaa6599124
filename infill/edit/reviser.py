"""One text being revised: what it is now, what has changed, what may still change.

A change is found place by place: the model fills the place as a hole under the grammar, other
candidates are put there as they are, and each result is judged in the same way. What stands
outside the allowed spans is never offered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from infill.constrain.grammar import Grammar
from infill.decode.trace import Trace
from infill.edit.allowed import allowed
from infill.edit.changes import before, beside, composed, moved, shifted, words
from infill.edit.diagnosing import Diagnostic, diagnose
from infill.edit.holes import Hole
from infill.edit.places import (
    PROBES,
    Place,
    bindings,
    clipped,
    doubtful,
    doubts_of,
    evidence,
    near,
    pressing,
    risen,
    suggestions,
)
from infill.edit.progress import PARSES, progress
from infill.edit.proposal import Proposal
from infill.edit.reader import SHOWN, Reader
from infill.edit.revised import Doubting, Located, Revised
from infill.edit.shortlist import shortlist
from infill.edit.tied import rename
from infill.edit.workbench import Workbench
from infill.errors import (
    BudgetError,
    FillError,
    GrammarDisagreementError,
    InputError,
    LimitError,
    OptionError,
    UnverifiedError,
)
from infill.goal import Goal
from infill.models.counted import Counted
from infill.text import Source, Span, TextEdit, apply_edits

Candidate = tuple[TextEdit, tuple[Trace, ...]]
"""What might stand at a place, and how it was filled."""
Trigger = TextEdit | Iterable[Span] | Literal["diagnostics"] | None
ROOM = 4
"""Tokens that a new text may be longer than the one it replaces."""
KEEP, SURE = 4, 2
"""Candidates of a place that are scored with care: those the model likes best, and of names the
first, whatever it says."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is an improvement: `key` says how much of one, the most telling part first."""

    edit: TextEdit
    key: tuple[float, ...]
    traces: tuple[Trace, ...] = ()


class Reviser:
    """Makes change after change, until none is better."""

    def __init__(  # noqa: PLR0913, PLR0917 - what the front found out
        self,
        bench: Workbench,
        denoiser: Counted,
        doubting: Doubting,
        language: str | None,
        grammar: Grammar | None,
        goal: Goal | None,
        source: Source,
    ) -> None:
        self.bench, self.denoiser, self.doubting = bench, denoiser, doubting
        self.language, self.grammar, self.goal, self.source = language, grammar, goal, source
        self.data = source.data
        context = min(bench.settings.limits.context, denoiser.capabilities.context)
        self.reader = Reader(denoiser, context, language, source.name)
        self.edits: tuple[TextEdit, ...] = ()
        self.spans: list[Span] = []
        self.traces: list[Trace] = []
        self.located: list[Located] = []
        self.supported: dict[Span, float] = {}  # of the text as it is
        self.left: set[bytes] = set()  # texts that were left are not come back to
        self.complaints: tuple[Diagnostic, ...] = ()
        self.changed, self.stopped = False, ""

    def run(self, spans: Sequence[Span], trigger: Trigger) -> Revised:
        """Revise within the spans. Raises FillError where the text does not parse in the end.

        And BudgetError where a budget ends before it does, or before anything is known of it.
        """
        self.spans = list(spans)
        likelihood = None
        try:
            likelihood = self.reader.likelihood(self.data, self.spans)
            self._revise(trigger)
        except BudgetError as error:
            if likelihood is None or any(one.fatal for one in self._diagnosed(self.data)):
                error.where = error.where or self.source.name
                error.hint = "nothing that parses was found and measured so far; raise the budget"
                raise
            self.stopped = error.reason
        return self._result(likelihood)

    def _revise(self, trigger: Trigger) -> None:
        match trigger:
            case TextEdit():
                if not self._renamed(trigger):
                    self._settle(self._unsettled(trigger), [], doubts=False)
            case "diagnostics":
                self._settle([], [], doubts=False)
            case str():  # pyright: ignore[reportUnnecessaryComparison] - whoever asks may not check
                raise OptionError("there is no such trigger", expected="diagnostics", got=trigger)
            case None:
                self._settle([], [], doubts=True)
            case _:
                self._settle([], list(allowed(self.source, trigger)), doubts=False)

    def _settle(self, places: list[Place], foreign: list[Span], *, doubts: bool) -> None:
        """Change after change: at complaints first, then at `places`, then where there are doubts.

        foreign   spans that another tool complains of; a change there need not be likelier by much
        """
        vain: list[Span] = []  # diagnostics that no change mends
        for _ in range(self.doubting.rounds):
            self.complaints = self._diagnosed(self.data)
            if doubts and not self.complaints and self._reached():
                break
            now, looked_at = self._pressing(foreign, vain)
            while looked_at and not now:  # nothing there may change
                vain += looked_at
                now, looked_at = self._pressing(foreign, vain)
            if not looked_at and not any(one.fatal for one in self.complaints):
                now = self._doubtful() if doubts and not self.complaints else places
            change = self._best(now, foreign=bool(foreign))
            if change is None and looked_at:
                vain += looked_at
                continue
            if change is None:
                break
            edit = change.edit
            self.traces += change.traces
            foreign = shifted([s for s in foreign if not s.overlaps(edit.span)], edit)
            vain = [s for one in vain if (s := moved(one, edit)) is not None]
            places = [replace(p, span=s) for p in places if (s := moved(p.span, edit)) is not None]
            self._make(edit)
            self.changed = True

    def _reached(self) -> bool:
        """Whether there is a goal, and the text reaches it."""
        return self.goal is not None and self.goal.reached(self.data.decode())

    def _result(self, likelihood: float) -> Revised:
        complaints = self._diagnosed(self.data)
        if any(one.fatal for one in complaints):
            raise FillError(
                "no revision was found that parses",
                where=f"{self.source.name}: {complaints[0].reason}",
                hint="allow more of the text, or raise the places or rounds to try",
            )
        after = likelihood
        if self.edits:
            try:
                after = self.reader.likelihood(self.data, self.spans)
            except BudgetError as error:
                after, self.stopped = math.nan, self.stopped or error.reason
        return Revised(
            self.source,
            self.edits,
            tuple(self.located),
            likelihood,
            after,
            complaints,
            self.denoiser.forwards,
            tuple(self.traces),
            self.stopped,
        )

    def _diagnosed(self, data: bytes) -> tuple[Diagnostic, ...]:
        return diagnose(data, self.language, self.grammar)

    def _make(self, edit: TextEdit) -> None:
        self.left.add(self.data)
        self.edits = composed(self.source.data, self.edits, edit)
        self.data = apply_edits(self.data, [edit])
        self.spans = shifted(self.spans, edit)
        self.supported = {}

    def _renamed(self, edit: TextEdit) -> bool:
        """Carry the renaming of a name to its other places, where that is what the edit was."""
        if self.language != "python":
            return False
        try:
            tied = rename(self.source.data, edit, model=self.denoiser, settings=self.bench.settings)
        except (InputError, FillError):
            return False  # no name, or one that is taken: an edit as any other
        except BudgetError:
            self._begin(edit)
            raise
        if not all(place in clipped(place, self.spans) for place in tied.places):
            return False
        self.edits, self.data, self.stopped = tied.edits, tied.data, tied.stopped
        for place in tied.places:
            old = self.source.data[place.start : place.stop].decode()
            self.located.append(Located(place, old, "it names what was renamed", 0.0))
        for one in sorted(tied.edits, reverse=True):
            self.spans = shifted(self.spans, one)
        return True

    def _begin(self, edit: TextEdit) -> None:
        """Make the user's own edit, which may not change."""
        self.spans = beside(self.spans, edit.span)
        self._make(edit)

    def _unsettled(self, edit: TextEdit) -> list[Place]:
        """Make the user's own edit and find what it made unlikely."""
        locate, then = self.doubting.locate, self.reader.reading(self.data)
        self._begin(edit)  # first: it stays, also where a budget ends
        gaps = doubts_of(then, range(len(then.ids)), locate)
        now = self.reader.reading(self.data)
        rise = risen(doubts_of(now, now.inside(self.spans), locate), now, gaps, then, edit)
        places = self._allowed(
            doubtful(now, rise, above=self.doubting.doubt, count=self.doubting.places)
        )
        self._locate(places)
        return places

    def _pressing(
        self, foreign: Sequence[Span], vain: Sequence[Span]
    ) -> tuple[list[Place], list[Span]]:
        """Where to try at the first diagnostics that are not in vain, and where those are."""
        own = [one for one in self.complaints if one.span not in vain]
        others = [span for span in foreign if span not in vain]
        inside, outside, others = pressing(own, others, self.spans, self.doubting.places)
        reading, locate = self.reader.reading(self.data), self.doubting.locate
        found = [p for one in inside for p in near(one, reading, locate, self.doubting.places)]
        found += bindings(self.complaints, self.data, self.spans) if outside else []
        found += [Place(word, "diagnosed") for s in others for word in words(self.data, s)]
        return self._allowed(found), [*(one.span for one in (*inside, *outside)), *others]

    def _doubtful(self) -> list[Place]:
        """Where the model doubts the text."""
        reading = self.reader.reading(self.data)
        fine = self.goal is None or self._reached()
        gaps = doubts_of(reading, reading.inside(self.spans), self.doubting.locate)
        least = self.doubting.doubt if fine else 0.0
        return self._allowed(doubtful(reading, gaps, above=least, count=self.doubting.places))

    def _locate(self, places: Iterable[Place]) -> None:
        """Note places of the source that are looked at."""
        for place in places:
            if (span := before(place.span, self.edits)) is not None:
                text = self.source.data[span.start : span.stop].decode(errors="replace")
                one = Located(span, text, place.reason, place.gap)
                self.located += [] if one in self.located else [one]

    def _allowed(self, places: Sequence[Place]) -> list[Place]:
        """The places, as far as they may change."""
        return [
            replace(place, span=part)
            for place in places
            for part in clipped(place.span, self.spans)
        ]

    def _best(self, places: Sequence[Place], *, foreign: bool) -> Change | None:
        """The best change of the first level that has one: smaller spans come first.

        Texts that are known to mend a place come before what the model would write: they cost
        a score, a fill costs ten.
        """
        if not self.changed:  # later places lie in a text that the caller does not know
            self._locate(places)
        for level in sorted({place.level for place in places}):
            tried = [place for place in dict.fromkeys(places) if place.level == level]
            changes = [c for p in tried for c in self._changes(p, self._known(p), foreign=foreign)]
            if not changes:
                changes = [
                    c for p in tried for c in self._changes(p, self._own(p), foreign=foreign)
                ]
            if changes:
                return max(changes, key=lambda change: change.key)
        return None

    def _changes(
        self, place: Place, edits: Iterable[Candidate], *, foreign: bool
    ) -> Iterator[Change]:
        """What is better at a place than what stands there."""
        tried: set[bytes] = set()
        for edit, traces in edits:
            data = apply_edits(self.data, [edit])
            if data not in tried and data != self.data and data not in self.left:
                tried.add(data)
                if key := self._better(place, edit, data, foreign=foreign):
                    yield Change(edit, key, traces)

    def _known(self, place: Place) -> Iterator[Candidate]:
        """Texts that mend a place as they are: marks, keywords, names."""
        texts = [
            text
            for text in suggestions(place, self.data, self.language)
            if self._helps(place, text) > 0
        ]
        sure = texts[:SURE] if place.unbound else []
        rest = [text for text in texts if text not in sure]
        read = partial(self.reader.reading, shown=SHOWN)
        listed = shortlist(rest, place.span, self.data, read, self.denoiser, KEEP)
        for text in [*sure, *listed]:
            yield TextEdit(place.span, text), ()

    def _own(self, place: Place) -> Iterator[Candidate]:
        """What the model writes there."""
        if place.text:
            return
        whole = True
        if place.fatal:
            best = max(self._helps(place, text) for text in PROBES)
            if best <= 0:
                return  # a grammar would look long for a completion that is not there
            whole = best >= PARSES
        if (filled := self._filled(place, whole=whole)) is not None:
            yield filled.edits[0], filled.traces

    def _filled(self, place: Place, *, whole: bool) -> Proposal | None:
        """The model's own fill; where the rest of the text is broken too, without a grammar."""
        reading, settings = self.reader.reading(self.data), self.bench.settings
        tokens = len(reading.tokens(place.span)) + ROOM
        if tokens > min(settings.limits.hole, reading.context // 2):
            return None  # the model would see too little around it
        bench = self.bench if whole else replace(self.bench, settings=replace(settings, tries=1))
        try:
            filled = bench.fill(
                self.data,
                [Hole(place.span.start, place.span.stop, max_tokens=tokens)],
                language=self.language,
                grammar=False if self.grammar is None or not whole else self.grammar,
                name=self.source.name,
            )
        except (GrammarDisagreementError, BudgetError):
            raise  # a mistake of ours is not to be passed over, and a budget is that of all
        except UnverifiedError as error:
            return None if whole or not isinstance(error.proposal, Proposal) else error.proposal
        except (FillError, LimitError):
            return None
        self.stopped = self.stopped or filled.stopped
        return filled

    def _helps(self, place: Place, text: bytes) -> float:
        """See `progress`."""
        edit = TextEdit(place.span, text)
        return self._progress(place, edit, apply_edits(self.data, [edit]))

    def _progress(self, place: Place, edit: TextEdit, data: bytes) -> float:
        grown = len(data) - len(self.data)
        return progress(place, edit, self.complaints, self._diagnosed(data), grown)

    def _better(
        self, place: Place, edit: TextEdit, data: bytes, *, foreign: bool
    ) -> tuple[float, ...]:
        """How much better a text is: less wrong, goal, evidence, likelihood; () if it is not."""
        fewer = self._progress(place, edit, data)
        goal = 0.0
        if self.goal is not None:
            goal = self.goal.score(data.decode()) - self.goal.score(self.data.decode())
        if fewer < 0 or goal < 0:
            return ()
        asked = fewer > 0 or goal > 0 or foreign
        if not asked and not self.reader.alike(self.data, edit, data):
            return ()
        gain = self._gain(edit, data)
        if gain < (0.0 if asked else self.doubting.gain):
            return ()
        return (fewer, goal, *evidence(place, self.data, edit), gain)

    def _gain(self, edit: TextEdit, data: bytes) -> float:
        """How much likelier the change and its neighbours are, given each other (nats)."""
        new = Span(edit.span.start, edit.span.start + len(edit.new))
        old = self.supported.get(edit.span)
        if old is None:
            old = self.supported[edit.span] = self.reader.support(self.data, edit.span)
        return self.reader.support(data, new) - old
