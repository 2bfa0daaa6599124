"""Where settings come from: initialization options, a project's file, the client's configuration.

Each is above the one before; the file is of the project that a folder belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from lsprotocol import types
from pygls.uris import to_fs_path

from infill.config.files import project_file, read_file
from infill.errors import OptionError
from infill_lsp.options import Options, of_file
from infill_lsp.session import Session


def initial(session: Session, given: object) -> list[str]:
    """Take in initialization options; returns what is wrong with them."""
    if given is None:
        return []
    if not isinstance(given, Mapping):
        return [f"initializationOptions: expected an object, got {type(given).__name__}"]
    session.given, faults = session.given.updated(cast("Mapping[str, object]", given))
    session.options = session.given
    return faults


def pushed(session: Session, given: object, folders: list[types.WorkspaceFolder]) -> list[str]:
    """Take in what a client sends with `workspace/didChangeConfiguration`."""
    if not isinstance(given, Mapping) or "infill" not in given:
        return []
    session.section = cast("Mapping[str, object]", given)["infill"]
    return _settled(session, [None for _ in folders], folders)


async def pulled(session: Session, folders: list[types.WorkspaceFolder]) -> list[str]:
    """Ask the client for the section `infill`, for every folder and for what is in none."""
    scopes: list[str | None] = [None, *(folder.uri for folder in folders)]
    answers = await session.client.configuration(scopes)
    if len(answers) == len(scopes):
        session.section, *own = answers  # what was taken back is not kept
    else:
        own = [None for _ in folders]
    return _settled(session, own, folders)


def _settled(
    session: Session, own: Sequence[object], folders: Sequence[types.WorkspaceFolder]
) -> list[str]:
    """Put the settings over each other: the editor's first, a project's file, the client's."""
    session.options, faults = _taken(session.given, session.section)
    session.folders = {}
    for folder, section in zip(folders, own, strict=True):
        options, told = _of_project(session.given, folder.uri)
        for said in (session.section, section):
            options, more = _taken(options, said)
            told += more
        session.folders[folder.uri] = options
        faults += told
    return list(dict.fromkeys(faults))


def _of_project(options: Options, uri: str) -> tuple[Options, list[str]]:
    """The options with what the nearest infill.toml of a folder says of them."""
    path = to_fs_path(uri)
    if path is None:
        return options, []
    try:
        file = project_file(Path(path))
        loaded = None if file is None else read_file(file)
    except OptionError as error:
        hint = f"; {error.hint}" if error.hint else ""
        return options, [f"{error.where or path}: {error.what}{hint}"]
    if loaded is None:
        return options, []
    taken, faults = options.updated(of_file(loaded.values), trusted=False)
    return taken, [f"{loaded.file.name}: {fault}" for fault in faults]


def _taken(options: Options, section: object) -> tuple[Options, list[str]]:
    """A workspace may have a say in it, so it is not trusted with everything."""
    if section is None:
        return options, []
    if not isinstance(section, Mapping):
        return options, [f"infill: expected an object, got {type(section).__name__}"]
    return options.updated(cast("Mapping[str, object]", section), trusted=False)
