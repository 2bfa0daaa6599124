"""Where settings come from: as on the command line, the client's settings in the place of flags.

Above all is the client's configuration, then its initialization options, then the environment, the
file of the project that a folder belongs to, and the user's own file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from lsprotocol import types
from pygls.uris import to_fs_path

from infill.config.files import load_possible
from infill_lsp.options import Options, of_config
from infill_lsp.session import Session


def initial(session: Session, given: object, folders: Sequence[types.WorkspaceFolder]) -> list[str]:
    """Take in initialization options; returns what is wrong with them.

    The model is one for all folders: where there is one folder alone, its file has a say in it.
    """
    faults: list[str] = []
    if isinstance(given, Mapping):
        session.given = cast("Mapping[str, object]", given)
        faults = Options().updated(session.given)[1]
    elif given is not None:
        faults = [f"initializationOptions: expected an object, got {type(given).__name__}"]
    session.options, _ = _of_folder(session, None)
    uri = folders[0].uri if len(folders) == 1 else None
    session.first, _ = _of_folder(session, uri)
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
    """Put the settings over each other: those of files and the environment first."""
    options, faults = _of_folder(session, None)
    session.options, more = _taken(options, session.section)
    faults += more
    session.folders = {}
    for folder, section in zip(folders, own, strict=True):
        options, told = _of_folder(session, folder.uri)
        for said in (session.section, section):
            options, more = _taken(options, said)
            told += more
        session.folders[folder.uri] = options
        faults += told
    return list(dict.fromkeys(faults))


def _of_folder(session: Session, uri: str | None) -> tuple[Options, list[str]]:
    """What files, the environment and the initialization options say; None is in no folder.

    What is wrong with the initialization options was told when they came.
    """
    path = None if uri is None else to_fs_path(uri)
    cwd = None if path is None else Path(path)
    config, wrong = load_possible(cwd, project=cwd is not None)
    options, faults = of_config(config)
    told = [
        f"{error.where or path}: {error.what}{f'; {error.hint}' if error.hint else ''}"
        for error in wrong
    ]
    return options.updated(session.given)[0], told + faults


def _taken(options: Options, section: object) -> tuple[Options, list[str]]:
    """A workspace may have a say in it, so it is not trusted with everything."""
    if section is None:
        return options, []
    if not isinstance(section, Mapping):
        return options, [f"infill: expected an object, got {type(section).__name__}"]
    return options.updated(cast("Mapping[str, object]", section), trusted=False)
