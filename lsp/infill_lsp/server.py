"""The language server: which request goes where. See docs/lsp.md and docs/adr/0010."""

from __future__ import annotations

import logging
import os
import sys
from json import JSONDecodeError
from typing import cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from infill.version import VERSION
from infill_lsp import features, settings
from infill_lsp.client import Client
from infill_lsp.commands import Command, Commands
from infill_lsp.diagnostics import Diagnosing
from infill_lsp.protocol import Protocol, lenient_converter
from infill_lsp.session import Session

log = logging.getLogger(__name__)


class Server(LanguageServer):
    """One server for one client."""

    def __init__(self) -> None:
        super().__init__(
            "infill",
            VERSION,
            protocol_cls=Protocol,
            converter_factory=lenient_converter,
        )
        self.client = Client(self)
        self.session = Session(self.client)
        self.diagnosing = Diagnosing(self.session)
        self.session.edited = self.diagnosing.touched
        self.ours = cast("Protocol", self.protocol)
        self.ours.opened = self.session.opened
        self.ours.changed = self.session.changed
        self.ours.closed = self.session.closed
        self.faults: list[str] = []

    def report_server_error(self, error: Exception, source: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Requests were answered with their error; anything else is for the log."""
        del source
        if isinstance(error, JSONDecodeError | UnicodeDecodeError):
            self.ours.refuse_unreadable(error)
        elif not isinstance(error, JsonRpcException):
            log.error("%s", error)

    def complain(self, faults: list[str]) -> None:
        """Tell the user about bad settings."""
        if faults:
            self.client.warn("\n".join(faults))

    async def configure(self) -> None:
        """Ask for the settings."""
        folders = list(self.workspace.folders.values())
        self.complain(await settings.pulled(self.session, folders))
        self.look_again()

    def look_again(self) -> None:
        """What is said of documents may be said otherwise with other settings."""
        for document in self.session.documents:
            self.diagnosing.touched(document.uri)


def server() -> Server:
    """The server with all its handlers."""
    made = Server()
    _life(made)
    _documents(made)
    commands = Commands(made.session, made.ours.converter)
    for name, command in commands.all.items():
        _command(made, name, command)
    return made


def _command(made: Server, name: str, command: Command) -> None:
    # the protocol calls it with the object and the token, see `Protocol`
    made.protocol.fm.commands[name] = command


def _life(made: Server) -> None:
    session = made.session

    @made.feature(types.INITIALIZE)
    def _initialize(params: types.InitializeParams) -> None:
        encoding = made.workspace.position_encoding
        session.encoding = str(getattr(encoding, "value", encoding))
        folders = list(made.workspace.folders.values())
        made.faults = settings.initial(session, params.initialization_options, folders)

    @made.feature(types.INITIALIZED)
    async def _initialized(params: types.InitializedParams) -> None:
        del params
        session.begin()
        made.complain(made.faults)
        if made.client.can("workspace.did_change_configuration.dynamic_registration"):
            one = types.Registration("infill-settings", types.WORKSPACE_DID_CHANGE_CONFIGURATION)
            made.client.later(
                made.client_register_capability_async(types.RegistrationParams([one]))
            )
        await made.configure()

    @made.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def _configured(params: types.DidChangeConfigurationParams) -> None:
        if made.client.can("workspace.configuration"):
            await made.configure()
        else:
            folders = list(made.workspace.folders.values())
            made.complain(settings.pushed(session, params.settings, folders))
            made.look_again()

    @made.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def _folders(params: types.DidChangeWorkspaceFoldersParams) -> None:
        del params
        await made.configure()

    @made.feature(types.SHUTDOWN)
    async def _shutdown(params: None) -> None:
        del params
        await session.close()


def _documents(made: Server) -> None:
    session = made.session

    @made.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def _inline(params: types.InlineCompletionParams) -> types.InlineCompletionList | None:
        return await features.inline_completion(session, params)

    kinds: list[types.CodeActionKind | str] = [*features.KINDS]

    @made.feature(
        types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(kinds, resolve_provider=True)
    )
    def _actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        return features.code_actions(session, params)

    @made.feature(types.CODE_ACTION_RESOLVE)
    def _resolve(action: types.CodeAction) -> types.CodeAction:
        return features.resolved(session, action)

    @made.feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions(resolve_provider=False))
    def _lenses(params: types.CodeLensParams) -> list[types.CodeLens]:
        return features.code_lenses(session, params)

    @made.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    def _hints(params: types.InlayHintParams) -> list[types.InlayHint]:
        return features.inlay_hints(session, params)

    @made.feature(types.TEXT_DOCUMENT_HOVER)
    def _hover(params: types.HoverParams) -> types.Hover | None:
        return features.hover(session, params)


def _brief(record: logging.LogRecord) -> bool:
    """A refusal is answered, and no accident: its stack is not for the log."""
    if record.exc_info and isinstance(record.exc_info[1], JsonRpcException):
        record.msg, record.args = f"{record.getMessage()}: {record.exc_info[1]}", ()
        record.exc_info = None
    return True


def serve(*, tcp: int | None = None, ws: int | None = None, log_file: str | None = None) -> None:
    """Serve one client: over stdio, or on a port of the loopback interface.

    Nothing but the protocol is written to the standard output: `print` goes to standard error.
    """
    logging.basicConfig(
        level=logging.INFO if log_file else logging.WARNING,
        filename=log_file,
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
    )
    for handler in logging.getLogger().handlers:
        handler.addFilter(_brief)
    made = server()
    if tcp is not None:
        made.start_tcp("127.0.0.1", tcp)
    elif ws is not None:
        made.start_ws("127.0.0.1", ws)
    else:
        out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        made.start_io(stdout=out)
