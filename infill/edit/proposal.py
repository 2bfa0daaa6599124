"""What a fill results in: a text that was checked, and how it came to be."""

from __future__ import annotations

from dataclasses import dataclass, field

from infill.decode.trace import Trace
from infill.edit.attempt import Denoised
from infill.edit.unified import unified
from infill.edit.verify import Check
from infill.text import Source, Span, TextEdit, apply_edits


@dataclass(frozen=True, slots=True)
class HoleFill:
    """One hole's part: the text put there, its mean log-probability per token (nats).

    origin   who wrote it: "model", or "path:line" for a line of the workspace
    """

    text: str
    score: float
    alternatives: tuple[str, ...] = ()
    origin: str = "model"


@dataclass(frozen=True)
class Proposal:
    """A filled text. Every byte outside `edits` is the source's.

    score          mean log-probability per written token (nats), over all holes
    checks         what the language's parser said; empty where no language was named
    holes          one entry per hole, in order
    traces         one trace per attempt and window; `trace` is the last
    alternatives   other results, best first
    forwards       canvases that the model scored for all of this
    stopped        why the work ended early: "nfe_budget", "time_limit", "cancelled"; else ""
    witnessed      whether the work ended so early that the grammar alone completed it
    goal           how the settings' goal scores the text
    scope          the bytes of the source that the checks judged, with the fills; None is all
    windows        the canvases that the fills come from; none of a hole that no model filled
    """

    source: Source
    edits: tuple[TextEdit, ...]
    score: float
    checks: tuple[Check, ...]
    holes: tuple[HoleFill, ...]
    traces: tuple[Trace, ...]
    alternatives: tuple[Proposal, ...] = ()
    forwards: int = 0
    stopped: str = ""
    witnessed: bool = False
    goal: float | None = None
    scope: Span | None = None
    windows: tuple[Denoised, ...] = field(default=(), compare=False, repr=False)

    @property
    def data(self) -> bytes:
        """The filled text as bytes."""
        return apply_edits(self.source.data, self.edits)

    @property
    def text(self) -> str:
        """The filled text; an unverified one that is not UTF-8 has U+FFFD in places."""
        return self.data.decode(errors="replace")

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(check.ok for check in self.checks)

    @property
    def trace(self) -> Trace:
        """How the last window was filled."""
        return self.traces[-1]

    def diff(self, name: str | None = None) -> str:
        """A unified diff that `git apply` and `patch` take; "" where nothing changes."""
        name = name or self.source.name
        return unified(self.source.data, self.data, name, self.edits).decode(errors="replace")
