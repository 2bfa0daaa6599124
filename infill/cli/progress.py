"""How far a batch is, on stderr while a person watches, and what came of it at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from infill.batch.report import STATUSES, Totals
from infill.cli.output import console_for

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from rich.text import Text

ECHO = 3  # columns left to the "^C" that a terminal echoes
BARE = 12  # columns that a bar needs to say anything
SETTLED = 1.0  # seconds before a rate says anything
HUES = {"failed": "red", "changed": "green", "written": "green", "pending": "yellow"}


class Watcher(Protocol):
    """Whoever wants to know how far a batch is."""

    def advance(self, holes: int, *, failed: bool = False, cached: bool = False) -> None:
        """One text more is done."""
        ...

    @contextmanager
    def aside(self) -> Generator[None]:
        """Out of the way while something else is written to the terminal."""
        ...


class Unwatched:
    """Shows nothing."""

    def advance(self, holes: int, *, failed: bool = False, cached: bool = False) -> None:
        """Nothing."""

    @contextmanager
    def aside(self) -> Generator[None]:
        """Nothing."""
        yield


class Pace:
    """What is done, and how fast; texts that were known from before say nothing of that.

    >>> times = iter([0.0, 30.0, 30.0])
    >>> pace = Pace(10, clock=lambda: next(times))
    >>> pace.add(4, failed=False, cached=True); pace.add(6, failed=True, cached=False)
    >>> " · ".join(pace.said())
    '2/10 · 1 failed · 4:00 left · 12 holes/min · 10 holes · 1 cached'
    """

    def __init__(self, total: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.total = total
        self.texts = self.holes = self.fresh = self.fresh_holes = self.failed = 0
        self._began: float = self._clock()

    def add(self, holes: int, *, failed: bool, cached: bool) -> None:
        """One text more is done."""
        self.texts += 1
        self.holes += holes
        self.failed += failed
        if not cached:
            self.fresh, self.fresh_holes = self.fresh + 1, self.fresh_holes + holes

    def said(self) -> list[str]:
        """All of it in short, the most needed first."""
        took = self._clock() - self._began
        rated, left = took >= SETTLED and self.fresh, (self.total or 0) - self.texts
        cached = self.texts - self.fresh
        parts = [
            f"{self.texts}/{self.total}" if self.total is not None else f"{self.texts}",
            f"{self.failed} failed" * bool(self.failed),
            f"{_clock(took / self.fresh * left)} left" if rated and left > 0 else "",
            f"{_rate(60 * self.fresh_holes / took)} holes/min" if rated else "",
            f"{self.holes} hole{'s' * (self.holes != 1)}",
            f"{cached} cached" * bool(cached),
        ]
        return [part for part in parts if part]


class Bar:
    """A bar on stderr."""

    def __init__(self, shown: Progress, task: TaskID, pace: Pace) -> None:
        self._shown, self._task, self._pace = shown, task, pace

    def advance(self, holes: int, *, failed: bool = False, cached: bool = False) -> None:
        """One text more is done."""
        self._pace.add(holes, failed=failed, cached=cached)
        self._shown.update(self._task, completed=self._pace.texts)

    @contextmanager
    def aside(self) -> Generator[None]:
        """Without the bar, so that what is written begins a line and stays above it."""
        self._shown.stop()
        try:
            yield
            sys.stdout.flush()
        finally:
            self._shown.start()


@contextmanager
def progress(total: int | None, *, live: bool, color: str) -> Generator[Watcher]:
    """A bar over `total` texts (None: nobody knows how many), which is gone at the end.

    live   whether a person watches; else nothing is shown
    """
    if not live:
        yield Unwatched()
        return
    from rich.progress import BarColumn, Progress, ProgressColumn, Task  # noqa: PLC0415 - 60 ms
    from rich.text import Text  # noqa: PLC0415 - likewise

    pace = Pace(total)
    console = console_for(sys.stderr, color)
    wide = min(40, max(BARE, console.width - 70))

    class Status(ProgressColumn):
        def render(self, task: Task) -> Text:  # noqa: ARG002 - we count ourselves
            parts = (Text(part, HUES.get(part.split()[-1], "")) for part in pace.said())
            text = Text(" · ", no_wrap=True).join(parts)
            text.truncate(max(1, console.width - wide - ECHO), overflow="ellipsis")
            return text

    shown = Progress(
        BarColumn(bar_width=wide, complete_style="green", finished_style="green"),
        Status(),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        refresh_per_second=5,
    )
    with shown:
        yield Bar(shown, shown.add_task("", total=total), pace)


def summary(totals: Totals, *, color: str, run: str = "") -> None:
    """What came of a batch, and what can be done next, as a table on stderr.

    run   the name of its journal; none has one that is not kept
    """
    from rich.table import Table  # noqa: PLC0415 - 20 ms
    from rich.text import Text  # noqa: PLC0415 - likewise

    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, parts in _rows(totals):
        if parts:
            table.add_row(name, Text(" · ").join(parts))
    if run:
        table.add_row("run", Text(run))
        steps = [*_next(totals, run)]
        wide = max((len(command) for command, _ in steps), default=0)
        for number, (command, why) in enumerate(steps):
            line = Text.assemble((command.ljust(wide), "bold"), f"  {why}")
            table.add_row("" if number else "next", line)
    console_for(sys.stderr, color).print(table)


def _rows(totals: Totals) -> Iterator[tuple[str, list[Text]]]:
    from rich.text import Text  # noqa: PLC0415 - 20 ms

    counts = [(name, totals.statuses.get(name, 0)) for name in STATUSES]
    files = [Text(f"{n} {name}", HUES.get(name, "")) for name, n in counts if n]
    yield "files", files or [Text("none")]
    yield "left out", [Text(f"{n} {reason}") for reason, n in totals.skipped.items() if n]
    pace = f"{_rate(totals.holes_per_minute)} holes/min"
    holes = f"{totals.holes} hole{'s' * (totals.holes != 1)}"
    took = f"in {_clock(totals.seconds)}" if totals.seconds >= 60 else f"in {totals.seconds:.1f} s"  # noqa: PLR2004
    yield (
        "work",
        [Text(f"{holes} {took}")] * bool(totals.holes) + [Text(pace)] * bool(totals.fresh_holes),
    )
    rate = f"{totals.forwards} forwards, {_rate(totals.forwards_per_second)}/s"
    known = f"{totals.cached} known from before"
    yield "model", [Text(rate)] * bool(totals.forwards) + [Text(known)] * bool(totals.cached)


def _next(totals: Totals, run: str) -> Iterator[tuple[str, str]]:
    """Commands that can follow, and what for."""
    count = totals.statuses.get
    if pending := count("pending", 0):
        yield f"infill resume {run}", f"goes on with {pending} that wait"
    elif totals.again:
        yield f"infill resume {run}", f"tries {totals.again} that failed again"
    if written := count("written", 0):
        yield f"infill undo {run}", f"puts {written} back as they were"


def _rate(number: float) -> str:
    return f"{number:.1f}" if 0 < number < 10 else f"{number:.0f}"  # noqa: PLR2004


def _clock(seconds: float) -> str:
    """Seconds as a clock shows them.

    >>> _clock(75), _clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
