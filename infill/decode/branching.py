"""What a beam tries beside the policy's own step. Knows nothing of which of it is kept.

>>> Branching(tokens=0)
Traceback (most recent call last):
infill.errors.OptionError: tokens is out of range
  expected: 1 or more
  got: 0
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np

from infill.canvas import Reopen, Slot, Splice, Step, Write
from infill.decode.candidates import Row, Sampling
from infill.decode.hypothesis import Hypothesis
from infill.decode.policy import Policy, Unmasking
from infill.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Branching:
    """Variations of a policy's first step: positions times tokens, lengths, one slot back.

    A step's last write is its least sure. It is exchanged for the `tokens` likeliest tokens
    there, and for those at the positions that the policy would have written next; what goes
    before it is shared.

    positions  places for the last write: its own, and the next ones in the policy's order
    tokens     tokens at each of them
    lengths    slots by which a run of holes is made longer (or shorter, below 0) at the start
    reopens    how often, on the way to one result, the most doubtful slot is taken back; what is
               written late has more around it and scores higher for that alone, so let a goal or a
               rescorer judge
    doubt      a slot that was written at less than this probability may be taken back
    """

    positions: int = 2
    tokens: int = 2
    lengths: tuple[int, ...] = ()
    reopens: int = 0
    doubt: float = 0.5

    def __post_init__(self) -> None:
        for name, fine, expected in (
            ("positions", self.positions >= 1, "1 or more"),
            ("tokens", self.tokens >= 1, "1 or more"),
            ("lengths", 0 not in self.lengths, "numbers other than 0"),
            ("reopens", self.reopens >= 0, "0 or more"),
            ("doubt", 0 < self.doubt <= 1, "above 0, up to 1"),
        ):
            if not fine:
                got = repr(getattr(self, name))
                raise OptionError(f"{name} is out of range", expected=expected, got=got)

    def steps(
        self, own: Sequence[Step], hypothesis: Hypothesis, policy: Policy, row: Row
    ) -> Iterator[Step]:
        """The policy's own steps, then what is tried beside the first of them."""
        own = [_by_own_odds(step, row) for step in own]
        yield from own
        writes = [move for move in own[0] if isinstance(move, Write)] if own else []
        if writes and len(writes) == len(own[0]):
            yield from self._exchanged(writes, hypothesis, policy, row)
            if (doubtful := self._doubtful(hypothesis)) is not None:
                yield (Reopen(doubtful), *own[0])
        if hypothesis.parent is None:
            yield from self._spliced(hypothesis)

    def _exchanged(
        self, writes: Sequence[Write], hypothesis: Hypothesis, policy: Policy, row: Row
    ) -> Iterator[Step]:
        """The writes with another last one."""
        *stem, last = writes
        for at in self._places([write.at for write in writes], hypothesis, policy, row):
            room = self.tokens - (at == last.at)  # the policy's own write is one of them
            others = self._writes(at, hypothesis, row) if room else []
            own = (last.at, last.token)
            yield from [(*stem, write) for write in others if (write.at, write.token) != own][:room]

    def _places(
        self, taken: Sequence[int], hypothesis: Hypothesis, policy: Policy, row: Row
    ) -> list[int]:
        """Where the last write stands, and where the policy would go on."""
        holes = hypothesis.canvas.holes
        left = holes[~np.isin(holes, taken)]
        others = min(self.positions - 1, len(left))
        if not others:
            return [taken[-1]]
        surest = row.candidates(left, sampling=Sampling(), uniforms=np.zeros(len(left)))
        if isinstance(policy, Unmasking):
            order = policy.choose(surest, quota=others)
        else:
            order = np.argsort(-surest.logps, kind="stable")
        return [taken[-1], *left[order[:others]].tolist()]

    def _writes(self, at: int, hypothesis: Hypothesis, row: Row) -> list[Write]:
        """The likeliest admitted tokens; a mask is asked for only where none is.

        A mask costs a constraint far more than a question about one token.
        """
        state, top = hypothesis.state, row.top(at, self.tokens)
        pairs = list(zip(top.tokens.tolist(), top.logps.tolist(), strict=True))
        writes = [Write(at, *pair) for pair in pairs if state.admits(at, pair[0])]
        if writes:
            return writes
        top = row.top(at, self.tokens, state.allowed(at))
        pairs = zip(top.tokens.tolist(), top.logps.tolist(), strict=True)
        return [_own_odds(Write(at, *pair), row) for pair in pairs]

    def _doubtful(self, hypothesis: Hypothesis) -> int | None:
        """The slot that was written at the least probability, if that is too little."""
        if hypothesis.reopened >= self.reopens:
            return None
        canvas = hypothesis.canvas
        doubts = np.where(canvas.slots == Slot.FILLED, canvas.logps, 0.0)
        at = int(np.argmin(doubts)) if len(doubts) else 0
        return at if len(doubts) and doubts[at] < np.log(self.doubt) else None

    def _spliced(self, hypothesis: Hypothesis) -> Iterator[Step]:
        """Each run of holes in its other lengths; at least one slot of it stays."""
        holes = hypothesis.canvas.holes
        runs = np.split(holes, np.flatnonzero(np.diff(holes) > 1) + 1) if len(holes) else []
        for run in runs:
            for more in self.lengths:
                if len(run) + more >= 1:
                    yield (Splice(int(run[0]), max(0, -more), max(0, more)),)


def _by_own_odds(step: Step, row: Row) -> Step:
    """The step with its writes, up to a move of another kind, at what the model gives them."""
    leading = list(takewhile(lambda move: isinstance(move, Write), step))
    odds = [_own_odds(move, row) for move in leading if isinstance(move, Write)]
    return (*odds, *step[len(leading) :])


def _own_odds(write: Write, row: Row) -> Write:
    """A write at what the model itself gives its token.

    Where a constraint forbids the likely tokens a policy reports the others as likely; a beam
    would take such a path for a good one.
    """
    logp = row.logp(write.at, write.token)
    # a blank that the model cannot say stays at what it was given
    return replace(write, logp=logp) if np.isfinite(logp) else write
