"""Every bound of the library, with its unit and what it costs to raise it.

>>> DEFAULT.context
512
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds that a fill runs under; `DEFAULT` is right for a laptop.

    context       tokens shown to the model at once, holes included; a forward costs about
                  linear time in it up to 512 for the embedded model
    hole          tokens that one hole may be given; also the longest length that is tried
    holes         holes in one text; each joint group of them is one canvas
    ticks         denoise steps of one attempt, revision included; a guard against a policy
                  that reopens for ever, far above what a schedule asks for
    frontier      hypotheses that go on at once, in one batch; memory and forward time grow
                  linearly. A wider search is refused: none is cut down to it
    text          bytes of one text; everything is held in memory
    workspace     bytes of a project's texts that are learnt from; an index of them takes about a
                  second and 100 MB for each million
    changes       how far from the one it knows a grammar looks for another completion: changed
                  slots beyond those of the nearest; each costs up to three times the one before
    effort        what that search may cost, in fillings of its memory; one takes about a second
    """

    context: int = 512
    hole: int = 256
    holes: int = 1_000
    ticks: int = 4_096
    frontier: int = 64
    text: int = 8_000_000
    workspace: int = 4_000_000
    changes: int = 16
    effort: float = 8.0


DEFAULT = Limits()
