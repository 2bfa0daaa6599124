"""The work of `infill fill` and `infill rewrite`: holes are found, filled, shown and written."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from infill.cli.exits import Exit
from infill.cli.live import viewing
from infill.cli.output import note
from infill.cli.record import Record
from infill.cli.targets import Target, marked
from infill.cli.working import Work, count, each, put
from infill.decode.candidates import Sampling
from infill.decode.trace import Trace
from infill.edit.allowed import line_spans
from infill.edit.choices import length_named, policy_named, schedule_named, search_named
from infill.edit.goals import Command
from infill.edit.holes import Hole
from infill.edit.proposal import Proposal
from infill.edit.rewrite import holes_around, sized
from infill.edit.settings import MARKER, Settings
from infill.edit.workbench import Workbench
from infill.errors import GrammarDisagreementError, OptionError, UnverifiedError
from infill.models.denoiser import Denoiser
from infill.text import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Work):
    """The command line of `infill fill`, one field per option."""

    seed: int
    steps: int | None
    schedule: str
    policy: str
    temperature: float
    top_p: float
    top_k: int
    tries: int
    max_tokens: int
    search: str
    goal: str | None
    length: str
    candidates: int
    rank_by: Literal["agreement", "boundary"]
    alternatives: int
    nfe_budget: int | None
    time_limit: float | None
    one_line: bool
    marker: str = MARKER

    def settings(self) -> Settings:
        """The settings of the fill. Raises OptionError."""
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
        if self.goal is None:
            return None
        try:
            words = shlex.split(self.goal)
        except ValueError as error:
            words, reason = [], str(error)
        else:
            reason = "it has no words"
        if not words:
            raise OptionError(
                f"the goal's command cannot be read: {reason}",
                where="--goal",
                expected="a command as in a shell, its quotes closed",
                got=repr(self.goal),
                hint="put a quote that is meant as itself inside quotes of the other kind",
            )
        return words


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteRequest(Request):
    """The command line of `infill rewrite`."""

    lines: tuple[tuple[int, int], ...] = ()
    keep: tuple[str, ...] = field(default=())


def run(request: Request) -> Exit:
    """Fill the marked holes of everything that is asked for."""
    settings, command = request.settings(), request.command()

    def change(target: Target, denoiser: Denoiser, record: Record) -> None:
        bench = Workbench(denoiser, _aimed(settings, command, target))
        _fill(target, target.holes, request, bench, record)

    return each(request, settings, marked(settings), change)


def run_rewrite(request: RewriteRequest) -> Exit:
    """Write the lines of everything that is asked for anew."""
    settings, command = request.settings(), request.command()

    def find(source: Source, _: str | None) -> tuple[Hole, ...]:
        return holes_around(source, line_spans(source, request.lines), keep=request.keep)

    def change(target: Target, denoiser: Denoiser, record: Record) -> None:
        holes, own = sized(target.source, target.holes, denoiser, settings)
        _fill(target, holes, request, Workbench(denoiser, _aimed(own, command, target)), record)

    return each(request, settings, find, change)


def _aimed(settings: Settings, command: list[str] | None, target: Target) -> Settings:
    """The settings with the goal of a text: what the command makes of it where it stands."""
    if command is None:
        return settings
    here = Path.cwd()
    try:
        path = Path(target.source.name).resolve().relative_to(here)
    except ValueError as error:
        raise OptionError(
            "a goal's command runs in a copy of the current directory",
            where=target.source.name,
            expected="a file below the current directory",
            hint="change to its project's folder first",
        ) from error
    return replace(settings, goal=Command(argv=command, path=str(path), folder=here))


def _fill(
    target: Target, holes: tuple[Hole, ...], request: Request, bench: Workbench, record: Record
) -> None:
    """Fill one text, record how, and put the result where it belongs, in this order."""
    started = time.perf_counter()
    try:
        proposal = _proposal(target, holes, request, bench)
    except (UnverifiedError, GrammarDisagreementError) as error:
        record.add(trace for trace in error.traces if isinstance(trace, Trace))
        raise
    record.add(proposal.traces)
    put(target, request, proposal)
    if not request.quiet:
        note(_summary(target, proposal, written=request.write, took=time.perf_counter() - started))
        for number, other in enumerate(proposal.alternatives, 2):
            note(f"  {number}. {' | '.join(repr(hole.text) for hole in other.holes)}")


def _proposal(
    target: Target, holes: tuple[Hole, ...], request: Request, bench: Workbench
) -> Proposal:
    proposal = None
    with viewing(live=request.shows_live, color=request.color) as viewer:
        for frame in bench.stream(
            target.source.data, holes, language=target.language, name=target.source.name
        ):
            viewer.show(frame, target.source.name)
            proposal = frame.proposal
    if proposal is None:
        raise AssertionError("a stream ends with a proposal or an error")
    return proposal


def _summary(target: Target, proposal: Proposal, *, written: bool, took: float) -> str:
    attempts = len({trace.header.attempt for trace in proposal.traces})
    parts = (
        count(len(proposal.holes), "hole"),
        count(attempts, "attempt"),
        count(proposal.forwards, "forward"),
        f"mean logp {proposal.score:.2f}",
        *([f"stopped by {proposal.stopped}"] if proposal.stopped else []),
        f"{took:.1f} s",
    )
    return f"{'wrote' if written else 'filled'} {target.source.name}: {', '.join(parts)}"
