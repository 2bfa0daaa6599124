"""Settings from files: found, read, checked, and put over each other.

The environment is above the project's file, that above the user's own, and that above the
defaults; command lines are above all, which is their parser's business. The project's file is the
nearest `infill.toml`, or `pyproject.toml` with `[tool.infill]`, from the current folder upwards;
beside each other the first counts. What only the user may set is refused in it, unless the user
trusts that very file. Nothing is left out silently.

>>> config = load(Path("/"), environ={"INFILL_SEED": "7"}, files=False)
>>> config.values["seed"], config.origin("seed"), config.origin("tries")
(7, 'environment INFILL_SEED', 'default')
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Literal, TypeVar

from infill.config.environment import read, variable
from infill.config.places import CONFIG, home_of, state_folder, user_file
from infill.config.schema import KEYS
from infill.config.tables import Problem, flat, parsed, text_of
from infill.config.trust import is_trusted
from infill.errors import OptionError

NAME, SHARED, TABLE = "infill.toml", "pyproject.toml", ("tool", "infill")
ENDINGS = (".lark", ".json")
"""Of files that grammars are read from."""
LARGEST = 1_000_000
"""Bytes of a file of settings."""

Kind = Literal["project", "named", "user"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class File:
    """A file of settings.

    kind      the project's; one that the command line names, in its place; or the user's own
    table     where in it the settings are
    shadowed  another file beside it that counts for nothing because of it
    """

    path: Path
    kind: Kind
    table: tuple[str, ...] = ()
    shadowed: Path | None = None

    @property
    def name(self) -> str:
        """Its path as messages say it: from the current folder where it is below it."""
        try:
            return str(self.path.relative_to(Path.cwd()))
        except (ValueError, OSError):
            return str(self.path)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file says. `restricted` are the settings in it that need the user's trust."""

    file: File
    data: bytes
    text: str
    values: Mapping[str, Any]
    trusted: bool
    restricted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings of one source, and where each is said."""

    values: Mapping[str, Any]
    origin: Callable[[str], str]


@dataclass(frozen=True)
class Config:
    """All settings. Of `layers` the first counts."""

    layers: tuple[Layer, ...] = ()
    files: tuple[Loaded, ...] = ()

    @cached_property
    def given(self) -> dict[str, Any]:
        """The settings that something says."""
        return dict(chain.from_iterable(layer.values.items() for layer in reversed(self.layers)))

    @cached_property
    def values(self) -> dict[str, Any]:
        """Every setting, by its name in `infill.config.schema`."""
        return {name: self.given.get(name, key.default) for name, key in KEYS.items()}

    def origin(self, name: str) -> str:
        """Who says a setting: a file and its line, a variable of the environment, or the default.

        Raises KeyError for what is no setting.
        """
        if name not in KEYS:
            raise KeyError(name)
        return next(
            (layer.origin(name) for layer in self.layers if name in layer.values), "default"
        )


def load_possible(
    cwd: Path | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    project: bool = True,
) -> tuple[Config, tuple[OptionError, ...]]:
    """As `load`, for who must go on: a source that is wrong is left out, and what is wrong told.

    project   whether there is one, whose file counts
    """
    faults: list[OptionError] = []

    def tried(read_it: Callable[[], T]) -> T | None:
        try:
            return read_it()
        except OptionError as error:
            faults.append(error)
            return None

    said = tried(lambda: read(environ)) or {}
    places = [tried(lambda: project_file(cwd)) if project else None, tried(lambda: _own(environ))]
    loaded = [tried(lambda file=file: read_file(file, environ)) for file in _once(*places)]
    return _layered(said, [one for one in loaded if one is not None]), tuple(faults)


def load(
    cwd: Path | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    file: Path | None = None,
    files: bool = True,
) -> Config:
    """The settings for work in a folder; None is the current one.

    file   in the place of the project's file; the user named it, so it may say all
    files  whether files are read at all

    Raises OptionError for the first thing that is wrong.
    """
    said = read(environ)
    there = find(cwd, environ=environ, file=file) if files else []
    return _layered(said, [read_file(one, environ) for one in there])


def _layered(said: Mapping[str, Any], loaded: Sequence[Loaded]) -> Config:
    """The environment over files, of which the first counts."""
    layers = [Layer(said, lambda name: f"environment {variable(name)}")]
    layers += [Layer(one.values, _origin(one)) for one in loaded]
    return Config(tuple(layers), tuple(loaded))


def find(
    cwd: Path | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    file: Path | None = None,
) -> list[File]:
    """The files that there are, the first above the second. Raises OptionError."""
    own = _own(environ)
    return _once(project_file(cwd) if file is None else file_at(file), own)


def _own(environ: Mapping[str, str]) -> File | None:
    """The user's own file, where there is one. Raises OptionError for one that is named and not."""
    own = user_file(environ)
    if environ.get(CONFIG) and not own.exists():
        hint = f"name one that is there, or unset {CONFIG}"
        raise OptionError("there is no such file", where=f"{CONFIG}={own}", hint=hint)
    there = os.path.lexists(own) and str(own) != os.devnull
    return file_at(own, "user") if there else None


def _once(project: File | None, own: File | None) -> list[File]:
    """The files that there are; one that is both is the user's."""
    if project is not None and own is not None and _same(project.path, own.path):
        project = None
    return [one for one in (project, own) if one is not None]


def file_at(path: Path, kind: Kind = "named") -> File:
    """A file that somebody names."""
    return File(home_of(path).absolute(), kind, TABLE if path.name == SHARED else ())


def read_file(file: File, environ: Mapping[str, str] = os.environ, *, check: bool = True) -> Loaded:
    """Read and check a file.

    check  whether what only the user may set is refused where the file is not trusted

    Raises OptionError with the line, where that is known.
    """
    data = _bytes(file)
    text = text_of(data, file.name)
    table = parsed(text, file.name, file.table)
    trusted = file.kind != "project" or is_trusted(file.path, data, state_folder(environ))
    values: dict[str, Any] = {}
    restricted: list[str] = []
    for name, value in flat(table, Problem(file.name, text, file.table)):
        key, problem = KEYS[name], Problem(file.name, text, (*file.table, *name.split(".")))
        if not key.rule.fits(value):
            raise problem.error(
                f"{name} cannot be this", expected=key.rule.expected, got=repr(value)
            )
        if key.trusted or (key.public is not None and not key.public.fits(value)):
            restricted.append(name)
            if check and not trusted:
                raise problem.error(
                    f"{name} may not be set by a project's file: only the user may say "
                    f"{'this' if key.trusted else repr(value)}",
                    expected="" if key.public is None else key.public.expected,
                    got=repr(value),
                    hint=f"read the file; `infill config trust {file.name}` takes it as it is now, "
                    "--no-config does without",
                )
        values[name] = _placed(key.taken(value), file.path.parent) if key.path else key.taken(value)
    return Loaded(file, data, text, values, trusted, tuple(restricted))


def _origin(loaded: Loaded) -> Callable[[str], str]:
    def origin(name: str) -> str:
        file = loaded.file
        return Problem(file.name, loaded.text, (*file.table, *name.split("."))).where

    return origin


def _placed(value: object, folder: Path) -> object:
    """A path is meant from the folder of its file; a name, without a slash or ending, is none."""
    if not isinstance(value, str):
        return value
    is_path = "/" in value or os.sep in value or Path(value).suffix in ENDINGS or value[0] == "~"
    return str(folder / home_of(value)) if is_path else value


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise OptionError("the current folder is gone", hint="change to another") from error


def project_file(cwd: Path | None = None) -> File | None:
    """The nearest file of settings, from a folder upwards. Raises OptionError."""
    start = _here() if cwd is None else cwd.absolute()
    for folder in (start, *start.parents):
        own, shared = folder / NAME, folder / SHARED
        says = os.path.lexists(shared) and _says(shared)
        if os.path.lexists(own):
            return File(own, "project", shadowed=shared if says else None)
        if says:
            return File(shared, "project", TABLE)
    return None


def _says(path: Path) -> bool:
    """Whether a pyproject.toml has our table; one that does not name us is not parsed."""
    if not path.is_file():
        return False
    file = File(path, "project", TABLE)
    data = _bytes(file)
    if b"infill" not in data:
        return False
    return parsed(text_of(data, file.name), file.name, TABLE, there=False) is not None


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _bytes(file: File) -> bytes:
    try:
        if not file.path.is_file() and file.path.exists():
            raise OptionError("settings are no regular file", where=file.name)
        with file.path.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OptionError("the settings cannot be read", where=file.name, got=reason) from error
    if len(data) > LARGEST:
        expected = f"up to {LARGEST} bytes"
        raise OptionError("the file of settings is too long", where=file.name, expected=expected)
    return data
