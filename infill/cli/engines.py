"""Which engine performs the tasks of a command line."""

from __future__ import annotations

from collections.abc import Mapping

import infill
from infill.batch.engines.protocol import Engine, has_gpu, jobs_for
from infill.cli.live import Viewer, waiting
from infill.cli.request import Request
from infill.models.catalogue import use_threads


def jobs_of(request: Request, texts: int) -> int:
    """How many processes work on so many texts: as asked for, else by the machine's cores."""
    return request.jobs or jobs_for(texts if request.limit is None else min(texts, request.limit))


def engine_of(
    request: Request,
    jobs: int,
    texts: int,
    viewer: Viewer | None,
    around: Mapping[str, bytes],
) -> Engine:
    """The engine for so many texts, with its model loaded or on its way.

    around   texts that fills may take after

    Raises ModelError and OptionError.
    """
    traces, rows = request.trace is not None, request.batch_size
    if request.engine == "ray":
        from infill.batch.engines.ray import Ray  # noqa: PLC0415 - ray

        address = request.ray_address or "auto"
        return Ray(
            request.model,
            address=address,
            jobs=request.jobs,
            rows=rows,
            traces=traces,
            around=around,
        )
    if jobs > 1 and viewer is None:
        from infill.batch.engines.processes import Processes  # noqa: PLC0415 - starts some

        return Processes(
            request.model,
            jobs=jobs,
            threads=request.threads,
            texts=texts,
            rows=rows,
            traces=traces,
            around=around,
        )
    from infill.batch.engines.inline import Inline  # noqa: PLC0415 - numpy
    from infill.edit.workspace import Workspace  # noqa: PLC0415 - numpy

    with waiting(f"loading {request.model}", live=request.shows_live, color=request.color):
        denoiser = infill.load(request.model)
    if request.threads:
        use_threads(request.threads)
    # one by one on a CPU: a result is then the same to the bit, whatever else there is to do
    width = None if viewer is None and has_gpu() else 1
    watch = None if viewer is None else viewer.show
    workspace = Workspace.of(around)
    return Inline(denoiser, workspace, width=width, rows=rows, traces=traces, watch=watch)
