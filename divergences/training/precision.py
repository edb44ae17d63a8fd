"""A network as the loop calls it: compiled, or with its layers in half precision."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, cast

import torch
from torch import nn

Precision = Literal["float32", "bfloat16"]
Map = Callable[[torch.Tensor], torch.Tensor]


def as_map(module: nn.Module, precision: Precision, *, compiled: bool = False) -> Map:
    """The map of a network; its weights stay where they are and as they are.

    bfloat16 has the range of float32, so that no loss needs scaling; what leaves the network is
    float32 again.
    """
    network = cast(Map, torch.compile(module)) if compiled else module
    return network if precision == "float32" else partial(_in_bfloat16, network)


def _in_bfloat16(network: Map, points: torch.Tensor) -> Any:
    with torch.autocast(points.device.type, dtype=torch.bfloat16):
        output = network(points)
    return output.float()
