"""LSP's requests about a document, translated: completion, actions, lenses, hints, hover."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcContentModified

from infill.errors import InfillError
from infill_lsp.convert import Json, label, live_text, range_json
from infill_lsp.documents import Document
from infill_lsp.jobs import JobError
from infill_lsp.messages import Detail, Place
from infill_lsp.proposals import Held, Kept
from infill_lsp.protocol import Failure
from infill_lsp.session import Session

FIX = "quickfix.infill"
REWRITE = "refactor.rewrite.infill"
KEEP = "refactor.rewrite.infill.keep"
REVISE = "refactor.rewrite.infill.revise"
FIX_ALL = "source.fixAll.infill"
KINDS = (FIX, REWRITE, KEEP, REVISE, FIX_ALL)
NAMES = 40
"""Characters of a proposed text in a title."""
CONTEXT = 256
"""Tokens that an inline completion shows the model: half the context is half the time."""


async def inline_completion(
    session: Session, params: types.InlineCompletionParams
) -> types.InlineCompletionList | None:
    """Fill a hole at the cursor; what stands right of it stays. The best comes first."""
    uri = params.text_document.uri
    options = session.options_for(uri).inline
    automatic = params.context.trigger_kind == types.InlineCompletionTriggerKind.Automatic
    if not options.enabled or (automatic and not options.automatic):
        return None
    document = _document(session, uri)
    if automatic:
        await asyncio.sleep(options.debounce / 1e3)
        _same(session, document)
    at = document.text.offset(params.position, session.encoding)
    byte = document.text.byte(at)
    settings = {
        "max_tokens": options.maxTokens,
        "alternatives": 0 if automatic else options.alternatives,  # they take as long again
        "time_limit": options.timeLimit,
        "length": "coarse" if automatic else "auto",
        "context": CONTEXT,
    }
    try:
        task = {"places": (Place(byte, byte),), "settings": settings}
        finished = await session.complete(document, task)
    except JobError as error:
        if automatic:  # nobody asked; the status tells whoever wonders
            session.wonder(str(error))
            return None
        raise Failure(str(error)) from error
    session.wonder("")
    _same(session, document)
    here = types.Range(params.position, params.position)
    texts = dict.fromkeys(version.places[0].text for version in finished.versions)
    if finished.witnessed:  # it parses, and nobody meant it
        texts = {}
    items = [types.InlineCompletionItem(text, range=here) for text in texts if text]
    return types.InlineCompletionList(items)


def _document(session: Session, uri: str) -> Document:
    try:
        return session.documents.get(uri)
    except InfillError as error:
        raise Failure(str(error)) from error


def _same(session: Session, document: Document) -> None:
    """Raise ContentModified where the document has moved on."""
    uri = document.uri
    if uri not in session.documents or session.documents.get(uri).version != document.version:
        raise JsonRpcContentModified("the document has changed since")


@dataclass(frozen=True, slots=True)
class _Offer:
    """An action: a command with its argument."""

    title: str
    kind: str
    command: str
    argument: dict[str, Any]
    preferred: bool = False
    fixes: tuple[types.Diagnostic, ...] = ()


def code_actions(session: Session, params: types.CodeActionParams) -> list[types.CodeAction]:
    """What can be done at a place; resolving an action adds what does it."""
    document = _document(session, params.text_document.uri)
    only = params.context.only
    resolves = "command" in _resolvable(session)
    return [
        _action(offer, with_command=not resolves)
        for offer in _offers(session, document, params)
        if only is None or any(_within(offer.kind, str(kind)) for kind in only)
    ]


def resolved(session: Session, action: types.CodeAction) -> types.CodeAction:
    """An action with its command. One without data is complete already."""
    data = cast("dict[str, Any] | None", action.data)
    if not isinstance(data, dict) or "command" not in data:
        return action
    uri, version = data["argument"].get("uri"), data.get("version")
    moved = uri not in session.documents or session.documents.get(uri).version != version
    if moved and "proposal" not in data["argument"]:
        raise JsonRpcContentModified("the document has changed since; ask for the actions again")
    action.command = types.Command(
        title=action.title, command=str(data["command"]), arguments=[data["argument"]]
    )
    return action


def _resolvable(session: Session) -> tuple[str, ...]:
    support = session.client.capability("text_document.code_action.resolve_support")
    return () if support is None else tuple(support.properties)


def _within(kind: str, wanted: str) -> bool:
    return not wanted or kind == wanted or kind.startswith(f"{wanted}.")  # "" is every kind


def _action(offer: _Offer, *, with_command: bool) -> types.CodeAction:
    data = {"command": offer.command, "argument": offer.argument}
    command = types.Command(title=offer.title, command=offer.command, arguments=[offer.argument])
    return types.CodeAction(
        title=offer.title,
        kind=offer.kind,
        diagnostics=list(offer.fixes) or None,
        is_preferred=offer.preferred or None,
        command=command if with_command else None,
        data=None if with_command else {**data, "version": offer.argument.get("version")},
    )


def _offers(
    session: Session, document: Document, params: types.CodeActionParams
) -> Iterator[_Offer]:
    start, stop = document.text.span(params.range, session.encoding)
    here: dict[str, Any] = {"uri": document.uri, "version": document.version}
    place, found = range_json(params.range), params.context.diagnostics
    yield from _about_proposals(session, document.uri, start, stop)
    holes = session.marked_or_none(document)
    if any(a <= stop and start <= b for a, b in holes):
        own = tuple(one for one in found if one.source == "infill")
        yield _Offer("Fill this hole", FIX, "infill.fill", {**here, "range": place}, fixes=own)
    if holes:
        title = "Fill the hole" if len(holes) == 1 else f"Fill all {len(holes)} holes"
        yield _Offer(title, FIX_ALL, "infill.fillAll", here)
    if start < stop:
        selection = {**here, "range": place}
        yield _Offer("Rewrite the selection", REWRITE, "infill.rewrite", selection)
        keep = {**selection, "keepNames": True}
        yield _Offer("Rewrite the selection, keeping names", KEEP, "infill.rewrite", keep)
    if document.language_id == "python":
        others = tuple(one for one in found if one.source != "infill")
        yield from _revisions(document, here, place, others)


def _about_proposals(session: Session, uri: str, start: int, stop: int) -> Iterator[_Offer]:
    for kept in session.shelf.of(uri, "ready"):
        near = [h for h in kept.holes if not h.filled and h.start <= stop and start <= h.stop]
        for held in near[:1]:
            one = {"proposal": kept.id, "uri": uri}
            title = f"Accept: {label(held.text)[:NAMES]}"
            yield _Offer(title, FIX, "infill.accept", one, preferred=True)
            if len(kept.versions) > 1:
                yield _Offer("Next proposal", FIX, "infill.next", one)
            yield _Offer("Reject the proposal", FIX, "infill.reject", one)


def _revisions(
    document: Document,
    here: dict[str, Any],
    place: Json,
    others: tuple[types.Diagnostic, ...],
) -> Iterator[_Offer]:
    if document.last_edit is not None:
        at = {**here, "position": place["start"], "trigger": "edit"}
        for scope in ("function", "class", "file"):
            title = f"Let the {scope} follow my last edit"
            yield _Offer(title, REVISE, "infill.revise", {**at, "scope": scope})
    if others:
        wrong = [range_json(one.range) for one in others]
        argument = {**here, "trigger": "diagnostics", "ranges": wrong, "scope": "file"}
        title = f"Revise: {others[0].message[:NAMES]}"
        yield _Offer(title, REVISE, "infill.revise", argument, fixes=others)


def code_lenses(session: Session, params: types.CodeLensParams) -> list[types.CodeLens]:
    """Accept, Next and Reject over what is proposed, Cancel over what is being sampled."""
    uri = params.text_document.uri
    if uri not in session.documents or not session.options_for(uri).lenses:
        return []
    document, lenses = session.documents.get(uri), list[types.CodeLens]()
    for kept in session.shelf.of(uri):
        waiting = [held for held in kept.holes if not held.filled]
        for title, command, held in _lens_titles(kept, waiting):
            argument: dict[str, Any] = {"proposal": kept.id}
            if command == "infill.acceptHole":
                argument["hole"] = held.index
            place = document.text.range(held.start, held.start, session.encoding)
            lenses.append(
                types.CodeLens(
                    place, types.Command(title=title, command=command, arguments=[argument])
                )
            )
    return lenses


def _lens_titles(kept: Kept, waiting: list[Held]) -> Iterator[tuple[str, str, Held]]:
    if not waiting:
        return
    first, *others = waiting
    if kept.state == "working":
        yield "infill: sampling … Cancel", "infill.cancel", first
        return
    several = f" all {len(waiting)}" if others else ""
    yield f"Accept{several}", "infill.accept", first
    if len(kept.versions) > 1:
        yield f"Next ({kept.choice + 1}/{len(kept.versions)})", "infill.next", first
    yield "Reject", "infill.reject", first
    for held in others:
        yield f"Accept: {label(held.text)[:NAMES]}", "infill.acceptHole", held


def inlay_hints(session: Session, params: types.InlayHintParams) -> list[types.InlayHint]:
    """What holes hold so far, or what is proposed for them."""
    uri = params.text_document.uri
    if uri not in session.documents or not session.options_for(uri).live:
        return []
    if not session.client.can("workspace.inlay_hint.refresh_support"):
        return []  # it would show a moment for ever
    document, hints = session.documents.get(uri), list[types.InlayHint]()
    start, stop = document.text.span(params.range, session.encoding)
    for kept in session.shelf.of(uri):
        for held in kept.holes:
            text = live_text(held) if kept.state == "working" else held.text
            if held.filled or not text or held.stop < start or stop < held.start:
                continue
            place = document.text.position(held.stop, session.encoding)
            tip = f"{kept.message or kept.state}; {kept.forwards} forwards"
            hints.append(types.InlayHint(place, f"⟨{label(text)}⟩", tooltip=tip, padding_left=True))
    return hints


def hover(session: Session, params: types.HoverParams) -> types.Hover | None:
    """What stands in a hole or a filled span, what else might, how sure the model was and when."""
    uri = params.text_document.uri
    if uri not in session.documents:
        return None
    document = session.documents.get(uri)
    at = document.text.offset(params.position, session.encoding)
    for kept in session.shelf.of(uri, "ready", "accepted"):
        for held in kept.holes:
            if held.start <= at <= held.stop:
                lines = _described(kept, held)
                content = types.MarkupContent(types.MarkupKind.Markdown, "\n".join(lines))
                return types.Hover(
                    content, document.text.range(held.start, held.stop, session.encoding)
                )
    return None


def _described(kept: Kept, held: Held) -> Iterator[str]:
    score = (
        f", {held.scores[held.chosen]:.2f} nats a token" if held.chosen < len(held.scores) else ""
    )
    yield f"**infill**: {kept.state}{score}, {kept.forwards} forwards, {kept.ms:.0f} ms"
    yield ""
    yield f"Checked: {kept.message or kept.checked}"
    if others := [text for text in held.texts if text != held.text]:
        yield ""
        yield "Others: " + ", ".join(_code(text) for text in others)
    if held.details and held.chosen == 0:
        yield ""
        yield "| token | p when written | step | candidates now |"
        yield "|---|---|---|---|"
        yield from (_row(detail) for detail in held.details)


def _row(detail: Detail) -> str:
    rivals = ", ".join(f"{_code(text)} {share:.2f}" for text, share in detail.candidates)
    return f"| {_code(detail.text)} | {detail.probability:.2f} | {detail.step} | {rivals} |"


def _code(text: str) -> str:
    """A text as code in Markdown, in a table as well."""
    shown = label(text).replace("|", "\\|")
    fence = "``" if "`" in shown else "`"
    return f"{fence}{shown or ' '}{fence}" if fence == "`" else f"{fence} {shown} {fence}"
