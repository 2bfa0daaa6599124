"""Tied slots: several places of a text that must carry the same text, chosen for all at once.

Each candidate is put into all places; then every place, those that are locked too, is hidden in
turn, and the model is asked how well it follows from the others. So a rename propagates: the
places that are tied to a locked one take the text that fits it. Filling the places freely finds
other names in reach that fit as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from infill.edit.bounded import bounded
from infill.edit.holes import Hole
from infill.edit.names import names_in_reach, occurrences
from infill.edit.reading import Reading
from infill.edit.settings import Settings
from infill.edit.unified import unified
from infill.edit.verify import Check, verify, verify_untouched
from infill.edit.workbench import Workbench
from infill.errors import BudgetError, FillError, HoleError, InputError
from infill.models.counted import Counted
from infill.models.denoiser import Denoiser
from infill.text import Source, Span, TextEdit, apply_edits

MOST = 16
"""Candidates that are scored; each costs a forward for every place."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One candidate: Σ log-probability of all places, locked ones too (nats), and its check."""

    text: str
    score: float
    check: Check


@dataclass(frozen=True)
class Tied:
    """A text whose tied places were given one text; every other byte is the source's.

    places    the spans of the source that were tied
    locked    the spans that already carry what they should
    choices   what was considered, the best first; the first one is the result
    forwards  canvases that the model scored
    stopped   why not all were considered: "nfe_budget" or "time_limit"; else ""
    """

    source: Source
    places: tuple[Span, ...]
    locked: tuple[Span, ...]
    choices: tuple[Choice, ...]
    forwards: int
    before: tuple[TextEdit, ...] = field(default=(), repr=False)
    stopped: str = ""

    @property
    def text_of_places(self) -> str:
        """What the places carry now."""
        return self.choices[0].text

    @property
    def edits(self) -> tuple[TextEdit, ...]:
        """What changes, the edit that started it included."""
        new = self.text_of_places.encode()
        changed = [
            TextEdit(place, new)
            for place in self.places
            if self.source.data[place.start : place.stop] != new
        ]
        return tuple(sorted([*self.before, *changed]))

    @property
    def data(self) -> bytes:
        """The resulting text as bytes."""
        return apply_edits(self.source.data, self.edits)

    @property
    def text(self) -> str:
        """The resulting text."""
        return self.data.decode(errors="replace")

    def diff(self, name: str | None = None) -> str:
        """A unified diff; "" where nothing changes."""
        name = name or self.source.name
        return unified(self.source.data, self.data, name, self.edits).decode(errors="replace")


def tie(  # noqa: PLR0913 - the contract's options, all but the text by name
    text: str | bytes,
    places: Iterable[Span],
    *,
    locked: Iterable[Span] = (),
    candidates: Iterable[str] = (),
    language: str | None = None,
    model: str | Denoiser = "embedded",
    settings: Settings | None = None,
) -> Tied:
    """Give several places of a text the one text that fits all of them best.

    places      the spans to tie; they may hold anything now
    locked      spans that already carry the text the places should agree with
    candidates  texts to consider; without any, what stands in the places and in the locked
                spans, and what the model fills in for them

    Raises HoleError for spans that overlap, are empty or lie outside, FillError when no candidate
    passes the language's parser, and BudgetError when a budget of the settings ends before one was
    scored; past it the best of those that were is taken.
    """
    source = Source.of(text)
    spans, kept = tuple(sorted(places)), tuple(sorted(locked))
    _require_apart(source, spans, kept)
    denoiser, own = bounded(model, settings or Settings())
    tier = _Tier(denoiser, own, source, spans, kept, language)
    return tier.best([*candidates] or tier.candidates())


def rename(  # noqa: PLR0913 - the contract's options, all but the text by name
    text: str | bytes,
    edit: TextEdit,
    *,
    candidates: Iterable[str] = (),
    keeps_meaning: bool = True,
    model: str | Denoiser = "embedded",
    settings: Settings | None = None,
) -> Tied:
    """Propagate the renaming of one occurrence of a Python name to the others.

    edit           the occurrence that was renamed, as a span of the text before, and its new name
    candidates     names to consider besides the new one, the old one and those in reach
    keeps_meaning  only names that make the text mean what it meant: the same places name one
                   thing, and nothing else does

    Raises InputError where the span is no name, or one that cannot be changed here alone, and
    FillError when no candidate will do (the new name already means something else, say), and
    BudgetError as `tie` does.
    """
    source = Source.of(text)
    spans = occurrences(source.data, edit.span.start, source.name)
    if edit.span not in spans:
        raise InputError(
            "the edit is no renaming",
            where=f"{source.name}, {source.position(edit.span.start)}",
            expected="the whole of one name",
            got=repr(source.data[edit.span.start : edit.span.stop].decode(errors="replace")),
        )
    edited = Source.of(apply_edits(source.data, [edit]), source.name)
    moved = {span: _moved(span, edit) for span in spans}
    others = tuple(moved[span] for span in spans if span != edit.span)
    locked = Span(edit.span.start, edit.span.start + len(edit.new))
    old = source.data[edit.span.start : edit.span.stop].decode()
    names = [edit.new.decode(), *candidates, old, *names_in_reach(source.data, edit.span.start)]
    denoiser, own = bounded(model, settings or Settings())
    tier = _Tier(denoiser, own, edited, others, (locked,), "python")
    found = tier.best(names, as_one=keeps_meaning)
    return Tied(
        source,
        tuple(span for span in spans if span != edit.span),
        (edit.span,),
        found.choices,
        found.forwards,
        before=(edit,),
        stopped=found.stopped,
    )


def _moved(span: Span, edit: TextEdit) -> Span:
    shift = len(edit.new) - len(edit.span) if span.start >= edit.span.stop else 0
    return Span(span.start + shift, span.stop + shift)


def _require_apart(source: Source, places: Sequence[Span], locked: Sequence[Span]) -> None:
    if not places:
        raise HoleError("no places were given", where=source.name, hint="give at least one span")
    for span in (*places, *locked):
        if not len(span) or span.stop > len(source.data):
            raise HoleError(
                "a tied place is empty or reaches past the end",
                where=f"{source.name}, bytes {span.start} to {span.stop}",
                expected=f"start < stop <= {len(source.data)}",
            )
    for left, right in pairwise(sorted((*places, *locked))):
        if left.stop > right.start:
            raise HoleError(
                "two tied places overlap",
                where=f"{source.name}, bytes {right.start} to {left.stop}",
                hint="give each place once",
            )


@dataclass(frozen=True)
class _Tier:
    """What a choice is made from."""

    denoiser: Counted
    settings: Settings
    source: Source
    places: tuple[Span, ...]
    locked: tuple[Span, ...]
    language: str | None

    def candidates(self) -> list[str]:
        """What stands in the places, and what the model fills in for them, hidden together."""
        data = self.source.data
        texts = [data[span.start : span.stop].decode() for span in (*self.locked, *self.places)]
        holes = [Hole(span.start, span.stop) for span in self.places]
        try:
            filled = Workbench(self.denoiser, self.settings).fill(
                data, holes, language=self.language, name=self.source.name
            )
        except FillError:
            return texts
        return [*texts, *(hole.text for hole in filled.holes)]

    def best(self, texts: Iterable[str], *, as_one: bool = False) -> Tied:
        """The candidates that pass, by how well all places follow from each other."""
        choices, stopped = list[Choice](), ""
        try:
            for text in _first(texts, MOST):
                data, places = self._with(text)
                check = self._check(text, data, places, as_one=as_one)
                if check.ok:
                    choices.append(Choice(text, self._score(data, places), check))
        except BudgetError as error:
            if not choices:
                error.where = error.where or self.source.name
                error.hint = "nothing was scored so far; raise the budget"
                raise
            stopped = error.reason
        if not choices:
            raise FillError(
                "no text can stand in all tied places",
                where=self.source.name,
                got=", ".join(_first(texts, MOST)),
                hint="choose another name: this one may be taken already",
            )
        choices.sort(key=lambda choice: -choice.score)
        return Tied(
            self.source,
            self.places,
            self.locked,
            tuple(choices),
            self.denoiser.forwards,
            stopped=stopped,
        )

    def _with(self, text: str) -> tuple[bytes, list[Span]]:
        """The text with a candidate in all places, and where places and locked spans are then."""
        new = text.encode()
        data = apply_edits(self.source.data, [TextEdit(span, new) for span in self.places])
        spans, shift = list[Span](), 0
        for span in sorted((*self.places, *self.locked)):
            tied = span in self.places
            size = len(new) if tied else len(span)
            spans.append(Span(span.start + shift, span.start + shift + size))
            shift += size - len(span)
        return data, spans

    def _check(self, text: str, data: bytes, places: Sequence[Span], *, as_one: bool) -> Check:
        edits = [TextEdit(span, text.encode()) for span in self.places]
        check = verify_untouched(self.source.data, edits, data)
        if check.ok and self.language is not None:
            check = verify(data, self.language)
        if not check.ok or not as_one:
            return check
        try:
            same = occurrences(data, places[0].start) == tuple(places)
        except InputError as error:
            return Check("one name", ok=False, reason=error.what)
        return check if same else Check("one name", ok=False, reason="the name is taken")

    def _score(self, data: bytes, places: Sequence[Span]) -> float:
        context = min(self.settings.limits.context, self.denoiser.capabilities.context)
        source = Source(data, self.source.name)
        reading = Reading(self.denoiser, source, self.language, context)
        groups = [list(reading.tokens(span)) for span in places]
        sums, _ = reading.support(_apart(groups))
        return sum(sums)


def _apart(groups: Sequence[list[int]]) -> list[list[int]]:
    """The groups, each token in one of them."""
    seen: set[int] = set()
    apart: list[list[int]] = []
    for group in groups:
        apart.append([token for token in group if token not in seen])
        seen |= set(group)
    return [group for group in apart if group]


def _first(texts: Iterable[str], count: int) -> Iterator[str]:
    """The first few different texts that say something."""
    yield from [text for text in dict.fromkeys(texts) if text.strip()][:count]
