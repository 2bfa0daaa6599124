"""Diagnostics: holes that wait to be filled, and why a file can no longer be completed."""

from __future__ import annotations

import asyncio
import logging

from lsprotocol import types

from infill.errors import HoleError, InfillError
from infill_lsp.documents import Document
from infill_lsp.jobs import JobError
from infill_lsp.languages import in_strings, judged_by
from infill_lsp.messages import Checkable, Place, Task
from infill_lsp.session import Session

REST = 0.3
"""Seconds without a change before a document is looked at."""
SOURCE = "infill"
LONGEST = 200_000
"""Bytes of a text that is judged as a whole; more would take minutes."""

log = logging.getLogger(__name__)


class Diagnosing:
    """Looks at documents once they rest, one look at a time for each."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._looks: dict[str, asyncio.Task[None]] = {}

    def touched(self, uri: str) -> None:
        """A document has changed, or was opened."""
        if (look := self._looks.pop(uri, None)) is not None:
            look.cancel()
        if uri in self._session.documents:
            look = self._looks[uri] = asyncio.ensure_future(self._look(uri))
            look.add_done_callback(lambda done: self._over(uri, done))

    def _over(self, uri: str, done: asyncio.Task[None]) -> None:
        if self._looks.get(uri) is done:
            del self._looks[uri]
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("%s could not be looked at", uri, exc_info=error)

    async def _look(self, uri: str) -> None:
        await asyncio.sleep(REST)
        session = self._session
        if uri not in session.documents:
            return
        document = session.documents.get(uri)
        wanted = session.options_for(uri).diagnostics
        found, holes = ([], []) if wanted == "off" else self._holes(document)
        session.client.publish(uri, document.version, found)
        if wanted == "completable" and holes:
            found = [*found, *await self._conflict(document, holes)]
            session.client.publish(uri, document.version, found)

    def _holes(self, document: Document) -> tuple[list[types.Diagnostic], list[tuple[int, int]]]:
        session = self._session
        marker = session.options_for(document.uri).marker
        if marker not in document.text.text:
            return [], []
        try:
            holes = session.marked(document)
        except HoleError as error:  # the marker in a string, most of the time
            warning = types.DiagnosticSeverity.Warning
            spans = in_strings(document, marker)
            places = [document.text.range(a, b, session.encoding) for a, b in spans]
            return [_diagnostic(place, error.what, warning, "marker") for place in places], []
        except InfillError:
            return [], []
        hint = types.DiagnosticSeverity.Hint
        places = [document.text.range(a, b, session.encoding) for a, b in holes]
        return [_diagnostic(place, "unfilled hole", hint, "hole") for place in places], holes

    async def _conflict(
        self, document: Document, holes: list[tuple[int, int]]
    ) -> list[types.Diagnostic]:
        """Why no text in the holes makes the file one of its language; nothing where some does."""
        session, text = self._session, document.text
        language, grammar = judged_by(document, session.options_for(document.uri).grammar)
        if (language is None and grammar is None) or text.byte(len(text)) > LONGEST:
            return []
        task = Task(
            job=session.judge.name(),
            kind="check",
            text=text.text,
            name=document.uri,
            language=language,
            grammar=grammar,
            places=tuple(Place(text.byte(a), text.byte(b)) for a, b in holes),
        )
        try:
            said = await session.judge.run(task, document=document.uri, place="check")
        except JobError as error:  # a file is not wrong because we cannot tell
            log.warning("%s is not judged: %s", document.uri, error)
            return []
        if not isinstance(said, Checkable) or said.completable:
            return []
        spans = [
            text.range(text.char(p.start), text.char(p.stop), session.encoding)
            for p in (said.effect, said.cause)
            if p is not None
        ]
        place = spans[0] if spans else text.range(0, 0, session.encoding)
        related = [
            types.DiagnosticRelatedInformation(
                types.Location(document.uri, span), "it is in conflict with this"
            )
            for span in spans[1:]
        ]
        message = f"this file can no longer be completed: {said.message}"
        one = _diagnostic(place, message, types.DiagnosticSeverity.Error, "incompletable")
        supported = session.client.can("text_document.publish_diagnostics.related_information")
        one.related_information = related if related and supported else None
        return [one]


def _diagnostic(
    place: types.Range, message: str, severity: types.DiagnosticSeverity, code: str
) -> types.Diagnostic:
    return types.Diagnostic(place, message, severity, code, source=SOURCE)
