"""This process performs the tasks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Self

from infill.batch.perform import performed
from infill.batch.task import Outcome, Task
from infill.edit.denoising import Frame
from infill.models.denoiser import Denoiser


class Inline:
    """One model, one text at a time.

    watch    told every frame, with the name of its text
    traces   whether outcomes say how they were sampled
    """

    def __init__(
        self,
        denoiser: Denoiser,
        *,
        watch: Callable[[Frame, str], None] | None = None,
        traces: bool = False,
    ) -> None:
        self.denoiser, self.watch, self.traces = denoiser, watch, traces
        self.digest = denoiser.capabilities.digest

    def perform(self, tasks: Iterator[tuple[int, Task]]) -> Iterator[tuple[int, Outcome]]:
        """See `Engine`."""
        for n, task in tasks:
            watch = None if self.watch is None else partial(_named, self.watch, task.name)
            yield n, performed(task, self.denoiser, watch=watch, traces=self.traces)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _named(watch: Callable[[Frame, str], None], name: str, frame: Frame) -> None:
    watch(frame, name)
