"""The work of `infill models`."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

import click

from infill.cli.configured import Settled
from infill.cli.configuring import toml
from infill.cli.exits import Exit
from infill.cli.output import note, printable
from infill.config.places import CONFIG, user_file
from infill.config.tables import text_of
from infill.config.writing import with_setting
from infill.edit.files import open_file, replace_file
from infill.errors import OptionError, WriteError
from infill.models.catalogue import INT8, NAMES, folder_of, load

KEY, DEFAULT = "model", "embedded"


def shown(settled: Settled) -> Exit:
    """Print the models, and which one is in use."""
    folders = {name: str(folder) for name, folder in NAMES.items()}
    try:
        chosen, origin = settled.config.values[KEY], settled.config.origin(KEY)
    except OptionError as error:
        note(f"which one is in use cannot be said: {error.what}")
        chosen, origin = "", ""
    if chosen and chosen not in folders:
        folders[chosen] = chosen
    rows = [
        (
            "*" if name == chosen else " ",
            printable(name),
            "in place" if Path(folder, "model.safetensors").is_file() else "no weights",
            f"({printable(origin)})" if name == chosen else "",
        )
        for name, folder in folders.items()
    ]
    width = max(len(name) for _, name, *_ in rows)
    for mark, name, state, said in rows:
        click.echo(f"{mark} {name:{width}}  {state} {said}".rstrip())
    click.echo(f"  {'DIR':{width}}  any folder that `infill train` wrote")
    click.echo(f"  {'…' + INT8:{width}}  either of them, in 8 bits: faster on a CPU")
    return Exit.DONE


def used(model: str, settled: Settled) -> Exit:
    """Write the choice to the user's own file. Raises ModelError, OptionError, WriteError."""
    path = user_file()
    if str(path) == os.devnull:
        raise OptionError(
            "there is no file of settings to write to", where=f"{CONFIG}={path}",
            hint=f"unset {CONFIG}, or let it name a file",
        )  # fmt: skip
    load(model)
    value = None if model == DEFAULT else toml(_placed(model))
    if path.exists():
        opened = open_file(path)
        text = text_of(opened.source.data, str(path))
        changed = with_setting(text, KEY, value, str(path))
        if changed != text:
            replace_file(opened, changed.encode())
    elif value is not None:
        _create(path, f"{KEY} = {value}\n")
    note(f"{printable(str(path))}: " + (f"{KEY} = {printable(value)}" if value else f"no {KEY}"))
    now = Settled(None if settled.file is None else str(settled.file), files=settled.files).config
    origin = now.origin(KEY)
    if origin != "default" and not origin.startswith(str(path)):
        note(f"but here {printable(str(now.values[KEY]))} is used: {printable(origin)} says so")
    return Exit.DONE


def _placed(model: str) -> str:
    """The same model, whatever folder is the current one."""
    name = model.removesuffix(INT8)
    return model if name in NAMES else str(folder_of(name).resolve()) + model[len(name) :]


def _create(path: Path, text: str) -> None:
    """A new file, whole or not there. Raises WriteError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise WriteError(
            "the settings cannot be written", where=str(path), got=error.strerror or str(error)
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
