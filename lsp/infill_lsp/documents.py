"""The documents that a client has open, as it last said that they are.

A document is a value: a change makes another one and says what was changed, in characters, so
that whoever holds a place in the old text can find it in the new one. Knows nothing of proposals.

>>> item = types.TextDocumentItem("file:///a.py", "python", 1, "a = 1\\n")
>>> whole = types.TextDocumentContentChangeWholeDocument("a = 12\\n")
>>> document, changes = Document.of(item).changed(2, [whole], "utf-16")
>>> changes, document.last_edit
((Change(start=5, stop=5, new='2'),), LastEdit(start=5, stop=5, new='2'))
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from lsprotocol import types

from infill.errors import InputError
from infill_lsp.lastedit import EditPlace, LastEdit, followed
from infill_lsp.positions import Change, Text, smallest

__all__ = ["Change", "Document", "Documents", "LastEdit", "Text"]

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Document:
    """An open document; `history` is where its user's last edit is."""

    uri: str
    language_id: str
    version: int
    text: Text
    history: EditPlace | None = field(default=None, repr=False)

    @classmethod
    def of(cls, item: types.TextDocumentItem) -> Document:
        """The document as it was opened."""
        language = item.language_id
        if isinstance(language, types.LanguageKind):
            language = language.value
        return cls(item.uri, language, item.version, Text(item.text))

    @property
    def last_edit(self) -> LastEdit | None:
        """What the user did last, as one edit; none if that was undone or nothing was done."""
        return self.history and self.history.edit(self.text.text)

    def changed(
        self,
        version: int,
        content_changes: Sequence[types.TextDocumentContentChangeEvent],
        encoding: str,
        *,
        ours: bool = False,
    ) -> tuple[Document, tuple[Change, ...]]:
        """The document after LSP's changes, one after the other, and what they changed.

        Each is cut down to what differs, and left out where nothing does: a client that sends
        whole lines or the whole text has not touched the rest. `ours` are edits that were
        accepted from us; they are not the user's last edit.
        """
        text, history, changes = self.text, self.history, list[Change]()
        for event in content_changes:
            change = _meant(text, event, encoding)
            if change is not None:
                after = text.replaced(change)
                history = followed(history, change, text.text, after.text, ours=ours)
                text = after
                changes.append(change)
        return replace(self, version=version, text=text, history=history), tuple(changes)


def _meant(text: Text, event: types.TextDocumentContentChangeEvent, encoding: str) -> Change | None:
    whole = isinstance(event, types.TextDocumentContentChangeWholeDocument)
    start, stop = (0, len(text)) if whole else text.span(event.range, encoding)
    return smallest(text.text, start, stop, event.text)


class Documents:
    """All that are open, by URI. Iterating gives the documents."""

    def __init__(self) -> None:
        self._open: dict[str, Document] = {}

    def __contains__(self, uri: str) -> bool:
        return uri in self._open

    def __iter__(self) -> Iterator[Document]:
        return iter(tuple(self._open.values()))

    def get(self, uri: str) -> Document:
        """The document as it is now; InputError where it is not open."""
        try:
            return self._open[uri]
        except KeyError as error:
            raise InputError(
                "this document is not open",
                where=uri,
                expected="a document that the editor has opened (textDocument/didOpen)",
                hint="open it in the editor, and check that infill is started for its language",
            ) from error

    def open(self, item: types.TextDocumentItem) -> Document:
        """Take a document in; one that was open already is replaced."""
        self._open[item.uri] = Document.of(item)
        return self._open[item.uri]

    def change(
        self, params: types.DidChangeTextDocumentParams, encoding: str, *, ours: bool = False
    ) -> tuple[Change, ...]:
        """Change a document, and say what was changed; the client is right about versions.

        A document that is not open stays so: the client's mistake is logged, nothing changes.
        """
        uri = params.text_document.uri
        if uri not in self._open:
            LOG.warning("ignored a change of a document that is not open: %s", uri)
            return ()
        version = params.text_document.version
        document, changes = self._open[uri].changed(
            version, params.content_changes, encoding, ours=ours
        )
        self._open[uri] = document
        return changes

    def close(self, uri: str) -> None:
        """Forget a document; one that is not open is forgotten already."""
        self._open.pop(uri, None)
