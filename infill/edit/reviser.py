"""One text being revised: what it is now, what has changed, what may still change.

A change is found place by place: the model fills the place as a hole under the grammar, other
candidates are put there as they are, and each result is judged in the same way. What stands
outside the allowed spans is never offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from infill.constrain.grammar import Grammar
from infill.decode.locating import Partition
from infill.decode.trace import Trace
from infill.edit.allowed import allowed
from infill.edit.changes import composed, shifted, words
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
    risen,
    suggestions,
)
from infill.edit.proposal import Proposal
from infill.edit.reading import Reading
from infill.edit.revised import Doubting, Located, Revised
from infill.edit.shortlist import shortlist
from infill.edit.tied import rename
from infill.edit.workbench import Workbench
from infill.errors import (
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
PARSES = 1e6
"""What it is worth that a text parses; more than any number of names."""
SHOWN = 96
"""Tokens shown to the model when a change is scored: enough around it, and half the price."""


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
        self.edits: tuple[TextEdit, ...] = ()
        self.spans: list[Span] = []
        self.traces: list[Trace] = []
        self.located: list[Located] = []
        self.supported: dict[Span, float] = {}  # of the text as it is
        self.left: set[bytes] = set()  # texts that were left are not come back to
        self.complaints: tuple[Diagnostic, ...] = ()

    def run(self, spans: Sequence[Span], trigger: Trigger) -> Revised:
        """Revise within the spans. Raises FillError where the text does not parse in the end."""
        self.spans = list(spans)
        before, places = self._likelihood(), list[Place]()
        match trigger:
            case TextEdit():
                if self._renamed(trigger):
                    return self._result(before)
                places = self._unsettled(trigger)
                self._settle(places, [], doubts=False)
            case "diagnostics":
                self._settle(places, [], doubts=False)
            case str():  # pyright: ignore[reportUnnecessaryComparison] - whoever asks may not check
                raise OptionError("there is no such trigger", expected="diagnostics", got=trigger)
            case None:
                self._settle(places, [], doubts=True)
            case _:
                self._settle(places, list(allowed(self.source, trigger)), doubts=False)
        return self._result(before)

    def _settle(self, places: list[Place], foreign: list[Span], *, doubts: bool) -> None:
        """Change after change: at complaints first, then at `places`, then where there are doubts.

        foreign   spans that another tool complains of; a change there need not be likelier by much
        """
        for _ in range(self.doubting.rounds):
            self.complaints = self._diagnosed(self.data)
            if doubts and not self.complaints and self._reached():
                break
            if self.complaints or foreign or (doubts and not places):
                places = self._places(foreign)
            change = self._best(places, foreign=bool(foreign))
            if change is None:
                break
            self.traces += change.traces
            foreign = shifted([s for s in foreign if not s.overlaps(change.edit.span)], change.edit)
            self._make(change.edit)
            places = []

    def _reached(self) -> bool:
        """Whether there is a goal, and the text reaches it."""
        return self.goal is not None and self.goal.reached(self.data.decode())

    def _result(self, before: float) -> Revised:
        complaints = self._diagnosed(self.data)
        if any(one.fatal for one in complaints):
            raise FillError(
                "no revision was found that parses",
                where=f"{self.source.name}: {complaints[0].reason}",
                hint="allow more of the text, or raise the places or rounds to try",
            )
        return Revised(
            self.source,
            self.edits,
            tuple(self.located),
            before,
            self._likelihood() if self.edits else before,
            complaints,
            self.denoiser.forwards,
            tuple(self.traces),
        )

    def _diagnosed(self, data: bytes) -> tuple[Diagnostic, ...]:
        return diagnose(data, self.language, self.grammar)

    def _reading(self, data: bytes, shown: int | None = None) -> Reading:
        context = min(self.bench.settings.limits.context, self.denoiser.capabilities.context)
        context = context if shown is None else min(shown, context)
        return Reading(self.denoiser, Source(data, self.source.name), self.language, context)

    def _open(self, reading: Reading) -> list[int]:
        return sorted({token for span in self.spans for token in reading.tokens(span)})

    def _likelihood(self) -> float:
        """Mean log-probability of the tokens that may change, each given others (nats)."""
        reading = self._reading(self.data)
        tokens = self._open(reading)
        return float(reading.doubts(tokens, Partition()).current.mean()) if tokens else 0.0

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
        if not all(place in clipped(place, self.spans) for place in tied.places):
            return False
        self.edits, self.data = tied.edits, tied.data
        for place in tied.places:
            old = self.source.data[place.start : place.stop].decode()
            self.located.append(Located(place, old, "it names what was renamed", 0.0))
        for one in sorted(tied.edits, reverse=True):
            self.spans = shifted(self.spans, one)
        return True

    def _unsettled(self, edit: TextEdit) -> list[Place]:
        """Make the user's own edit, which may not change, and find what it made unlikely."""
        locate = self.doubting.locate
        then = self._reading(self.data)
        before = doubts_of(then, range(len(then.ids)), locate)
        halves = [(s.start, min(s.stop, edit.span.start)) for s in self.spans]
        halves += [(max(s.start, edit.span.stop), s.stop) for s in self.spans]
        self.spans = sorted(Span(start, stop) for start, stop in halves if start < stop)
        self._make(edit)
        now = self._reading(self.data)
        gaps = risen(doubts_of(now, self._open(now), locate), now, before, then, edit)
        return self._allowed(
            doubtful(now, gaps, above=self.doubting.doubt, count=self.doubting.places)
        )

    def _places(self, foreign: Sequence[Span]) -> list[Place]:
        """Where to try: at diagnostics, or else where the model doubts the text."""
        doubting, reading = self.doubting, self._reading(self.data)
        found = [
            place
            for one in self.complaints
            for place in near(one, reading, doubting.locate, doubting.places)
        ]
        found += bindings(self.complaints, self.data, self.spans)
        found += [Place(word, "diagnosed") for s in foreign for word in words(self.data, s)]
        if not found:
            fine = self.goal is None or self._reached()
            gaps = doubts_of(reading, self._open(reading), doubting.locate)
            least = doubting.doubt if fine else 0.0
            found = doubtful(reading, gaps, above=least, count=doubting.places)
        return self._allowed(found)

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
        if not self.edits:  # later places lie in a text that the caller does not know
            for place in places:
                text = self.data[place.span.start : place.span.stop].decode(errors="replace")
                self.located.append(Located(place.span, text, place.reason, place.gap))
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
        read = partial(self._reading, shown=SHOWN)
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
        reading, settings = self._reading(self.data), self.bench.settings
        tokens = len(reading.tokens(place.span)) + ROOM
        if tokens > min(settings.limits.hole, reading.context // 2):
            return None  # the model would see too little around it
        bench = self.bench if whole else replace(self.bench, settings=replace(settings, tries=1))
        try:
            return bench.fill(
                self.data,
                [Hole(place.span.start, place.span.stop, max_tokens=tokens)],
                language=self.language,
                grammar=False if self.grammar is None or not whole else self.grammar,
                name=self.source.name,
            )
        except GrammarDisagreementError:
            raise  # a mistake of ours is not to be passed over
        except UnverifiedError as error:
            return None if whole or not isinstance(error.proposal, Proposal) else error.proposal
        except (FillError, LimitError):
            return None

    def _helps(self, place: Place, text: bytes) -> float:
        """See `_progress`."""
        edit = TextEdit(place.span, text)
        return self._progress(place, edit, apply_edits(self.data, [edit]))

    def _progress(self, place: Place, edit: TextEdit, data: bytes) -> float:
        """How much less is wrong: `PARSES` where the text parses now, then names.

        Where it still does not, 1 if for another word the parser gives up later, past the edit:
        several things may be wrong at once. A larger change may not; it might be all of a line.
        """
        then, now = self.complaints, self._diagnosed(data)
        stuck = next((one.span.start for one in now if one.fatal), None)
        was = next((one.span.start for one in then if one.fatal), None)
        if stuck is None:
            return (0.0 if was is None else PARSES) + len(then) - len(now)
        if was is None or place.level:
            return -PARSES
        further = len(self.data) - was > len(data) - stuck
        return float(further and stuck > edit.span.start + len(edit.new)) or -1.0

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
        if not asked and not self._alike(edit, data):
            return ()
        gain = self._gain(edit, data)
        if gain < (0.0 if asked else self.doubting.gain):
            return ()
        return (fewer, goal, *evidence(place, self.data, edit), gain)

    def _alike(self, edit: TextEdit, data: bytes) -> bool:
        """Whether as many tokens stand there: a rare name of four is no worse than a short word."""
        new = Span(edit.span.start, edit.span.start + len(edit.new))
        old, now = (
            len(self._reading(text).tokens(span))
            for text, span in ((self.data, edit.span), (data, new))
        )
        return old == now

    def _gain(self, edit: TextEdit, data: bytes) -> float:
        """How much likelier the change and its neighbours are, given each other (nats)."""
        new = Span(edit.span.start, edit.span.start + len(edit.new))
        old = self.supported.get(edit.span)
        if old is None:
            old = self.supported[edit.span] = self._support(self.data, edit.span)
        return self._support(data, new) - old

    def _support(self, data: bytes, span: Span) -> float:
        """Σ log-probability of a span and its neighbours, each given others (nats)."""
        reading = self._reading(data, SHOWN)
        tokens = list(reading.around(span))
        return float(reading.doubts(tokens, Partition()).current.sum())
