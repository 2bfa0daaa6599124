"""`infill completion`: the script that lets a shell complete `infill`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from infill.cli.exits import Exit, guarded

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_INFILL_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
@guarded
def completion(context: click.Context, shell: str) -> Exit:
    """Print the completion script of a shell.

    \b
    bash:  infill completion bash > ~/.local/share/bash-completion/completions/infill
    zsh:   infill completion zsh > a folder of $fpath, as _infill
    fish:  infill completion fish > ~/.config/fish/completions/infill.fish
    """
    script = get_completion_class(shell)
    if script is None:
        raise AssertionError(f"click completes {shell}")
    click.echo(script(context.find_root().command, {}, "infill", VARIABLE).source())
    return Exit.DONE
