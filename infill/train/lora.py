"""Low-rank adapters (Hu et al. 2021) in a model's matrices, put in and merged by `peft`.

Only they are trained; what is exported has them merged, so that everything can load it.
"""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any

import torch

from infill.errors import OptionError
from infill.models.tiny import TinyTransformer

if TYPE_CHECKING:
    from types import ModuleType

TARGETS = ("qkv", "out", "gate_up", "down")
"""The matrices of a block; embedding, norms and mixing stay as they are."""
BASE, MARK = ".base_layer", "lora_"


def adapt(model: TinyTransformer, rank: int, *, seed: int) -> None:
    """Put adapters into a model, which then trains nothing else. Raises OptionError."""
    peft = _peft()
    config = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=list(TARGETS))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # peft draws from torch's own generator
        peft.inject_adapter_in_model(config, model)


def merged(model: TinyTransformer) -> dict[str, Any]:
    """The state of a plain `TinyTransformer` that says what a model with adapters says."""
    layer = _peft().tuners.lora.LoraLayer
    whole = copy.deepcopy(model)
    for module in whole.modules():
        if isinstance(module, layer):
            module.merge()  # pyright: ignore[reportCallIssue]
    state = whole.state_dict()
    return {name.replace(BASE, ""): value for name, value in state.items() if MARK not in name}


def _peft() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it imports in turn
            import peft  # noqa: PLC0415 - heavy, and an extra
    except ImportError as error:
        raise OptionError(
            "LoRA needs the package peft", got=str(error), hint='pip install "infill-lm[train]"'
        ) from error
    return peft
