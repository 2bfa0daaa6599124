"""Starting the server soon: an editor waits for its first answer."""

from __future__ import annotations

import gc


def start(*, tcp: int | None = None, ws: int | None = None, log_file: str | None = None) -> None:
    """Serve one client; see `infill_lsp.server.serve`."""
    gc.disable()  # LSP's types are hundreds of classes, and none of them is garbage
    from infill_lsp.server import serve  # noqa: PLC0415 - a third of a second

    gc.freeze()
    gc.enable()
    serve(tcp=tcp, ws=ws, log_file=log_file)
