"""Whether a filled text is good: all holes filled, nothing else touched, accepted by its parser."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from infill.constrain.grammar import Grammar
from infill.constrain.grammatical import Grammatical
from infill.decode.trace import Trace
from infill.edit.holes import Hole
from infill.edit.verify import Check, verify, verify_untouched
from infill.edit.view import View
from infill.errors import GrammarDisagreementError
from infill.text import Source, Span, TextEdit, apply_edits


@dataclass(frozen=True, slots=True)
class Rule:
    """What the whole text must be: a grammar, and the same over the model's tokens."""

    grammar: Grammar
    constraint: Grammatical


@dataclass(frozen=True, slots=True)
class Judge:
    """The checks that a fill of one text must pass.

    scope   the part of the text that grammar and parser judge, its fills included; None is all
    """

    source: Source
    holes: tuple[Hole, ...]
    language: str | None
    rule: Rule | None
    scope: Span | None = None

    def edits(self, fills: Sequence[bytes | None]) -> tuple[TextEdit, ...]:
        """The edits that put the fills where the holes are; nothing for an open one."""
        pairs = zip(self.holes, fills, strict=True)
        return tuple(TextEdit(hole.span, fill or b"") for hole, fill in pairs)

    def restored(self, index: int, fill: bytes) -> bytes:
        """A fill with the line ends and tabs that its place in the file has."""
        return View.of(self.source, self.holes[index].start).restore(fill)

    def text(self, fills: Sequence[bytes | None]) -> str:
        """The whole text with these fills, without a byte order mark."""
        return apply_edits(self.source.data, self.edits(fills)).decode("utf-8-sig", "replace")

    def check(self, fills: Sequence[bytes | None], traces: Sequence[Trace]) -> Check:
        """What the checks say of the text with these fills; first of all, that it is filled.

        Raises GrammarDisagreementError, with the traces, where two parsers disagree.
        """
        if None in fills:
            start = self.holes[list(fills).index(None)].start
            reason = f"the hole at {self.source.position(start)} was not filled"
            return Check("complete", ok=False, reason=reason, offset=start)
        edits = self.edits(fills)
        data = apply_edits(self.source.data, edits)
        untouched = verify_untouched(self.source.data, edits, data)
        if not untouched.ok:
            return untouched
        scope = self.scope or Span(0, len(self.source.data))
        part = data[scope.start : scope.stop + len(data) - len(self.source.data)]
        judged = self._judged(part, traces)
        if judged.ok and self.language is not None:
            judged = verify(part, self.language)
        if judged.ok or not scope.start:
            return judged
        line = self.source.position(scope.start).line
        reason = f"{judged.reason}, in the text from line {line} on"
        return replace(judged, reason=reason, offset=scope.start + judged.offset)

    def blamed(self, fills: Sequence[bytes | None], check: Check) -> int:
        """The hole that a failed check speaks of: the open one, or the last before the error."""
        if None in fills:
            return list(fills).index(None)
        starts, shift = list[int](), 0
        for edit in self.edits(fills):
            starts.append(edit.span.start + shift)
            shift += len(edit.new) - len(edit.span)
        before = [i for i, start in enumerate(starts) if start <= check.offset]
        return before[-1] if before else 0

    def _judged(self, data: bytes, traces: Sequence[Trace]) -> Check:
        """What an independent parser of the grammar says; our engine found the text good."""
        if self.rule is None or (judge := self.rule.grammar.judge) is None:
            return Check("untouched", ok=True)
        name = f"grammar {self.rule.grammar.name}"
        reason = judge(data.decode("utf-8-sig"))
        if reason is None:
            return Check(name, ok=True)
        read = View.of(self.source, 0).show(data).decode("utf-8-sig")
        if judge(read) is None:  # it is the line ends and tabs of the file that it refuses
            return Check(name, ok=False, reason=reason, offset=len(data))
        trace_file = _kept(traces)
        raise GrammarDisagreementError(
            "two parsers of one grammar disagree about a fill; it was not used",
            traces=tuple(traces),
            trace_file=trace_file,
            where=self.source.name,
            expected=f"a text of the grammar {self.rule.grammar.name}, as our engine has it",
            got=reason,
            hint=f"this is a mistake in infill: please report it, with {trace_file}",
        )


def _kept(traces: Sequence[Trace]) -> str:
    """The path of a new temporary file with the traces."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="infill-", suffix=".jsonl", encoding="ascii", delete=False
    ) as file:
        for trace in traces:
            file.writelines(trace.lines())
    return str(Path(file.name))
