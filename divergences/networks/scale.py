"""A network that works on standardized data, as a map of the data themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn


class OnScale(nn.Module):
    """A network on standardized data as a map of the data themselves.

    Both numbers are buffers: they are saved with the weights and are not trained.

    Parameters
    ----------
    network : Module
    center, deviation : Tensor of shape (d,) or ()
        Data are center + deviation * standardized data.
    decodes : bool
        Whether the data are what comes out of the network, or what goes in.

    Examples
    --------
    >>> from divergences.networks.perceptron import Perceptron
    >>> x = np.random.default_rng(0).normal(1e6, 1e3, size=(100, 2))
    >>> g = OnScale.of(x, Perceptron(2, 2))
    >>> bool((g(torch.zeros(1, 2)) - 1e6).abs().max() < 1e3)
    True
    """

    center: torch.Tensor
    deviation: torch.Tensor

    def __init__(
        self,
        network: nn.Module,
        center: torch.Tensor,
        deviation: torch.Tensor,
        *,
        decodes: bool = True,
    ) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("center", center)
        self.register_buffer("deviation", deviation)
        self.decodes = decodes

    @classmethod
    def of(cls, data: Any, network: nn.Module) -> OnScale:
        """Let a generator's points start with the data's mean and a like spread.

        The gradient of a network grows and falls with the unit of what it makes, and the rate at
        which it learns does not. On the data's own scale, training is the same in any unit.

        Parameters
        ----------
        data : array-like or Tensor of shape (n, d) or (n,)
            Points of the data.
        network : Module
            From latent points to d features of about unit variance, such as `Perceptron(2, d)`.

        Raises
        ------
        ValueError
            If the data are not finite, or not points in a row.
        """
        if isinstance(data, torch.Tensor):
            data = data.detach().cpu()
        points = np.asarray(data, dtype=np.float64)
        points = points[:, np.newaxis] if points.ndim == 1 else points
        if points.ndim != 2 or not points.size or not np.isfinite(points).all():
            raise ValueError(
                f"data must be finite points of shape (n, d) or (n,), not shape {points.shape}"
                f"{' with missing or infinite values. Drop those' if points.ndim == 2 else ''}."
            )
        deviation = points.std(axis=0)
        like = next(network.parameters(), torch.empty(0))
        center, scale = (
            torch.as_tensor(values).to(like)
            for values in (points.mean(axis=0), np.where(deviation > 0, deviation, 1.0))
        )
        return cls(network, center, scale)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Map (k, d_in) to (k, d_out)."""
        if self.decodes:
            decoded: torch.Tensor = self.center + self.deviation * self.network(points)
            return decoded
        encoded: torch.Tensor = self.network((points - self.center) / self.deviation)
        return encoded
