"""`infill train`: the options, and nothing that needs numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from infill.cli.exits import Exit, guarded
from infill.cli.options import Decorator, taking
from infill.cli.walking import TAKEN, WALKING

FOLDER = click.Path(file_okay=False, path_type=Path)
RUN = "run"
METHOD: tuple[Decorator, ...] = (
    click.option(
        "--base",
        default="embedded",
        show_default=True,
        metavar="NAME|DIR",
        help="The model to go on from.",
    ),
    click.option(
        "--scratch", is_flag=True, help="From nothing instead, with a tokenizer of its own."
    ),
    click.option("--width", type=click.IntRange(16), help="With --scratch.  [default: 256]"),
    click.option("--layers", type=click.IntRange(1), help="With --scratch.  [default: 4]"),
    click.option(
        "--context",
        type=click.IntRange(64),
        help="Tokens of a row, with --scratch.  [default: 256]",
    ),
    click.option(
        "--lora",
        type=click.IntRange(1),
        metavar="RANK",
        help="Train adapters of this rank, then merge them (extra infill-lm[train]).",
    ),
    click.option("--minutes", type=click.FloatRange(0, min_open=True), help="How long."),
    click.option(
        "--epochs",
        type=click.FloatRange(0, min_open=True),
        help="Or: how many passes over the code.  [default: 10]",
    ),
    click.option("--steps", type=click.IntRange(1), help="Or: how many steps."),
    click.option(
        "--tokens",
        default=4096,
        show_default=True,
        type=click.IntRange(16),
        help="Of a step; fewer take less memory.",
    ),
    click.option(
        "--seed",
        default=0,
        show_default=True,
        type=click.IntRange(0, 2**64 - 1),
        help="Says which files are held out, and all that is drawn.",
    ),
    click.option(
        "--device", default="cpu", show_default=True, metavar="cpu|cuda", help="Where to train."
    ),
    click.option(
        "--threads", default=0, type=click.IntRange(0, 1024), help="Of a CPU; 0 leaves it to torch."
    ),
)


class Falling(click.Group):
    """A group that runs one of its commands where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command's name before what is not one."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = [RUN, *args]
        return super().parse_args(ctx, args)


@click.group(cls=Falling, short_help="Train a model on your own code.")
def train() -> None:
    """Train a model on your own code: `infill train PATHS... --out DIR` is `infill train run`.

    The result is a folder that every --model takes; `infill models use DIR` makes it yours.
    """


@train.command(RUN)
@taking(TAKEN, WALKING, METHOD)
@click.option("--out", required=True, type=FOLDER, help="Where the model goes.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Learning rate of Muon.")
@click.option(
    "--patience",
    default=5,
    show_default=True,
    type=click.IntRange(0),
    help="Looks at the held-out files without gain that end the run; 20 in all. 0 is never.",
)
@click.option("--fsdp", is_flag=True, help="With torchrun: each process keeps a part of the model.")
@click.option("--resume", is_flag=True, help="Go on with the run that DIR keeps.")
@guarded
def run(paths: tuple[str, ...], **options: Any) -> Exit:  # noqa: ANN401 - training.py types them
    """Fine-tune the embedded model on the Python code in PATHS, or train one from scratch.

    A tenth of the files is held out (of three projects or more, whole ones). DIR has the model
    with the lowest loss on them, at every moment, and what a run needs to go on: it keeps a
    checkpoint every two minutes, and --resume goes on with exactly the code it began with. Counted
    in steps or epochs it then ends as if it had never been cut.

    \b
    Several processes:  torchrun --nproc_per_node=2 -m infill train PATHS... --out DIR

    \b
    Exit codes: 0 trained; 2 usage, no code, or what is kept does not fit; 3 not enough memory, or
    the loss is no number; 5 the model to go on from cannot be used; 130 interrupted.
    """
    from infill.cli.training import trained  # noqa: PLC0415 - torch

    return trained(paths, options)


@train.command()
@taking(TAKEN, WALKING, METHOD)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="For people or for programs.",
)
@guarded
def plan(paths: tuple[str, ...], form: str, **options: Any) -> Exit:  # noqa: ANN401 - as above
    """Say what training on PATHS would be worth and take, before it is done.

    Unique tokens, what the epochs are worth as fresh ones by the published fits, for masked
    diffusion and for an autoregressive model, the compute from which on diffusion is ahead, memory,
    and hours on this machine, from a few real steps.
    """
    from infill.cli.training import planned  # noqa: PLC0415 - torch

    return planned(paths, options, form=form)
