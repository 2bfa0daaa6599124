"""One attempt at a text: which lengths its holes have, and what they hold by now."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from infill.canvas import Canvas
from infill.decode.hypothesis import Hypothesis
from infill.edit.window import Window


@dataclass(frozen=True, slots=True, eq=False)
class Denoised:
    """A window that is complete; `first` is the place of its first hole among the text's."""

    first: int
    window: Window
    canvas: Canvas


@dataclass(slots=True)
class Attempt:
    """What the holes hold.

    tried   per hole, which of its lengths it has; 0 is the most promising
    fills   per hole its bytes, None where it is open
    scores  per hole the mean log-probability of its tokens (nats)
    origins per hole that holds a line of the workspace, where that is from: "path:line"
    done    the windows that are complete, by the first hole of their group
    going   what is being denoised: the group, its window, the best hypothesis
    number  its place among those that were begun, -1 before that
    """

    tried: list[int]
    fills: list[bytes | None]
    scores: list[float]
    origins: dict[int, str] = field(default_factory=dict[int, str])
    done: dict[int, Denoised] = field(default_factory=dict[int, Denoised])
    going: tuple[range, Window, Hypothesis] | None = None
    number: int = -1

    @classmethod
    def of(cls, holes: int) -> Attempt:
        """With all holes open, each to have its most promising length."""
        return cls([0] * holes, [None] * holes, [0.0] * holes)

    def open(self, group: range) -> None:
        """Forget what the holes of a group hold."""
        for index in group:
            self.fills[index] = None
        self.done.pop(group.start, None)

    def again(self) -> Attempt:
        """Another that begins with what this one holds."""
        return replace(
            self,
            tried=list(self.tried),
            fills=list(self.fills),
            scores=list(self.scores),
            origins=dict(self.origins),
            done=dict(self.done),
            going=None,
            number=-1,
        )

    def varied(self, hole: int, rank: int) -> Attempt:
        """The same with another length for one hole."""
        other = self.again()
        other.tried[hole] = rank
        return other

    @property
    def outcome(self) -> tuple[object, ...]:
        """What tells it from other attempts."""
        return (*self.tried, *self.fills)

    @property
    def lacking(self) -> tuple[bool, int, int]:
        """How far it is from complete, the least first: not begun, holes open, slots open."""
        slots = 0 if self.going is None else len(self.going[2].canvas.holes)
        return self.number < 0, self.fills.count(None), slots
