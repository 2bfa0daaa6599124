"""Accepting, with a client that makes edits when the test says so."""

from __future__ import annotations

import asyncio

import pytest
from infill_lsp.accepting import Accepting
from infill_lsp.documents import Document
from infill_lsp.proposals import Held, Kept
from lsprotocol import types

pytestmark = pytest.mark.asyncio
TEXT = "a = HOLE\nb = HOLE\n"


class Slow:
    """Answers an edit only when it is let go."""

    def __init__(self) -> None:
        self.edits, self.go = [], asyncio.Event()

    def can(self, path: str) -> bool:
        return path == "workspace.workspace_edit.document_changes"

    async def apply(self, edit, title) -> types.ApplyWorkspaceEditResult:
        del title
        self.edits.append(edit)
        await self.go.wait()
        return types.ApplyWorkspaceEditResult(applied=True)


def proposal(*texts: str) -> Kept:
    at = [TEXT.index("HOLE"), TEXT.rindex("HOLE")]
    holes = [Held(i, a, a + 4, "HOLE", texts=texts) for i, a in enumerate(at)]
    kept = Kept("p1", "u", 1, "fill", holes)
    kept.finish(holes, [(text, text) for text in texts], [0.0] * len(texts))
    return kept


def document(text: str = TEXT) -> Document:
    return Document.of(types.TextDocumentItem("u", "python", 1, text))


async def test_what_stands_there_already_is_accepted_at_once():
    client, kept = Slow(), proposal("HOLE")
    accepting = Accepting(client)
    answer = accepting.accept(kept, None, document(), "utf-16")
    assert (await asyncio.wait_for(answer, 0.5))[0]
    assert ([], "accepted") == (client.edits, kept.state)


async def test_what_is_shown_next_is_not_what_was_written():
    client, kept = Slow(), proposal("x", "longer")
    accepting = Accepting(client)
    work = asyncio.ensure_future(accepting.accept(kept, 0, document(), "utf-16"))
    await asyncio.sleep(0)
    kept.turn(1)  # while the edit is on its way
    found = accepting.seen("u", TEXT.replace("HOLE", "x", 1))
    assert found is not None
    found.made()
    client.go.set()
    assert (await work)[0]
    after = TEXT.replace("HOLE", "x", 1)
    first, second = kept.holes
    assert ("x", "HOLE") == (after[first.start : first.stop], after[second.start : second.stop])
    assert "x" == first.text


async def test_a_turn_leaves_what_was_written_and_the_rest_is_known_to_be_mixed():
    kept = proposal("x", "y")
    kept.holes[0].filled = True
    kept.turn(1)
    assert ["x", "y"] == [held.text for held in kept.holes]
    assert kept.mixed
    kept.turn(1, 0)
    assert "x" == kept.holes[0].text


async def test_a_document_has_one_edit_on_its_way(monkeypatch):
    monkeypatch.setattr("infill_lsp.accepting.SEEN_WITHIN", 0.01)
    accepting = Accepting(Slow())
    turn = accepting.turn
    async with turn("u") as first, turn("u") as second, turn("v") as other:
        assert (True, False, True) == (first, second, other)
    async with accepting.turn("u") as third:
        assert third
