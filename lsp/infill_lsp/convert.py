"""From our types to LSP's, and to the JSON of docs/lsp.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsprotocol import types

from infill_lsp.documents import Document
from infill_lsp.jobs import Status
from infill_lsp.proposals import Held, Kept

SCHEMA = 1
OPEN_SLOT = "▒"
LONGEST_LABEL = 160
"""Characters of a hint."""
RETURN = "⏎"

Json = dict[str, Any]


def range_json(found: types.Range) -> Json:
    """A range as JSON."""
    return {
        "start": {"line": found.start.line, "character": found.start.character},
        "end": {"line": found.end.line, "character": found.end.character},
    }


def live_text(held: Held) -> str:
    """A hole that is being sampled, its open slots as blocks."""
    return "".join(OPEN_SLOT if token.slot == "hole" else token.text for token in held.tokens)


def _hole(document: Document, held: Held, encoding: str) -> Json:
    return {
        "index": held.index,
        "range": range_json(document.text.range(held.start, held.stop, encoding)),
        "old": held.old,
        "text": held.text,
        "score": held.scores[held.chosen] if held.chosen < len(held.scores) else None,
        "alternatives": [text for i, text in enumerate(held.texts) if i != held.chosen],
        "filled": held.filled,
    }


def proposal_json(kept: Kept, document: Document | None, encoding: str) -> Json:
    """A proposal as clients are told of it."""
    holes = [] if document is None else [_hole(document, h, encoding) for h in kept.holes]
    return {
        "schema": SCHEMA,
        "id": kept.id,
        "uri": kept.uri,
        "version": None if document is None else document.version,
        "kind": kept.kind,
        "state": kept.state,
        "message": kept.message,
        "checked": kept.checked,
        "choice": kept.choice,
        "of": len(kept.versions),
        "score": kept.scores[kept.choice] if kept.choice < len(kept.scores) else None,
        "forwards": kept.forwards,
        "ms": round(kept.ms, 1),
        "stopped": kept.stopped,
        "holes": holes,
    }


def step_json(kept: Kept, document: Document, encoding: str) -> Json:
    """A moment of a sample as clients are told of it."""
    worked = [held for held in kept.holes if held.tokens]
    return {
        "schema": SCHEMA,
        "proposal": kept.id,
        "uri": kept.uri,
        "version": document.version,
        "attempt": kept.attempt,
        "tick": kept.tick,
        "forwards": kept.forwards,
        "open": sum(token.slot == "hole" for held in worked for token in held.tokens),
        "holes": [
            {
                "index": held.index,
                "range": range_json(document.text.range(held.start, held.stop, encoding)),
                "text": live_text(held),
                "tokens": [
                    {"text": token.text, "slot": token.slot, "logp": token.logp}
                    for token in held.tokens
                ],
            }
            for held in worked
        ],
    }


def status_json(status: Status) -> Json:
    """How the worker is, as clients are told of it."""
    return {
        "schema": SCHEMA,
        "state": status.state,
        "message": status.message,
        "model": status.model,
        "device": status.device,
        "queue": status.queue,
    }


def label(text: str) -> str:
    """A text on one line, shortened."""
    line = text.replace("\r\n", "\n").replace("\n", RETURN)
    return line if len(line) <= LONGEST_LABEL else line[: LONGEST_LABEL - 1] + "…"


def workspace_edit(
    document: Document,
    holes: Sequence[Held],
    encoding: str,
    *,
    annotation: str | None,
    versioned: bool,
) -> types.WorkspaceEdit:
    """One edit of a document that writes what its holes show.

    annotation   what to call it, for a client that shows such
    versioned    whether the client knows versions of documents
    """
    places = [document.text.range(held.start, held.stop, encoding) for held in holes]
    pairs = list(zip(places, holes, strict=True))
    if not versioned:
        plain = [types.TextEdit(place, held.text) for place, held in pairs]
        return types.WorkspaceEdit(changes={document.uri: plain})
    edits: list[types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit] = [
        types.TextEdit(place, held.text)
        if annotation is None
        else types.AnnotatedTextEdit("infill", place, held.text)
        for place, held in pairs
    ]
    name = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
    labels = None if annotation is None else {"infill": types.ChangeAnnotation(annotation)}
    change = types.TextDocumentEdit(name, edits)
    return types.WorkspaceEdit(document_changes=[change], change_annotations=labels)
