"""Where settings come from: the client's initialization options, then its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from lsprotocol import types

from infill_lsp.options import Options
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


def pushed(session: Session, given: object) -> list[str]:
    """Take in what a client sends with `workspace/didChangeConfiguration`."""
    if not isinstance(given, Mapping) or "infill" not in given:
        return []
    section = cast("Mapping[str, object]", given)["infill"]
    session.folders = {}
    session.options, faults = _taken(session.given, section)
    return faults


async def pulled(session: Session, folders: list[types.WorkspaceFolder]) -> list[str]:
    """Ask the client for the section `infill`, for every folder and for what is in none."""
    scopes: list[str | None] = [None, *(folder.uri for folder in folders)]
    answers = await session.client.configuration(scopes)
    if len(answers) != len(scopes):
        return []
    (_, first), *others = zip(scopes, answers, strict=True)
    session.options, faults = _taken(session.given, first)  # what was taken back is not kept
    session.folders = {}
    for uri, answer in others:
        session.folders[str(uri)], more = _taken(session.options, answer)
        faults += more
    return list(dict.fromkeys(faults))


def _taken(options: Options, section: object) -> tuple[Options, list[str]]:
    """A workspace may have a say in it, so it is not trusted with everything."""
    if section is None:
        return options, []
    if not isinstance(section, Mapping):
        return options, [f"infill: expected an object, got {type(section).__name__}"]
    return options.updated(cast("Mapping[str, object]", section), trusted=False)
