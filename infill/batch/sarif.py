"""SARIF 2.1.0: findings in the form that code scanning and editors read.

It is written finding by finding; the rules, which are known only then, come last. Columns count
UTF-16 code units where the texts can be had, and characters where not; it says which.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

from infill import errors
from infill.batch.findings import Finding
from infill.text import Position, Source, TextEdit
from infill.version import VERSION

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"
RULES = {
    "fill": "Holes that can be filled.",
    "rewrite": "Code that can be written anew.",
    "revise": "Code that can be revised.",
    "hole": "A hole is left.",
    "syntax": "The text does not parse.",
}
BOM = b"\xef\xbb\xbf"


def sarif(findings: Iterable[Finding], *, sources: Callable[[str], bytes] | None) -> Iterator[str]:
    """One SARIF document, in pieces.

    sources   gives the bytes of a file of a finding. Without it columns count characters, and
              fixes have byte offsets alone
    """
    if sources is None:
        return written(((finding, None) for finding in findings), units="unicodeCodePoints")
    return written((finding, sources(finding.path)) for finding in findings)


def written(
    found: Iterable[tuple[Finding, bytes | None]], *, units: str = "utf16CodeUnits"
) -> Iterator[str]:
    """One SARIF document of findings, each with its file's bytes where they are known."""
    head = {"$schema": SCHEMA, "version": "2.1.0"}
    yield f'{json.dumps(head)[:-1]}, "runs": [{{"columnKind": "{units}", "results": ['
    rules: dict[str, int] = {}
    last: Source | None = None
    for number, (finding, data) in enumerate(found):
        if data is None:
            last = None
        elif last is None or last.data is not data:  # many findings may be of one file
            last = Source(data, finding.path)
        index = rules.setdefault(finding.rule, len(rules))
        yield f"{',' * bool(number)}\n{json.dumps(_result(finding, index, last))}"
    described = [_rule(rule) for rule in rules]
    driver = {"name": "infill", "semanticVersion": VERSION, "rules": described}
    yield f'\n], "tool": {json.dumps({"driver": driver})}}}]}}\n'


def uri(path: str) -> dict[str, str]:
    """Where a file is: relative, percent-encoded, "/" between folders.

    >>> uri("./a b/ü.py")
    {'uri': 'a%20b/%C3%BC.py', 'uriBaseId': '%SRCROOT%'}
    """
    encoded = quote(path.removeprefix("./").encode("utf-8", "surrogateescape"))
    if path.startswith("/"):
        return {"uri": f"file://{encoded}"}
    return {"uri": encoded} if encoded.startswith("../") else {"uri": encoded, "uriBaseId": ROOT}


def _rule(rule: str) -> dict[str, Any]:
    kind = getattr(errors, rule, None)
    text = RULES.get(rule) or ((kind and kind.__doc__) or "").partition("\n")[0]
    return {"id": rule, "shortDescription": {"text": text}} if text else {"id": rule}


def _result(finding: Finding, index: int, source: Source | None) -> dict[str, Any]:
    file = uri(finding.path)
    region = _region(source, finding.start, finding.stop)
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.level,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": {"artifactLocation": file, "region": region}}],
    }
    if finding.fix:
        replacements = [_replacement(source, edit) for edit in sorted(finding.fix)]
        change = {"artifactLocation": file, "replacements": replacements}
        text = {"text": finding.message}
        result["fixes"] = [{"description": text, "artifactChanges": [change]}]
    return result


def _replacement(source: Source | None, edit: TextEdit) -> dict[str, Any]:
    region: dict[str, int] = {}
    if source is not None:
        span = edit.span
        region = _region(source, source.position(span.start), source.position(span.stop))
    region |= {"byteOffset": edit.span.start, "byteLength": len(edit.span)}
    inserted = {"text": edit.new.decode(errors="replace")}
    return {"deletedRegion": region, "insertedContent": inserted}


def _region(source: Source | None, start: Position, stop: Position) -> dict[str, int]:
    return {
        "startLine": start.line,
        "startColumn": _column(source, start),
        "endLine": stop.line,
        "endColumn": _column(source, stop),
    }


def _column(source: Source | None, place: Position) -> int:
    """A column in UTF-16 code units from 1; a byte-order mark is no part of the text there."""
    if source is None or place.line > len(source.line_starts):
        return place.column
    start = source.line_starts[place.line - 1]
    # a character is four bytes at most
    text = source.data[start : start + 4 * (place.column - 1)].decode(errors="ignore")
    before = text[: place.column - 1]
    skipped = place.line == 1 and source.data.startswith(BOM) and place.column > 1
    return len(before.encode("utf-16-le")) // 2 + 1 - skipped
