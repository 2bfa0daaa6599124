"""pygls as we need it: our own documents, commands that can be cancelled, lenient clients.

What differs from pygls 2.1:
- `$/cancelRequest` for `workspace/executeCommand` cancels the command's coroutine, which runs under
  the request's own id (pygls runs it under another).
- Documents are not kept twice: the built-in handlers would keep a copy that splits lines at form
  feeds and U+2028, where LSP does not.
- vscode-languageclient up to 9 sends trigger kinds from 0; LSP 3.18 has them from 1.
- A request that is not whole, and text that is no JSON, are answered (pygls logs them).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol, default_converter, lsp_method

REQUEST_FAILED = -32803
"""LSP: the request was fine, and could not be done."""

LONGEST_REASON = 500
"""Characters of what is said of a request that is not whole."""

log = logging.getLogger(__name__)


def lenient_converter() -> Converter:
    """Pygls's converter, which also takes the trigger kinds of older clients."""
    converter = default_converter()

    def trigger(value: object, _: type) -> types.InlineCompletionTriggerKind:
        if value in {0, 1}:  # 0 is what 1 should be
            return types.InlineCompletionTriggerKind.Invoked
        return types.InlineCompletionTriggerKind.Automatic

    converter.register_structure_hook(types.InlineCompletionTriggerKind, trigger)
    return converter


class Failure(JsonRpcException):
    """A request that could not be done, and why; clients show the message."""

    CODE = REQUEST_FAILED


class Protocol(LanguageServerProtocol):
    """The protocol; `opened`, `changed` and `closed` are set by whoever keeps the documents."""

    opened: Callable[[types.DidOpenTextDocumentParams], None]
    changed: Callable[[types.DidChangeTextDocumentParams], None]
    closed: Callable[[types.DidCloseTextDocumentParams], None]

    @property
    def converter(self) -> Converter:
        """Makes LSP's types of JSON."""
        return self._converter

    def structure_message(self, data: dict[str, Any]) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
        """As pygls does; a request that is not whole is answered, too."""
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                what = f"{data['method']}: {error.__cause__ or error}"[:LONGEST_REASON]
                refusal = JsonRpcInvalidParams(f"the request is not whole: {what}")
                self._send_response(data["id"], error=refusal.to_response_error())
            raise

    def _handle_request(self, msg_id: Any, method_name: str, params: Any) -> None:  # noqa: ANN401 - as pygls
        if self._workspace is None and method_name != types.INITIALIZE:
            refusal = JsonRpcServerNotInitialized("the first request is initialize")
            self._send_response(msg_id, error=refusal.to_response_error())
            return
        super()._handle_request(msg_id, method_name, params)

    def refuse_unreadable(self, error: Exception) -> None:
        """Answer what is no JSON at all, as JSON-RPC asks for."""
        refusal = JsonRpcParseError(f"this is no JSON: {error}").to_response_error()
        self._send_data(
            {"jsonrpc": "2.0", "id": None, "error": self._converter.unstructure(refusal)}
        )

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, params: types.DidOpenTextDocumentParams
    ) -> None:
        """A document is open."""
        self.opened(params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, params: types.DidChangeTextDocumentParams
    ) -> None:
        """A document has changed."""
        self.changed(params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, params: types.DidCloseTextDocumentParams
    ) -> None:
        """A document is closed."""
        self.closed(params)

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, params: types.ExecuteCommandParams
    ) -> object:
        """Run a command under the request's own id, so that cancelling reaches it."""
        handler = cast("Any", self.fm.commands.get(params.command))
        if handler is None:
            raise JsonRpcInvalidParams(f"there is no command {params.command!r}")
        given = [one for one in params.arguments or () if one is not None]
        if len(given) > 1 or (given and not isinstance(given[0], dict)):
            raise JsonRpcInvalidParams(f"{params.command} takes one object, got {given!r:.200}")
        arguments = cast("dict[str, Any]", given[0]) if given else {}
        return await handler(arguments, params.work_done_token)
