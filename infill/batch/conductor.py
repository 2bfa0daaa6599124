"""A run: tasks go from the journal to an engine, outcomes back into it, and from it to files.

It can be left at any moment, by `kill -9` too, and be taken up again from its journal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from infill.batch import transaction
from infill.batch.checks import checked
from infill.batch.codec import task_from
from infill.batch.engines.protocol import Engine
from infill.batch.journal import Journal, Row
from infill.batch.store import Store
from infill.batch.task import Failure, Outcome, Task
from infill.batch.verifying import Verifier
from infill.errors import InfillError, JournalError, ModelError

__all__ = ["Conductor", "Orders", "data_of"]


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What to do with outcomes, and when to stop.

    write           put them into the files
    together        write all or none
    in_order        hand texts out in the order of the plan, else as they are done
    failures        end after so many; None goes on
    seconds         begin no text after so long
    verifier        the user's command; all texts have the names of files then
    choose          asks which edits to make
    fresh           sample also what is known from other runs
    observe         is told each outcome as it comes, traces and all
    """

    write: bool = False
    together: bool = False
    in_order: bool = True
    failures: int | None = None
    seconds: float | None = None
    verifier: Verifier | None = None
    choose: Callable[[Row, bytes, Outcome], Outcome] | None = None
    fresh: bool = False
    observe: Callable[[int, Outcome], None] = lambda _n, _outcome: None


@dataclass
class Conductor:
    """One run.

    engine   makes an engine for so many texts; a run of which all is known makes none
    model    the digest of the weights
    around   the digest of what lies around the texts, where fills may take after it
    jobs     commands that run at once
    """

    journal: Journal
    store: Store
    engine: Callable[[int], Engine]
    model: str
    orders: Orders = field(default_factory=Orders)
    jobs: int = 1
    around: str = ""

    def __post_init__(self) -> None:
        self._begun, self._failures = time.monotonic(), 0
        self._verified: dict[int, Future[None]] = {}
        self._keys: dict[int, str] = {}
        self._pool = ThreadPoolExecutor(max(1, self.jobs), thread_name_prefix="verify")
        self._all = self.orders.together or (
            self.orders.verifier is not None and not self.orders.verifier.by_file
        )

    def run(self, limit: int | None = None) -> Generator[Row]:
        """Work off what is planned, `limit` texts at most; yields each text once it is delivered.

        Texts that were not begun are yielded as they are. Raises what concerns all of them, and
        what an engine raises; the journal has all that was done until then.
        """
        transaction.settle(self.journal)
        todo = self.journal.numbers("planned")[:limit]
        waiting = set(todo)
        order = self.journal.numbers()
        given = (
            iter(order)
            if self.orders.in_order
            else chain((n for n in order if n not in waiting), todo)
        )
        with ExitStack() as stack:
            stack.callback(self._pool.shutdown, wait=True, cancel_futures=True)
            stack.push(self._end_verifying)
            if self._all:
                for _ in self._finished(todo, stack):
                    pass
                self._deliver_all(order)
                yield from map(self.journal.row, order)
                return
            yield from self._handed_out(given, waiting, self._finished(todo, stack))

    def _handed_out(
        self, order: Iterable[int], waiting: set[int], finished: Iterator[int]
    ) -> Iterator[Row]:
        """Deliver in order, as soon as what comes before is done."""
        if not self.orders.in_order:
            for n in [n for n in order if n not in waiting]:
                yield self._delivered(n)
            for n in finished:
                waiting.discard(n)
                yield self._delivered(n)
            yield from map(self.journal.row, sorted(waiting))
            return
        for n in order:
            while n in waiting:
                done = next(finished, None)
                if done is None:
                    waiting.clear()  # the run was ended; what is left is handed out as it is
                else:
                    waiting.discard(done)
            yield self._delivered(n)
        for _ in finished:
            pass

    def _finished(self, todo: Sequence[int], stack: ExitStack) -> Iterator[int]:
        """The numbers of texts that have an outcome, as they come."""
        known = list[int]()
        misses = self._misses(todo, known)
        first = next(misses, None)
        yield from _drained(known)
        if first is None:
            return
        engine = stack.enter_context(self.engine(len(todo)))
        if engine.digest != self.model:
            raise ModelError(
                "the model is not the one that the run was planned with",
                expected=f"weights of digest {self.model}",
                got=engine.digest,
                hint="was it trained or installed anew meanwhile? Start the run again",
            )
        for n, outcome in engine.perform(chain([first], misses)):
            yield from _drained(known)
            self._finish(n, outcome)
            yield n
            if self._stopping:
                return  # what the engine is at is not waited for
        yield from _drained(known)

    def _misses(self, todo: Sequence[int], known: list[int]) -> Iterator[tuple[int, Task]]:
        """The tasks whose outcome is not known yet; the others are finished, and noted."""
        for n in todo:
            if self._stopping or self._late:
                return
            row = self.journal.row(n)
            try:
                task = task_from(row.task, data_of(self.journal, row))
                self._keys[n] = task.key(self.model, self.around)
                outcome = None if self.orders.fresh else self._known(task, self._keys[n])
            except InfillError as error:
                self._finish(n, Outcome(failure=_failure(error)))
                known.append(n)
                continue
            if outcome is None:
                yield n, task
            else:
                self._finish(n, outcome, cached=True)
                known.append(n)

    def _known(self, task: Task, key: str) -> Outcome | None:
        """What another run found for the task, if it still passes the checks."""
        if not task.repeatable or (outcome := self.store.get(key)) is None:
            return None
        with suppress(InfillError):
            checked(task, outcome.edits)
            return outcome
        return None

    def _finish(self, n: int, outcome: Outcome, *, cached: bool = False) -> None:
        """Take in an outcome; what verifies it is begun."""
        self.orders.observe(n, outcome)
        key = self._keys.pop(n, None)
        if outcome.failure is not None:
            self._fail(n, outcome)
            return
        self.journal.finish(n, outcome, key=key, cached=cached)
        if key is not None and not cached:
            self.store.put(key, outcome)
        if self.orders.choose is None:  # else it is not known yet what there is to verify
            self._verify(self.journal.row(n))

    def _verify(self, row: Row) -> Future[None] | None:
        """Begin to judge a text by itself, where that is to be done."""
        verifier, outcome = self.orders.verifier, row.outcome
        if verifier is None or not verifier.by_file:
            return None
        if row.state != "done" or outcome is None or not outcome.edits:
            return None
        future = self._verified[row.n] = self._pool.submit(self._judged, verifier, row, outcome)
        return future

    def _judged(self, verifier: Verifier, row: Row, outcome: Outcome) -> None:
        data = data_of(self.journal, row)
        verifier.check(verifier.place(Path(row.name)), data, outcome.result(data))

    def _require_verified(self, row: Row) -> None:
        """Wait for what judges a text; of one that was done before a crash it is begun now.

        Raises CommandError.
        """
        future = self._verified.pop(row.n, None) or self._verify(row)
        if future is not None:
            self._verified.pop(row.n, None)
            future.result()

    def _end_verifying(self, kind: type[BaseException] | None, *_: object) -> None:
        """Where the run is left early, do not wait for the command."""
        if kind is not None and self.orders.verifier is not None:
            self.orders.verifier.cancel()

    def _fail(self, n: int, outcome: Outcome) -> None:
        self._failures += 1
        self.journal.finish(n, outcome, key=None)

    def _delivered(self, n: int) -> Row:
        """A text, its file written where that was asked for."""
        row = self.journal.row(n)
        if row.state != "done" or row.outcome is None or not row.outcome.edits:
            return row
        try:
            row = self._agreed(row)
            if self.orders.write and row.path is not None and row.outcome and row.outcome.edits:
                transaction.write(self.journal, row)
        except InfillError as error:
            self._fail(n, _failed(row, error))
        return self.journal.row(n)

    def _chosen(self, row: Row, choose: Callable[[Row, bytes, Outcome], Outcome]) -> Row:
        data = data_of(self.journal, row)
        if row.outcome is None:
            return row
        outcome = choose(row, data, row.outcome)
        task = task_from(row.task, data)
        if row.operation == "fill" and len(outcome.edits) < len(row.outcome.edits):
            task = replace(task, language=None)  # markers that stay are no language's
        checked(task, outcome.edits)
        self.journal.finish(row.n, outcome, key=None, cached=row.cached)
        return self.journal.row(row.n)

    def _deliver_all(self, order: Sequence[int]) -> None:
        """Write all changes, where they are good together; else none, and the journal says why."""
        self._agree_all(order)
        numbers = self._changed(order)
        if numbers and not self._hindered:
            try:
                self._verify_together(numbers)
            except InfillError as error:
                for n in numbers:
                    self._fail(n, _failed(self.journal.row(n), error))
        if not self.orders.write:
            return
        if self._hindered:
            transaction.roll_back(self.journal)  # what was written before a crash
            return
        hindered = transaction.write_all(self.journal, self._changed(order))
        if hindered is not None:
            n, error = hindered
            self._fail(n, _failed(self.journal.row(n), error))

    def _agree_all(self, order: Sequence[int]) -> None:
        """Let the user, and the user's command, agree to each text; the command side by side."""
        if self.orders.choose is None:
            for n in self._changed(order):
                if n not in self._verified:
                    self._verify(self.journal.row(n))
        for n in self._changed(order):
            if self.orders.choose is not None and self._hindered:
                return  # nobody is asked in vain
            self._catching(n, lambda n=n: self._agreed(self.journal.row(n)))

    def _agreed(self, row: Row) -> Row:
        """A text with those of its edits that the user, and the user's command, agree to."""
        if self.orders.choose is not None:
            row = self._chosen(row, self.orders.choose)
        self._require_verified(row)
        return row

    @property
    def _hindered(self) -> bool:
        """Whether nothing may be written because not everything can be."""
        return self.orders.together and self.journal.count("failed", "planned") > 0

    def _changed(self, order: Sequence[int]) -> list[int]:
        """The texts that something is to be changed in."""
        rows = map(self.journal.row, order)
        return [row.n for row in rows if row.state == "done" and row.outcome and row.outcome.edits]

    def _catching(self, n: int, work: Callable[[], object]) -> None:
        """Do something about a text; where that raises an InfillError, the text has failed."""
        try:
            work()
        except InfillError as error:
            self._fail(n, _failed(self.journal.row(n), error))

    def _verify_together(self, numbers: Sequence[int]) -> None:
        """Let a command that names no file judge all changes. Raises CommandError."""
        verifier = self.orders.verifier
        if verifier is None or verifier.by_file or not numbers:
            return

        def changes() -> Iterator[tuple[str, bytes]]:
            for n in numbers:
                row = self.journal.row(n)
                if row.outcome is not None:
                    data = data_of(self.journal, row)
                    yield verifier.place(Path(row.name)), row.outcome.result(data)

        verifier.check_all(changes())

    @property
    def _stopping(self) -> bool:
        most = self.orders.failures
        return most is not None and self._failures >= most

    @property
    def _late(self) -> bool:
        most = self.orders.seconds
        return most is not None and time.monotonic() - self._begun >= most


def data_of(journal: Journal, row: Row) -> bytes:
    """The text of a row as it was planned, also once it was written.

    Raises StaleError where the file has another one, or is gone.
    """
    if row.path is None:
        return journal.text(row.n) or b""
    if row.state in {"writing", "written"} and (before := journal.before(row.n)) is not None:
        return before
    return transaction.reopened(row).source.data


def _drained(numbers: list[int]) -> Iterator[int]:
    while numbers:
        yield numbers.pop(0)


def _failed(row: Row, error: InfillError) -> Outcome:
    """The failure of a text that had an outcome, with what that cost."""
    forwards = 0 if row.outcome is None else row.outcome.forwards
    return Outcome(failure=_failure(error), forwards=forwards)


def _failure(error: InfillError) -> Failure:
    """What hindered a text. Trouble with the journal is no text's: then nothing is known of it."""
    if isinstance(error, JournalError):
        raise error
    return Failure.of(error)
