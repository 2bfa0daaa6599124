"""Settings under a command line: an option that is not there is what the configuration says.

A command's options are looked up by their names in `infill.config`; what a command line says is
above all. Files are read when the first option is looked up, so that help, completion and the
commands without settings work also where a file is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import click
from click.core import ParameterSource

from infill.cli.exits import code_of, tell
from infill.errors import InfillError, OptionError

if TYPE_CHECKING:
    from infill.config.files import Config, File


def config_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of the group that say which files are read."""
    file = click.option(
        "--config",
        "config_file",
        type=click.Path(),
        metavar="FILE",
        help="Settings to take in the place of the project's.  [default: the nearest infill.toml]",
    )
    none = click.option("--no-config", is_flag=True, help="Read no settings from files.")
    return file(none(command))


class Settled:
    """The settings of this command line, read when they are first asked for.

    file   in the place of the project's
    files  whether any are read
    """

    def __init__(self, file: str | None = None, *, files: bool = True) -> None:
        if file is not None and not files:
            raise click.UsageError("choose one of --config and --no-config.")
        self.file, self.files = None if file is None else Path(file), files

    @cached_property
    def config(self) -> Config:
        """The settings. Raises OptionError."""
        from infill.config.files import load  # noqa: PLC0415 - not for `--help`

        return load(file=self.file, files=self.files)

    def found(self) -> list[File]:
        """The files of settings that are there, readable or not. Raises OptionError."""
        from infill.config.files import find  # noqa: PLC0415 - not for `--help`

        return find(file=self.file) if self.files else []

    @classmethod
    def of(cls, context: click.Context) -> Settled:
        """Those of a context, or of this folder."""
        return context.find_object(cls) or cls()


class Defaults(Mapping[str, Any]):
    """What click takes as `default_map`: per command and option, what the configuration says."""

    def __init__(self, command: click.Command, settled: Settled) -> None:
        self._command, self._settled = command, settled
        self._options = {one.name: one for one in command.params if one.name}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - of the option's type
        if isinstance(self._command, click.Group) and name in self._command.commands:
            return Defaults(self._command.commands[name], self._settled)
        if name not in self._options or name not in _keys():
            raise KeyError(name)
        try:
            return self._settled.config.given[name]
        except OptionError as error:
            return _Broken(error, self._options[name].default)

    def __iter__(self) -> Iterator[str]:
        inner = self._command.commands if isinstance(self._command, click.Group) else {}
        return (name for name in {**inner, **self._options} if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Configured(click.Group):
    """The group of all commands: their defaults come from the configuration."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click says it
        """Run a command. What is wrong with the configuration is told, with where that is said."""
        try:
            return super().invoke(ctx)
        except click.BadParameter as error:
            raise _with_origin(error) from None
        except InfillError as error:
            tell(error)
            ctx.exit(code_of(error))


def settle(context: click.Context, config_file: str | None, *, no_config: bool) -> None:
    """Let the commands of a group have their defaults from the configuration."""
    settled = Settled(config_file, files=not no_config)
    context.obj = settled
    defaults = Defaults(context.command, settled)
    context.default_map = cast("dict[str, Any]", defaults)  # click only reads it


def _keys() -> Mapping[str, object]:
    from infill.config.schema import KEYS  # noqa: PLC0415 - not for `--help`

    return KEYS


class _Broken:
    """In the place of a value that cannot be known: click calls it for a command.

    For help it does not, and shows it: as the option's own default.
    """

    def __init__(self, error: OptionError, own: object) -> None:
        self._error, self._own = error, own

    def __call__(self) -> NoReturn:
        raise self._error

    def __str__(self) -> str:
        return str(self._own) if isinstance(self._own, int | float | str) else ""

    def __bool__(self) -> bool:
        return self._own is True


def _with_origin(error: click.BadParameter) -> click.BadParameter:
    """An option that refuses what it was not given on the command line says who gave it."""
    context, name = error.ctx, error.param.name if error.param else None
    if context is None or name is None:
        return error
    if context.get_parameter_source(name) != ParameterSource.DEFAULT_MAP:
        return error
    message = f"{error.message.rstrip('.')} ({Settled.of(context).config.origin(name)})."
    return click.BadParameter(message, context, error.param, error.param_hint)
