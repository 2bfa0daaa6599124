"""This process performs the tasks, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from infill.batch.perform import Watch, performed
from infill.batch.task import Outcome, Task
from infill.models.denoiser import Denoiser


class Inline:
    """One model, one text at a time.

    watch    told every frame, with its task
    traces   whether outcomes say how they were sampled
    """

    def __init__(
        self, denoiser: Denoiser, *, watch: Watch | None = None, traces: bool = False
    ) -> None:
        self.denoiser, self.watch, self.traces = denoiser, watch, traces
        self.digest = denoiser.capabilities.digest

    def perform(self, tasks: Iterator[tuple[int, Task]]) -> Iterator[tuple[int, Outcome]]:
        """See `Engine`."""
        for n, task in tasks:
            yield n, performed(task, self.denoiser, watch=self.watch, traces=self.traces)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass
