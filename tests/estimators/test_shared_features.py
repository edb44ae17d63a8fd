"""Sums over features that differ in the same way."""

import numpy as np
import pytest

from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.critic_candidate import Training
from divergences.estimators.critics.critic_library import library
from divergences.estimators.critics.projections import of_whitened
from divergences.estimators.critics.shared_features import Sums, sums
from divergences.estimators.ratios.cross_fitting import TrainingPart
from divergences.estimators.ratios.labels import log_loss


def training_of(points, labels):
    return Training.of(TrainingPart(points, labels, np.ones(len(labels)), 0))


def loss(training, name):
    candidate = next(each for each in library(training.coordinates.d) if each.name == name)
    return log_loss(candidate.fit(training).held_out, training.labels).mean()


def volatile(after, n, d, rng):
    """Steps whose spread is larger after falls, or after rises."""
    steps = rng.normal(size=(n, d))
    for j in range(1, d):
        steps[:, j] *= np.exp(0.12 * after * np.sign(steps[:, j - 1]))
    return steps


def test_sums_are_over_features_pairs_and_neighbors():
    points = np.random.default_rng(0).normal(size=(40, 4))
    coordinates = Coordinates.of(points)
    raw = Sums(coordinates)
    features = raw(points)
    scores, shares = coordinates.scores(points), coordinates.shares(points)
    single = [scores, scores**2 - 1, *(np.cos(np.pi * k * shares) for k in range(1, 6))]
    frequency = [1, 2, 1, 2, 3, 4, 5]
    kinds = [(s, t) for s in range(7) for t in range(7) if frequency[s] + frequency[t] <= 6]
    expected = [values.sum(axis=1) for values in single]
    for s, t in kinds:
        if s <= t:
            products = [
                single[s][:, i] * single[t][:, j] for i in range(4) for j in range(4) if i != j
            ]
            expected.append(np.sum(products, axis=0))
    for s, t in kinds:
        expected.append(np.sum([single[s][:, j] * single[t][:, j + 1] for j in range(3)], axis=0))
    # Of scores, squares and second cosines also with the next but one.
    expected += [np.sum(single[s][:, :2] * single[s][:, 2:], axis=1) for s in (0, 1, 3)]
    np.testing.assert_allclose(features, np.column_stack(expected), atol=1e-10)
    assert len(raw.roughness()) == features.shape[1]


def test_steps_of_a_chain_are_learned_from_few_points():
    rng = np.random.default_rng(1)
    points = np.vstack([volatile(1, 150, 20, rng), volatile(-1, 150, 20, rng)])
    training = training_of(points, np.repeat([1, 0], 150))
    # The exact ratio gains 0.212 nats, by a million draws.
    assert loss(training, "sums over features") < np.log(2) - 0.8 * 0.212
    assert loss(training, "quadratic in scores") > np.log(2) - 0.1 * 0.212


def test_equal_laws_have_no_sums_that_tell():
    excess = []
    for seed in range(8):
        points = np.random.default_rng(seed).normal(size=(600, 10))
        training = training_of(points, np.repeat([1, 0], 300))
        excess.append(loss(training, "sums over features") - np.log(2))
    # Held-out losses of noise spread by 0.0025 from sample to sample; three standard errors.
    assert np.mean(excess) > -3 * 0.0025 / np.sqrt(8)


def test_walks_are_seen_by_their_steps():
    rng = np.random.default_rng(3)
    steps = np.vstack([volatile(1, 400, 10, rng), volatile(-1, 400, 10, rng)])
    training = training_of(np.cumsum(steps, axis=1), np.repeat([1, 0], 400))
    plain, whitened = (loss(training, f"sums over {name}features") for name in ("", "whitened "))
    assert whitened < plain - 0.05


def test_features_without_correlation_are_not_whitened():
    points = np.random.default_rng(4).normal(size=(400, 5))
    training = training_of(points, np.repeat([1, 0], 200))
    assert of_whitened(training, features=sums) is None


@pytest.mark.parametrize("d", [3, 60])
def test_any_number_of_features_makes_as_many_sums(d):
    points = np.random.default_rng(5).normal(size=(30, d))
    later = 3 * max(0, min(5, d - 2) - 1)
    assert Sums(Coordinates.of(points))(points).shape == (30, 7 + 21 + 37 + later)
