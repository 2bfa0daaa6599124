"""`infill check`: what can be said of files without a model, for people and for other programs."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from infill.batch.check import Asked, checked
from infill.batch.findings import Finding
from infill.cli.exits import Exit, Report, guarded
from infill.cli.options import taking
from infill.cli.output import color_option, note, printable
from infill.cli.walking import TAKEN, WALKING, files_of, left_out
from infill.edit.choices import LANGUAGES, MARKER, UNCHECKED
from infill.edit.verify import SUFFIXES
from infill.errors import InputError, PathError
from infill.limits import DEFAULT
from infill.text import Source

FORMATS = ("text", "json", "jsonl", "sarif")
OWN = (
    click.option("--marker", default=MARKER, show_default=True, help="What marks a hole."),
    click.option(
        "--language",
        type=click.Choice(LANGUAGES),
        help="Whose parser must accept a file; none asks no parser.  [default: by its suffix]",
    ),
    click.option(
        "--completable",
        is_flag=True,
        help="Of a file with holes, also whether anything can fill them; seconds for each.",
    ),
    click.option(
        "--grammar",
        metavar="NAME|FILE|none",
        help="Which grammar --completable asks.  [default: by the language]",
    ),
    click.option(
        "--stdin-filename", metavar="NAME", help="The file that standard input stands for."
    ),
    click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="How to say it; jsonl is one finding a line, sarif is for code scanning.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Say nothing but findings and errors."),
    color_option,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The command line."""

    paths: tuple[str, ...]
    files_from: str | None
    null: bool
    exclude: tuple[str, ...]
    hidden: bool
    ignore: bool
    marker: str
    language: str | None
    completable: bool
    grammar: str | None
    stdin_filename: str | None
    form: str
    quiet: bool
    color: str


@click.command()
@taking(TAKEN, WALKING, OWN)
@guarded
def check(**options: Any) -> Exit:  # noqa: ANN401 - Request names and types them
    """Look for holes that are left, and for files that do not parse. Loads no model.

    Of a file with holes, its parser has nothing to say; --completable asks its grammar.

    \b
    Exit codes: 0 nothing but notes; 1 something found; 2 usage or bad input; 3 some files could
    not be read.
    """
    return _Checking(Request(**options)).run()


@dataclass(slots=True)
class _Checking:
    """One run."""

    request: Request
    files: int = 0
    found: bool = False
    rules: Counter[str] = field(default_factory=Counter[str])
    skipped: dict[str, int] = field(default_factory=dict[str, int])
    data: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def run(self) -> Exit:
        request = self.request
        source = click.get_current_context().get_parameter_source("grammar")
        if source is ParameterSource.COMMANDLINE and not request.completable:
            raise click.UsageError("--grammar says what --completable asks; give that too.")
        asked = Asked(
            marker=request.marker, completable=request.completable, grammar=request.grammar
        )
        report = Report(color=request.color)
        paths, shut = self._paths()
        for error in shut:
            report.fail(error)
        for line in _written(request.form, self._findings(paths, asked, report), self):
            click.echo(line, nl=False)
        note(self._summary(report), quiet=request.quiet)
        if report.code is not Exit.DONE:
            return report.code
        return Exit.NO if self.found else Exit.DONE

    def _paths(self) -> tuple[Sequence[str], Sequence[PathError]]:
        """The files, or standard input, and what cannot be looked into.

        Raises PathError, and click.UsageError for neither.
        """
        request = self.request
        if request.paths == ("-",) and request.files_from is None:
            return request.paths, ()
        if request.stdin_filename is not None:
            raise click.UsageError("--stdin-filename is for standard input; pass - as the path.")
        walked = files_of(
            request.paths,
            files_from=request.files_from,
            null=request.null,
            exclude=request.exclude,
            hidden=request.hidden,
            ignore=request.ignore,
            language=request.language,
        )
        self.skipped = walked.skipped
        return walked.paths, walked.shut

    def _findings(self, paths: Iterable[str], asked: Asked, report: Report) -> Iterator[Finding]:
        """What is found, file by file; a file that cannot be read is told and counted."""
        for path in paths:
            found = list[Finding]()
            with report.catching():
                found = checked(*self._source(path), asked)
                report.done += 1
                self.files += 1
            for one in found:
                self.rules[one.rule] += 1
                self.found |= one.level != "note"
                yield one

    def _source(self, path: str) -> tuple[Source, str | None]:
        """A text and its language."""
        from infill.edit.files import open_file  # noqa: PLC0415 - difflib

        if path == "-":
            name = self.request.stdin_filename or "<stdin>"
            data = sys.stdin.buffer.read(DEFAULT.text + 1)
            if len(data) > DEFAULT.text:
                expected = f"up to {DEFAULT.text} bytes (limits.text)"
                raise InputError("the text is too long", where=name, expected=expected)
            source = Source.of(data, name)
            self.data[name] = source.data
        else:
            source = open_file(Path(path)).source
        language = self.request.language or SUFFIXES.get(Path(source.name).suffix.lower())
        return source, None if language == UNCHECKED else language

    def source_of(self, path: str) -> bytes:
        """The bytes of a file that something was found in."""
        return self.data[path] if path in self.data else Path(path).read_bytes()

    def _summary(self, report: Report) -> str:
        """One line for the person at the terminal."""
        found = ", ".join(f"{rule} {number}" for rule, number in self.rules.most_common())
        text = f"{self.files} file{'s' * (self.files != 1)} checked: {found or 'nothing found'}"
        unread = f"; not read: {report.failures}" if report.failures else ""
        skipped = left_out(self.skipped)
        return f"{text}{unread}; left out: {skipped}" if skipped else f"{text}{unread}"


def _written(form: str, findings: Iterator[Finding], checking: _Checking) -> Iterator[str]:
    """The output in a format, while it is found."""
    if form == "text":
        yield from (_line(one) for one in findings)
    elif form == "jsonl":
        yield from (f"{json.dumps(_plain(one))}\n" for one in findings)
    elif form == "json":
        comma = ""
        yield '{"infill_check": 1, "findings": ['
        for one in findings:
            yield f"{comma}\n{json.dumps(_plain(one))}"
            comma = ","
        yield f'\n], "files": {checking.files}, "skipped": {json.dumps(checking.skipped)}}}\n'
    else:
        from infill.batch.sarif import sarif  # noqa: PLC0415 - kept out of --help

        yield from sarif(findings, sources=checking.source_of)


def _line(one: Finding) -> str:
    where = printable(f"{one.path}:{one.start.line}:{one.start.column}")
    return f"{where}: {printable(one.message)}\n"


def _plain(one: Finding) -> dict[str, object]:
    return {
        "path": one.path,
        "rule": one.rule,
        "level": one.level,
        "message": one.message,
        "start": one.start._asdict(),
        "stop": one.stop._asdict(),
    }
