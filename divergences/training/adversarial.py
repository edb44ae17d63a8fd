"""Divergences whose critic is a network with its own optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from divergences.definitions import Definition
from divergences.training.critics import CriticMethod
from divergences.training.distributed import Workers
from divergences.training.gradients import step_down
from divergences.training.objective import START, CriticReport, Moment, Objective
from divergences.training.precision import Map, Precision, as_map
from divergences.training.regularizers import CriticView, Regularizer
from divergences.training.schedules import Schedule

MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


class Normalization(nn.Module):
    """Points less a center, divided by a scale: both one number, or one for each feature.

    Parameters
    ----------
    center, scale : Tensor
    """

    center: torch.Tensor
    scale: torch.Tensor

    def __init__(self, center: torch.Tensor, scale: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("center", center)
        self.register_buffer("scale", scale)

    @classmethod
    def of(cls, x: torch.Tensor, *, one_scale: bool) -> Normalization:
        """Take both from a batch: a scale for each feature, or one, which keeps angles."""
        center = x.mean(dim=0)
        scale = (x - center).square().mean(dim=0)
        if one_scale or x.ndim > 2:
            scale = scale.mean()
        scale = scale.sqrt()
        return cls(center, torch.where(scale > 0, scale, torch.ones_like(scale)))

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Map (k, ...) to (k, ...)."""
        return (points - self.center) / self.scale


@dataclass(frozen=True, eq=False)
class Adversarial(Objective):
    """A game between a critic and a generator; `step` and `loss` are all that a loop needs.

    Parameters
    ----------
    definition : Definition
        The divergence.
    method : CriticMethod
        The game that minimizes it.
    critic : Module
        From points to one value for each point, or for each pack of points.
    optimizer : Optimizer
        Of the critic.
    learning_rate : Schedule
        Of that optimizer.
    regularizers : sequence of Regularizer
        Their hooks are called in this order.
    normalization : Module
        What is done to the points before the critic sees them.
    unit : float
        What the critic's values are worth in the definition's unit, where the normalization
        matters to them.
    clip : float
        Largest norm of the critic's gradient.
    precision : {"float32", "bfloat16"}
        In which its layers compute.
    workers : Workers
        Processes that share the batch.
    """

    definition: Definition
    method: CriticMethod
    critic: nn.Module
    optimizer: torch.optim.Optimizer
    learning_rate: Schedule
    regularizers: Sequence[Regularizer]
    normalization: nn.Module
    unit: float
    clip: float
    precision: Precision
    workers: Workers

    def critic_steps(self, now: Moment = START) -> int:
        """As the method says."""
        return self.method.steps

    @property
    def largest(self) -> float:
        """As the method says, for the definition."""
        return self.method.largest(self.definition)

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The critic, and what its points go through."""
        return {"critic": self.critic, "normalization": self.normalization}

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        """The critic's."""
        return {"critic": self.optimizer}

    def step(self, x: torch.Tensor, y: torch.Tensor, now: Moment = START) -> CriticReport:
        """Improve the critic on two batches."""
        points = self._shown(torch.cat([x, y]).detach(), now)
        if any(regularizer.needs_slopes for regularizer in self.regularizers):
            points.requires_grad_()
        values = self._values(points)
        view = CriticView(self._values, points, values, len(x))
        objective = self.method.objective(self.definition, *view.at_both)
        loss = -objective
        for regularizer in self.regularizers:
            penalty = regularizer.penalty(view, now)
            if penalty is not None:
                loss = loss + penalty
        rate = self.learning_rate.at(now.progress)
        gradients = step_down(loss, self.optimizer, rate, self.clip, self.workers)
        for regularizer in self.regularizers:
            regularizer.after_step(self.critic)
        return CriticReport(self.unit * objective.detach(), values.detach(), gradients)

    def loss(self, x: torch.Tensor, y: torch.Tensor, now: Moment = START) -> torch.Tensor:
        """What the generator minimizes at the critic as it is."""
        with _frozen(self._parameters):
            at_x = at_y = self._values(self._shown(y, now))
            if self.method.needs_data:
                # Apart from y, so that no gradient is computed here.
                at_x = self._values(self._shown(x.detach(), now))
        terms = self.method.terms(self.definition, at_x, at_y)
        for regularizer in self.regularizers:
            chosen = regularizer.choose(at_y.detach(), now)
            if chosen is not None:
                terms, at_y = terms[chosen], at_y[chosen]
        return self.unit * terms.mean()

    @cached_property
    def _parameters(self) -> list[nn.Parameter]:
        return list(self.critic.parameters())

    @cached_property
    def _map(self) -> Map:
        return as_map(self.critic, self.precision)

    def _shown(self, points: torch.Tensor, now: Moment) -> torch.Tensor:
        points = self.normalization(points)
        for regularizer in self.regularizers:
            points = regularizer.perturb(points, now)
        return points

    def _values(self, points: torch.Tensor) -> torch.Tensor:
        values = self._map(points)
        if values.ndim == 0 or values.numel() != len(values) or len(points) % len(values):
            raise ValueError(
                f"critic must return one value for each point: for shape {tuple(points.shape)} it "
                f"returned shape {tuple(values.shape)}. End it with a layer of one feature."
            )
        return values.reshape(-1)


@contextmanager
def _frozen(parameters: Iterable[nn.Parameter]) -> Iterator[None]:
    # The graph that is built inside leaves the parameters out, which halves the backward pass.
    changed = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in changed:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in changed:
            parameter.requires_grad_(True)
