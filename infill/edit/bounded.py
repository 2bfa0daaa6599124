"""One budget for work of several steps: the model counts it, and no step has one of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from infill.edit.settings import Settings
from infill.models.catalogue import load
from infill.models.counted import Counted
from infill.models.denoiser import Denoiser


def bounded(
    model: str | Denoiser, settings: Settings, cancelled: Callable[[], bool] | None = None
) -> tuple[Counted, Settings]:
    """The model under the settings' budgets, and the settings without them, for the steps.

    Once a budget is spent, or `cancelled` says yes, the model raises BudgetError; seconds count
    from here.
    """
    denoiser = Counted(
        load(model) if isinstance(model, str) else model,
        nfe_budget=settings.nfe_budget,
        time_limit=settings.time_limit,
        cancelled=cancelled,
    )
    return denoiser, replace(settings, nfe_budget=None, time_limit=None)
