"""The work of `infill config`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from infill.cli.configured import Settled
from infill.cli.exits import Exit
from infill.cli.output import note, printable
from infill.config.files import Config, File, Loaded, file_at, project_file, read_file
from infill.config.places import state_folder, user_file
from infill.config.schema import KEYS
from infill.config.trust import trust, untrust
from infill.errors import OptionError

SYMBOL = "\u240a"
"""In the place of a line's end, which a file's name may have."""


def shown(config: Config, *, origin: bool, form: str) -> Exit:
    """Print all settings."""
    if form == "text":
        for line in _lines(config, origin=origin):
            click.echo(line)
        return Exit.DONE
    root: dict[str, Any] = {}
    for name in KEYS:
        *tables, last = name.split(".")
        place = root
        for table in tables:
            place = place.setdefault(table, {})
        value = config.values[name]
        place[last] = {"value": value, "origin": config.origin(name)} if origin else value
    click.echo(json.dumps(root, indent=2))
    return Exit.DONE


def _lines(config: Config, *, origin: bool) -> Iterator[str]:
    """The settings as TOML; what has no value is a comment."""
    table = ""
    for name, key in KEYS.items():
        inside, _, last = name.rpartition(".")
        if inside != table:
            table = inside
            yield f"\n[{table}]"
        value = config.values[name]
        if value is None:
            value = key.nothing
        line = f"# {last} is not set" if value is None else f"{last} = {toml(value)}"
        yield (
            f"{line:40}  # {printable(config.origin(name)).replace(chr(10), SYMBOL)}"
            if origin
            else line
        )


def toml(value: object) -> str:
    """A value as TOML writes it.

    >>> print(toml(["a", True, 0.5]), toml('"'), toml(chr(127)))
    ["a", true, 0.5] "\\"" "\\u007f"
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, str):
        text = value.encode("utf-8", "replace").decode()  # a path may be any bytes
        return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def listed(settled: Settled, *, form: str) -> Exit:
    """Print the files that are read."""
    files = settled.found()
    if form == "json":
        rows = [
            {"path": str(one.path), "kind": one.kind, "state": state_of(one)[0]} for one in files
        ]
        click.echo(json.dumps(rows, indent=2))
        return Exit.DONE
    for one in files:
        said = ": ".join(filter(None, state_of(one)))
        click.echo(printable(f"{one.kind:8}{one.path}  ({said})"))
        if one.shadowed is not None:
            note(f"{one.shadowed.name}: its [tool.infill] does not count beside {one.path.name}")
    if not files:
        note(f"no file of settings; your own would be {user_file()}")
    return Exit.DONE


def state_of(file: File) -> tuple[str, str]:
    """What is to be said of a file, and why: its trust, or that it is broken."""
    try:
        loaded = read_file(file, check=False)
    except OptionError as error:
        return "broken", f"{error.what} at {error.where}"
    if file.kind != "project":
        return "yours", ""
    if loaded.trusted:
        return "trusted", ""
    if loaded.restricted:
        return "not trusted", f"refused because of {', '.join(loaded.restricted)}"
    return "needs no trust", ""


def trusted(settled: Settled, path: Path | None) -> Exit:
    """Trust a file."""
    loaded = _project(settled, path)
    trust(loaded.file.path, loaded.data, state_folder())
    note(f"{printable(loaded.file.name)} is trusted as it is now")
    for name in loaded.restricted:
        note(f"  {name} = {printable(toml(loaded.values[name]))}")
    if not loaded.restricted:
        note("  it says nothing that needs trust")
    return Exit.DONE


def untrusted(settled: Settled, path: Path | None) -> Exit:
    """Trust a file no more; one that is gone or broken as well."""
    target = path if path is not None else _in_use(settled).path
    if untrust(target, state_folder()):
        note(f"{printable(str(target))} is not trusted any more")
        return Exit.DONE
    note(f"{printable(str(target))} was not trusted")
    return Exit.NO


def _project(settled: Settled, path: Path | None) -> Loaded:
    """The file that is meant, checked. Raises OptionError."""
    file = _in_use(settled) if path is None else file_at(path)
    return read_file(replace(file, kind="project"), check=False)


def _in_use(settled: Settled) -> File:
    file = file_at(settled.file) if settled.file is not None else project_file()
    if file is None:
        raise OptionError(
            "there is no project's file of settings here",
            expected="infill.toml, or [tool.infill] in pyproject.toml, here or in a folder above",
            hint="name the file",
        )
    return file
