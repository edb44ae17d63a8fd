"""Regularizers that change what the critic is shown: blurred, packed, or with waves beside it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from divergences.checks import check_real, check_whole
from divergences.networks.fourier import FourierFeatures
from divergences.training.objective import Moment
from divergences.training.regularizers import Regularizer
from divergences.training.schedules import Linear, Scheduled, as_schedule, value_at


@dataclass(frozen=True)
class InstanceNoise(Regularizer):
    """Blur what the critic sees, data and generated points alike, by normal noise.

    Noise makes the two overlap, so that the critic has a slope where they would be apart.
    By default it fades out.

    Parameters
    ----------
    scale : float or Schedule
        Standard deviation, in the units of what the critic is shown: one is the data's own
        standard deviation for the default critic.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Sønderby, Caballero, Theis, Shi and Huszár (2017); Arjovsky and Bottou (2017).

    Examples
    --------
    >>> at_the_end = Moment(step=100, steps=100)
    >>> InstanceNoise().perturb(torch.ones(2, 1), at_the_end).tolist()
    [[1.0], [1.0]]
    """

    scale: Scheduled = Linear(0.3, 0.0)

    def __post_init__(self) -> None:
        as_schedule("scale", self.scale)

    def perturb(self, points: torch.Tensor, now: Moment) -> torch.Tensor:
        """Add the noise."""
        scale = value_at(self.scale, now.progress)
        return points + scale * torch.randn_like(points)


class Pack(nn.Module):
    """Join each `size` points in a row to one: (k, d) to (k / size, d size)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Join."""
        if len(points) % self.size:
            raise ValueError(
                f"batch_size must be a multiple of the pack's size {self.size}, but the critic "
                f"was given {len(points)} points."
            )
        return points.reshape(len(points) // self.size, -1)


@dataclass(frozen=True)
class Packing(Regularizer):
    """Let the critic judge several points at once: a generator that repeats itself is seen.

    The divergence is that of the products P x ... x P and Q x ... x Q, in which a missing mode
    weighs more.

    Parameters
    ----------
    size : int
        Points in a pack, at least 2; it must divide the batch size. A critic of your own takes
        points of `size` times as many features.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Lin, Khetan, Fanti and Oh (2018).

    Examples
    --------
    >>> layer, features = Packing(2).input_layer(3)
    >>> layer(torch.zeros(8, 3)).shape, features
    (torch.Size([4, 6]), 6)
    """

    size: int = 2

    def __post_init__(self) -> None:
        check_whole("size", self.size, at_least=2)

    def input_layer(self, d: int) -> tuple[nn.Module, int]:
        """The layer that joins."""
        return Pack(self.size), d * self.size


@dataclass(frozen=True)
class RandomFourier(Regularizer):
    """Show the critic random waves of the points besides the points: it then sees fine structure.

    Parameters
    ----------
    count : int
        Number of random frequencies.
    scale : float
        Their standard deviation, in cycles per unit of what the critic is shown.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Tancik et al. (2020).

    Examples
    --------
    >>> layer, features = RandomFourier(count=4).input_layer(2)
    >>> layer(torch.zeros(8, 2)).shape, features
    (torch.Size([8, 10]), 10)
    """

    count: int = 32
    scale: float = 1.0

    def __post_init__(self) -> None:
        check_whole("count", self.count)
        check_real("scale", self.scale, above=0)

    def input_layer(self, d: int) -> tuple[nn.Module, int]:
        """The layer that appends the waves."""
        layer = FourierFeatures(d, count=self.count, scale=self.scale)
        return layer, layer.d_out
