"""What an engine is, and what becomes of a task that it cannot perform.

This module imports nothing heavy: a process that has others do the work needs no model.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from infill.batch.task import Failure, Outcome, Task
from infill.errors import InfillError, OptionError, WorkerError

Numbered = tuple[int, Task]
"""A task, and the caller's number of it."""
Done = tuple[int, Outcome]
"""What came of the task of that number."""

TEXTS_A_JOB = 4
"""Texts for which a process more is worth its start: it loads a model, which takes a second."""


class Engine(Protocol):
    """Performs tasks; a context manager that ends whatever it started."""

    @property
    def digest(self) -> str:
        """The digest of the weights; where they are elsewhere, it waits until they are loaded.

        Raises ModelError where they cannot be had.
        """
        ...

    def describe(self) -> str:
        """Where the work is done, in one line for a person."""
        ...

    def perform(self, tasks: Iterator[Numbered]) -> Iterator[Done]:
        """One outcome for each task, as they come; tasks are taken a few at a time.

        A task that fails has an outcome that says so. To stop, close the iterator.
        """
        ...

    def close(self) -> None:
        """End what was started; more than once does no harm."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def jobs_for(texts: int | None, *, cores: int | None = None, gpu: bool | None = None) -> int:
    """How many processes so many texts are worth (None: nobody knows how many); 1 is this one.

    A GPU takes the forwards of one process at a time.

    >>> [jobs_for(texts, cores=4, gpu=False) for texts in (0, 1, 4, 5, 100, None)]
    [1, 1, 1, 2, 4, 4]
    """
    if has_gpu() if gpu is None else gpu:
        return 1
    most = cores or usable_cores()
    return most if texts is None else max(1, min(most, -(-texts // TEXTS_A_JOB)))


def has_gpu() -> bool:
    """Whether a model would be loaded onto an NVIDIA GPU, as far as one sees without torch."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}
    return not hidden and Path("/dev/nvidiactl").exists()


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def side_by_side(device: str) -> tuple[int, int]:
    """How many texts, and how many canvases of one forward, are best on a device.

    On a CPU a forward of more rows is slower per row (20.8 ms of 8 rows, 23.9 of 16).

    >>> side_by_side("cpu"), side_by_side("cuda:0")
    ((8, 8), (64, 64))
    """
    return (8, 8) if device.startswith("cpu") else (64, 64)


def failed(error: InfillError) -> Outcome:
    """The outcome of a task that ended in an error."""
    return Outcome(failure=Failure.of(error))


def broken(error: Exception, name: str) -> InfillError:
    """An error of a task, where it is none of ours a mistake of ours that concerns it alone."""
    if isinstance(error, InfillError):
        return error
    if isinstance(error, MemoryError):
        return WorkerError(
            "there is not enough memory",
            where=name,
            hint="work on fewer texts at once: fewer --jobs, or a smaller --batch-size",
        )
    return WorkerError(
        f"a mistake in infill: {type(error).__name__}: {error}",
        where=name,
        hint="please report it, with this text and its settings",
    )


def without_place(task: Task) -> Outcome | None:
    """Why a task cannot be performed on another machine, if so."""
    if task.recipe.goal is None:
        return None
    return failed(
        OptionError(
            "a goal's command needs the project's folder, which is not on the other machines",
            where=task.name,
            expected="a recipe without a goal",
            got=task.recipe.goal,
            hint="leave the goal out, or work on this machine (--engine local)",
        )
    )
