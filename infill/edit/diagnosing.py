"""What is wrong with a text: where it fails to parse, and names that nothing binds.

Of a text that may be a part of a module, only names that look misspelt: see `spelling`.

Knows nothing of models.

>>> [(found.span, found.reason) for found in diagnose(b"x = yy\\n", "python")]
[(Span(start=4, stop=6), "nothing binds 'yy'")]
"""

from __future__ import annotations

from dataclasses import dataclass

from infill.constrain.grammar import Grammar
from infill.edit.spelling import misspelt
from infill.edit.verify import verify
from infill.edit.view import View
from infill.text import Source, Span


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong, and where.

    fatal   the text does not parse; the span is empty, where the parser gave up
    """

    span: Span
    reason: str
    fatal: bool = False


def diagnose(
    data: bytes, language: str | None, grammar: Grammar | None = None
) -> tuple[Diagnostic, ...]:
    """What is wrong with a text; nothing where neither a language nor a grammar is named."""
    if language is not None:
        check = verify(data, language)
        if not check.ok:
            return (Diagnostic(Span(check.offset, check.offset), check.reason, fatal=True),)
    if grammar is not None and grammar.judge is not None:
        shown = View.of(Source(data), 0).show(data).decode("utf-8-sig")
        if reason := grammar.judge(shown):
            return (Diagnostic(Span(0, 0), reason, fatal=True),)
    if language != "python":
        return ()
    return tuple(
        Diagnostic(span, f"nothing binds {data[span.start : span.stop].decode()!r}")
        for span in misspelt(data)
        if len(span)
    )
