"""The work of `infill train`: from a command line to a run, what is shown on the way, a plan."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from infill.cli.exits import Exit
from infill.cli.output import console_for, note
from infill.cli.walking import files_of, left_out
from infill.edit.verify import SUFFIXES
from infill.errors import InputError, OptionError
from infill.models.catalogue import folder_of, use_threads
from infill.train import plan
from infill.train.corpus import File
from infill.train.loop import Report, Trainer, by_steps
from infill.train.memory import free, needed, parameters
from infill.train.parallel import Team, fast_bf16, team
from infill.train.project import gather
from infill.train.session import (
    Kind,
    Length,
    Outcome,
    Ready,
    Wanted,
    mean_nats,
    prepare,
    ready,
    run,
)

if TYPE_CHECKING:
    from rich.progress import Progress

SHAPE = {"width": 256, "layers": 4, "context": 256}
WALKS = ("files_from", "null", "exclude", "hidden", "ignore")
EPOCHS = 10.0
QUIET = 30.0
"""Seconds between two lines where nobody watches."""
MEASURED = 3
"""Steps that are timed."""


def trained(paths: Sequence[str], options: Mapping[str, Any]) -> Exit:
    """Train, and say what came of it."""
    wanted = wanted_of(options)
    with _working(options) as us:
        if wanted.fsdp and us.size == 1:
            hint = "torchrun --nproc_per_node=2 -m infill train ..."
            raise OptionError("--fsdp shares a model out over several processes", hint=hint)
        if us.leads and not wanted.resume:
            prepare(wanted, _files(paths, options))
        us.agree(0.0)  # the others wait for the files
        prepared = ready(wanted, us)
        if us.leads:
            _begin(wanted, prepared, us)
        with _telling(len(prepared.train.ids)) as teller:
            outcome = run(wanted, prepared, us, teller)
    if us.leads:
        _report(wanted, outcome)
    return Exit.DONE


def wanted_of(options: Mapping[str, Any]) -> Wanted:
    """The run that options describe. Raises click.UsageError for those that exclude each other."""
    kinds = get_args(Kind)
    lengths: list[Length] = [(kind, float(options[kind])) for kind in kinds if options[kind]]
    if len(lengths) > 1:
        raise click.UsageError("give one of --minutes, --epochs, --steps.")
    scratch, lora = options["scratch"], options["lora"]
    if scratch and lora:
        raise click.UsageError("--lora adapts a model that is there; it cannot go with --scratch.")
    if lora and options.get("fsdp"):
        raise click.UsageError("--lora and --fsdp cannot go together: adapters are small.")
    shaped = [name for name in SHAPE if options[name] is not None]
    if shaped and not scratch:
        raise click.UsageError(f"--{shaped[0]} needs --scratch: the base has its own shape.")
    width, layers, context = (options[name] or default for name, default in SHAPE.items())
    return Wanted(
        out=options.get("out") or Path(),
        base=None if scratch else folder_of(options["base"]),
        shape=(width, layers, context), lora=lora or 0,
        length=lengths[0] if lengths else ("epochs", EPOCHS),
        patience=options.get("patience", 0), tokens=options["tokens"], rate=options.get("rate"),
        seed=options["seed"], bf16=fast_bf16(options["device"]),
        fsdp=options.get("fsdp", False), resume=options.get("resume", False),
    )  # fmt: skip


def planned(paths: Sequence[str], options: Mapping[str, Any], *, form: str) -> Exit:
    """Print what a run would be worth and take."""
    wanted = wanted_of(options)
    with _working(options) as us, tempfile.TemporaryDirectory() as folder:
        wanted = replace(wanted, out=Path(folder))
        prepare(wanted, _files(paths, options))
        prepared = ready(wanted, us)
        pace = _pace(prepared, us)
    unique, kind, amount = len(prepared.train.ids), *wanted.length
    tokens = {
        "minutes": 60 * amount * pace,
        "epochs": amount * unique,
        "steps": amount * unique / prepared.config.steps_for(unique),
    }[kind]
    outlook = plan.Outlook(
        unique=unique, parameters=parameters(prepared.config.model), epochs=tokens / unique,
        pace=pace,
    )  # fmt: skip
    rows = dict(_rows(outlook, needed(prepared.config), free(us.device)))
    if form == "json":
        page = {"schema": 1, **rows, "sources": plan.SOURCES, "evidence": plan.EVIDENCE}
        click.echo(json.dumps(page, indent=2))
        return Exit.DONE
    for line in _lines(outlook, rows):
        click.echo(line)
    return Exit.DONE


def _rows(outlook: plan.Outlook, memory: int, there: int | None) -> Generator[tuple[str, Any]]:
    """The figures of a plan, by name."""
    yield "unique_tokens", outlook.unique
    yield "parameters", outlook.parameters
    yield "epochs", round(outlook.epochs, 2)
    yield "tokens", round(outlook.tokens)
    for name, half_life in (
        ("diffusion", plan.DIFFUSION),
        ("autoregressive", plan.AUTOREGRESSIVE),
        ("autoregressive_at_most", plan.AUTOREGRESSIVE_MOST),
    ):
        yield f"effective_tokens_{name}", round(outlook.worth(half_life) * outlook.tokens)
        yield f"worth_{name}", round(outlook.worth(half_life), 4)
    yield "compute_flops", outlook.compute
    yield "critical_compute_flops", plan.critical_compute(outlook.unique)
    yield "tokens_per_second_here", round(outlook.pace, 1)
    yield "hours_here", outlook.hours
    yield "memory_needed_bytes", memory
    yield "memory_free_bytes", there


def _lines(outlook: plan.Outlook, rows: Mapping[str, Any]) -> Generator[str]:
    """A plan for people."""
    yield f"unique tokens          {outlook.unique / 1e6:12.3f} M"
    yield f"model                  {outlook.parameters / 1e6:12.2f} M parameters"
    yield f"epochs                 {outlook.epochs:12.1f}"
    yield f"tokens seen            {outlook.tokens / 1e6:12.3f} M"
    yield ""
    yield "                             masked diffusion   autoregressive"
    worth = [outlook.worth(x) for x in (plan.DIFFUSION, *_BETWEEN)]
    fresh = [part * outlook.tokens / 1e6 for part in worth]
    yield f"worth in fresh tokens  {fresh[0]:20.3f} M   {fresh[1]:.3f} to {fresh[2]:.3f} M"
    yield f"share of those seen    {worth[0]:20.0%}     {worth[1]:.0%} to {worth[2]:.0%}"
    critical = rows["critical_compute_flops"]
    ahead = "masked diffusion" if outlook.compute >= critical else "autoregressive"
    yield ""
    yield f"compute of the run     {outlook.compute:12.1e} FLOP"
    yield f"critical compute       {critical:12.1e} FLOP: by the fit, {ahead} has the lower loss"
    yield f"on this machine        {outlook.hours or 0:12.2f} hours ({outlook.pace:.0f} tokens/s)"
    there = rows["memory_free_bytes"]
    free_now = f", {there / 1e9:.1f} GB free" if there is not None else ""
    yield f"memory                 {rows['memory_needed_bytes'] / 1e9:12.1f} GB{free_now}"
    yield ""
    yield from (f"source: {one}" for one in plan.SOURCES)
    yield from plan.EVIDENCE


_BETWEEN = (plan.AUTOREGRESSIVE, plan.AUTOREGRESSIVE_MOST)


def _pace(prepared: Ready, us: Team) -> float:
    """Tokens per second in training: of a few steps after the first, which sets things up."""
    trainer = Trainer(
        prepared.config, prepared.train, prepared.codec, model=prepared.model, team=us
    )
    reports = trainer.run(by_steps(1 + MEASURED))
    first, *rest = reports
    return (rest[-1].tokens - first.tokens) / sum(report.seconds for report in rest)


@contextmanager
def _working(options: Mapping[str, Any]) -> Generator[Team]:
    if options["threads"]:
        use_threads(options["threads"])
    with team(options["device"]) as us:
        yield us


def _files(paths: Sequence[str], options: Mapping[str, Any]) -> Sequence[File]:
    """The Python files that a command line means. Raises InputError where there are none."""
    walked = files_of(paths, **{name: options[name] for name in WALKS})
    python = [path for path in walked.paths if SUFFIXES.get(Path(path).suffix.lower()) == "python"]
    found = gather(python)
    others = {**walked.skipped, **found.skipped}
    if len(walked.paths) > len(python):
        others["not Python"] = len(walked.paths) - len(python)
    if others:
        note(f"left out: {left_out(others)}")
    if not found.files:
        raise InputError(
            "there is no code to train on", where=", ".join(paths),
            expected="Python files", got=left_out(others) or "no files",
            hint="name folders with .py files; ignore files count, unless --no-ignore",
        )  # fmt: skip
    return found.files


def _begin(wanted: Wanted, prepared: Ready, us: Team) -> None:
    model = parameters(prepared.config.model) / 1e6
    note(
        f"{wanted.method}: {model:.2f} M parameters; {len(prepared.train.ids):,} tokens to learn, "
        f"{len(prepared.heldout.ids):,} held out; {us.size} process{'es' * (us.size > 1)}"
    )


class Teller:
    """Says how far a run is: nothing at all, in lines, or on a bar."""

    def __init__(self, unique: int) -> None:
        self.unique, self.heldout = unique, "not looked at"
        self._seen, self._seconds, self._told = 0, 0.0, time.monotonic()

    def line(self, report: Report) -> str:
        """A step in words; the pace is that of the steps since this began."""
        self._seconds += report.seconds
        self._seen = self._seen or report.tokens  # of a run that is gone on with
        pace = (report.tokens - self._seen) / self._seconds
        return (
            f"step {report.step} · {report.tokens / self.unique:.2f} epochs · "
            f"loss {report.loss:.3f} · held out {self.heldout} · {pace:.0f} tokens/s"
        )

    def step(self, report: Report) -> None:
        """A line after half a minute."""
        said = self.line(report)
        if time.monotonic() - self._told >= QUIET:
            note(f"{report.progress:4.0%} {said}")
            self._told = time.monotonic()

    def verdict(self, nats: float, best: bool) -> None:  # noqa: FBT001 - a callback
        """A line for each look at the held-out files."""
        self.heldout = f"{nats:.3f}"
        note(f"held out: {nats:.4f} nats{', the best so far' * best}")


class Bar(Teller):
    """The same on a bar."""

    def __init__(self, unique: int, shown: Progress) -> None:
        super().__init__(unique)
        self._shown, self._task = shown, shown.add_task("", total=1.0)

    def step(self, report: Report) -> None:
        """The bar moves."""
        self._shown.update(self._task, completed=report.progress, description=self.line(report))

    def verdict(self, nats: float, best: bool) -> None:  # noqa: FBT001 - a callback
        """What the bar says from now on."""
        self.heldout = f"{nats:.3f}{', the best' * best}"


@contextmanager
def _telling(unique: int) -> Generator[Teller]:
    """A bar on a terminal, lines elsewhere."""
    if not sys.stderr.isatty():
        yield Teller(unique)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (BarColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console_for(sys.stderr, "auto"), transient=True) as shown:
        yield Bar(unique, shown)


def _report(wanted: Wanted, outcome: Outcome) -> None:
    """What came of it, on stdout."""
    click.echo("masked   held-out loss before   after   right before   after")
    for ratio, after in outcome.after.items():
        before = outcome.before[ratio]
        click.echo(
            f"{float(ratio):6.0%}   {before['nats']:20.3f}   {after['nats']:5.3f}"
            f"   {before['top1']:12.1%}   {after['top1']:5.1%}"
        )
    click.echo(f"mean     {mean_nats(outcome.before):20.3f}   {mean_nats(outcome.after):5.3f}")
    ended = ", ended early: no gain on the held-out files" if outcome.early else ""
    click.echo(
        f"{outcome.tokens:,} tokens, {outcome.epochs:.1f} epochs, {outcome.steps} steps in "
        f"{outcome.minutes:.1f} minutes{ended}"
    )
    click.echo(f"{wanted.out}: infill fill --model {wanted.out}, or infill models use {wanted.out}")
