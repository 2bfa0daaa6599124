"""Places in a text and changes of it, against a reader that walks over lists of lines."""

from __future__ import annotations

import logging
import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from infill_lsp import positions
from infill_lsp.documents import Change, Document, Documents, Text
from lsprotocol import types

from infill.errors import InputError, OptionError

ENCODINGS = ("utf-8", "utf-16", "utf-32")
LETTERS = st.sampled_from(
    [*"ab \t\n\0", "\r\n", "\r", "é", "中", "𝕏", "👩‍💻", "\u2028", "\x85", "\x0b", "\x0c", "\ufeff"]
)
HALVES = st.sampled_from(["\ud835", "\udcb3"])
TEXTS = st.lists(LETTERS, max_size=20).map("".join)
LENIENT_TEXTS = st.lists(LETTERS | HALVES, max_size=20).map("".join)
encodings = pytest.mark.parametrize("encoding", ENCODINGS)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """A text of twenty letters has several blocks."""
    monkeypatch.setattr(positions, "BLOCK", 3)


def lines_of(text: str) -> list[str]:
    """The lines with what ends them; the last has no end."""
    lines, line = [], ""
    for index, char in enumerate(text):
        line += char
        if char == "\n" or (char == "\r" and text[index + 1 : index + 2] != "\n"):
            lines, line = [*lines, line], ""
    return [*lines, line]


def units(char: str, encoding: str) -> int:
    size = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    name = encoding if encoding == "utf-8" else f"{encoding}-le"
    return len(char.encode(name, "surrogatepass")) // size


def places(text: str, encoding: str) -> dict[tuple[int, int], int]:
    """The character at every line and column that LSP can mean, also inside a character."""
    found, start = {}, 0
    for line, content in enumerate(lines_of(text)):
        column, kept = 0, content.rstrip("\r\n")
        for index, char in enumerate(kept):
            for _ in range(units(char, encoding)):
                found[line, column] = start + index
                column += 1
        found[line, column] = start + len(kept)
        start += len(content)
    return found


def place(line: int, column: int) -> types.Position:
    return types.Position(line=line, character=column)


def opened(text: str, version: int = 1) -> Document:
    return Document.of(types.TextDocumentItem("file:///a.py", "python", version, text))


def part(text: Text, start: int, stop: int, new: str, encoding: str):
    """What a client sends for this change."""
    return types.TextDocumentContentChangePartial(text.range(start, stop, encoding), new)


@encodings
@given(text=LENIENT_TEXTS)
def test_every_line_and_column_is_where_walking_finds_it(encoding, text):
    expected = places(text, encoding)
    read = Text(text)
    assert expected == {at: read.offset(place(*at), encoding) for at in expected}


@encodings
@given(text=LENIENT_TEXTS, beyond=st.integers(1, 2**31 - 1))
def test_what_is_beyond_a_line_is_its_end_and_beyond_the_text_the_text_s(encoding, text, beyond):
    read, start = Text(text), 0
    for line, content in enumerate(lines_of(text)):
        length = sum(units(char, encoding) for char in content.rstrip("\r\n"))
        end = start + len(content.rstrip("\r\n"))
        assert end == read.offset(place(line, min(length + beyond, 2**31 - 1)), encoding)
        start += len(content)
    assert len(text) == read.offset(place(len(lines_of(text)), 0), encoding)
    assert len(text) == read.offset(place(len(lines_of(text)) + beyond // 2, beyond), encoding)


@encodings
@given(text=LENIENT_TEXTS)
def test_a_position_leads_back_to_its_character(encoding, text):
    read, expected = Text(text), places(text, encoding)
    for offset in range(len(text) + 1):
        at = read.position(offset, encoding)
        inside = text[offset - 1 : offset + 1] == "\r\n" and offset > 0
        assert offset - inside == expected[at.line, at.character]
        assert offset - inside == read.offset(at, encoding)


@encodings
@given(text=LENIENT_TEXTS, data=st.data())
def test_a_range_leads_back_to_its_span_also_backwards(encoding, text, data):
    between = [i for i in range(len(text) + 1) if not i or text[i - 1 : i + 1] != "\r\n"]
    start, stop = sorted(data.draw(st.tuples(*[st.sampled_from(between)] * 2)))
    read = Text(text)
    there = read.range(start, stop, encoding)
    assert (start, stop) == read.span(there, encoding)
    assert (start, stop) == read.span(types.Range(there.end, there.start), encoding)


@given(LENIENT_TEXTS)
def test_bytes_are_utf_8_and_one_inside_a_character_is_that_character(text):
    read = Text(text)
    for offset, char in enumerate(text):
        byte = len(text[:offset].encode("utf-8", "surrogatepass"))
        assert byte == read.byte(offset)
        assert {offset} == {read.char(byte + inside) for inside in range(units(char, "utf-8"))}
    size = len(text.encode("utf-8", "surrogatepass"))
    assert (size, len(text)) == (read.byte(len(text)), read.char(size))


@given(LENIENT_TEXTS, st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6), LENIENT_TEXTS)))
def test_a_changed_text_is_measured_as_one_that_is_new(text, changes):
    read = Text(text)
    for start, length, new in changes:
        start = min(start, len(read))  # noqa: PLW2901 - drawn before the length is known
        stop = min(start + length, len(read))
        expected = read.text[:start] + new + read.text[stop:]
        read = read.replaced(Change(start, stop, new))
        fresh = Text(expected)
        assert fresh == read
        assert [sums[-1] for sums in fresh.sums] == [sums[-1] for sums in read.sums]
        for offset in range(len(expected) + 1):
            assert fresh.position(offset, "utf-16") == read.position(offset, "utf-16")
            assert fresh.byte(offset) == read.byte(offset)


def test_a_line_end_that_a_change_joins_or_parts_is_counted_as_it_is():
    text = "abc\ndefg\rhi\r\nj\n\r"  # blocks begin and end with halves
    for start, length in product(range(len(text) + 1), range(3)):
        for new in ("", "\r", "\n", "\n\r", "x"):
            change = Change(start, min(start + length, len(text)), new)
            expected, read = places(change.applied(text), "utf-32"), Text(text).replaced(change)
            assert expected == {at: read.offset(place(*at), "utf-32") for at in expected}
            assert len(lines_of(read.text)) - 1 == read.sums[-1][-1]


def test_typing_does_not_shatter_the_blocks():
    read = Text("a" * 30)
    for index in range(300):
        read = read.replaced(Change(15 + index, 15 + index, "b"))
    assert 330 == len(read)
    assert len(read.blocks) <= 330 // positions.BLOCK + 1


def sent(data, text: str, encoding: str):
    """A change that a client may send, and the text that it has then, made from its lines."""
    if data.draw(st.integers(0, 3)) == 0:
        new = data.draw(LENIENT_TEXTS)
        return types.TextDocumentContentChangeWholeDocument(new), new
    there = sorted(places(text, encoding))
    (line, column), (to_line, to_column) = sorted(
        data.draw(st.tuples(*[st.sampled_from(there)] * 2))
    )
    new = data.draw(LENIENT_TEXTS)
    lines = lines_of(text)
    before = "".join(lines[:line]) + head(lines[line], column, encoding)
    after = lines[to_line][len(head(lines[to_line], to_column, encoding)) :]
    after += "".join(lines[to_line + 1 :])
    range_ = types.Range(place(line, column), place(to_line, to_column))
    return types.TextDocumentContentChangePartial(range_, new), before + new + after


def head(line: str, column: int, encoding: str) -> str:
    """The whole characters before a column."""
    while sum(units(char, encoding) for char in line) > column:
        line = line[:-1]
    return line


@encodings
@given(text=LENIENT_TEXTS, data=st.data())
def test_changes_make_the_text_that_the_client_has(encoding, text, data):
    events, expected = [], text
    for _ in range(data.draw(st.integers(0, 4))):
        event, expected = sent(data, expected, encoding)
        events.append(event)
    document, changes = opened(text).changed(7, events, encoding)
    assert (expected, 7) == (document.text.text, document.version)
    for change in changes:
        old = text[change.start : change.stop]
        assert old != change.new, "a change says only what differs"
        assert not old or not change.new or (old[0] != change.new[0] and old[-1] != change.new[-1])
        text = change.applied(text)
    assert expected == text


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a = 1\nb = 2\n", "a = 1\nb = 3\n", (Change(10, 11, "3"),)),
        ("aaa", "aaaa", (Change(3, 3, "a"),)),
        ("abab", "ab", (Change(2, 4, ""),)),
        ("", "a\r\n", (Change(0, 0, "a\r\n"),)),
        ("same", "same", ()),
    ],
)
def test_a_whole_text_is_the_smallest_change(old, new, expected):
    whole = types.TextDocumentContentChangeWholeDocument(new)
    assert expected == opened(old).changed(2, [whole], "utf-16")[1]


def test_only_lsp_s_line_ends_end_lines():
    text = Text("a\x0bb\x0cc\u2028d\x85e\rf\r\ng\n")
    assert place(3, 0) == text.position(len(text), "utf-32")
    assert place(0, 9) == text.position(9, "utf-32")
    assert place(1, 0) == text.position(10, "utf-32")


def test_an_encoding_that_lsp_has_not_is_refused():
    with pytest.raises(OptionError, match="latin-1"):
        Text("a").offset(place(0, 0), "latin-1")


def test_a_printed_document_does_not_show_its_text():
    document = typed(opened("secret = 1"), (6, 6, "s"))
    assert "secret" not in f"{document} {document.history} {document.last_edit}"


def test_encodings_may_be_given_as_lsprotocol_has_them():
    assert 1 == Text("𝕏 = 1").offset(place(0, 2), types.PositionEncodingKind.Utf16)


@given(TEXTS, st.data())
def test_the_last_edit_is_the_text_before_it_and_what_became_of_it(text, data):
    document = opened(text)
    for version in range(data.draw(st.integers(1, 8))):
        length = len(document.text)
        start = data.draw(st.integers(0, length))
        stop = min(start + data.draw(st.integers(0, 2)), length)
        ours = data.draw(st.booleans())
        event = part(document.text, start, stop, data.draw(TEXTS), "utf-16")
        document, _ = document.changed(version, [event], "utf-16", ours=ours)
        if edit := document.last_edit:
            expected = edit.base[: edit.start] + edit.new + edit.base[edit.stop :]
            assert expected == document.text.text
            assert edit.new != edit.base[edit.start : edit.stop]


@given(TEXTS, st.data())
def test_edits_of_ours_alone_leave_no_last_edit(text, data):
    event, _ = sent(data, text, "utf-16")
    assert opened(text).changed(2, [event], "utf-16", ours=True)[0].last_edit is None


def typed(document: Document, *edits: tuple[int, int, str], ours: bool = False) -> Document:
    for start, stop, new in edits:
        event = part(document.text, start, stop, new, "utf-16")
        document, _ = document.changed(document.version + 1, [event], "utf-16", ours=ours)
    return document


def told(document: Document):
    edit = document.last_edit
    return edit and (edit.base, edit.start, edit.stop, edit.new)


@given(st.text("abcde", min_size=1, max_size=8))
def test_the_letters_of_a_name_are_one_edit_and_taking_them_back_leaves_none(name):
    document = opened("x = \ny = x\n")
    letters = [(4 + index, 4 + index, letter) for index, letter in enumerate(name)]
    document = typed(document, *letters)
    assert ("x = \ny = x\n", 4, 4, name) == told(document)
    back = [(4 + index, 5 + index, "") for index in reversed(range(len(name)))]
    assert told(typed(document, *back)) is None


def test_a_change_far_away_begins_a_new_edit():
    document = typed(opened("one\ntwo\n"), (3, 3, "s"), (8, 8, "s"))
    assert ("ones\ntwo\n", 8, 8, "s") == told(document)


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([(2, 3, ""), (1, 2, ""), (0, 1, ""), (0, 0, "n")], ("old = 1\n", 0, 3, "n")),
        ([(4, 4, "xy"), (5, 8, "")], ("old = 1\n", 4, 6, "x")),
        ([(4, 4, "xy"), (3, 5, "")], ("old = 1\n", 3, 4, "y")),
        ([(4, 4, "xy"), (2, 8, "z")], ("old = 1\n", 2, 6, "z")),
        ([(4, 4, "xy"), (4, 4, "z")], ("old = 1\n", 4, 4, "zxy")),
        ([(4, 6, ""), (4, 4, "= ")], None),
    ],
)
def test_changes_that_touch_are_one_edit(edits, expected):
    assert expected == told(typed(opened("old = 1\n"), *edits))


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        ((0, 3, "uno"), ("uno two six", 4, 7, "2")),
        ((0, 3, "eleven"), ("eleven two six", 7, 10, "2")),
        ((6, 9, "seven"), ("one two seven", 4, 7, "2")),
        ((5, 5, "!"), ("one two! six", 4, 7, "2")),
        ((3, 7, "-"), None),
    ],
)
def test_an_edit_of_ours_becomes_part_of_what_the_user_s_edit_began_from(ours, expected):
    document = typed(opened("one two six"), (4, 7, ""), (4, 4, "2"))
    assert expected == told(typed(document, ours, ours=True))


def test_documents_are_opened_changed_closed_and_opened_again():
    documents = Documents()
    uri = "file:///a.py"
    documents.open(types.TextDocumentItem(uri, types.LanguageKind.Python, 5, "a"))
    assert ("python", 5) == (documents.get(uri).language_id, documents.get(uri).version)
    event = part(documents.get(uri).text, 1, 1, "b", "utf-8")
    identifier = types.VersionedTextDocumentIdentifier(version=3, uri=uri)
    params = types.DidChangeTextDocumentParams(identifier, [event])
    assert (Change(1, 1, "b"),) == documents.change(params, "utf-8")
    assert ("ab", 3) == (documents.get(uri).text.text, documents.get(uri).version)
    documents.open(types.TextDocumentItem(uri, "json", 1, "{}"))
    assert ["{}"] == [document.text.text for document in documents]
    assert documents.get(uri).last_edit is None
    documents.close(uri)
    documents.close(uri)
    assert uri not in documents


def test_a_document_that_is_not_open_is_an_error_to_get_and_a_warning_to_change(caplog):
    documents = Documents()
    with pytest.raises(InputError, match="not open") as caught:
        documents.get("file:///b.py")
    assert ("file:///b.py", True) == (caught.value.where, bool(caught.value.hint))
    identifier = types.VersionedTextDocumentIdentifier(version=3, uri="file:///b.py")
    whole = types.TextDocumentContentChangeWholeDocument("b")
    with caplog.at_level(logging.WARNING):
        params = types.DidChangeTextDocumentParams(identifier, [whole])
        assert () == documents.change(params, "utf-8")
    assert "file:///b.py" in caplog.text
    assert "file:///b.py" not in documents


@pytest.mark.parametrize("line", ["    total = count + 1\n", "x = '😀'\r\n", "é"])
def test_two_megabytes_are_not_walked_over(monkeypatch, line):
    monkeypatch.undo()  # real blocks
    content = line * (2_000_000 // len(line.encode()))
    document = opened(content)
    document, _ = document.changed(2, [part(document.text, 9, 9, "a", "utf-16")], "utf-16")
    middle = content.index(line, len(content) // 2) + 1
    seen = measured_characters(monkeypatch)
    at = document.text.position(middle, "utf-16")
    assert middle == document.text.offset(at, "utf-16")
    assert middle == document.text.char(document.text.byte(middle))
    event = part(document.text, middle, middle + 1, "name", "utf-16")
    began = time.perf_counter()
    document, _ = document.changed(3, [event], "utf-16")
    document.text.position(middle, "utf-16")
    took = time.perf_counter() - began
    # counted in characters, and the clock only against a walk: other work shares the machine
    assert sum(seen) < len(content)
    assert took < 0.25


def measured_characters(monkeypatch) -> list[int]:
    """A list that grows by the length of every piece of text that is measured."""
    seen, count = [], positions.count

    def counted(piece: str, unit: int) -> int:
        seen.append(len(piece))
        return count(piece, unit)

    monkeypatch.setattr(positions, "count", counted)
    return seen
