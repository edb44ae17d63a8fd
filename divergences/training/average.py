"""The moving average of a generator's weights, which samples better than the last weights do."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """Exponential moving average of a network, buffers copied as they are.

    Early on the average is over the steps so far, so that the first weights leave no trace:
    the decay in step t is the smaller of `decay` and (1 + t)/(10 + t).

    Parameters
    ----------
    module : Module
        The network; the average starts as a copy.
    decay : float
        Share of the average that a step keeps, at least 0 (no averaging) and below 1.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(module).requires_grad_(False).eval()
        self._own: list[torch.Tensor] = list(self.module.parameters())
        self._followed: list[torch.Tensor] = list(module.parameters())
        self._buffers = list(zip(self.module.buffers(), module.buffers(), strict=True))

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move toward the network's weights as they are after a step."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._own, self._followed, 1 - decay)
        for own, followed in self._buffers:
            own.copy_(followed)
