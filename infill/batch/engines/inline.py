"""The engine that is this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from infill.batch.engines.abreast import abreast
from infill.batch.engines.protocol import Done, Engine, Numbered, broken, failed, side_by_side
from infill.batch.perform import performed
from infill.edit.denoising import Frame
from infill.edit.workspace import Workspace
from infill.models.catalogue import load
from infill.models.denoiser import Denoiser


class Inline(Engine):
    """Performs tasks here, one by one or some side by side.

    model    a name, a folder, or a model that was loaded
    width    tasks side by side, and `rows` canvases in a forward; None: what suits the device
    workspace   what lies around the texts, which fills may take after
    watch    told every frame and the name of its text, where width is 1
    """

    def __init__(  # noqa: PLR0913 - as `Setup` has it
        self,
        model: Denoiser | str = "embedded",
        workspace: Workspace | None = None,
        *,
        width: int | None = 1,
        rows: int | None = None,
        traces: bool = False,
        watch: Callable[[Frame, str], None] | None = None,
    ) -> None:
        self._denoiser = load(model) if isinstance(model, str) else model
        texts, canvases = side_by_side(self._denoiser.capabilities.device)
        self._width, self._rows = width or texts, rows or canvases
        self._workspace, self._traces, self._watch = workspace, traces, watch

    @property
    def digest(self) -> str:
        """The digest of the weights."""
        return self._denoiser.capabilities.digest

    def describe(self) -> str:
        """The model and its device."""
        has = self._denoiser.capabilities
        beside = f", {self._width} texts side by side" if self._width > 1 else ""
        return f"{has.name} on {has.device}{beside}"

    def perform(self, tasks: Iterator[Numbered]) -> Iterator[Done]:
        """See `Engine.perform`."""
        if self._width > 1:
            return abreast(
                tasks,
                self._denoiser,
                self._workspace,
                width=self._width,
                rows=self._rows,
                traces=self._traces,
            )
        return self._one_by_one(tasks)

    def _one_by_one(self, tasks: Iterator[Numbered]) -> Iterator[Done]:
        for number, task in tasks:
            watch = None if self._watch is None else partial(_named, self._watch, task.name)
            try:
                outcome = performed(
                    task,
                    self._denoiser,
                    workspace=self._workspace,
                    watch=watch,
                    traces=self._traces,
                )
            except Exception as error:  # noqa: BLE001 - a mistake in one text must not end the others
                outcome = failed(broken(error, task.name))
            yield number, outcome

    def close(self) -> None:
        """Nothing was started."""


def _named(watch: Callable[[Frame, str], None], name: str, frame: Frame) -> None:
    watch(frame, name)
