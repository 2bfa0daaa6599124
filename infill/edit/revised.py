"""What a revision results in, and when it changes anything.

>>> Doubting(places=0)
Traceback (most recent call last):
infill.errors.OptionError: places is out of range
  expected: 1 or more
  got: 0
"""

from __future__ import annotations

from dataclasses import dataclass, field

from infill.decode.locating import Locator, Partition
from infill.decode.trace import Trace
from infill.edit.diagnosing import Diagnostic
from infill.edit.unified import unified
from infill.errors import OptionError
from infill.text import Source, Span, TextEdit, apply_edits


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubting:
    """When to look at a place, and when to change it.

    locate   how doubts are found; a partition into four costs four forwards a window
    doubt    nats that the best token must be ahead of what stands there, to be looked at
    gain     nats that the text around must become likelier, where only the model complains; as
             many tokens must then stand there as before (sums of more or fewer do not compare)
    places   how many diagnostics, or doubted places, are looked at in a round, the first first.
             Where a text does not parse: as many words, and pairs of words, before that place
    rounds   changes at most; a round whose diagnostics no change mends counts, too, and the next
             ones have their turn
    """

    locate: Locator = field(default_factory=Partition)
    doubt: float = 5.0
    gain: float = 30.0
    places: int = 6
    rounds: int = 4

    def __post_init__(self) -> None:
        for name in ("places", "rounds"):
            if (value := getattr(self, name)) < 1:
                got = repr(value)
                raise OptionError(f"{name} is out of range", expected="1 or more", got=got)


@dataclass(frozen=True, slots=True)
class Located:
    """A place that was looked at: its span in the source, what stands there, why, and the gap.

    gap   nats that the model's best token is ahead; 0 where it is not the model that complains
    """

    span: Span
    text: str
    reason: str
    gap: float


@dataclass(frozen=True)
class Revised:
    """A revised text. Every byte outside the allowed spans (and the edit that began it) is kept.

    edits      what changes, in order; empty where nothing is wrong
    located    the places that were in doubt, the worst first
    before, after   mean log-probability per token of the allowed text, each given others (nats);
               `after` is nan where the budget ended before it was measured
    complaints what is still wrong with it
    forwards   canvases that the model scored
    traces     how the accepted texts were filled
    stopped    why the work ended early: "nfe_budget" or "time_limit"; else ""
    """

    source: Source
    edits: tuple[TextEdit, ...]
    located: tuple[Located, ...]
    before: float
    after: float
    complaints: tuple[Diagnostic, ...]
    forwards: int
    traces: tuple[Trace, ...] = field(default=(), repr=False)
    stopped: str = ""

    @property
    def data(self) -> bytes:
        """The revised text as bytes."""
        return apply_edits(self.source.data, self.edits)

    @property
    def text(self) -> str:
        """The revised text."""
        return self.data.decode(errors="replace")

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with it any more, as far as its language can tell."""
        return not self.complaints

    def diff(self, name: str | None = None) -> str:
        """A unified diff that `git apply` and `patch` take; "" where nothing changes."""
        name = name or self.source.name
        return unified(self.source.data, self.data, name, self.edits).decode(errors="replace")
