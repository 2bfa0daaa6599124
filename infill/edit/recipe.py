"""How to work on a text, in plain words and numbers: what command lines and files of settings say.

A recipe can be written down, sent to another process and compared; `Settings` are made from it
where the work is done. This module imports nothing heavy.

>>> Recipe(seed=7).seed, Recipe().marker
(7, '<FILL_ME>')
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from infill.edit.choices import (
    MARKER,
    length_named,
    policy_named,
    schedule_named,
    search_named,
)
from infill.errors import OptionError

if TYPE_CHECKING:
    from infill.edit.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """`Settings` before they are made; see there for what each means.

    policy, schedule, search, length   as `infill.edit.choices` names them
    steps                  denoise steps of an attempt, for the schedule
    temperature, top_p, top_k   how the policy draws tokens
    goal                   a command, as in a shell
    grammar                a name, a path or "none"
    """

    seed: int = 0
    steps: int | None = None
    schedule: str = "linear"
    policy: str = "confidence"
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    tries: int = 8
    max_tokens: int = 24
    search: str = "greedy"
    goal: str | None = None
    length: str = "auto"
    candidates: int = 1
    rank_by: Literal["agreement", "boundary"] = "boundary"
    alternatives: int = 0
    nfe_budget: int | None = None
    time_limit: float | None = None
    one_line: bool = True
    grammar: str | None = None
    marker: str = MARKER

    def settings(self) -> Settings:
        """The settings, without the goal. Raises OptionError."""
        from infill.decode.candidates import Sampling  # noqa: PLC0415 - numpy
        from infill.edit.settings import Settings  # noqa: PLC0415 - numpy

        sampling = Sampling(temperature=self.temperature, top_p=self.top_p, top_k=self.top_k)
        return Settings(
            seed=self.seed,
            policy=policy_named(self.policy, sampling),
            schedule=schedule_named(self.schedule, self.steps),
            tries=self.tries,
            max_tokens=self.max_tokens,
            search=search_named(self.search, where="--search"),
            length=length_named(self.length, where="--length"),
            candidates=self.candidates,
            rank_by=self.rank_by,
            alternatives=self.alternatives,
            nfe_budget=self.nfe_budget,
            time_limit=self.time_limit,
            one_line=self.one_line,
            grammar=self.grammar,
            marker=self.marker,
        )

    def command(self) -> list[str] | None:
        """The words of the goal's command, if there is one. Raises OptionError."""
        return None if self.goal is None else words_of(self.goal, where="--goal")


def words_of(command: str, *, where: str) -> list[str]:
    """A command's words, as a shell splits it. Raises OptionError.

    >>> words_of("ruff check '{path}'", where="--verify-cmd")
    ['ruff', 'check', '{path}']
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        words, reason = [], str(error)
    else:
        reason = "it has no words"
    if not words:
        raise OptionError(
            f"the command cannot be read: {reason}",
            where=where,
            expected="a command as in a shell, its quotes closed",
            got=repr(command),
            hint="put a quote that is meant as itself inside quotes of the other kind",
        )
    return words
