"""What a search is for: a score of texts, and when it is enough.

>>> class Short:
...     def score(self, text: str) -> float:
...         return -len(text)
...     def reached(self, text: str) -> bool:
...         return len(text) < 3
>>> goal: Goal = Short()
>>> goal.score("abc"), goal.reached("ab")
(-3, True)
"""

from __future__ import annotations

from typing import Protocol


class Goal(Protocol):
    """Judges whole texts; the same text always gets the same answer."""

    def score(self, text: str) -> float:
        """How good the text is; more is better."""
        ...

    def reached(self, text: str) -> bool:
        """Whether a search may stop with this text."""
        ...
