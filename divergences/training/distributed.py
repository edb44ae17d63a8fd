"""Several processes that share one batch, on `torch.distributed`; one process is a special case."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import nn


@dataclass(frozen=True)
class Workers:
    """The processes of a training; each holds the whole networks and a part of the batch.

    Parameters
    ----------
    rank, size : int
        Which process this is, of how many.

    Examples
    --------
    >>> Workers().part(torch.arange(3))
    tensor([0, 1, 2])
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0

    def part(self, batch: torch.Tensor) -> torch.Tensor:
        """This process's rows of a batch that all of them drew."""
        if self.size == 1:
            return batch
        rows = len(batch) // self.size
        return batch[self.rank * rows : (self.rank + 1) * rows]

    def gathered(self, batch: torch.Tensor) -> torch.Tensor:
        """The whole batch from its parts, in order of rank, with a gradient to the own part.

        A loss of the whole batch must then be computed by all processes alike.
        """
        if self.size == 1:
            return batch
        whole: torch.Tensor = _Gather.apply(batch, self.rank, self.size)  # type: ignore[no-untyped-call]
        return whole

    def average_gradients(self, parameters: Sequence[torch.Tensor]) -> None:
        """Replace each gradient by its mean over the processes, in one message."""
        if self.size == 1:
            return
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        sizes = [gradient.numel() for gradient in gradients]
        for parameter, mean in zip(parameters, torch.split(flat, sizes), strict=True):
            parameter.grad = mean.reshape(parameter.shape)

    def any(self, mine: bool) -> bool:
        """Whether it is so in any of the processes."""
        if self.size == 1:
            return mine
        flag = torch.tensor(float(mine), device=_device())
        dist.all_reduce(flag)
        return bool(flag > 0)

    def agree(self, value: int) -> int:
        """The first process's value."""
        if self.size == 1:
            return value
        shared = torch.tensor(value, dtype=torch.int64, device=_device())
        dist.broadcast(shared, 0)
        return int(shared)

    def copy_from_first(self, modules: Iterable[nn.Module]) -> None:
        """Give each network the first process's weights and buffers."""
        if self.size == 1:
            return
        for module in modules:
            for value in module.state_dict().values():
                dist.broadcast(value, 0)


ALONE = Workers()


def join() -> Workers:
    """The processes that `torchrun`, or the user, started with this one; alone if there are none.

    Under `torchrun` the process group is made here, where the script has not made it: NCCL where
    there are GPUs, which are then told apart by LOCAL_RANK, Gloo elsewhere.
    """
    if not dist.is_available():
        return ALONE
    if not dist.is_initialized() and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        atexit.register(dist.destroy_process_group)
    if not dist.is_initialized():
        return ALONE
    return Workers(dist.get_rank(), dist.get_world_size())


def _device() -> torch.device:
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, batch: torch.Tensor, rank: int, size: int) -> torch.Tensor:
        ctx.rank, ctx.rows, ctx.size = rank, len(batch), size
        parts = [torch.empty_like(batch) for _ in range(size)]
        dist.all_gather(parts, batch.detach().contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *slopes: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        # Every process has the slope of the same loss; averaging the gradients of the parameters
        # afterwards divides by the number of processes.
        own = slopes[0][ctx.rank * ctx.rows : (ctx.rank + 1) * ctx.rows]
        return ctx.size * own, None, None
