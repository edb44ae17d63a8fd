"""Random Fourier features: what lets a small network see fine structure."""

from __future__ import annotations

import math

import torch
from torch import nn

from divergences.checks import check_real, check_whole


class FourierFeatures(nn.Module):
    r"""Append random waves to the features: (k, d) to (k, d + 2 count).

    x becomes (x, cos(2 pi B x), sin(2 pi B x)), with the rows of B normal of standard deviation
    `scale`, drawn once. A network learns slow functions of its input first; of waves, these are
    fast functions of x.

    Parameters
    ----------
    d : int
        Number of features in.
    count : int
        Number of random frequencies.
    scale : float
        Their standard deviation in cycles per unit of the input, so that structure of size
        1/`scale` is seen.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Rahimi and Recht (2007); Tancik et al. (2020).

    Examples
    --------
    >>> FourierFeatures(2, count=32)(torch.zeros(5, 2)).shape
    torch.Size([5, 66])
    """

    frequencies: torch.Tensor

    def __init__(self, d: int, *, count: int = 32, scale: float = 1.0) -> None:
        super().__init__()
        check_whole("d", d)
        check_whole("count", count)
        check_real("scale", scale, above=0)
        self.register_buffer("frequencies", 2 * math.pi * scale * torch.randn(d, count))

    @property
    def d_out(self) -> int:
        """Number of features out."""
        d, count = self.frequencies.shape
        return d + 2 * count

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Map (k, d) to (k, d + 2 count)."""
        waves = points @ self.frequencies
        return torch.cat([points, waves.cos(), waves.sin()], dim=1)
