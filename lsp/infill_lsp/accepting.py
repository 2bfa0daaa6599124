"""Accepting: one short versioned edit, and a look at the document afterwards.

Clients differ in what they do with an edit that comes too late: they refuse it, say that they made
it when they did not, or answer an error. So an edit is only taken for made once it was seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from lsprotocol import types

from infill.edit.verify import verify
from infill_lsp.client import Client
from infill_lsp.convert import workspace_edit
from infill_lsp.documents import Document
from infill_lsp.languages import LANGUAGES
from infill_lsp.proposals import Held, Kept

SEEN_WITHIN = 2.0
"""Seconds in which an edit that the client says it made must be seen."""


@dataclass(eq=False)
class Expected:
    """A text that a document will have once an edit of ours is made."""

    text: str
    kept: Kept
    holes: tuple[Held, ...]
    shown: tuple[int, ...]  # which of its texts each hole had then
    late: bool = False
    """Whether nobody waits for it any more; the document's next change tells."""
    answered: Callable[[], None] = lambda: None
    """Called once the client has answered the edit, whatever it said."""
    seen: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def made(self) -> None:
        """The edit was made: its holes are filled, and what is behind them has moved."""
        shift = 0
        for held, chosen in zip(self.holes, self.shown, strict=True):
            held.chosen = chosen
        for held in sorted(self.kept.holes, key=lambda held: held.start):
            held.start, held.stop = held.start + shift, held.stop + shift
            if held in self.holes:
                grown = len(held.text) - (held.stop - held.start)
                held.stop, held.filled = held.stop + grown, True
                shift += grown
        if all(held.filled for held in self.kept.holes):
            self.kept.state = "accepted"
        if not self.seen.done():
            self.seen.set_result(None)


class Accepting:
    """The edits that were sent and not seen yet."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._expected: dict[str, list[Expected]] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    def forget(self, uri: str) -> None:
        """A document is closed."""
        self._expected.pop(uri, None)
        self._turns.pop(uri, None)

    @asynccontextmanager
    async def turn(self, uri: str) -> AsyncGenerator[bool]:
        """From an edit of a document to its end: two on their way would be of one version.

        Gives False where the edit before it does not end.
        """
        turn = self._turns.setdefault(uri, asyncio.Lock())
        try:
            await asyncio.wait_for(turn.acquire(), 2 * SEEN_WITHIN)
        except TimeoutError:
            yield False
            return
        try:
            yield True
        finally:
            turn.release()

    def waits(self, uri: str) -> bool:
        """Whether an edit of a document is on its way."""
        return bool(self._expected.get(uri))

    def seen(self, uri: str, text: str) -> Expected | None:
        """The edit after which a document has this text, which is no longer waited for."""
        row = self._expected.get(uri, [])
        fitting = sorted((one for one in row if one.text == text), key=lambda one: one.late)
        found = fitting[0] if fitting else None
        row[:] = [one for one in row if one is not found and not one.late]
        return found

    async def accept(
        self,
        kept: Kept,
        hole: int | None,
        document: Document,
        encoding: str,
        answered: Callable[[], None] | None = None,
    ) -> tuple[bool, str]:
        """Write what a proposal shows, or one hole of it; whether that was seen, or why not."""
        if kept.state != "ready":
            return False, f"the proposal is {kept.state}: {kept.message}".rstrip(": ")
        wanted = [h for h in kept.holes if not h.filled and hole in {None, h.index}]
        if not wanted:
            return False, "there is nothing left to accept"
        shown = tuple(held.chosen for held in wanted)
        expected = Expected(_with(document.text.text, wanted), kept, tuple(wanted), shown)
        expected.answered = answered or expected.answered
        language = LANGUAGES.get(document.language_id)
        if kept.mixed and hole is None and kept.checked == "file" and language is not None:
            check = verify(expected.text.encode(errors="replace"), language)
            if not check.ok:
                return False, f"these were not sampled together, and do not parse: {check.reason}"
        if expected.text == document.text.text:  # no change would ever be seen
            expected.made()
            return True, kept.message
        title, can = f"infill: {kept.kind}", self._client.can
        edit = workspace_edit(
            document,
            wanted,
            encoding,
            annotation=title if can("workspace.workspace_edit.change_annotation_support") else None,
            versioned=can("workspace.workspace_edit.document_changes"),
        )
        refused = await self._made(expected, edit, title)
        return not refused, refused or kept.message

    async def _made(self, expected: Expected, edit: types.WorkspaceEdit, title: str) -> str:
        """Have an edit made, and see it; why that was not so, else ""."""
        row = self._expected.setdefault(expected.kept.uri, [])
        row.append(expected)
        try:
            answer = await self._client.apply(edit, title)
            expected.answered()
            if not answer.applied and not expected.seen.done():
                return f"the editor refused: {answer.failure_reason or 'it gives no reason'}"
            await asyncio.wait_for(asyncio.shield(expected.seen), SEEN_WITHIN)
        except TimeoutError:
            expected.late = True  # a client that waits for our answer may tell only then
            return "the editor says that it made the edit, but the document is as it was"
        finally:
            if expected in row and not expected.late:
                row.remove(expected)
        return ""


def _with(text: str, holes: Sequence[Held]) -> str:
    """A text with what holes show in it."""
    parts, at = list[str](), 0
    for held in sorted(holes, key=lambda held: held.start):
        parts += [text[at : held.start], held.text]
        at = held.stop
    return "".join([*parts, text[at:]])
