"""What performs tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, Self

from infill.batch.task import Outcome, Task


class Engine(Protocol):
    """Performs tasks, in whatever order they are done.

    digest   of the weights that it works with
    """

    digest: str

    def perform(self, tasks: Iterator[tuple[int, Task]]) -> Iterator[tuple[int, Outcome]]:
        """One outcome for each task, under the caller's number; tasks are asked for as needed."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None:
        """End at once; what is not done is dropped."""
        ...
