"""Every kind of objective finds a law that is known: a correlated normal, eight normals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from divergences.definitions import (
    MMD,
    Energy,
    JensenShannon,
    KullbackLeibler,
    RelativisticPairing,
    ReverseKL,
    Sinkhorn,
    SlicedWasserstein,
    SoftenedReverseKL,
    Wasserstein,
)
from divergences.measures import Pushforward
from divergences.networks.perceptron import Perceptron
from divergences.networks.seeds import seeded
from divergences.training import (
    AnnealedKDE,
    ConjugateCritic,
    Cosine,
    DebiasedBatches,
    MaxSliced,
    Monitor,
    WassersteinCritic,
    minimize,
)

PLANE = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(2), 1.0), 1)
SELDOM = Monitor(Energy(), points=50, every=10_000)
MEAN = torch.tensor([1.0, -0.5])
COVARIANCE = torch.tensor([[1.0, 0.6], [0.6, 0.8]])
BATCH = 128

GAMES = [
    (JensenShannon(), "auto"),
    (JensenShannon(), ConjugateCritic()),
    (SoftenedReverseKL(), "auto"),
    (KullbackLeibler(), "auto"),
    (ReverseKL(), "auto"),
    (RelativisticPairing(), "auto"),
    (Wasserstein(1), WassersteinCritic(steps=1)),
]
DIRECT = [
    (JensenShannon(), AnnealedKDE()),
    (Wasserstein(2), "auto"),
    (SlicedWasserstein(2), "auto"),
    (SlicedWasserstein(2), MaxSliced()),
    (SlicedWasserstein(2), DebiasedBatches()),
    (Sinkhorn(2), "auto"),
    (MMD(), "auto"),
    (Energy(), "auto"),
]


@pytest.mark.parametrize(
    ("definition", "method", "steps", "rate"),
    [
        # A game goes round its end unless the steps shrink.
        *[(*pair, 400, Cosine(0.02, 0.0005)) for pair in GAMES],
        *[(*pair, 150, 0.03) for pair in DIRECT],
    ],
    ids=repr,
)
def test_a_correlated_normal_is_recovered(definition, method, steps, rate):
    with seeded(np.random.default_rng(0)):
        g = nn.Linear(2, 2)
    run = minimize(
        definition,
        Pushforward(g, PLANE),
        torch.distributions.MultivariateNormal(MEAN, COVARIANCE),
        method=method,
        steps=steps,
        batch_size=BATCH,
        learning_rate=rate,
        monitor=SELDOM,
        rng=0,
        progress=False,
    )
    # The pushforward of a linear map is normal: its moments are the weights of the averaged one.
    average = run.pushforward.g
    covariance = average.weight @ average.weight.T
    # Four standard errors of a batch's mean and covariance: g can be no nearer than a few batches.
    variances = COVARIANCE.diagonal()
    spread = (variances[:, None] * variances + COVARIANCE.square()).sqrt()
    assert ((average.bias - MEAN).abs() < 4 * (variances / BATCH).sqrt()).all()
    assert ((covariance - COVARIANCE).abs() < 4 * spread / BATCH**0.5).all()


MODES, RADIUS, DEVIATION = 8, 2.0, 0.3


def ring(n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return centers()[rng.integers(MODES, size=n)] + DEVIATION * rng.normal(size=(n, 2))


def centers() -> np.ndarray:
    angles = 2 * np.pi * np.arange(MODES) / MODES
    return RADIUS * np.column_stack([np.cos(angles), np.sin(angles)])


def shares(points: np.ndarray) -> np.ndarray:
    """Share of the points that are within three deviations of each mode."""
    distances = np.linalg.norm(points[:, None] - centers(), axis=2)
    near = distances.min(axis=1) < 3 * DEVIATION
    return np.bincount(distances.argmin(axis=1)[near], minlength=MODES) / len(points)


def test_shares_are_seen_to_differ():
    data = ring(4_000)
    assert shares(data).min() > 0.5 / MODES
    assert shares(data[data[:, 0] > 0]).min() == 0


def train_on_a_ring(definition, method, steps: int) -> np.ndarray:
    with seeded(np.random.default_rng(0)):
        g = Perceptron(2, 2, width=64, depth=3, activation="leaky_relu")
    run = minimize(
        definition,
        Pushforward(g, PLANE),
        ring(4_000),
        method=method,
        steps=steps,
        batch_size=128,
        monitor=SELDOM,
        rng=0,
        progress=False,
    )
    return run.pushforward.sample(4_000, rng=1).detach().double().numpy()


@pytest.mark.parametrize(
    ("definition", "steps"),
    [(JensenShannon(), 600), (SlicedWasserstein(2), 300)],
    ids=["a critic", "no critic"],
)
def test_a_ring_has_all_its_modes_soon(definition, steps):
    # A mode that is missing has a share near zero, a fair one 1/8.
    assert shares(train_on_a_ring(definition, "auto", steps)).min() > 0.25 / MODES


@pytest.mark.slow
@pytest.mark.parametrize(("definition", "method"), [*GAMES, *DIRECT], ids=repr)
def test_a_ring_has_all_its_modes(definition, method):
    # Of 4,000 points a fair share has a standard error of 0.005: half of one is twelve below it.
    assert shares(train_on_a_ring(definition, method, 1_500)).min() > 0.5 / MODES
