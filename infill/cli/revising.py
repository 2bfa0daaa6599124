"""The work of `infill revise`: what is wrong in a text is found, changed, shown and written."""

from __future__ import annotations

import time
from dataclasses import dataclass

from infill.cli.exits import Exit
from infill.cli.output import note
from infill.cli.record import Record
from infill.cli.targets import Target
from infill.cli.working import Work, count, each, put
from infill.edit.allowed import line_spans
from infill.edit.holes import Hole
from infill.edit.revise import revise
from infill.edit.revised import Doubting, Revised
from infill.edit.settings import Settings
from infill.models.denoiser import Denoiser
from infill.text import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Work):
    """The command line of `infill revise`, one field per option."""

    lines: tuple[tuple[int, int], ...]
    diagnostics: bool
    doubt: float
    gain: float
    places: int
    rounds: int
    seed: int
    nfe_budget: int | None
    time_limit: float | None


def run(request: Request) -> Exit:
    """Revise everything that is asked for."""
    settings = Settings(
        seed=request.seed,
        grammar=request.grammar,
        nfe_budget=request.nfe_budget,
        time_limit=request.time_limit,
    )
    doubting = Doubting(
        doubt=request.doubt, gain=request.gain, places=request.places, rounds=request.rounds
    )

    def find(source: Source, _: str | None) -> tuple[Hole, ...]:
        line_spans(source, request.lines)  # what is wrong with them is told before a model loads
        return ()

    def change(target: Target, denoiser: Denoiser, record: Record) -> None:
        started = time.perf_counter()
        revised = revise(
            target.source.data,
            line_spans(target.source, request.lines) or None,
            trigger="diagnostics" if request.diagnostics else None,
            language=target.language,
            doubting=doubting,
            model=denoiser,
            settings=settings,
            name=target.source.name,
        )
        record.add(revised.traces)
        if revised.edits or not request.write:
            put(target, request, revised)
        if not request.quiet:
            took = time.perf_counter() - started
            note(_summary(target, revised, written=request.write, took=took))

    return each(request, settings, find, change)


def _summary(target: Target, revised: Revised, *, written: bool, took: float) -> str:
    did = "left" if not revised.edits else "wrote" if written else "revised"
    parts = (
        count(len(revised.edits), "change"),
        count(len(revised.located), "place") + " in doubt",
        f"mean logp {revised.before:.2f} to {revised.after:.2f}",
        count(revised.forwards, "forward"),
        f"{took:.1f} s",
    )
    if revised.stopped:
        parts = (*parts, f"stopped by {revised.stopped}")
    still = "".join(f"\n  still: {one.reason}" for one in revised.complaints)
    return f"{did} {target.source.name}: {', '.join(parts)}{still}"
