"""Sequential Monte Carlo: many fills drawn together, with weights that make up for a grammar.

Drawing only what a grammar admits, slot after slot, does not draw from the model's texts that
are in the grammar: it favours beginnings that look likely and can hardly be continued. Each
particle's weight is multiplied by the probability of all that was admitted where it wrote
(TWISTER, Thimmaiah et al. 2026; particles for masked diffusion: arXiv:2602.01849). Weighted so,
they stand for p(text | grammar), where p is what the policy's order and schedule make of the model
without a grammar.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from infill.canvas import Step, Write
from infill.decode.candidates import Row, Sampling
from infill.decode.hypothesis import Hypothesis
from infill.decode.lanes import Lanes
from infill.decode.policy import Policy, Unmasking
from infill.decode.schedule import Tick
from infill.decode.search import Frontier, at_least, ranked
from infill.errors import OptionError
from infill.models.denoiser import Denoiser

PLAIN = Sampling(temperature=1.0)


@final
@dataclass(frozen=True, slots=True)
class Particles(Lanes):
    """So many fills drawn together, resampled where few of them carry the weight.

    Positions are chosen by the policy from the distributions at the holes, never from what was
    drawn there: else a text's probability would depend on more than its tokens. The weights are
    right where the constraint is exact, with one write in a tick (`Linear()`) or several; where
    it is not, they are right for the texts that it admits.

    count     particles
    resample  resample when the effective sample size, (Σw)²/Σw², falls below this share of them
    goal      judges those that are done; the search stops when one reaches it
    """

    count: int = 16
    resample: float = 0.5

    def __post_init__(self) -> None:
        at_least("count", self.count, 1)
        if not 0 <= self.resample <= 1:
            expected = "from 0 (never) to 1"
            raise OptionError(
                "resample is out of range", expected=expected, got=repr(self.resample)
            )

    @property
    def width(self) -> int:
        """As many as there are particles."""
        return self.count

    def lanes(self, policy: Policy) -> int:
        """One for each particle."""
        _order(policy)
        return self.count

    def expand(
        self,
        hypothesis: Hypothesis,
        policy: Policy,
        row: Row,
        tick: Tick,
        rng: np.random.Generator,
    ) -> Frontier:
        """One child, heavier or lighter by what was admitted; none where nothing was."""
        canvas, state = hypothesis.canvas, hypothesis.state
        holes, uniforms = canvas.holes, rng.random(len(canvas))
        surest = row.candidates(holes, sampling=Sampling(), uniforms=np.zeros(len(holes)))
        weight, step = hypothesis.log_weight, list[Write]()
        for at in holes[_order(policy).choose(surest, quota=tick.quota(len(holes)))].tolist():
            drawn = row.candidates(
                np.array([at]),
                sampling=PLAIN,
                uniforms=uniforms[[at]],
                allowed=state.allowed(at)[None],
            )
            token, logp = int(drawn.tokens[0]), float(drawn.logps[0])
            write = Write(at, token, logp)
            if not np.isfinite(logp) or (after := state.after(write)) is None:
                return []
            weight += row.logp(at, token) - logp  # p(token) / p(token | admitted) = p(admitted)
            state = after
            step.append(write)
        taken: Step = tuple(step)
        child = hypothesis.child(taken, state, lane=hypothesis.lane)
        return [replace(child, log_weight=weight)]

    def __call__(
        self, hypotheses: Iterable[Hypothesis], denoiser: Denoiser, rng: np.random.Generator
    ) -> Frontier:
        """The particles, drawn anew in proportion to their weights where those are too uneven."""
        del denoiser
        particles = sorted(hypotheses, key=lambda h: h.lane)
        shares = weights(particles)
        if not len(shares):
            return []
        effective = 1 / float((shares**2).sum())
        if effective < self.resample * self.count and not all(h.done for h in particles):
            mean = self.log_evidence(particles)
            particles = [
                replace(particles[index], lane=lane, log_weight=mean)
                for lane, index in enumerate(systematic(shares, self.count, rng.random()))
            ]
        return ranked(particles, self.goal)

    def log_evidence(self, particles: Frontier) -> float:
        """The log of the mean weight, those that died counted as 0.

        With done particles it estimates how likely the model is to write a text of the grammar;
        without bias, as a probability.
        """
        logs = np.array([h.log_weight for h in particles])
        top = logs.max(initial=-np.inf)
        if not np.isfinite(top):
            return float(top)
        return float(top + np.log(np.exp(logs - top).sum() / self.count))


def weights(particles: Frontier) -> NDArray[np.float64]:
    """Each particle's share of the weight; equal ones where the model gives none a chance."""
    logs = np.array([h.log_weight for h in particles])
    top = logs.max(initial=-np.inf)
    raw = np.exp(logs - top) if np.isfinite(top) else np.ones(len(logs))
    return raw / raw.sum() if len(raw) else raw


def systematic(shares: NDArray[np.float64], count: int, uniform: float) -> list[int]:
    """`count` indices, each as often as its share says, give or take one (Carpenter et al. 1999).

    >>> systematic(np.array([0.5, 0.0, 0.5]), 4, 0.5)
    [0, 0, 2, 2]
    """
    marks = (uniform + np.arange(count)) / count
    found = np.searchsorted(np.cumsum(shares), marks, side="right")
    return np.minimum(found, np.flatnonzero(shares)[-1]).tolist()


def _order(policy: Policy) -> Unmasking:
    """The policy, if its order can be followed and its draws weighted."""
    if isinstance(policy, Unmasking) and policy.sampling == PLAIN:
        return policy
    raise OptionError(
        "particles are drawn from the model's own distribution",
        expected="a policy that fills holes, with sampling=Sampling(temperature=1.0)",
        got=repr(policy),
        hint="give the policy that sampling, or draw with BestOf",
    )
