"""Every error this library raises on purpose.

    InfillError                 the root; catch this one
    ├── InputError              the text or file handed in cannot be worked on
    │   ├── EncodingError       not UTF-8, or binary
    │   ├── GrammarError        a grammar that does not compile, or that the engine cannot carry
    │   ├── HoleError           a hole out of bounds, overlapping, or inside a string
    │   │   └── NoHoleError     nothing to fill, or to write anew
    │   └── PathError           a directory, a missing or repeated path
    ├── LimitError              a budget was exceeded; the message names the limit
    │   └── BudgetError         forwards or seconds are spent, or the work was cancelled
    ├── OptionError             an unknown or impossible setting
    ├── MoveError               a move that the canvas refuses (a bug in a policy)
    ├── GoalError               a goal that raised an error, gave no score, or did not come back
    ├── ModelError              a model that cannot be found or used
    │   └── WeightsError        weights that are missing, truncated or not what was published
    ├── TrainingError           a training run that cannot go on
    ├── TraceError              a trace file that cannot be read or replayed
    ├── FillError               no fill was found
    │   ├── CommandError        the user's own command finds more wrong than before
    │   ├── GrammarDisagreementError  our engine and an independent parser differ: our mistake
    │   └── UnverifiedError     fills were found, none of them parses
    ├── JournalError            a run that is not there, is going on, or cannot be kept
    ├── WorkerError             a process that samples ended, or cannot be reached
    └── WriteError              a file that could not be replaced
        └── StaleError          the file changed between reading and writing
            └── DirtyError      the file has changes that are not committed

Each message answers five questions: what is wrong, where, what was expected, what was
there instead, and what to try.

>>> print(HoleError("no hole in the text", where="a.py", hint="put <FILL_ME> where code is wanted"))
no hole in the text
  where: a.py
  try: put <FILL_ME> where code is wanted
"""

from __future__ import annotations


class InfillError(Exception):
    """The root of the tree; `str(error)` is what a person should read."""

    def __init__(
        self, what: str, *, where: str = "", expected: str = "", got: str = "", hint: str = ""
    ) -> None:
        super().__init__(what)
        self.what, self.where, self.expected, self.got, self.hint = what, where, expected, got, hint

    def __str__(self) -> str:
        details = (
            ("where", self.where),
            ("expected", self.expected),
            ("got", self.got),
            ("try", self.hint),
        )
        return "\n".join([self.what, *(f"  {name}: {text}" for name, text in details if text)])


class InputError(InfillError):
    """The text or file handed in cannot be worked on."""


class EncodingError(InputError):
    """Not UTF-8, or binary."""


class GrammarError(InputError):
    """A grammar that does not compile, or that the engine cannot carry."""


class HoleError(InputError):
    """No hole, or one that is out of bounds, overlapping, or inside a string."""


class NoHoleError(HoleError):
    """A text with nothing to fill, or to write anew."""


class PathError(InputError):
    """A directory, a missing path, or the same file twice."""


class LimitError(InfillError):
    """A budget was exceeded; the message names the limit."""


class BudgetError(LimitError):
    """Forwards or seconds are spent, or the work was cancelled: stop with the best so far.

    `reason` is "nfe_budget", "time_limit" or "cancelled".
    """

    def __init__(  # noqa: PLR0913 - the five questions, and a word for programs
        self,
        what: str,
        *,
        reason: str = "",
        where: str = "",
        expected: str = "",
        got: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(what, where=where, expected=expected, got=got, hint=hint)
        self.reason = reason


class OptionError(InfillError):
    """An unknown or impossible setting."""


class MoveError(InfillError):
    """A move that the canvas refuses: it would touch what is not its to touch."""


class GoalError(InfillError):
    """A goal that raised an error, gave no score, or did not come back."""


class ModelError(InfillError):
    """A model that cannot be found or used."""


class WeightsError(ModelError):
    """Weights that are missing, truncated, or not the ones that were published."""


class TrainingError(InfillError):
    """A training run that cannot go on: its loss is no number."""


class TraceError(InfillError):
    """A trace file that cannot be read or replayed."""


class FillError(InfillError):
    """No fill was found."""


class CommandError(FillError):
    """The user's own command finds more wrong with a text than before, or does not come back."""


class UnverifiedError(FillError):
    """Fills were found, and none of them passes its checks.

    `proposal` is the last attempt (never to be written), `traces` one trace per attempt.
    """

    def __init__(  # noqa: PLR0913 - the five questions, and the evidence
        self,
        what: str,
        *,
        proposal: object,
        traces: tuple[object, ...] = (),
        where: str = "",
        expected: str = "",
        got: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(what, where=where, expected=expected, got=got, hint=hint)
        self.proposal, self.traces = proposal, traces


class GrammarDisagreementError(FillError):
    """Our engine admitted a text that an independent parser of its grammar refuses: our mistake.

    The text was not used. `traces` say how it came to be, and `trace_file` where they were kept.
    """

    def __init__(  # noqa: PLR0913 - the five questions, and the evidence
        self,
        what: str,
        *,
        traces: tuple[object, ...] = (),
        trace_file: str = "",
        where: str = "",
        expected: str = "",
        got: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(what, where=where, expected=expected, got=got, hint=hint)
        self.traces, self.trace_file = traces, trace_file


class JournalError(InfillError):
    """A run that is not there, that is still going on, or that cannot be kept."""


class WorkerError(InfillError):
    """A process that samples ended before it was done, or cannot be reached."""


class WriteError(InfillError):
    """A file that could not be replaced; it is as it was."""


class StaleError(WriteError):
    """The file changed between reading and writing; it was left alone."""


class DirtyError(StaleError):
    """The file has changes that are not committed; it was left alone."""
