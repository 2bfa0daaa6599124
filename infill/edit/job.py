"""One text being filled: attempt after attempt, window by window, until a fill is good.

All holes of a window are denoised jointly. Where a fill does not parse, or no text of the
grammar has the lengths that are next in line, other lengths are tried. Knows nothing of files.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from infill.canvas import Canvas
from infill.constrain.affix import Affixes
from infill.constrain.grammar import Grammar
from infill.constrain.grammatical import Grammatical
from infill.constrain.protocol import State
from infill.decode.hypothesis import Hypothesis
from infill.decode.loop import Streams, denoise
from infill.decode.trace import Header, Trace, texts_of
from infill.edit.holes import Hole
from infill.edit.lengths import ranked
from infill.edit.proposal import HoleFill, Proposal
from infill.edit.settings import Settings
from infill.edit.verify import Check, verify, verify_untouched
from infill.edit.view import View
from infill.edit.window import Framing, Window
from infill.errors import FillError, GrammarDisagreementError, LimitError, UnverifiedError
from infill.models.denoiser import Denoiser
from infill.text import Source, TextEdit, apply_edits


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment of a fill: the best canvas after a tick. The last frame has the proposal."""

    attempt: int
    tick: int
    window: Window
    canvas: Canvas
    proposal: Proposal | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What the whole text must be: a grammar, and the same over the model's tokens."""

    grammar: Grammar
    constraint: Grammatical


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
    ) -> None:
        self.denoiser, self.settings, self.source, self.holes = denoiser, settings, source, holes
        self.language, self.rule = language, rule
        context = min(settings.limits.context, denoiser.capabilities.context)
        self.framing = Framing(
            denoiser,
            source,
            holes,
            language,
            context,
            exact_length=settings.exact_length,
            one_line=settings.one_line,
            grammar=None if rule is None else rule.constraint,
        )
        self.bounds = [(hole.min_tokens, self._longest(hole)) for hole in holes]
        self.groups = self.framing.groups([longest for _, longest in self.bounds])
        self.fills: list[bytes | None] = [None] * len(holes)
        self.scores = [0.0] * len(holes)
        self.lengths: list[list[int]] = [[] for _ in holes]  # candidates, the best first
        self.tried = [0] * len(holes)  # which of them is tried now
        self.stand_ins: Sequence[bytes] = ()  # for the open holes of other windows
        self.traces: list[Trace] = []
        self.limit: LimitError | None = None  # what cut a search short, so that a length was left

    def _longest(self, hole: Hole) -> int:
        longest = self.settings.max_tokens if hole.max_tokens is None else hole.max_tokens
        return max(longest, hole.min_tokens)

    def run(self) -> Iterator[Frame]:
        """Attempt after attempt, until one is good or they only repeat themselves."""
        self.stand_ins = self._stand_ins()
        attempt, pending = 0, self.groups
        seen: set[tuple[object, ...]] = set()
        check = Check("complete", ok=False, reason="nothing was tried")
        while attempt < self.settings.tries * len(self.holes):
            frame, first = None, len(self.traces)
            for group in pending:
                for frame in self._denoise(group, attempt):
                    yield frame
            check = self._check()
            self._label(first, check)
            if frame is not None and check.ok:
                yield replace(frame, proposal=self._proposal(check))
                return
            outcome = (*self.tried, *self.fills)
            if outcome in seen:  # greedy decoding has been through all lengths
                break
            seen.add(outcome)
            attempt += frame is not None  # lengths that no text of the grammar has cost nothing
            blamed = self._next_length(check)
            pending = [group for group in self.groups if blamed in group]
        self._give_up(check)

    def _denoise(self, group: range, attempt: int) -> Iterator[Frame]:
        """Fill a group's holes jointly, at the lengths that are next in line."""
        settings = self.settings
        for index in group:
            self.fills[index] = None
        if not self.lengths[group.start]:
            bounds = [self.bounds[i] for i in group]
            for index, order in zip(
                group, ranked(self.framing, group, self.fills, bounds), strict=True
            ):
                self.lengths[index] = order
            self._drop_too_short(group)
        window = self._window(group, [self.lengths[i][self.tried[i]] for i in group])
        state = self._begun(window)
        if state is None:
            return
        best = start = Hypothesis(window.canvas, state)
        yield Frame(attempt, 0, window, window.canvas)
        times, before = list[float](), time.perf_counter()
        for tick, frontier in enumerate(
            denoise(
                start,
                denoiser=self.denoiser,
                policy=settings.policy,
                schedule=settings.schedule,
                search=settings.search,
                limits=settings.limits,
                rng=Streams(settings.seed + attempt),
            )
        ):
            best = frontier[0]
            times.append(1e3 * (time.perf_counter() - before))
            yield Frame(attempt, tick + 1, window, best.canvas)
            before = time.perf_counter()
        header = self._header(window, group, attempt)
        self.traces.append(Trace.of(header, best, vocab=self.denoiser.vocab, ms=times))
        if best.done:
            self._keep(group, window, best.canvas)

    def _begun(self, window: Window) -> State | None:
        """The constraint's state; None where no text has these lengths, or none was found."""
        try:
            return window.constraint.start(window.canvas)
        except LimitError as error:
            self.limit = error  # another length may do; where none does, this is the reason
            return None

    def _window(
        self, group: range, lengths: Sequence[int], *, exact_length: bool | None = None
    ) -> Window:
        return self.framing.window(
            group, lengths, self.fills, stand_ins=self.stand_ins, exact_length=exact_length
        )

    def _stand_ins(self) -> Sequence[bytes]:
        """A text for each hole, which together make one of the grammar.

        Raises FillError when there is none: then no fill can be found, whatever the lengths;
        LimitError when none was found, and there may be some.
        """
        if self.rule is None:
            return ()
        whole, grammar = self.framing.whole, self.rule.constraint
        slots = [longest for _, longest in self.bounds]
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
        longest = [self.bounds[i][1] for i in group]
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
            view = View.of(self.source, self.holes[index].start)
            self.fills[index], self.scores[index] = view.restore(fill), score

    def _edits(self) -> tuple[TextEdit, ...]:
        return tuple(
            TextEdit(hole.span, fill or b"")
            for hole, fill in zip(self.holes, self.fills, strict=True)
        )

    def _check(self) -> Check:
        """What the checks say of the text as it is filled now; first of all, that it is."""
        if None in self.fills:
            start = self.holes[self.fills.index(None)].start
            reason = f"the hole at {self.source.position(start)} was not filled"
            return Check("complete", ok=False, reason=reason, offset=start)
        data = apply_edits(self.source.data, self._edits())
        untouched = verify_untouched(self.source.data, self._edits(), data)
        if not untouched.ok:
            return untouched
        judged = self._judged(data)
        if not judged.ok or self.language is None:
            return judged
        return verify(data, self.language)

    def _judged(self, data: bytes) -> Check:
        """What an independent parser of the grammar says; our engine found the text good.

        Raises GrammarDisagreementError where it refuses the text as our engine has read it.
        """
        if self.rule is None or (judge := self.rule.grammar.judge) is None:
            return Check("untouched", ok=True)
        name = f"grammar {self.rule.grammar.name}"
        reason = judge(data.decode("utf-8-sig"))
        if reason is None:
            return Check(name, ok=True)
        read = View.of(self.source, 0).show(data).decode("utf-8-sig")
        if judge(read) is None:  # it is the line ends and tabs of the file that it refuses
            return Check(name, ok=False, reason=reason, offset=len(data))
        trace_file = _kept_traces(self.traces)
        raise GrammarDisagreementError(
            "two parsers of one grammar disagree about a fill; it was not used",
            traces=tuple(self.traces),
            trace_file=trace_file,
            where=self.source.name,
            expected=f"a text of the grammar {self.rule.grammar.name}, as our engine has it",
            got=reason,
            hint=f"this is a mistake in infill: please report it, with {trace_file}",
        )

    def _next_length(self, check: Check) -> int:
        """Choose another length for the hole to blame: the open one, or the last before the error.

        Where it has none left it goes back to its best, and its nearest neighbour changes; after
        the last of all, each is at its best again, for a sampling policy to draw anew.
        """
        starts, shift = list[int](), 0
        for edit in self._edits():
            starts.append(edit.span.start + shift)
            shift += len(edit.new) - len(edit.span)
        before = [i for i, start in enumerate(starts) if start <= check.offset]
        blamed = before[-1] if before else 0
        if None in self.fills:
            blamed = self.fills.index(None)
        for index in sorted(range(len(self.holes)), key=lambda i: abs(i - blamed)):
            if self.tried[index] + 1 < len(self.lengths[index]):
                self.tried[index] += 1
                return index
            self.tried[index] = 0
        return blamed

    def _label(self, first: int, check: Check) -> None:
        """Tell the last attempt's traces, those from `first` on, how it ended."""
        if check.ok:
            return
        outcome = "incomplete" if check.name == "complete" else "unparsable"
        for index in range(first, len(self.traces)):
            self.traces[index] = replace(self.traces[index], outcome=outcome, reason=check.reason)

    def _proposal(self, check: Check) -> Proposal:
        texts = [(fill or b"").decode(errors="replace") for fill in self.fills]
        return Proposal(
            source=self.source,
            edits=self._edits(),
            score=sum(self.scores) / len(self.scores),
            checks=() if self.language is None and self.rule is None else (check,),
            holes=tuple(HoleFill(*pair) for pair in zip(texts, self.scores, strict=True)),
            traces=tuple(self.traces),
        )

    def _give_up(self, check: Check) -> None:
        attempts = len({trace.header.attempt for trace in self.traces})
        if not self.traces:
            if self.limit is not None:
                raise self.limit
            raise FillError(
                "no hole could be filled",
                where=self.source.name,
                expected=""
                if self.rule is None
                else f"text of the grammar {self.rule.grammar.name}",
                hint="raise max_tokens" if self.rule is None else "set exact_length=False",
            )
        raise UnverifiedError(
            f"no fill was found that parses, in {attempts} attempts",
            proposal=self._proposal(check),
            traces=tuple(self.traces),
            where=f"{self.source.name}: {check.reason}",
            hint="raise tries or max_tokens, change the seed, or give the hole more context",
        )

    def _header(self, window: Window, group: range, attempt: int) -> Header:
        model, vocab = self.denoiser.capabilities, self.denoiser.vocab
        return Header(
            canvas=window.canvas,
            texts=texts_of(window.canvas, vocab),
            model={"name": model.name, "digest": model.digest, "tokenizer": vocab.digest},
            grammar=None if self.rule is None else self.rule.grammar.name,
            language=self.language,
            path=self.source.name,
            holes=tuple((self.holes[i].start, self.holes[i].stop) for i in group),
            attempt=attempt,
            seed=self.settings.seed,
            settings=_plain(self.settings),
        )


def _kept_traces(traces: Sequence[Trace]) -> str:
    """The path of a new temporary file with the traces."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="infill-", suffix=".jsonl", encoding="ascii", delete=False
    ) as file:
        for trace in traces:
            file.writelines(trace.lines())
    return str(Path(file.name))


def _plain(settings: Settings) -> dict[str, Any]:
    """The settings as JSON: numbers and texts as they are, objects as they print."""
    values = {entry.name: getattr(settings, entry.name) for entry in fields(settings)}
    values.pop("grammar")  # the header names the one that was found
    return {
        name: value if isinstance(value, int | str) else repr(value)
        for name, value in values.items()
    }
