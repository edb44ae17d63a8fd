"""Divergences that are differentiable functions of two batches: no network, no critic to train."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from divergences.checks import all_finite
from divergences.definitions import Definition
from divergences.estimators import supremum_by
from divergences.training.direct_methods import DirectMethod
from divergences.training.distributed import Workers
from divergences.training.objective import START, DivergedError, Moment, Objective


@dataclass(frozen=True, eq=False)
class Direct(Objective):
    """The loss of a definition by a method that has a differentiable form.

    Its slope is that of the supremum over critics, before the outer function: the same minimum,
    without the infinite slope of a root there.

    Parameters
    ----------
    definition : Definition
        The divergence.
    method : str, Estimator or DirectMethod
        How the critic is found in closed form from the batches.
    workers : Workers
        Processes that share the batch: the loss is that of the whole.
    """

    definition: Definition
    method: Any
    workers: Workers

    def critic_steps(self, now: Moment = START) -> int:
        """None: the critic is a formula."""
        return 0

    @property
    def largest(self) -> float:
        """The definition's, before its outer function."""
        return self.definition.inner_maximum

    def step(self, x: torch.Tensor, y: torch.Tensor, now: Moment = START) -> None:
        """Nothing to do."""

    def loss(self, x: torch.Tensor, y: torch.Tensor, now: Moment = START) -> torch.Tensor:
        """Divergence of the whole batches."""
        x = self.workers.gathered(x.detach()).flatten(1)
        y = self.workers.gathered(y).flatten(1)
        if not all_finite(y):
            raise DivergedError("points of g were not finite")
        if isinstance(self.method, DirectMethod):
            return self.method.loss(self.definition, x, y, now)
        return self._supremum(x, y, now.rng)

    @cached_property
    def _supremum(self) -> Callable[[torch.Tensor, torch.Tensor, Any], torch.Tensor]:
        return supremum_by(self.definition, self.method)
