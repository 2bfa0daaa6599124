"""A command line that changes texts, as plain data: kept with its run, to be taken up again."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

import click

from infill.batch.task import Doubts, Operation
from infill.edit.recipe import Recipe

STDIN, STDIN_NAME = "-", "<stdin>"
Format = Literal["text", "json", "jsonl", "sarif"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """One field per option; those that say how to sample are the recipe's."""

    command: Literal["fill", "rewrite", "revise", "batch"]
    recipe: Recipe
    doubts: Doubts = field(default_factory=Doubts)
    # which texts
    paths: tuple[str, ...] = ()
    files_from: str | None = None
    null: bool = False
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    ignore: bool = True
    stdin_filename: str | None = None
    language: str | None = None
    # which places in them
    lines: tuple[tuple[int, int], ...] = ()
    select: tuple[str, ...] = ()
    part: str | None = None
    keep: tuple[str, ...] = ()
    since: str | None = None
    # where results go
    write: bool = False
    check: bool = False
    interactive: bool = False
    diff: bool | None = None
    patch: str | None = None
    format: Format = "text"
    ordered: bool = True
    trace: str | None = None
    quiet: bool = False
    color: str = "auto"
    live: bool | None = None
    # what must hold
    allow_dirty: bool = False
    all_or_nothing: bool = False
    verify_cmd: str | None = None
    verify_timeout: float = 120.0
    # how the work is done
    model: str = "embedded"
    workspace: bool = True
    jobs: int | None = None
    threads: int = 0
    batch_size: int = 8
    engine: Literal["local", "ray"] = "local"
    ray_address: str | None = None
    limit: int | None = None
    deadline: float | None = None
    fail_fast: bool = False
    max_failures: int | None = None
    fresh: bool = False

    @classmethod
    def of(cls, command: str, options: Mapping[str, Any]) -> Request:
        """From what click hands over."""
        given = dict(options)
        recipe = {f.name: given.pop(f.name) for f in fields(Recipe) if f.name in given}
        doubts = {f.name: given.pop(f.name) for f in fields(Doubts) if f.name in given}
        return cls(command=command, recipe=Recipe(**recipe), doubts=Doubts(**doubts), **given)  # pyright: ignore[reportArgumentType]

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Request:
        """What `to_json` made."""
        given: dict[str, Any] = {
            name: tuple(map(_tupled, value)) if isinstance(value, list) else value
            for name, value in found.items()
        }
        given |= {"recipe": Recipe(**found["recipe"]), "doubts": Doubts(**found["doubts"])}
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @property
    def operation(self) -> Operation:
        """What is done with each text, where a job does not say."""
        return "fill" if self.command == "batch" else self.command

    @property
    def from_stdin(self) -> bool:
        """Whether the text is standard input."""
        return self.paths == (STDIN,) and self.command != "batch"

    @property
    def writes(self) -> bool:
        """Whether files are to be changed."""
        return self.write or self.interactive

    @property
    def shows_diff(self) -> bool:
        """By default a diff is what files result in that are not written."""
        if self.diff is not None:
            return self.diff
        return not (self.writes or self.check or self.patch or self.from_stdin)

    @property
    def most_failures(self) -> int | None:
        """After how many failures the run ends."""
        return 1 if self.fail_fast else self.max_failures

    @property
    def shows_live(self) -> bool:
        """By default when a person is watching."""
        if self.live is not None:
            return self.live
        return sys.stderr.isatty() and not self.quiet and not self.interactive

    def require_possible(self) -> None:
        """Raise click.UsageError for options that exclude each other."""
        stdin = STDIN in self.paths
        for wrong, reason in (
            (stdin and len(self.paths) > 1, "- (standard input) cannot be mixed with files."),
            (
                stdin and self.files_from is not None,
                "- (standard input) cannot be mixed with files.",
            ),
            (
                self.from_stdin and self.writes,
                "- (standard input) has no file to write; leave out --write.",
            ),
            (
                not self.from_stdin and self.stdin_filename is not None,
                "--stdin-filename is for standard input; pass - as the path.",
            ),
            (
                self.from_stdin and self.verify_cmd is not None and self.stdin_filename is None,
                "--verify-cmd judges files; say with --stdin-filename which one - stands for.",
            ),
            (self.write and self.check, "--check writes nothing; leave out --write."),
            (
                self.interactive and (self.check or self.format != "text"),
                "--interactive asks a person; leave out --check and --format.",
            ),
            (
                self.format != "text" and bool(self.diff),
                "--format says what goes to standard output; leave out --diff, or use --patch.",
            ),
            (bool(self.part) and not self.select, "--part is for --select."),
        ):
            if wrong:
                raise click.UsageError(reason)


def _tupled(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]
