"""What all commands that change texts do alike: read all, load the model, then text by text.

One text that fails does not stop the others. Nothing is written without --write.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import click

import infill
from infill.cli.exits import Exit, Report
from infill.cli.live import waiting
from infill.cli.output import wants_color, write_diff, write_result
from infill.cli.record import Record, recording
from infill.cli.targets import STDIN, Finder, Target, file_target, refuse_repeats, stdin_target
from infill.edit.files import replace_file
from infill.edit.grammars import chosen
from infill.edit.settings import Settings
from infill.models.denoiser import Denoiser


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The part of a command line that says what to work on, and where the results go."""

    paths: tuple[str, ...]
    write: bool
    diff: bool | None
    stdin_filename: str | None
    language: str | None
    grammar: str | None
    model: str
    trace: str | None
    quiet: bool
    color: str
    live: bool | None = None

    @property
    def shows_diff(self) -> bool:
        """By default a diff is what files result in that are not written."""
        return self.diff if self.diff is not None else not self.write and self.paths != (STDIN,)

    @property
    def shows_live(self) -> bool:
        """By default when a person is watching."""
        return self.live if self.live is not None else sys.stderr.isatty() and not self.quiet


class Result(Protocol):
    """A changed text."""

    @property
    def data(self) -> bytes:
        """All of it."""
        ...

    def diff(self, name: str | None = None) -> str:
        """What changed, as a unified diff."""
        ...


def each(
    work: Work,
    settings: Settings,
    find: Finder,
    change: Callable[[Target, Denoiser, Record], None],
) -> Exit:
    """Let `change` work on every text; one that fails does not stop the others.

    Raises what concerns all of them: OptionError, PathError for a repeated path, ModelError.
    """
    _require_possible(work)
    if work.grammar is not None:
        chosen(work.grammar, None)  # a mistake in it concerns all files
    refuse_repeats(work.paths)
    report = Report(color=work.color)
    targets = _targets(work, settings, find, report)
    if targets:
        with recording(work.trace, inputs=work.paths) as record:
            with waiting(f"loading {work.model}", live=work.shows_live, color=work.color):
                denoiser = infill.load(work.model)
            for target in targets:
                with report.catching():
                    change(target, denoiser, record)
                    report.done += 1
    return report.code


def put(target: Target, work: Work, result: Result) -> None:
    """Put a result where it belongs: into the file, as a diff, or on standard output."""
    if work.write and target.opened is not None:
        replace_file(target.opened, result.data)
    if work.shows_diff:
        colored = wants_color(work.color, terminal=sys.stdout.isatty())
        write_diff(result.diff(target.diff_name), color=colored)
    elif target.opened is None:
        write_result(result.data)


def count(number: int, noun: str) -> str:
    """A number and what it counts."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _require_possible(work: Work) -> None:
    if STDIN in work.paths and len(work.paths) > 1:
        raise click.UsageError("- (standard input) cannot be mixed with files.")
    if STDIN in work.paths and work.write:
        raise click.UsageError("- (standard input) has no file to write; leave out --write.")
    if STDIN not in work.paths and work.stdin_filename is not None:
        raise click.UsageError("--stdin-filename is for standard input; pass - as the path.")


def _targets(work: Work, settings: Settings, find: Finder, report: Report) -> list[Target]:
    """The texts that can be worked on; the others are reported now, before a model is loaded."""
    targets: list[Target] = []
    choice = work.language
    for path in work.paths:
        with report.catching():
            if path == STDIN:
                name = work.stdin_filename
                targets.append(stdin_target(settings, find, choice=choice, name=name))
            else:
                write = work.write
                targets.append(file_target(path, settings, find, choice=choice, write=write))
    return targets
