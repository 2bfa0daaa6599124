"""`infill lsp`: the language server."""

from __future__ import annotations

from pathlib import Path

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
    if log_file is not None:
        try:
            Path(log_file).open("a", encoding="utf-8").close()
        except OSError as error:
            reason = f"{log_file}: {error.strerror}"
            raise click.BadParameter(reason, param_hint="--log-file") from error
    from infill_lsp.start import start  # noqa: PLC0415 - pygls

    start(tcp=tcp, ws=ws, log_file=log_file)
