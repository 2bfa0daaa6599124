"""The commands of docs/lsp.md: one object in, one object out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from cattrs import Converter
from cattrs.errors import BaseValidationError
from lsprotocol import types
from pygls.exceptions import JsonRpcContentModified, JsonRpcInvalidParams

from infill.errors import InfillError
from infill_lsp.convert import SCHEMA, Json, proposal_json, status_json
from infill_lsp.documents import Document
from infill_lsp.jobs import JobError
from infill_lsp.messages import Place
from infill_lsp.proposals import Kept
from infill_lsp.protocol import Failure
from infill_lsp.session import Session, Wish

Wanted = TypeVar("Wanted")
Token = types.ProgressToken | None
Command = Callable[[Json, Token], Awaitable[Json]]


class Commands:
    """What the commands do."""

    def __init__(self, session: Session, converter: Converter) -> None:
        self._session, self._converter = session, converter
        self.all: dict[str, Command] = {
            "infill.fill": self.fill,
            "infill.fillAll": self.fill_all,
            "infill.rewrite": self.rewrite,
            "infill.revise": self.revise,
            "infill.accept": self.accept,
            "infill.acceptHole": self.accept_hole,
            "infill.reject": self.reject,
            "infill.next": self.next,
            "infill.previous": self.previous,
            "infill.cancel": self.cancel,
            "infill.status": self.status,
            "infill.trace": self.trace,
        }

    async def fill(self, given: Json, token: Token) -> Json:
        """Fill the marked hole at a place, or a hole at the place itself."""
        document = self._document(given)
        start, stop = self._span(document, given)
        marked = self._session.marked_or_none(document)
        found = next(((a, b) for a, b in marked if a <= stop and start <= b), (start, stop))
        return await self._filled(document, [found], token)

    async def fill_all(self, given: Json, token: Token) -> Json:
        """Fill all marked holes jointly."""
        document = self._document(given)
        try:
            holes = self._session.marked(document)
        except InfillError as error:
            raise Failure(str(error)) from error
        return await self._filled(document, holes, token)

    async def _filled(self, document: Document, holes: list[tuple[int, int]], token: Token) -> Json:
        byte = document.text.byte
        places = tuple(Place(byte(a), byte(b)) for a, b in holes)
        wish = Wish(
            kind="fill",
            holes=tuple(holes),
            title="Filling" if len(holes) == 1 else f"Filling {len(holes)} holes",
            task={"places": places, "details": True},
        )
        return await self._sampled(document, wish, token)

    async def rewrite(self, given: Json, token: Token) -> Json:
        """Write a range anew, around what is to stay."""
        document = self._document(given)
        start, stop = self._span(document, given)
        keep: object = given.get("keep", [])
        if not isinstance(keep, list) or not all(
            isinstance(k, str) for k in cast("list[object]", keep)
        ):
            raise JsonRpcInvalidParams(f"keep: expected a list of texts, got {keep!r:.100}")
        byte = document.text.byte
        wish = Wish(
            kind="rewrite",
            holes=((start, stop),),
            title="Rewriting",
            task={
                "places": (Place(byte(start), byte(stop)),),
                "keep": tuple(cast("list[str]", keep)),
                "keep_names": bool(given.get("keepNames")),
                "details": True,
            },
        )
        return await self._sampled(document, wish, token)

    async def revise(self, given: Json, token: Token) -> Json:
        """Let earlier text follow the last edit, or mend what is wrong."""
        document, trigger = self._document(given), given.get("trigger", "edit")
        if trigger not in {"edit", "diagnostics"}:
            raise JsonRpcInvalidParams(
                f"trigger: expected 'edit' or 'diagnostics', got {trigger!r}"
            )
        scope = given.get("scope", "file")
        if scope not in {"function", "class", "file"}:
            raise JsonRpcInvalidParams(f"scope: expected function, class or file, got {scope!r}")
        task: Json = {"scope": scope}
        text = None
        if trigger == "edit":
            if (edit := document.last_edit) is None:
                raise Failure("there is no last edit to follow; change something first")
            text = edit.base
            start, stop = (_size(edit.base[:at]) for at in (edit.start, edit.stop))
            task["edit"] = Place(start, stop, edit.new)
            at = edit.start
        else:
            spans = [document.text.span(one, self._session.encoding) for one in self._ranges(given)]
            byte = document.text.byte
            task["wrong"] = tuple(Place(byte(a), byte(b)) for a, b in spans) or None
            at = spans[0][0] if spans else 0
        if "position" in given and trigger != "edit":
            at = document.text.offset(self._position(given), self._session.encoding)
        whole = (text or document.text.text)[:at]
        task["at"] = _size(whole)
        wish = Wish(
            kind="revise",
            holes=((0, len(document.text)),),
            title="Revising",
            task=task,
            text=text,
        )
        return await self._sampled(document, wish, token)

    async def _sampled(self, document: Document, wish: Wish, token: Token) -> Json:
        session = self._session
        try:
            kept = await session.sample(document, wish, token)
        except JobError as error:
            raise Failure(str(error), data={"error": error.error}) from error
        if kept is None:
            message = "there is nothing to change"
            session.client.say(message)
            return {"schema": SCHEMA, "proposal": None, "message": message}
        return self._json(kept)

    async def accept(self, given: Json, token: Token) -> Json:
        """Write a proposal."""
        del token
        return await self._accepted(self._kept(given), None)

    async def accept_hole(self, given: Json, token: Token) -> Json:
        """Write one hole of a proposal."""
        del token
        kept, hole = self._kept(given), self._hole(given)
        if hole is None:
            raise JsonRpcInvalidParams("hole: expected the number of a hole")
        return await self._accepted(kept, hole)

    async def _accepted(self, kept: Kept, hole: int | None) -> Json:
        applied, message = await self._session.accept(kept, hole)
        if not applied:  # most editors do not look at what a command answers
            self._session.client.say(message)
        return {"schema": SCHEMA, "applied": applied, "message": message}

    async def reject(self, given: Json, token: Token) -> Json:
        """Drop a proposal, or all of a document."""
        del token
        session = self._session
        named = (
            [self._kept(given)] if "proposal" in given else session.shelf.of(given.get("uri", ""))
        )
        chosen = [kept for kept in named if kept.open]
        for kept in chosen:
            session.reject(kept)
        return {"schema": SCHEMA, "rejected": len(chosen)}

    async def next(self, given: Json, token: Token) -> Json:
        """Show the next alternative."""
        del token
        return self._turned(given, 1)

    async def previous(self, given: Json, token: Token) -> Json:
        """Show the alternative before."""
        del token
        return self._turned(given, -1)

    def _turned(self, given: Json, by: int) -> Json:
        kept = self._kept(given)
        if kept.state != "ready":
            raise Failure(f"the proposal is {kept.state}")
        kept.turn(by, self._hole(given))
        self._session.tell(kept)
        self._session.refresh()
        return self._json(kept)

    async def cancel(self, given: Json, token: Token) -> Json:
        """Stop sampling."""
        del token
        session = self._session
        if "proposal" in given:
            kept = self._kept(given)
            count = int(kept.state == "working")
            if count:
                session.reject(kept)
        else:
            count = session.cancel(given.get("uri"))
        return {"schema": SCHEMA, "cancelled": count}

    async def status(self, given: Json, token: Token) -> Json:
        """How the server is."""
        del given, token
        return status_json(self._session.status)

    async def trace(self, given: Json, token: Token) -> Json:
        """How a proposal came to be."""
        del token
        return {"schema": SCHEMA, "trace": self._kept(given).trace}

    # -- what commands take

    def _json(self, kept: Kept) -> Json:
        session = self._session
        document = session.documents.get(kept.uri) if kept.uri in session.documents else None
        return proposal_json(kept, document, session.encoding)

    def _document(self, given: Json) -> Document:
        uri = given.get("uri")
        if not isinstance(uri, str):
            raise JsonRpcInvalidParams(f"uri: expected a text, got {uri!r}")
        try:
            document = self._session.documents.get(uri)
        except InfillError as error:
            raise Failure(str(error)) from error
        version = given.get("version")
        if version is not None and version != document.version:  # its places are of another text
            raise JsonRpcContentModified("the document has changed since; ask for it again")
        return document

    def _kept(self, given: Json) -> Kept:
        """The proposal of that name, or the latest of a document."""
        if "proposal" in given:
            kept = self._session.shelf.get(str(given["proposal"]))
        else:
            document = self._document(given)
            kept = next(iter(self._session.shelf.of(document.uri)), None)
        if kept is None:
            raise Failure("there is no such proposal; it may have been closed or forgotten")
        return kept

    def _hole(self, given: Json) -> int | None:
        hole = given.get("hole")
        if hole is not None and (not isinstance(hole, int) or isinstance(hole, bool)):
            raise JsonRpcInvalidParams(f"hole: expected a number, got {hole!r}")
        return hole

    def _span(self, document: Document, given: Json) -> tuple[int, int]:
        """The place that `range` or `position` says."""
        encoding = self._session.encoding
        if "range" in given:
            return document.text.span(self._structured(given["range"], types.Range), encoding)
        at = document.text.offset(self._position(given), encoding)
        return at, at

    def _position(self, given: Json) -> types.Position:
        return self._structured(given.get("position"), types.Position)

    def _ranges(self, given: Json) -> list[types.Range]:
        return [self._structured(one, types.Range) for one in given.get("ranges") or []]

    def _structured(self, value: object, kind: type[Wanted]) -> Wanted:
        try:
            return self._converter.structure(value, kind)
        except (BaseValidationError, TypeError, KeyError, ValueError) as error:
            raise JsonRpcInvalidParams(f"expected a {kind.__name__}, got {value!r:.100}") from error


def _size(text: str) -> int:
    """Its bytes; what is no text is refused when it is to be worked on."""
    return len(text.encode(errors="surrogatepass"))
