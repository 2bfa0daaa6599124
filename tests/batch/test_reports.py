"""Reports: what they say can be read back, made again, and is never held in memory at once."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infill.batch.findings import Finding
from infill.batch.formats import document, jsonl, sarif_report
from infill.batch.patch_reader import read_patch
from infill.batch.report import Entry, Totals
from infill.batch.report_reader import read_report
from infill.batch.sarif import sarif
from infill.batch.task import Failure, Outcome, Piece
from infill.errors import HoleError
from infill.text import Position, Source, Span, TextEdit, apply_edits

_spec = importlib.util.spec_from_file_location("rules", Path(__file__).with_name("sarif_rules.py"))
_rules = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_rules)
validated = _rules.validated

BEFORE = "x = <FILL_ME>\n\U0001f600 = 'é' + <FILL_ME>\r\n".encode()
HOLES = [Span(at, at + 9) for at in range(len(BEFORE)) if BEFORE[at:].startswith(b"<FILL_ME>")]
TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
NAMES = st.text(st.characters(exclude_characters="\0/", codec="utf-8"), min_size=1, max_size=12)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def changed(path="a.py", before=BEFORE, texts=("1", "'ü'"), status="changed", holes=HOLES):
    edits = tuple(TextEdit(span, text.encode()) for span, text in zip(holes, texts, strict=False))
    pieces = tuple(Piece(text, -0.5, (f"{text}0",)) for text in texts)
    outcome = Outcome(edits=edits, pieces=pieces, checks=("untouched",), forwards=7, seconds=0.25)
    after = digest(outcome.result(before))
    return Entry(path, "fill", status, digest(before), after, outcome)


def failed(path="b.py"):
    error = HoleError("there is no hole", where=path, expected="<FILL_ME>", hint="write one")
    return Entry(path, "fill", "failed", "", None, Outcome(failure=Failure.of(error)), code=2)


def sources(entry):
    return None if entry.status == "failed" else BEFORE


def told(entries, totals=Totals):
    whole = document(entries, sources=sources, run="r1", model="m", totals=totals)
    return json.loads("".join(whole))


def test_a_line_says_what_became_of_a_text():
    line, last = map(json.loads, jsonl([changed(), failed()], sources=sources))
    assert ("a.py", "changed", 7, 250.0) == tuple(
        line[key] for key in ("path", "status", "forwards", "ms")
    )
    first = {"start": 4, "stop": 13, "text": "1", "score": -0.5, "alternatives": ["10"]}
    assert first == line["holes"][0]
    assert line["before"] == digest(BEFORE)
    assert "id" not in line
    assert line["error"] is None
    assert last["error"] == {
        "kind": "HoleError",
        "what": "there is no hole",
        "where": "b.py",
        "expected": "<FILL_ME>",
        "got": "",
        "try": "write one",
    }
    assert (last["diff"], last["holes"], last["after"], last["code"]) == ("", [], None, 2)


def test_the_id_of_a_job_comes_first():
    entry = Entry("a.py", "fill", "unchanged", "", None, Outcome(), id="j7")
    [line] = jsonl([entry], sources=lambda _: b"")
    assert line.startswith('{"id": "j7", "path"')


def test_a_document_says_who_made_it_and_the_totals():
    totals = Totals(seconds=2.0, skipped={"hidden": 3})
    entries = [changed(), failed()]
    for entry in entries:
        totals = totals.plus(entry)
    report = told(entries, lambda: totals)
    assert (1, "r1", "m") == tuple(report[key] for key in ("infill_report", "run", "model"))
    assert ["a.py", "b.py"] == [file["path"] for file in report["files"]]
    said = report["totals"]
    assert (said["changed"], said["failed"], said["written"], said["texts"]) == (1, 1, 0, 2)
    assert (said["holes"], said["forwards"], said["forwards_per_second"]) == (2, 7, 3.5)
    assert said["left_out"] == {"hidden": 3}


def test_a_report_without_texts_is_a_document():
    assert told([])["files"] == []
    whole = "".join(sarif_report([], sources=sources))
    assert validated(json.loads(whole))["results"] == []


def test_what_was_known_from_before_cost_nothing():
    totals = Totals(seconds=60.0).plus(changed(), cached=True).plus(changed())
    assert (totals.cached, totals.forwards, totals.holes, totals.holes_per_minute) == (1, 7, 4, 2)


@given(texts=st.tuples(TEXTS, TEXTS), name=NAMES, lines=st.booleans())
def test_a_report_makes_the_text_that_it_is_about_and_back(texts, name, lines):
    entry = changed(name, texts=texts)
    whole = jsonl([entry], sources=sources) if lines else iter([json.dumps(told([entry]))])
    after = apply_edits(BEFORE, entry.outcome.edits)
    if name in {".", ".."}:
        return
    [reported] = read_report("".join(whole).encode())
    assert (name, after) == (reported.path, reported.applied(BEFORE))
    assert (reported.done(BEFORE), reported.done(after)) == (BEFORE == after, True)
    if BEFORE != after:
        assert BEFORE == reported.reversed().applied(after)
        [patch] = read_patch(reported.diff)
        assert (name, after) == (patch.path, patch.applied(BEFORE))


def test_bytes_that_are_no_characters_survive_a_report():
    before = "é".encode()
    edit = TextEdit(Span(1, 2), "è".encode()[1:])  # half a character
    after = apply_edits(before, [edit])
    entry = Entry("a", "fill", "changed", digest(before), digest(after), Outcome(edits=(edit,)))
    [line] = jsonl([entry], sources=lambda _: before)
    assert after == read_report(line.encode())[0].applied(before)


@pytest.mark.parametrize("form", ["jsonl", "json", "sarif"])
def test_memory_is_flat_in_the_number_of_texts(form):
    def written(count):
        entries = itertools.repeat(changed(), count)
        match form:
            case "jsonl":
                return jsonl(entries, sources=sources)
            case "json":
                return document(entries, sources=sources, run="", model="", totals=Totals)
            case _:
                return sarif_report(entries, sources=sources)

    def peak(count):
        tracemalloc.start()
        size = sum(len(text) for text in written(count))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most, size

    peak(1)
    (few, small), (many, large) = peak(20), peak(400)
    assert large > 15 * small
    assert many < few + 20_000


def test_sarif_says_failures_and_changes_with_their_fixes():
    whole = "".join(sarif_report([changed("d e/ü.py"), failed()], sources=sources))
    run = validated(json.loads(whole))
    change, failure = run["results"]
    [artifact] = change["fixes"][0]["artifactChanges"]
    assert artifact["artifactLocation"] == {"uri": "d%20e/%C3%BC.py", "uriBaseId": "%SRCROOT%"}
    first, second = artifact["replacements"]
    assert first["insertedContent"] == {"text": "1"}
    # an emoji is two UTF-16 code units: columns 1 and 2
    assert second["deletedRegion"] == {
        "startLine": 2,
        "startColumn": 12,
        "endLine": 2,
        "endColumn": 21,
        "byteOffset": HOLES[1].start,
        "byteLength": 9,
    }
    assert ("error", "HoleError") == (failure["level"], failure["ruleId"])
    assert failure["message"]["text"].startswith("there is no hole; b.py; expected <FILL_ME>")
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["fill", "HoleError"]
    assert all(rule["shortDescription"]["text"] for rule in rules)


def test_sarif_says_where_a_text_is_wrong():
    error = HoleError("a marker is inside a string", where="a.py, line 2, column 7")
    entry = Entry("a.py", "fill", "failed", "", None, Outcome(failure=Failure.of(error)))
    run = validated(json.loads("".join(sarif_report([entry], sources=lambda _: BEFORE))))
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert (2, 8) == (region["startLine"], region["startColumn"])  # behind an emoji


def test_reports_and_applying_need_no_numpy():
    parts = ("batch.formats", "batch.apply", "cli.apply", "cli.interactive", "cli.progress")
    names = ", ".join(f"infill.{part}" for part in parts)
    code = f"import sys, {names}; print(*sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert "infill.cli.progress" in loaded
    assert not {"numpy", "torch", "rich"} & set(loaded)


@given(
    data=st.tuples(st.booleans(), TEXTS, TEXTS, TEXTS),
    end=st.sampled_from(["\n", "\r\n"]),
    name=NAMES,
)
def test_a_reader_of_sarif_makes_the_fixed_text_by_columns_and_by_bytes(data, end, name):
    bom, head, old, tail = data
    before = ("\ufeff" * bom + end.join([head, head + old + tail])).encode()
    stop = len(before) - len(tail.encode())
    edit = TextEdit(Span(stop - len(old.encode()), stop), b"new")
    start, there = (Source(before).position(at) for at in (edit.span.start, edit.span.stop))
    finding = Finding(name, "hole", "warning", "a hole", start, there, (edit,))
    run = validated(json.loads("".join(sarif([finding], sources=lambda _: before))))
    assert run["columnKind"] == "utf16CodeUnits"
    [change] = run["results"][0]["fixes"][0]["artifactChanges"]
    assert name.encode() == unquote_to_bytes(change["artifactLocation"]["uri"])
    [replacement] = change["replacements"]
    region = replacement["deletedRegion"]
    first, size = region["byteOffset"], region["byteLength"]
    after = apply_edits(before, [edit])
    assert after == before[:first] + b"new" + before[first + size :]
    assert after.decode().removeprefix("\ufeff") == by_columns(before.decode(), region)


def by_columns(text, region):
    """What a reader that counts UTF-16 code units, and no byte-order mark, makes of a region."""
    units = text.removeprefix("\ufeff").encode("utf-16-le")
    ends = (at for at in range(0, len(units), 2) if units[at : at + 2] == b"\n\0")
    starts = [0, *(at + 2 for at in ends)]
    at, stop = (
        starts[region[f"{end}Line"] - 1] + 2 * (region[f"{end}Column"] - 1)
        for end in ("start", "end")
    )
    return (units[:at] + "new".encode("utf-16-le") + units[stop:]).decode("utf-16-le")


def test_sarif_without_the_texts_counts_characters_and_says_so():
    finding = Finding("a.py", "syntax", "error", "bad", Position(2, 5), Position(2, 6))
    run = validated(json.loads("".join(sarif([finding], sources=None))))
    assert run["columnKind"] == "unicodeCodePoints"
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert (2, 5, 6) == (region["startLine"], region["startColumn"], region["endColumn"])


@pytest.mark.parametrize(
    ("key", "value"),
    [("level", "bad"), ("ruleIndex", 7), ("message", {"text": ""}), ("extra", 1)],
)
def test_a_wrong_sarif_is_found(key, value):
    whole = json.loads("".join(sarif_report([failed()], sources=sources)))
    whole["runs"][0]["results"][0][key] = value
    with pytest.raises((AssertionError, IndexError)):
        validated(whole)
