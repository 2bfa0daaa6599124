"""What is known of an editor's languages, and where the holes of a document are."""

from __future__ import annotations

from infill.edit.holes import find_holes, quoted
from infill.text import Source
from infill_lsp.documents import Document

LANGUAGES = {"python": "python", "json": "json"}
"""Of an editor's languages those whose parser we have."""
GRAMMARS = {"toml": "toml", "sql": "sql"}
"""Of an editor's languages those of which we have a grammar alone."""


def judged_by(document: Document, grammar: str) -> tuple[str | None, str | None]:
    """The language whose parser judges a document, and its grammar, as the setting has it."""
    own = GRAMMARS.get(document.language_id) if grammar == "auto" else grammar
    return LANGUAGES.get(document.language_id), own


def marked(document: Document, marker: str) -> list[tuple[int, int]]:
    """The marked holes of a document, in characters.

    Raises InfillError, also where there is none.
    """
    source = Source.of(document.text.text, document.uri)
    found = find_holes(source, marker, language=LANGUAGES.get(document.language_id))
    char = document.text.char
    return [(char(hole.start), char(hole.stop)) for hole in found]


def in_strings(document: Document, marker: str) -> list[tuple[int, int]]:
    """The markers that are in strings. Raises InfillError."""
    source = Source.of(document.text.text, document.uri)
    found = quoted(source, marker, language=LANGUAGES.get(document.language_id))
    char = document.text.char
    return [(char(span.start), char(span.stop)) for span in found]
