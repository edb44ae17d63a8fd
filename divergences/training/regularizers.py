"""What keeps a critic tame and the game stable; they compose, in the order that they are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import nn

from divergences.checks import check_real
from divergences.networks.constraints import (
    clip_weights,
    gradient_penalty,
    normalize_spectrally,
)
from divergences.training.objective import Moment
from divergences.training.schedules import Geometric, Linear, Scheduled, as_schedule, value_at


@dataclass(frozen=True, eq=False)
class CriticView:
    """The critic on two batches, as a penalty sees it, the generated points without history.

    Parameters
    ----------
    critic : callable
        The network, from points to one value for each.
    points : Tensor
        Data, then generated points, as the critic was given them.
    values : Tensor of shape (k,)
        Its values there.
    data : int
        How many of the points are data.
    """

    critic: Callable[[torch.Tensor], torch.Tensor]
    points: torch.Tensor
    values: torch.Tensor
    data: int

    @property
    def x(self) -> torch.Tensor:
        """The data."""
        return self.points[: self.data]

    @property
    def y(self) -> torch.Tensor:
        """The generated points."""
        return self.points[self.data :]

    @cached_property
    def at_both(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The values at the data and at the generated points."""
        return self._sides(self.values)

    @cached_property
    def squared_slopes(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Squared norms of the values' gradients in their own points, differentiable; as above."""
        (slopes,) = torch.autograd.grad(self.values.sum(), self.points, create_graph=True)
        return self._sides(slopes.reshape(len(self.values), -1).square().sum(dim=1))

    def _sides(self, each: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        # A pack of points has one value.
        first = len(each) * self.data // len(self.points)
        at_x, at_y = each.tensor_split([first])
        return at_x, at_y


class Regularizer:
    """A change to the critic, to what it is shown, or to what it minimizes.

    A subclass is a frozen dataclass that overrides the hooks it needs; those here do nothing.

    Examples
    --------
    >>> R1().needs_slopes, R1().bounds_slope, SpectralNorm().bounds_slope
    (True, False, True)
    """

    needs_slopes: ClassVar[bool] = False
    """Whether `penalty` looks at the critic's slopes."""

    bounds_slope: ClassVar[bool] = False
    """Whether it holds the critic's slope, as Wasserstein-1 needs."""

    def input_layer(self, d: int) -> tuple[nn.Module, int] | None:
        """A layer to put before a critic of points with d features, and the features it makes."""
        return None

    def constrain(self, critic: nn.Module) -> None:
        """Constrain the weights of the critic, once, in place."""

    def perturb(self, points: torch.Tensor, now: Moment) -> torch.Tensor:
        """Change the points that the critic is shown, in its steps and the generator's."""
        return points

    def penalty(self, view: CriticView, now: Moment) -> torch.Tensor | None:
        """What the critic minimizes besides."""
        return None

    def choose(self, at_y: torch.Tensor, now: Moment) -> torch.Tensor | None:
        """Which values of the generated points count for the generator: indices, None for all."""
        return None

    def after_step(self, critic: nn.Module) -> None:
        """Mend the critic after each of its steps."""


@dataclass(frozen=True)
class R1(Regularizer):
    r"""Add gamma/2 E_P|grad f|² to the critic's loss, in every step.

    It makes the game converge near its end, where f should be flat on the data. The default
    critic's points have unit variance, so gamma needs no thought of the data's units.

    Parameters
    ----------
    gamma : float or Schedule
        Strength, at least 0.

    References
    ----------
    Mescheder, Geiger and Nowozin (2018).

    Examples
    --------
    >>> points = torch.zeros(4, 1, requires_grad=True)
    >>> view = CriticView(lambda x: 3 * x, points, 3 * points[:, 0], data=2)
    >>> round(R1(gamma=0.2).penalty(view, Moment()).item(), 4)
    0.9
    """

    gamma: Scheduled = Geometric(0.3, 0.002)
    needs_slopes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        as_schedule("gamma", self.gamma)

    def penalty(self, view: CriticView, now: Moment) -> torch.Tensor:
        """gamma/2 times the mean squared slope at the data."""
        return 0.5 * value_at(self.gamma, now.progress) * view.squared_slopes[0].mean()


@dataclass(frozen=True)
class R2(Regularizer):
    r"""Add gamma/2 E_Q|grad f|² to the critic's loss, in every step.

    The twin of `R1` at the generated points. Both together are what the pairing game needs.

    Parameters
    ----------
    gamma : float or Schedule
        Strength, at least 0.

    References
    ----------
    Mescheder, Geiger and Nowozin (2018); Huang, Gokaslan, Kuleshov and Tompkin (2024).

    Examples
    --------
    >>> points = torch.zeros(4, 1, requires_grad=True)
    >>> view = CriticView(lambda x: 3 * x, points, 3 * points[:, 0], data=2)
    >>> round(R2(gamma=0.2).penalty(view, Moment()).item(), 4)
    0.9
    """

    gamma: Scheduled = Geometric(0.3, 0.002)
    needs_slopes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        as_schedule("gamma", self.gamma)

    def penalty(self, view: CriticView, now: Moment) -> torch.Tensor:
        """gamma/2 times the mean squared slope at the generated points."""
        return 0.5 * value_at(self.gamma, now.progress) * view.squared_slopes[1].mean()


@dataclass(frozen=True)
class GradientPenalty(Regularizer):
    r"""Add lambda E[(|grad f| - 1)²] between data and generated points: for Wasserstein-1.

    Parameters
    ----------
    weight : float or Schedule
        lambda, at least 0.

    References
    ----------
    Gulrajani et al. (2017).

    Examples
    --------
    >>> points = torch.zeros(4, 1, requires_grad=True)
    >>> view = CriticView(lambda x: 3 * x, points, 3 * points[:, 0], data=2)
    >>> round(GradientPenalty(10.0).penalty(view, Moment()).item(), 4)
    40.0
    """

    weight: Scheduled = 10.0
    bounds_slope: ClassVar[bool] = True

    def __post_init__(self) -> None:
        as_schedule("weight", self.weight)

    def penalty(self, view: CriticView, now: Moment) -> torch.Tensor:
        """Lambda times the penalty at random points between the batches."""
        weight = value_at(self.weight, now.progress)
        return weight * gradient_penalty(view.critic, view.x, view.y)


@dataclass(frozen=True)
class SpectralNorm(Regularizer):
    """Divide each weight matrix of the critic by its largest singular value.

    References
    ----------
    Miyato, Kataoka, Koyama and Yoshida (2018).

    Examples
    --------
    >>> layer = nn.Linear(2, 1)
    >>> _ = nn.init.constant_(layer.weight, 3.0)
    >>> SpectralNorm().constrain(layer)
    >>> round(layer.weight.norm().item(), 4)
    1.0
    """

    bounds_slope: ClassVar[bool] = True

    def constrain(self, critic: nn.Module) -> None:
        """Put the normalization on every linear and convolutional layer."""
        normalize_spectrally(critic)


@dataclass(frozen=True)
class WeightClipping(Regularizer):
    """Clip every parameter of the critic to [-bound, bound] after each of its steps.

    The first way to hold a critic's slope, kept for comparison: it wastes the network.

    Parameters
    ----------
    bound : float
        Above 0.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Arjovsky, Chintala and Bottou (2017).

    Examples
    --------
    >>> layer = nn.Linear(2, 1)
    >>> _ = nn.init.constant_(layer.weight, 3.0)
    >>> WeightClipping(0.1).after_step(layer)
    >>> round(layer.weight.max().item(), 4)
    0.1
    """

    bound: float = 0.1
    bounds_slope: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_real("bound", self.bound, above=0)

    def after_step(self, critic: nn.Module) -> None:
        """Clip."""
        clip_weights(critic, self.bound)


@dataclass(frozen=True)
class TopK(Regularizer):
    """Train the generator only on those of its points that the critic likes best.

    Parameters
    ----------
    share : float or Schedule
        Share of the batch that counts, above 0 and at most 1.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    References
    ----------
    Sinha, Zhao, Goyal, Raffel and Odena (2020).

    Examples
    --------
    >>> TopK(0.5).choose(torch.tensor([1.0, 4.0, 2.0, 3.0]), Moment()).tolist()
    [1, 3]
    """

    share: Scheduled = Linear(1.0, 0.5)

    def __post_init__(self) -> None:
        schedule = as_schedule("share", self.share)
        for progress in (0.0, 1.0):
            check_real("share", schedule.at(progress), above=0, at_most=1)

    def choose(self, at_y: torch.Tensor, now: Moment) -> torch.Tensor:
        """Indices of the largest values."""
        share = value_at(self.share, now.progress)
        return at_y.topk(max(1, round(share * len(at_y)))).indices
