"""The front door: one call from a text with holes to a checked proposal."""

from __future__ import annotations

from collections.abc import Iterable

from infill.edit.grammars import Choice
from infill.edit.holes import Hole
from infill.edit.proposal import Proposal
from infill.edit.settings import Settings
from infill.edit.workbench import Workbench
from infill.edit.workspace import Workspace
from infill.models.catalogue import load
from infill.models.denoiser import Denoiser


def fill(  # noqa: PLR0913 - the contract's options, all but the text by name
    text: str | bytes,
    holes: Iterable[Hole] | None = None,
    *,
    language: str | None = None,
    grammar: Choice = None,
    model: str | Denoiser = "embedded",
    settings: Settings | None = None,
    name: str = "<text>",
    workspace: Workspace | None = None,
) -> Proposal:
    """Fill the holes of a text, all of them jointly, and check the result.

    text       UTF-8; holes are where the marker `<FILL_ME>` stands, or the given byte spans
    language   "python" or "json": the language's own parser must accept the result, else
               UnverifiedError; None fills without that check
    grammar    what the whole text can be completed to at every step, and is in the end: a
               `Grammar`, a name ("python", "json", …), or the path of a .lark or .schema.json
               file; None takes the language's, False or "none" goes without
    model      a name or folder for `infill.load`, or any Denoiser
    settings   how to decode; see `Settings`
    name       of the text, in errors and in the workspace
    workspace  the project's texts: like lines elsewhere in it are proposed too, and judged by the
               same checks; `HoleFill.origin` tells them

    Every byte outside the holes stays as it is. Raises InfillError; nothing is written anywhere.
    """
    denoiser = load(model) if isinstance(model, str) else model
    workbench = Workbench(denoiser, settings or Settings(), workspace=workspace)
    return workbench.fill(text, holes, language=language, grammar=grammar, name=name)
