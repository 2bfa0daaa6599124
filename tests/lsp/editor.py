"""An editor for tests: it keeps documents, answers the server, and records what it is told.

How it treats edits is set by `manners`, after what real editors do.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from infill_lsp.documents import Document
from lsprotocol import types
from pygls.lsp.client import LanguageClient

FULL: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True},
    "workspace": {
        "applyEdit": True,
        "configuration": True,
        "workspaceFolders": True,
        "didChangeConfiguration": {"dynamicRegistration": True},
        "inlayHint": {"refreshSupport": True},
        "codeLens": {"refreshSupport": True},
        "workspaceEdit": {"documentChanges": True},
    },
    "textDocument": {
        "codeAction": {
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit", "command"]},
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["", "quickfix"]}},
        },
        "codeLens": {},
        "inlayHint": {},
        "inlineCompletion": {},
        "publishDiagnostics": {"versionSupport": True, "relatedInformation": True},
    },
}
"""What an editor with everything declares."""


PATIENCE = 30.0
"""Seconds that an answer may take."""


def parsed(value: Any) -> Any:
    """JSON as objects with attributes."""
    if hasattr(value, "_asdict"):
        return parsed(value._asdict())
    if isinstance(value, Mapping):
        return SimpleNamespace(**{name: parsed(one) for name, one in value.items()})
    if isinstance(value, list | tuple):
        return [parsed(one) for one in value]
    return value


@dataclass
class Told:
    """What the server said on its own account."""

    steps: list[Any] = field(default_factory=list)
    proposals: list[Any] = field(default_factory=list)
    statuses: list[Any] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    diagnostics: dict[str, types.PublishDiagnosticsParams] = field(default_factory=dict)
    progress: list[Any] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


class Editor(LanguageClient):
    """manners   "good"; "late": refuses and says that it applied the edit; "error": answers with
    an error; "blind": applies edits whatever their version says; "silent": makes the edit, and
    tells of it when it is told to (`catch_up`)
    """

    def __init__(self) -> None:
        super().__init__("test editor", "1")
        self.documents: dict[str, Document] = {}
        self.told = Told()
        self.manners = "good"
        self.settings: Any = None
        self.encoding = "utf-16"
        self._untold: list[types.DidChangeTextDocumentParams] = []
        self._listen()
        ask = self.protocol.send_request_async

        async def in_time(*given: Any, **named: Any) -> Any:
            return await asyncio.wait_for(ask(*given, **named), PATIENCE)

        self.protocol.send_request_async = in_time

    def _listen(self) -> None:
        told = self.told

        def listen(method: str, row: list[Any]) -> None:
            @self.feature(method)
            def _(params: Any) -> None:
                row.append(params)

        listen("infill/step", told.steps)
        listen("infill/proposal", told.proposals)
        listen("infill/status", told.statuses)
        listen(types.PROGRESS, told.progress)

        @self.feature(types.WINDOW_SHOW_MESSAGE)
        def _(params: types.ShowMessageParams) -> None:
            told.messages.append(params.message)

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def _(params: types.PublishDiagnosticsParams) -> None:
            told.diagnostics[params.uri] = params

        @self.feature(types.WORKSPACE_APPLY_EDIT)
        def _(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
            told.calls.append("apply")
            return self._apply(params.edit)

        @self.feature(types.WORKSPACE_CONFIGURATION)
        def _(params: types.ConfigurationParams) -> list[Any]:
            told.calls.append("configuration")
            return [self.settings for _ in params.items]

        for method in (
            types.WORKSPACE_INLAY_HINT_REFRESH,
            types.WORKSPACE_CODE_LENS_REFRESH,
            types.WINDOW_WORK_DONE_PROGRESS_CREATE,
            types.CLIENT_REGISTER_CAPABILITY,
        ):
            self._nod(method)

    def _nod(self, method: str) -> None:
        @self.feature(method)
        def _(_: Any) -> None:
            self.told.calls.append(method)

    async def begin(
        self,
        *arguments: str,
        capabilities: Mapping[str, Any] = FULL,
        options: Any = None,
        folders: list[types.WorkspaceFolder] | None = None,
    ) -> types.InitializeResult:
        """Start a server, and initialize it."""
        await self.start_io(sys.executable, "-m", "infill_lsp", *arguments)
        return await self.greet(capabilities=capabilities, options=options, folders=folders)

    async def greet(
        self,
        *,
        capabilities: Mapping[str, Any] = FULL,
        options: Any = None,
        folders: list[types.WorkspaceFolder] | None = None,
    ) -> types.InitializeResult:
        """Initialize a server that is connected."""
        declared = self.protocol._converter.structure(dict(capabilities), types.ClientCapabilities)
        result = await self.initialize_async(
            types.InitializeParams(
                capabilities=declared,
                initialization_options=options,
                workspace_folders=folders,
            )
        )
        encoding = result.capabilities.position_encoding
        self.encoding = str(getattr(encoding, "value", encoding))
        self.initialized(types.InitializedParams())
        return result

    async def end(self) -> None:
        """Shut the server down."""
        await asyncio.wait_for(self.shutdown_async(None), 20)
        self.exit(None)
        await asyncio.wait_for(self.stop(), 20)

    def open(self, uri: str, text: str, language: str = "python") -> Document:
        """Open a document."""
        item = types.TextDocumentItem(uri, language, 1, text)
        self.documents[uri] = Document.of(item)
        self.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return self.documents[uri]

    def close(self, uri: str) -> None:
        """Close a document."""
        del self.documents[uri]
        name = types.TextDocumentIdentifier(uri)
        self.text_document_did_close(types.DidCloseTextDocumentParams(name))

    def text(self, uri: str) -> str:
        """A document as it is here."""
        return self.documents[uri].text.text

    def edit(self, uri: str, start: int, stop: int, new: str) -> None:
        """Edit a document here, in characters, and tell the server."""
        document = self.documents[uri]
        place = document.text.range(start, stop, self.encoding)
        self._change(uri, [types.TextDocumentContentChangePartial(place, new)])

    def replace(self, uri: str, old: str, new: str) -> None:
        """Replace the first place where `old` stands."""
        at = self.text(uri).index(old)
        self.edit(uri, at, at + len(old), new)

    def _change(self, uri: str, changes: list[Any]) -> None:
        document = self.documents[uri]
        version = document.version + 1
        self.documents[uri], _ = document.changed(version, changes, self.encoding)
        name = types.VersionedTextDocumentIdentifier(uri=uri, version=version)
        self._untold.append(types.DidChangeTextDocumentParams(name, changes))
        if self.manners != "silent":
            self.catch_up()

    def catch_up(self) -> None:
        """Tell of the changes that were not told."""
        for params in self._untold:
            self.text_document_did_change(params)
        self._untold.clear()

    def _apply(self, edit: types.WorkspaceEdit) -> types.ApplyWorkspaceEditResult:
        if self.manners == "error":
            raise RuntimeError("Edits require version 0, you have 1")
        if self.manners == "late":
            return types.ApplyWorkspaceEditResult(applied=True)
        for change in edit.document_changes or ():
            uri, document = change.text_document.uri, self.documents[change.text_document.uri]
            if self.manners == "good" and change.text_document.version != document.version:
                return types.ApplyWorkspaceEditResult(applied=False, failure_reason="stale")
            self._make(uri, change.edits)
        for uri, edits in (edit.changes or {}).items():
            self._make(uri, edits)
        return types.ApplyWorkspaceEditResult(applied=True)

    def _make(self, uri: str, edits: Any) -> None:
        last_first = sorted(
            edits, key=lambda e: (e.range.start.line, e.range.start.character), reverse=True
        )
        self._change(
            uri, [types.TextDocumentContentChangePartial(e.range, e.new_text) for e in last_first]
        )

    def place(self, uri: str, at: str | int) -> types.Position:
        """The position of a text, or of a character."""
        document = self.documents[uri]
        offset = document.text.text.index(at) if isinstance(at, str) else at
        return document.text.position(offset, self.encoding)

    def range(self, uri: str, text: str) -> types.Range:
        """Where a text stands."""
        at = self.text(uri).index(text)
        return self.documents[uri].text.range(at, at + len(text), self.encoding)

    async def command(self, name: str, **argument: Any) -> Any:
        """Run a command."""
        given = self.protocol._converter.unstructure(argument)
        params = types.ExecuteCommandParams(command=name, arguments=[given])
        return parsed(await self.workspace_execute_command_async(params))

    async def raw(self, method: str, params: Any) -> Any:
        """Send a request as it is, right or wrong."""
        id_ = f"raw-{len(self.protocol._request_futures)}-{method}"
        answer = self.protocol._request_futures[id_] = concurrent.futures.Future()
        self.protocol._send_data({"jsonrpc": "2.0", "id": id_, "method": method, "params": params})
        return parsed(await asyncio.wait_for(asyncio.wrap_future(answer), PATIENCE))

    async def until(self, holds: Any, seconds: float = 20.0) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(seconds):
            while not holds():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def fresh(**given: Any) -> AsyncIterator[Editor]:
    """A server of its own, and its editor; `given` as to `Editor.begin`."""
    editor = Editor()
    await editor.begin(**given)
    try:
        yield editor
    finally:
        await editor.end()
