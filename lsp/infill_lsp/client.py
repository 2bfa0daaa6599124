"""The client: what it can, and the calls to it, none of which it did not ask for."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

log = logging.getLogger(__name__)


class Client:
    """Calls to the client, each only where it is wanted."""

    def __init__(self, server: LanguageServer) -> None:
        self._server = server
        self.notifications = False
        self._tokens = itertools.count(1)
        self._tasks: set[asyncio.Task[Any]] = set()

    def can(self, path: str) -> bool:
        """Whether the client declared a capability, as in "window.work_done_progress"."""
        return bool(self.capability(path))

    def capability(self, path: str) -> Any:  # noqa: ANN401 - whatever the client declared
        """What the client declared; None where it did not."""
        return get_capability(self._server.client_capabilities, path, None)

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Send a message of our own."""
        if self.notifications:
            self._server.protocol.notify(method, params)

    def warn(self, text: str) -> None:
        """Tell the user what is wrong."""
        params = types.ShowMessageParams(types.MessageType.Warning, text)
        self._server.window_show_message(params)

    def say(self, text: str) -> None:
        """Tell the user what a client that does not take our notifications would not show."""
        if not self.notifications:
            self.warn(text)

    def publish(self, uri: str, version: int | None, found: list[types.Diagnostic]) -> None:
        """Send all diagnostics of a document."""
        if self.capability("text_document.publish_diagnostics") is None:
            return
        params = types.PublishDiagnosticsParams(uri, found, version)
        self._server.text_document_publish_diagnostics(params)

    def refresh_hints(self) -> None:
        """Ask the client to ask for inlay hints."""
        if self.can("workspace.inlay_hint.refresh_support"):
            self.later(self._server.workspace_inlay_hint_refresh_async(None))

    def refresh_lenses(self) -> None:
        """Ask the client to ask for code lenses."""
        if self.can("workspace.code_lens.refresh_support"):
            self.later(self._server.workspace_code_lens_refresh_async(None))

    async def apply(self, edit: types.WorkspaceEdit, title: str) -> types.ApplyWorkspaceEditResult:
        """Ask the client to make an edit; a client that answers with an error did not."""
        if not self.can("workspace.apply_edit"):
            reason = "it does not declare that it takes edits (workspace.applyEdit)"
            return types.ApplyWorkspaceEditResult(applied=False, failure_reason=reason)
        params = types.ApplyWorkspaceEditParams(edit, title)
        try:
            return await self._server.workspace_apply_edit_async(params)
        except JsonRpcException as error:
            return types.ApplyWorkspaceEditResult(applied=False, failure_reason=error.message)

    async def configuration(self, scopes: list[str | None]) -> list[object]:
        """The section `infill` of the client's configuration, per folder."""
        if not self.can("workspace.configuration"):
            return []
        items = [types.ConfigurationItem(scope_uri=uri, section="infill") for uri in scopes]
        try:
            params = types.ConfigurationParams(items)
            return list(await self._server.workspace_configuration_async(params) or [])
        except JsonRpcException as error:
            log.warning("the client does not give its configuration: %s", error)
            return []

    def later(self, call: Any) -> None:  # noqa: ANN401 - an awaitable of pygls
        """Await something without waiting for it; what goes wrong is logged."""
        task = asyncio.ensure_future(call)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a call failed: %s", error)

    @contextmanager
    def progress(
        self, title: str, token: types.ProgressToken | None, cancel: Callable[[], None]
    ) -> Generator[Progress]:
        """Work-done progress: with the client's token, or one that the client lets us make."""
        progress = Progress(self._server, title, cancel)
        if token is not None:
            progress.begin(token)
        elif self.can("window.work_done_progress"):
            self.later(progress.created(f"infill-{next(self._tokens)}"))
        try:
            yield progress
        finally:
            progress.end()


class Progress:
    """One piece of work that the client may show."""

    def __init__(self, server: LanguageServer, title: str, cancel: Callable[[], None]) -> None:
        self._server, self._title, self._cancel = server, title, cancel
        self._token: types.ProgressToken | None = None
        self._over = False

    async def created(self, token: types.ProgressToken) -> None:
        """Begin, once the client knows of it."""
        await self._server.work_done_progress.create_async(token)
        if self._over:
            self._server.work_done_progress.tokens.pop(token, None)
        else:
            self.begin(token)

    def begin(self, token: types.ProgressToken) -> None:
        """Begin."""
        self._token = token
        begin = types.WorkDoneProgressBegin(self._title, cancellable=True)
        self._server.work_done_progress.begin(token, begin)
        wanted = self._server.work_done_progress.tokens[token]
        wanted.add_done_callback(self._asked)

    def _asked(self, future: Future[Any]) -> None:
        """The client's cancel, or the end of it all."""
        if future.cancelled():
            self._cancel()

    def report(self, text: str) -> None:
        """Say how far it is."""
        if self._token is not None:
            report = types.WorkDoneProgressReport(message=text, cancellable=True)
            self._server.work_done_progress.report(self._token, report)

    def end(self) -> None:
        """It is over."""
        self._over = True
        if self._token is not None:
            self._server.work_done_progress.end(self._token, types.WorkDoneProgressEnd())
            self._server.work_done_progress.tokens.pop(self._token, None)
            self._token = None
