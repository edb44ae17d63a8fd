"""Divergences that are differentiable functions of two batches: no network, no critic to train."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from divergences.definitions import (
    Definition,
    JensenShannon,
    JensenShannonDistance,
    RatioDivergence,
)
from divergences.estimators import KDE, differentiable_supremum
from divergences.training.distributed import ALONE, Workers
from divergences.training.objective import START, DivergedError, Moment, Objective
from divergences.training.schedules import Geometric, Scheduled, as_schedule


@dataclass(frozen=True)
class AnnealedKDE:
    """Kernel densities whose bandwidth shrinks while training: an f-divergence without a critic.

    A kernel density has no slope a few bandwidths away from the data, and one wide enough to have
    it there blurs what is fine. So the bandwidth starts wide and ends narrow. It costs more for
    each step than a critic does, and stays blurred at the last bandwidth.

    Parameters
    ----------
    bandwidth : float or Schedule
        Standard deviation of the kernel, in units of that of each feature of the data.

    Examples
    --------
    >>> AnnealedKDE().bandwidth
    Geometric(start=1.0, end=0.1)
    """

    bandwidth: Scheduled = Geometric(1.0, 0.1)

    def __post_init__(self) -> None:
        as_schedule("bandwidth", self.bandwidth)

    def at(self, x: torch.Tensor, now: Moment) -> KDE:
        """The method with the bandwidth of the moment, in units of the data."""
        width = as_schedule("bandwidth", self.bandwidth).at(now.progress)
        scales = x.detach().std(dim=0).clamp_min(torch.finfo(x.dtype).tiny)
        return KDE(bandwidth=tuple((width * scales).tolist()))


@dataclass(frozen=True, eq=False)
class Direct(Objective):
    """The loss of a definition by a method that has a differentiable form.

    Its slope is that of the supremum over critics, before the outer function: the same minimum,
    without the infinite slope of a root there.

    Parameters
    ----------
    definition : Definition
        The divergence.
    method : str, Estimator or AnnealedKDE
        How the critic is found in closed form from the batches.
    workers : Workers
        Processes that share the batch: the loss is that of the whole.
    """

    definition: Definition
    method: Any = "auto"
    workers: Workers = ALONE

    def critic_steps(self, now: Moment = START) -> int:
        """None: the critic is a formula."""
        return 0

    @property
    def largest(self) -> float:
        """The definition's, before its outer function."""
        if isinstance(self.definition, JensenShannon | JensenShannonDistance):
            return math.log(2)
        return self.definition.maximum

    def step(self, x: torch.Tensor, y: torch.Tensor, now: Moment = START) -> None:
        """Nothing to do."""

    def loss(self, x: torch.Tensor, y: torch.Tensor, now: Moment = START) -> torch.Tensor:
        """Divergence of the whole batches."""
        x = self.workers.gathered(x.detach()).flatten(1)
        y = self.workers.gathered(y).flatten(1)
        if not torch.isfinite(y).all():
            raise DivergedError("points of g were not finite")
        method = self.method
        if isinstance(method, AnnealedKDE):
            assert isinstance(self.definition, RatioDivergence)
            method = method.at(x, now)
        return differentiable_supremum(self.definition, x, y, method=method, rng=now.rng)
