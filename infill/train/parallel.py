"""Several processes that train one model: who they are, and how weights and rows are shared.

`torchrun` starts them and says so in the environment. Every process draws the whole batch of a
step and keeps every `size`-th row of it, so that the loss is that of one process with the same
batch. Replicas average their gradients (DDP); with `fsdp` each keeps only its part of every
matrix. Where torchrun started nothing, a team is one process and nothing here does anything.

>>> alone = Team(device="cpu")
>>> alone.agree(0.5), alone.rows(torch.arange(3)).tolist(), alone.leads
(0.5, [0, 1, 2], True)
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

from infill.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """One process of those that train together: the `rank`-th of `size`, and its device."""

    device: str = "cpu"
    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes files and talks."""
        return self.rank == 0

    def rows(self, batch: Tensor) -> Tensor:
        """This process's rows of a batch [B, …]."""
        return batch if self.size == 1 else batch[self.rank :: self.size]

    def agree(self, value: float) -> float:
        """What the leading process says, in every one: clocks differ, decisions must not."""
        if self.size == 1:
            return value
        said = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.broadcast(said, 0)
        return said.item()

    def total(self, value: Tensor) -> float:
        """The sum of a scalar over all processes."""
        value = value.detach().double()
        if self.size > 1:
            dist.all_reduce(value)
        return value.item()

    def spread(self, module: nn.Module, blocks: nn.ModuleList, *, fsdp: bool) -> nn.Module:
        """The module as all processes train it together; with `fsdp`, `blocks` apart."""
        if self.size == 1:
            return module
        if not fsdp:
            return DistributedDataParallel(module)
        mesh = init_device_mesh(torch.device(self.device).type, (self.size,))
        for block in blocks:
            fully_shard(block, mesh=mesh)
        return cast("nn.Module", fully_shard(module, mesh=mesh))


@contextmanager
def team(device: str, environ: Mapping[str, str] = os.environ) -> Generator[Team]:
    """The team that torchrun made, or one process; over NCCL on CUDA, else over Gloo."""
    size, rank = int(environ.get("WORLD_SIZE", "1")), int(environ.get("RANK", "0"))
    cuda = device.startswith("cuda")
    if cuda and not torch.cuda.is_available():
        raise OptionError("there is no CUDA device here", got=device, hint="use --device cpu")
    if size == 1:
        yield Team(device=device)
        return
    own = f"cuda:{environ.get('LOCAL_RANK', '0')}" if cuda else device
    if cuda:
        torch.cuda.set_device(own)
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield Team(device=own, rank=rank, size=size)
    finally:
        dist.destroy_process_group()


def fast_bf16(device: str) -> bool:
    """Whether matrix products in bf16 are faster there than in fp32; on other CPUs a trap."""
    if device.startswith("cuda"):
        return True
    ask = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # not in every torch
    return bool(ask and ask())


def whole(value: Any) -> Any:  # noqa: ANN401 - a tree of states
    """A tree of states with every tensor whole and on the CPU; all processes must take part."""
    if isinstance(value, DTensor):
        return value.full_tensor().cpu()
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, dict):
        return {key: whole(inner) for key, inner in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list):
        return [whole(inner) for inner in cast("list[Any]", value)]
    return value


def like(value: Tensor, other: Tensor) -> Tensor:
    """A whole tensor, shared out as another of its shape is."""
    if isinstance(other, DTensor) and value.shape == other.shape:
        return distribute_tensor(value.to(other.device), other.device_mesh, other.placements)
    return value
