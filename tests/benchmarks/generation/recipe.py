"""How a generator is trained: one recipe for each target, in one place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.distributions import Independent, Normal

import divergences as dv
from divergences.networks.perceptron import Perceptron
from divergences.training.schedules import Cosine


@dataclass(frozen=True)
class Recipe:
    """Everything about a training but its data and its seed.

    Parameters
    ----------
    definition, method, regularizers, steps, batch_size, learning_rate, critic_learning_rate
    average
        As in `minimize`.
    latent, depth, width : int
        Features of z, hidden layers of the generator, and features of each.
    """

    definition: dv.Definition | dv.HandOver
    method: Any = "auto"
    regularizers: tuple[dv.Regularizer, ...] | None = None
    steps: int = 2_000
    batch_size: int = 128
    learning_rate: float | dv.Schedule = Cosine(2e-3, 1e-4)
    critic_learning_rate: float | dv.Schedule = Cosine(4e-3, 2e-4)
    average: float | None = None
    latent: int = 2
    depth: int = 4
    width: int = 128

    def generator(self, d: int) -> dv.Pushforward:
        """A new network at a normal latent; torch's global random state draws its weights."""
        g = Perceptron(self.latent, d, width=self.width, depth=self.depth, activation="leaky_relu")
        return dv.Pushforward(g, Independent(Normal(torch.zeros(self.latent), 1.0), 1))

    def with_steps(self, steps: int) -> Recipe:
        """The same with other steps; schedules end with the last of them."""
        return replace(self, steps=steps)


def slopes(start: float, end: float) -> tuple[dv.Regularizer, ...]:
    """Waves at the critic's input, and R1 and R2 in every step, from `start` to `end`."""
    gamma = dv.Geometric(start, end)
    return dv.RandomFourier(count=32, scale=1.0), dv.R1(gamma), dv.R2(gamma)


def recipe(target: str) -> Recipe:
    """What serves a target best, of what was tried, within 180 seconds of one thread."""
    grid = Recipe(
        dv.RelativisticPairing(),
        regularizers=slopes(0.3, 0.001),
        steps=15_000,
        batch_size=384,
        learning_rate=Cosine(2e-3, 4e-5),
        critic_learning_rate=Cosine(4e-3, 8e-5),
        average=0.9995,
    )
    lecture = Recipe(
        dv.JensenShannon(),
        steps=5_000,
        batch_size=256,
        learning_rate=Cosine(2e-3, 2e-5),
        critic_learning_rate=Cosine(4e-3, 4e-5),
        latent=8,
        depth=3,
    )
    return {
        "grid": grid,
        "ring": replace(grid, regularizers=slopes(0.3, 0.004)),
        "one feature": lecture,
        "two features": lecture,
    }[target]
