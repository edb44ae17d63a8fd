"""One divergence hands over to another while training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from divergences.checks import check_real
from divergences.definitions import Definition
from divergences.training import defaults
from divergences.training.objective import START, CriticReport, Moment, Objective


@dataclass(frozen=True)
class HandOver:
    """Minimize one divergence first and another then: a plan for `minimize`.

    A divergence without a critic, such as the sliced Wasserstein distance, puts the mass where it
    belongs in few steps; an adversarial one then sees to the detail. The critic of the second
    starts to learn when it takes over.

    Parameters
    ----------
    first, then : Definition
        The divergences; the second is the one that is measured on held-out data.
    at : float
        Share of the training, above 0 and below 1, after which the second takes over.
    method, then_method : str, CriticMethod, DirectMethod or Estimator
        How each is minimized, as in `minimize`.

    Raises
    ------
    TypeError, ValueError
        If a setting is not usable; the message says which and what would be.

    Examples
    --------
    >>> import divergences as dv
    >>> HandOver(dv.SlicedWasserstein(), dv.JensenShannon(), at=0.3).at
    0.3
    """

    first: Definition
    then: Definition
    at: float = 0.3
    method: Any = "auto"
    then_method: Any = "auto"

    def __post_init__(self) -> None:
        for name in ("first", "then"):
            if not isinstance(getattr(self, name), Definition):
                raise TypeError(
                    f"{name} must be a divergence such as JensenShannon(), not "
                    f"{getattr(self, name)!r}."
                )
        check_real("at", self.at, above=0, below=1)
        object.__setattr__(self, "method", defaults.as_method(self.first, self.method))
        object.__setattr__(self, "then_method", defaults.as_method(self.then, self.then_method))

    @property
    def symbol(self) -> str:
        """Both symbols."""
        return f"{self.first.symbol}, then {self.then.symbol}"


@dataclass(frozen=True, eq=False)
class InTurn(Objective):
    """Two objectives, the second of which takes over.

    Parameters
    ----------
    objectives : pair of Objective
    at : float
        Share of the training that is the first one's.
    """

    objectives: Sequence[Objective]
    at: float

    def present(self, now: Moment) -> Objective:
        """The objective whose turn it is."""
        return self.objectives[now.step >= self.at * now.steps]

    def critic_steps(self, now: Moment = START) -> int:
        """Those of the objective whose turn it is."""
        return self.present(now).critic_steps(now)

    def step(self, x: torch.Tensor, y: torch.Tensor, now: Moment = START) -> CriticReport | None:
        """Improve that critic."""
        return self.present(now).step(x, y, now)

    def loss(self, x: torch.Tensor, y: torch.Tensor, now: Moment = START) -> torch.Tensor:
        """The loss of that objective."""
        return self.present(now).loss(x, y, now)

    @property
    def largest(self) -> float:
        """Of the second."""
        return self.objectives[1].largest

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Of both; the second's under their own names."""
        first, then = (objective.modules for objective in self.objectives)
        return {**{f"first {name}": module for name, module in first.items()}, **then}

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        """Of both; the second's under their own names."""
        first, then = (objective.optimizers for objective in self.objectives)
        return {**{f"first {name}": kept for name, kept in first.items()}, **then}
