"""The workbench: a text with holes goes in, a checked proposal comes out.

Editors and the command line stand on this. It frames the text for the model, denoises all
holes of a window jointly, checks the result with the language's parser, and tries other lengths
where that fails. It never writes a file.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

from infill.canvas import Canvas
from infill.constrain.protocol import Grammar
from infill.decode.hypothesis import Hypothesis
from infill.decode.loop import Streams, denoise
from infill.decode.trace import Header, Trace, texts_of
from infill.edit.holes import Hole, checked, find_holes
from infill.edit.lengths import ranked
from infill.edit.proposal import HoleFill, Proposal
from infill.edit.settings import Settings
from infill.edit.verify import CHECKERS, Check, verify, verify_untouched
from infill.edit.view import View
from infill.edit.window import Framing, Window
from infill.errors import FillError, InputError, OptionError, UnverifiedError
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


@dataclass(frozen=True)
class Workbench:
    """Fills holes with one model under one set of settings."""

    denoiser: Denoiser
    settings: Settings = field(default_factory=Settings)

    def fill(
        self,
        text: str | bytes,
        holes: Iterable[Hole] | None = None,
        *,
        language: str | None = None,
        grammar: Grammar | None = None,
        name: str = "<text>",
    ) -> Proposal:
        """Fill the holes; without `holes`, the marked ones. See `stream` for errors."""
        frames = self.stream(text, holes, language=language, grammar=grammar, name=name)
        *_, last = frames
        if last.proposal is None:
            raise AssertionError("a stream ends with a proposal or an error")
        return last.proposal

    def stream(
        self,
        text: str | bytes,
        holes: Iterable[Hole] | None = None,
        *,
        language: str | None = None,
        grammar: Grammar | None = None,
        name: str = "<text>",
    ) -> Iterator[Frame]:
        """Fill the holes frame by frame; to cancel, stop iterating.

        language   whose parser must accept the result; None fills without a check
        Raises InputError for a text or holes that cannot be worked on, OptionError for what is
        not supported, and UnverifiedError when no fill within `settings.tries` parses.
        """
        source = Source.of(text, name)
        limits = self.settings.limits
        if len(source.data) > limits.text:
            expected = f"up to {limits.text} bytes (limits.text)"
            got = f"{len(source.data)} bytes"
            raise InputError("the text is too long", where=name, expected=expected, got=got)
        if grammar is not None:
            raise OptionError("a grammar cannot be honoured yet", hint="name a language instead")
        if language is not None and language not in CHECKERS:
            verify(b"", language)  # raises the error that names the known ones
        if holes is None:
            holes = find_holes(source, self.settings.marker, language=language)
        job = _Job(self.denoiser, self.settings, source, checked(source, holes, limits), language)
        yield from job.run()


class _Job:
    """One text being filled: what has been tried, and what each hole holds now."""

    def __init__(
        self,
        denoiser: Denoiser,
        settings: Settings,
        source: Source,
        holes: tuple[Hole, ...],
        language: str | None,
    ) -> None:
        self.denoiser, self.settings, self.source, self.holes = denoiser, settings, source, holes
        self.language = language
        context = min(settings.limits.context, denoiser.capabilities.context)
        self.framing = Framing(
            denoiser,
            source,
            holes,
            language,
            context,
            exact_length=settings.exact_length,
            one_line=settings.one_line,
        )
        self.bounds = [(hole.min_tokens, self._longest(hole)) for hole in holes]
        self.groups = self.framing.groups([longest for _, longest in self.bounds])
        self.fills: list[bytes | None] = [None] * len(holes)
        self.scores = [0.0] * len(holes)
        self.lengths: list[list[int]] = [[] for _ in holes]  # candidates, the best first
        self.tried = [0] * len(holes)  # which of them is tried now
        self.traces: list[Trace] = []

    def _longest(self, hole: Hole) -> int:
        longest = self.settings.max_tokens if hole.max_tokens is None else hole.max_tokens
        return max(longest, hole.min_tokens)

    def run(self) -> Iterator[Frame]:
        """Attempt after attempt, until one is good or they only repeat themselves."""
        pending = self.groups
        seen: set[tuple[object, ...]] = set()
        check = Check("complete", ok=False, reason="nothing was tried")
        for attempt in range(self.settings.tries * len(self.holes)):
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
        window = self.framing.window(
            group, [self.lengths[i][self.tried[i]] for i in group], self.fills
        )
        state = window.constraint.start(window.canvas)
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
        if not untouched.ok or self.language is None:
            return untouched
        return verify(data, self.language)

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
            checks=() if self.language is None else (check,),
            holes=tuple(HoleFill(*pair) for pair in zip(texts, self.scores, strict=True)),
            traces=tuple(self.traces),
        )

    def _give_up(self, check: Check) -> None:
        attempts = len({trace.header.attempt for trace in self.traces})
        if not self.traces:
            raise FillError("no hole could be filled", where=self.source.name)
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
            language=self.language,
            path=self.source.name,
            holes=tuple((self.holes[i].start, self.holes[i].stop) for i in group),
            attempt=attempt,
            seed=self.settings.seed,
            settings=_plain(self.settings),
        )


def _plain(settings: Settings) -> dict[str, Any]:
    """The settings as JSON: numbers and texts as they are, objects as they print."""
    values = {entry.name: getattr(settings, entry.name) for entry in fields(settings)}
    return {
        name: value if isinstance(value, int | str) else repr(value)
        for name, value in values.items()
    }
