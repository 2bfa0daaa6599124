"""`infill lsp`: the language server."""

from __future__ import annotations

import click


@click.command()
@click.option("--stdio", is_flag=True, help="Over standard input and output; the default.")
@click.option("--tcp", type=click.IntRange(1, 65535), metavar="PORT", help="On 127.0.0.1.")
@click.option(
    "--ws",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="WebSocket on 127.0.0.1; needs the extra infill-lm[ws].",
)
@click.option("--log-file", type=click.Path(dir_okay=False), help="Log there, and more.")
def lsp(*, stdio: bool, tcp: int | None, ws: int | None, log_file: str | None) -> None:
    """Serve an editor: fill, rewrite and revise, with proposals to accept.

    Speaks LSP 3.18; its own messages are in docs/lsp.md. The model is loaded in a process of its
    own once the editor is there.
    """
    if stdio + (tcp is not None) + (ws is not None) > 1:
        raise click.UsageError("choose one of --stdio, --tcp and --ws.")
    from infill_lsp.start import start  # noqa: PLC0415 - pygls

    start(tcp=tcp, ws=ws, log_file=log_file)
