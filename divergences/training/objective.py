"""The contract between the loop and any divergence that a generator is trained on."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from divergences.training.gradients import Gradients


@dataclass(frozen=True)
class Moment:
    """Where in the training a batch is met: schedules and random choices depend on it alone.

    Parameters
    ----------
    step, steps : int
        Steps done, and steps in all.
    seed : int
        Seed of the training.

    Examples
    --------
    >>> Moment(250, 1001).progress
    0.25
    """

    step: int = 0
    steps: int = 1
    seed: int = 0

    @property
    def progress(self) -> float:
        """Share of the training that is done, 0 to 1."""
        return min(self.step / max(self.steps - 1, 1), 1.0)

    @property
    def torch_seed(self) -> int:
        """Seed of torch's draws in this step (the finalizer of splitmix64)."""
        z = (self.seed * 0x9E3779B97F4A7C15 + self.step + 1) & _WORD
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _WORD
        return (z ^ (z >> 31)) & (_WORD >> 1)

    @cached_property
    def rng(self) -> np.random.Generator:
        """Numpy's draws in this step."""
        return np.random.default_rng([self.seed, self.step])


_WORD = 2**64 - 1
START = Moment()


class DivergedError(FloatingPointError):
    """A batch, an objective or a gradient that is not finite; the message says which."""


class CriticReport(NamedTuple):
    """What a step of the critic found, not looked at unless somebody asks.

    Parameters
    ----------
    objective : Tensor
        What the critic maximizes, on this batch and before the step.
    values : Tensor of shape (k,)
        The critic's values at both batches.
    gradients : Gradients
        Of the critic's loss, its penalties included.
    """

    objective: torch.Tensor
    values: torch.Tensor
    gradients: Gradients

    @property
    def spread(self) -> torch.Tensor:
        """Standard deviation of the values: zero for a dead critic."""
        return self.values.std()


class Objective(ABC):
    """A divergence between a batch x of data and a batch y of a generator, to be minimized in y.

    The loop calls `step` as often as `critic_steps` says, then `loss`, and takes a step of the
    generator down the gradient of that. Laws: `loss` returns a 0-d tensor with a gradient to y
    and to nothing else; `step` leaves x, y and the generator alone; both depend on their
    arguments, on torch's global random state and on what `modules` and `optimizers` hold, and on
    nothing else, so that saving those saves everything.
    """

    @abstractmethod
    def critic_steps(self, now: Moment = START) -> int:
        """Steps of the critic for each step of the generator; 0 where there is no critic."""

    @abstractmethod
    def step(self, x: torch.Tensor, y: torch.Tensor, now: Moment = START) -> CriticReport | None:
        """Improve the critic on two batches; nothing to do where there is none."""

    @abstractmethod
    def loss(self, x: torch.Tensor, y: torch.Tensor, now: Moment = START) -> torch.Tensor:
        """What the generator minimizes, the critic held fixed."""

    @property
    def largest(self) -> float:
        """Largest value that the critic's objective, or else the loss, can take."""
        return math.inf

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Networks of its own, by name."""
        return {}

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        """Optimizers of those networks, by name."""
        return {}
