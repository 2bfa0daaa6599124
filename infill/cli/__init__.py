"""The `infill` command. Each command's heavy imports happen when it runs, so `--help` is quick.

Results go to stdout, everything else to stderr; exit codes are in `infill.cli.exits`.
"""

from __future__ import annotations

import click

from infill.cli.apply import apply
from infill.cli.batch import batch
from infill.cli.bench import bench
from infill.cli.check import check
from infill.cli.completion import completion
from infill.cli.config import config
from infill.cli.configured import Configured, config_options, settle
from infill.cli.doctor import doctor
from infill.cli.fill import fill
from infill.cli.grammar import grammar
from infill.cli.lsp import lsp
from infill.cli.models import models
from infill.cli.revise import revise
from infill.cli.rewrite import rewrite
from infill.cli.runs import resume, runs, undo
from infill.cli.trace import trace
from infill.cli.train import train

__all__ = ["main"]


@click.group(cls=Configured, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="infill-lm", prog_name="infill")
@config_options
@click.pass_context
def main(context: click.Context, config_file: str | None, *, no_config: bool) -> None:
    """Fill holes in code with a diffusion language model, checked by the language's parser."""
    settle(context, config_file, no_config=no_config)


for command in (
    *(fill, revise, rewrite, batch, check, apply, runs, resume, undo),
    *(lsp, grammar, trace, train, models, config, doctor, bench, completion),
):
    main.add_command(command)
