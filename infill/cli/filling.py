"""The work of `infill fill`: read all, load the model, then fill, show and write each text."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import click

import infill
from infill.cli.choices import length_named, policy_named, schedule_named
from infill.cli.exits import Exit, Report
from infill.cli.live import viewing, waiting
from infill.cli.output import note, wants_color, write_diff, write_result
from infill.cli.record import Record, recording
from infill.cli.targets import STDIN, Target, file_target, refuse_repeats, stdin_target
from infill.decode.candidates import Sampling
from infill.decode.trace import Trace
from infill.edit.files import replace_file
from infill.edit.grammars import chosen
from infill.edit.proposal import Proposal
from infill.edit.settings import Settings
from infill.edit.workbench import Workbench
from infill.errors import GrammarDisagreementError, UnverifiedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The command line of `infill fill`, one field per option."""

    paths: tuple[str, ...]
    write: bool
    diff: bool | None
    stdin_filename: str | None
    language: str | None
    grammar: str | None
    model: str
    marker: str
    seed: int
    steps: int | None
    schedule: str
    policy: str
    temperature: float
    top_p: float
    top_k: int
    tries: int
    max_tokens: int
    length: str
    candidates: int
    alternatives: int
    nfe_budget: int | None
    time_limit: float | None
    one_line: bool
    trace: str | None
    quiet: bool
    color: str
    live: bool | None

    @property
    def shows_diff(self) -> bool:
        """By default a diff is what files result in that are not written."""
        return self.diff if self.diff is not None else not self.write and self.paths != (STDIN,)

    @property
    def shows_live(self) -> bool:
        """By default when a person is watching."""
        return self.live if self.live is not None else sys.stderr.isatty() and not self.quiet

    def settings(self) -> Settings:
        """The settings of the fill. Raises OptionError."""
        sampling = Sampling(temperature=self.temperature, top_p=self.top_p, top_k=self.top_k)
        return Settings(
            seed=self.seed,
            policy=policy_named(self.policy, sampling),
            schedule=schedule_named(self.schedule, self.steps),
            tries=self.tries,
            max_tokens=self.max_tokens,
            length=length_named(self.length),
            candidates=self.candidates,
            alternatives=self.alternatives,
            nfe_budget=self.nfe_budget,
            time_limit=self.time_limit,
            one_line=self.one_line,
            grammar=self.grammar,
            marker=self.marker,
        )


def run(request: Request) -> Exit:
    """Fill everything that is asked for; one text that fails does not stop the others.

    Raises what concerns all of them: OptionError, PathError for a repeated path, ModelError.
    """
    settings = request.settings()
    _require_possible(request)
    if request.grammar is not None:
        chosen(request.grammar, None)  # a mistake in it concerns all files
    refuse_repeats(request.paths)
    report = Report(color=request.color)
    targets = _targets(request, settings, report)
    if targets:
        with recording(request.trace, inputs=request.paths) as record:
            with waiting(f"loading {request.model}", live=request.shows_live, color=request.color):
                bench = Workbench(infill.load(request.model), settings)
            for target in targets:
                with report.catching():
                    _fill(target, request, bench, record)
                    report.done += 1
    return report.code


def _require_possible(request: Request) -> None:
    if STDIN in request.paths and len(request.paths) > 1:
        raise click.UsageError("- (standard input) cannot be mixed with files.")
    if STDIN in request.paths and request.write:
        raise click.UsageError("- (standard input) has no file to write; leave out --write.")
    if STDIN not in request.paths and request.stdin_filename is not None:
        raise click.UsageError("--stdin-filename is for standard input; pass - as the path.")


def _targets(request: Request, settings: Settings, report: Report) -> list[Target]:
    """The texts that can be worked on; the others are reported now, before a model is loaded."""
    targets: list[Target] = []
    language = request.language
    for path in request.paths:
        with report.catching():
            if path == STDIN:
                name = request.stdin_filename
                targets.append(stdin_target(settings, choice=language, name=name))
            else:
                targets.append(file_target(path, settings, choice=language, write=request.write))
    return targets


def _fill(target: Target, request: Request, bench: Workbench, record: Record) -> None:
    """Fill one text, record how, and put the result where it belongs, in this order."""
    started = time.perf_counter()
    try:
        proposal = _proposal(target, request, bench)
    except (UnverifiedError, GrammarDisagreementError) as error:
        record.add(trace for trace in error.traces if isinstance(trace, Trace))
        raise
    record.add(proposal.traces)
    if request.write and target.opened is not None:
        replace_file(target.opened, proposal.data)
    if request.shows_diff:
        colored = wants_color(request.color, terminal=sys.stdout.isatty())
        write_diff(proposal.diff(target.diff_name), color=colored)
    elif target.opened is None:
        write_result(proposal.data)
    if not request.quiet:
        note(_summary(target, proposal, written=request.write, took=time.perf_counter() - started))
        for number, other in enumerate(proposal.alternatives, 2):
            note(f"  {number}. {' | '.join(repr(hole.text) for hole in other.holes)}")


def _proposal(target: Target, request: Request, bench: Workbench) -> Proposal:
    proposal = None
    with viewing(live=request.shows_live, color=request.color) as viewer:
        for frame in bench.stream(
            target.source.data, target.holes, language=target.language, name=target.source.name
        ):
            viewer.show(frame, target.source.name)
            proposal = frame.proposal
    if proposal is None:
        raise AssertionError("a stream ends with a proposal or an error")
    return proposal


def _summary(target: Target, proposal: Proposal, *, written: bool, took: float) -> str:
    attempts = len({trace.header.attempt for trace in proposal.traces})
    parts = (
        _count(len(proposal.holes), "hole"),
        _count(attempts, "attempt"),
        _count(proposal.forwards, "forward"),
        f"mean logp {proposal.score:.2f}",
        *([f"stopped by {proposal.stopped}"] if proposal.stopped else []),
        f"{took:.1f} s",
    )
    return f"{'wrote' if written else 'filled'} {target.source.name}: {', '.join(parts)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
