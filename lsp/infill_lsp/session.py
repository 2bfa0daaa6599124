"""One client's session: its documents, its proposals, and the work that is done for it.

Handlers translate; what they ask for is done here, and the workbench behind the workers does the
rest. Offsets are characters of the document as it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from lsprotocol import types

from infill.errors import InputError
from infill.text import Source
from infill_lsp.accepting import Accepting
from infill_lsp.client import Client, Progress
from infill_lsp.convert import (
    live_text,
    proposal_json,
    status_json,
    step_json,
)
from infill_lsp.documents import Document, Documents
from infill_lsp.jobs import JobError, Jobs, Status, sampled
from infill_lsp.languages import judged_by, marked
from infill_lsp.live import Throttle
from infill_lsp.messages import Details, Finished, Moment, Place, Task
from infill_lsp.options import Options
from infill_lsp.positions import Text
from infill_lsp.proposals import Held, Kept, Shelf
from infill_lsp.rebase import rebased_through

TRIES, REST = 4, 3.0
"""How often an edit is offered to a client that refuses it, and the seconds between at most."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be sampled.

    holes  the places that the proposal is about while it is being worked on, in characters
    task   all but the job's name and the text
    title  for a person
    """

    kind: str
    holes: tuple[tuple[int, int], ...]
    title: str
    task: Mapping[str, Any]
    text: str | None = None
    """The text to work on, where that is not the document's: what it was before the last edit."""


class Session:
    """All that is known of one client."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.documents = Documents()
        self.shelf = Shelf()
        self.accepting = Accepting(client)
        self.encoding = "utf-16"
        self.given: Mapping[str, object] = {}  # by the editor itself, when it began
        self.section: object = None  # of the client's configuration
        self.options = Options()
        self.first = self.options  # that the model's worker is started with
        self.folders: dict[str, Options] = {}
        self.jobs: Jobs | None = None
        self._why = ""  # nothing was completed the last time that nobody asked for it
        self._failure = ""  # of the worker, that the user knows of
        self.judge = Jobs(["--judge"], lambda _: None)
        self._moved = asyncio.Event()  # some document has changed
        self.hints = Throttle(client.refresh_hints)
        self.edited: Callable[[str], None] = lambda _: None  # a document has changed

    # -- the workers

    def begin(self) -> None:
        """Start the model's worker, with the options that were known first."""
        if self.jobs is not None:
            return
        arguments = [f"--model={self.first.model}", f"--threads={self.first.threads}"]
        self.client.notifications = self.first.notifications
        self.jobs = Jobs(arguments, self._status_changed)
        self.jobs.wake()

    async def close(self) -> None:
        """End the workers."""
        self.hints.close()
        for jobs in (self.jobs, self.judge):
            if jobs is not None:
                await jobs.close()

    @property
    def status(self) -> Status:
        """How the model's worker is."""
        if self.jobs is None:
            return Status("starting", "", self.first.model, "", 0)
        now = self.jobs.status
        return replace(now, message=now.message or self._why)

    def wonder(self, why: str) -> None:
        """Note why there is no completion where one was not asked for; "" where there is one."""
        if why != self._why:
            self._why = why
            self._status_changed(self.status)

    def _status_changed(self, status: Status) -> None:
        if status.state == "failed" and status.message != self._failure:
            self.client.say(status.message)
            self._failure = status.message
        elif status.state == "idle":
            self._failure = ""
        self.client.notify("infill/status", status_json(self.status))

    # -- documents

    def options_for(self, uri: str) -> Options:
        """The settings of the innermost folder that a document is in."""
        inside = [f for f in self.folders if uri == f or uri.startswith(f.rstrip("/") + "/")]
        return self.folders[max(inside, key=len)] if inside else self.options

    def opened(self, params: types.DidOpenTextDocumentParams) -> None:
        """A document is open; what was known of another by its name is gone."""
        self._forget(params.text_document.uri)
        self.documents.open(params.text_document)
        self.edited(params.text_document.uri)

    def changed(self, params: types.DidChangeTextDocumentParams) -> None:
        """A document has changed: by an edit of ours, or the proposals follow the change."""
        uri = params.text_document.uri
        if uri not in self.documents:
            log.warning("a change of %s, which is not open", uri)
            return
        found = None
        if self.accepting.waits(uri):
            version, events = params.text_document.version, params.content_changes
            after, _ = self.documents.get(uri).changed(version, events, self.encoding)
            found = self.accepting.seen(uri, after.text.text)
        changes = self.documents.change(params, self.encoding, ours=found is not None)
        moved = self.shelf.rebase(uri, changes, but=found.kept if found else None)
        if found is not None:
            found.made()
            self.tell(found.kept)
        for kept in moved:
            if kept.state == "invalid":
                self._stop(kept)
            for held in kept.holes:
                held.tokens = ()  # what was drawn belongs to the text before
            if kept.state != "accepted":  # which is followed for the sake of hovers
                self.tell(kept)
        if found or any(kept.state != "accepted" for kept in moved):
            self.refresh()
        self._moved.set()
        self.edited(uri)

    def closed(self, params: types.DidCloseTextDocumentParams) -> None:
        """A document is closed."""
        uri = params.text_document.uri
        self._forget(uri)
        self.documents.close(uri)
        self.client.publish(uri, None, [])

    def _forget(self, uri: str) -> None:
        if self.jobs is not None:
            self.jobs.cancel(document=uri)
        self.judge.cancel(document=uri)
        self.shelf.forget(uri)
        self.accepting.forget(uri)

    def marked(self, document: Document) -> list[tuple[int, int]]:
        """The marked holes of a document. Raises InfillError, also where there is none."""
        return marked(document, self.options_for(document.uri).marker)

    def marked_or_none(self, document: Document) -> list[tuple[int, int]]:
        """The marked holes; none where a marker cannot be one."""
        with suppress(InputError):
            return self.marked(document)
        return []

    # -- sampling

    async def sample(
        self, document: Document, wish: Wish, token: types.ProgressToken | None = None
    ) -> Kept | None:
        """Sample, and keep what comes of it as a proposal; None where nothing is to change.

        Raises JobError, and CancelledError; the proposal then says so, too.
        """
        uri, text = document.uri, document.text.text
        task = self._task(document, wish)
        held = [Held(i, a, b, text[a:b]) for i, (a, b) in enumerate(wish.holes)]
        kept = self.shelf.put(uri, document.version, wish.kind, held)
        if wish.kind != "revise":  # whose places are not known yet
            self._supersede(kept)
        kept.job = task.job
        self.tell(kept)
        try:
            with self.client.progress(wish.title, token, lambda: self._stop(kept)) as progress:
                answer = await self._worker.run(
                    task,
                    document=uri,
                    place=(wish.kind, wish.holes),
                    moment=lambda moment: self._moment(kept, moment, progress, document.text),
                    details=lambda details: self._detailed(kept, details),
                )
        except asyncio.CancelledError:
            if kept.state == "working":
                kept.state = "cancelled"
            raise
        except JobError as error:
            kept.state, kept.message = "failed", str(error)
            raise
        finally:
            if kept.state != "working":
                self.tell(kept)
                self.refresh()
        return await self._finished(kept, document.text, sampled(answer))

    @property
    def _worker(self) -> Jobs:
        if self.jobs is None:
            raise JobError("the server is not initialized", "server")
        return self.jobs

    def _task(self, document: Document, wish: Wish) -> Task:
        text = document.text.text if wish.text is None else wish.text
        try:
            Source.of(text, document.uri)
        except InputError as error:  # JSON would join halves of a pair that came one by one
            raise JobError(str(error), type(error).__name__) from error
        options = self.options_for(document.uri)
        language, grammar = judged_by(document, options.grammar)
        settings = {
            "seed": options.seed,
            "marker": options.marker,
            "max_tokens": options.maxTokens,
            "alternatives": options.alternatives,
            "time_limit": options.timeLimit,
            **wish.task.get("settings", {}),
        }
        rest = {name: value for name, value in wish.task.items() if name != "settings"}
        return Task(
            job=self._worker.name(),
            kind=wish.kind,  # pyright: ignore[reportArgumentType] - a kind of task
            text=text,
            name=document.uri,
            language=language,
            grammar=grammar,
            settings=settings,
            **rest,
        )

    async def complete(self, document: Document, wanted: Mapping[str, Any]) -> Finished:
        """Sample for an inline completion; no proposal is kept."""
        wish = Wish(kind="fill", holes=(), title="", task=wanted)
        task = self._task(document, wish)
        return sampled(await self._worker.run(task, document=document.uri, place="inline"))

    def _moment(self, kept: Kept, moment: Moment, progress: Progress, text: Text) -> None:
        """Take in a moment of work on a text, which the document may have moved on from."""
        if kept.state != "working" or kept.uri not in self.documents:
            return
        document = self.documents.get(kept.uri)
        if kept.kind == "rewrite":  # what is kept lies between its holes
            places = moment.places.items()
            kept.found(self._held(kept, index, place, text) for index, place in places)
        kept.tick, kept.attempt, kept.forwards = moment.tick, moment.attempt, moment.forwards
        for held in kept.holes if kept.kind != "revise" else ():  # whose places are yet to be found
            held.tokens = moment.holes.get(held.index, held.tokens)
        self.client.notify("infill/step", step_json(kept, document, self.encoding))
        self.hints.touch()
        texts = " · ".join(live_text(held) for held in kept.holes if held.tokens)
        progress.report(f"{texts[:60]} ({moment.open} open, {moment.forwards} forwards)")

    def _detailed(self, kept: Kept, details: Details) -> None:
        for index, row in enumerate(details.holes):
            if (held := kept.hole(index)) is not None:
                held.details = row

    async def _finished(self, kept: Kept, text: Text, finished: Finished) -> Kept | None:
        """Take in what was sampled from a text; the document may have moved on since."""
        kept.checked, kept.message = finished.checked, finished.message
        kept.forwards, kept.ms, kept.stopped = finished.forwards, finished.ms, finished.stopped
        kept.trace = finished.trace
        if not finished.versions or not finished.versions[0].places:
            kept.state = "rejected"  # there is nothing to accept
            self.tell(kept)
            self.refresh()
            return None
        holes: list[Held] = []
        for index, place in enumerate(finished.versions[0].places):
            if (held := self._held(kept, index, place, text)) is None:
                continue
            found = [version.places[index].text for version in finished.versions]
            scores = {v.places[index].text: v.scores[index] for v in reversed(finished.versions)}
            held.texts = tuple(dict.fromkeys([*found, *finished.choices[index]]))
            held.scores = tuple(scores[one] for one in held.texts if one in scores)
            holes.append(held)
        rows = [tuple(place.text for place in v.places) for v in finished.versions]
        if holes and kept.state == "working":
            kept.finish(holes, rows, [version.score for version in finished.versions])
            self._supersede(kept)
        else:
            kept.holes, kept.state, kept.message = [], "invalid", "its holes were edited"
        self.tell(kept)
        self.refresh()
        if kept.open and self.accepts_at_once(kept.uri):
            # a client that waits for our answer takes the edit, and tells of it only afterwards
            answered = asyncio.Event()
            self.client.later(self._accept_soon(kept, answered))
            await answered.wait()
        return kept

    async def _accept_soon(self, kept: Kept, answered: asyncio.Event) -> None:
        """Accept unseen. A client whose user types refuses; after the next change it may not."""
        reason = ""
        for _ in range(TRIES):
            applied, reason = await self.accept(kept, answered=answered.set)
            answered.set()  # whatever kept the edit from being sent
            if applied or kept.state != "ready":
                return
            self._moved.clear()
            try:
                await asyncio.wait_for(self._moved.wait(), REST)
            except TimeoutError:
                break  # offered twice to the same text, an edit might be made twice
        self.client.warn(f"infill: {reason}; the fill is kept: accept it by a code action")

    @staticmethod
    def _held(kept: Kept, index: int, place: Place, text: Text) -> Held | None:
        """A hole at a place of the text that was sampled from; None where it was edited since."""
        start, stop = text.char(place.start), text.char(place.stop)
        span = rebased_through(start, stop, kept.since)
        return None if span is None else Held(index, *span, text.text[start:stop])

    def accepts_at_once(self, uri: str) -> bool:
        """Whether a finished proposal is accepted unseen: where the client cannot show it well."""
        choice = self.options_for(uri).accept
        if choice != "auto":
            return choice == "at_once"
        return not (self.client.notifications or self.client.can("text_document.code_lens"))

    def _supersede(self, kept: Kept) -> None:
        """Drop what is proposed, or worked on, for the same places."""
        for rival in self.shelf.rivals(kept):
            self.reject(rival)

    def _stop(self, kept: Kept) -> None:
        if self.jobs is not None and kept.job:
            self.jobs.cancel(document=kept.uri, job=kept.job)

    # -- proposals

    def tell(self, kept: Kept) -> None:
        """Send a proposal as it is now."""
        document = self.documents.get(kept.uri) if kept.uri in self.documents else None
        self.client.notify("infill/proposal", proposal_json(kept, document, self.encoding))

    def refresh(self) -> None:
        """Ask for hints and lenses to be drawn anew."""
        self.hints.touch()
        self.client.refresh_lenses()

    async def accept(
        self, kept: Kept, hole: int | None = None, answered: Callable[[], None] | None = None
    ) -> tuple[bool, str]:
        """Write what a proposal shows; whether the document was seen to change, or why not."""
        uri = kept.uri
        async with self.accepting.turn(uri) as ours:
            if not ours:
                return False, "the editor has not answered the edit before this one"
            if uri not in self.documents:
                return False, "its document was closed"
            document = self.documents.get(uri)
            done = await self.accepting.accept(kept, hole, document, self.encoding, answered)
        if done[0] and uri in self.documents and self.documents.get(uri) is document:
            self.tell(kept)  # it stood there already, so that nothing was seen to change
            self.refresh()
        return done

    def reject(self, kept: Kept) -> None:
        """Drop a proposal, or stop the work on it."""
        self._stop(kept)
        kept.state = "cancelled" if kept.state == "working" else "rejected"
        self.tell(kept)
        self.refresh()

    def cancel(self, uri: str | None = None) -> int:
        """Stop the work on a document, or all of it."""
        return 0 if self.jobs is None else self.jobs.cancel(document=uri)
