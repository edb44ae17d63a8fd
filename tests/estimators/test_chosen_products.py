"""Products of features that are chosen by how much their means differ."""

import numpy as np
import pytest

from divergences.estimators.critics.chosen_products import (
    ChosenProducts,
    ChosenWaves,
    strongest_interaction,
)
from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.critic_candidate import Training
from divergences.estimators.critics.critic_library import library
from divergences.estimators.critics.differences import cross_difference
from divergences.estimators.ratios.cross_fitting import TrainingPart
from divergences.estimators.ratios.labels import log_loss


def sample(d, n=300, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(2 * n, d))
    return points, np.repeat([1, 0], n), Coordinates.of(points)


def with_sign(points, features):
    """Give the product of some features of P's points its sign in most cases."""
    half = len(points) // 2
    want = np.where(np.random.default_rng(1).uniform(size=half) < 0.9, 1.0, -1.0)
    points[:half, features[-1]] *= np.sign(points[:half][:, features].prod(axis=1)) * want
    return points


def standardized_difference(values, labels, weights):
    parts = []
    for label in (1, 0):
        own, mass = values[labels == label], weights[labels == label]
        mass = mass / mass.sum()
        mean = mass @ own
        parts.append((mean, mass**2 @ own**2 - mean**2 * (mass @ mass)))
    return abs(parts[0][0] - parts[1][0]) / np.sqrt(parts[0][1] + parts[1][1])


def test_pairs_are_chosen_by_their_standardized_difference():
    points, labels, coordinates = sample(20)
    points = with_sign(points, [3, 11])
    weights = np.random.default_rng(2).uniform(0.5, 1.5, len(points))
    chosen = ChosenProducts.most_different(coordinates, points, labels, weights).raw
    scores = coordinates.scores(points)
    ratios = {
        (i, j): standardized_difference(scores[:, i] * scores[:, j], labels, weights)
        for i in range(20)
        for j in range(i + 1, 20)
    }
    largest = sorted(ratios, key=ratios.get, reverse=True)[:60]
    assert set(zip(chosen.first.tolist(), chosen.second.tolist(), strict=True)) == set(largest)
    assert (3, 11) in largest


@pytest.mark.parametrize("features", [[1, 4], [0, 2, 5]])
def test_waves_find_two_or_three_features_that_interact(features):
    points, labels, coordinates = sample(7, n=500)
    points = with_sign(points, features)
    chosen = ChosenWaves.most_different(coordinates, points, labels, np.ones(len(points))).raw
    assert len(chosen.factors) > 0
    for factors in chosen.factors:
        assert sorted(factors[factors >= 0] % 7) == features


@pytest.mark.parametrize(
    ("d", "features"), [(11, [0, 1, 2]), (12, [9, 10, 11]), (25, [0, 4, 24]), (50, [3, 17, 40])]
)
def test_three_of_many_features_are_found(d, features):
    points, labels, coordinates = sample(d, n=500)
    points, weights = with_sign(points, features), np.ones(len(points))
    # E|x|³ is about 0.5, so that the mean product differs by 9 standard errors; of the 64,000
    # products in 50 features, noise reaches 4.7 in one sample of five.
    assert strongest_interaction(coordinates, points, labels, weights).tolist() == features
    chosen = ChosenWaves.most_different(coordinates, points, labels, weights).raw
    assert sorted(features) in np.sort(chosen.factors % d, axis=1).tolist()
    assert len(chosen.factors) < 8


def test_products_of_two_arrays_differ_by_standard_errors():
    rng = np.random.default_rng(3)
    labels, weights = np.repeat([1, 0], [150, 250]), rng.uniform(0.3, 2.0, 400)
    left, right = rng.normal(size=(400, 3)), rng.normal(size=(400, 5))
    parts = [
        (left[own], right[own], weights[own] / weights[own].sum())
        for own in (labels == 1, labels == 0)
    ]
    expected = [[standardized_difference(x * y, labels, weights) for y in right.T] for x in left.T]
    np.testing.assert_allclose(cross_difference(parts), expected, rtol=1e-8)


@pytest.mark.parametrize(("d", "samples"), [(6, 40), (12, 20), (50, 20)])
def test_waves_of_noise_are_hardly_ever_chosen(d, samples):
    # Below sqrt(2 ln N) lie all of N independent normal ratios in about four of five cases.
    counts = []
    for seed in range(samples):
        points, labels, coordinates = sample(d, seed=seed)
        chosen = ChosenWaves.most_different(coordinates, points, labels, np.ones(len(points))).raw
        counts.append(len(chosen.factors))
    assert np.mean(counts) < 2


def test_waves_multiply_their_factors():
    points, labels, coordinates = sample(5)
    points = with_sign(points, [0, 1, 2])
    chosen = ChosenWaves.most_different(coordinates, points, labels, np.ones(len(points))).raw
    scores, shares = coordinates.scores(points), coordinates.shares(points)
    kinds = [scores, (np.abs(scores) - 0.7978845608) / 0.6028102750]
    kinds += [np.sqrt(2) * np.cos(np.pi * k * shares) for k in (1, 3, 2, 4)]
    columns = np.hstack(kinds)
    features = chosen(points)
    np.testing.assert_allclose(features[:, :10], np.hstack([scores, scores**2]))
    for column, factors in zip(features.T[10:], chosen.factors, strict=True):
        expected = columns[:, factors[factors >= 0]].prod(axis=1)
        np.testing.assert_allclose(column, expected, rtol=1e-8, atol=1e-12)


def test_a_sign_of_three_features_is_learned_where_no_pair_tells():
    points, labels, _ = sample(6, n=500)
    data = Training.of(TrainingPart(with_sign(points, [0, 2, 4]), labels, np.ones(1000), 0))
    losses = {}
    for name in ("quadratic in scores", "chosen products of waves"):
        candidate = next(each for each in library(6) if each.name == name)
        losses[name] = log_loss(candidate.fit(data).held_out, labels).mean()
    # The exact ratio is 1.8 or 0.2, which gains 0.1018 nats; smooth products see half of the step.
    assert losses["quadratic in scores"] > np.log(2) - 0.005
    assert losses["chosen products of waves"] < np.log(2) - 0.4 * 0.1018


def test_a_product_of_three_among_many_features_is_learned():
    rng = np.random.default_rng(5)
    points, labels = rng.normal(size=(1000, 20)), np.repeat([1, 0], 500)
    slope = np.where(labels == 1, 0.6, -0.6)
    points[:, -1] = slope * points[:, 4] * points[:, 9] + 0.7 * points[:, -1]
    data = Training.of(TrainingPart(points, labels, np.ones(1000), 0))
    candidate = next(each for each in library(20) if each.name == "chosen products of waves")
    # The exact ratio gains 0.145 nats, by a million draws; at 1,000 points with a standard error
    # of 0.01.
    assert log_loss(candidate.fit(data).held_out, labels).mean() < np.log(2) - 0.6 * 0.145


@pytest.mark.parametrize("others", [3, 12])
def test_constant_columns_interact_with_nothing(others):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(400, others))
    points = np.column_stack([np.full(400, 3.7), np.full(400, -0.1), noise])
    labels, weights = np.repeat([1, 0], [150, 250]), rng.uniform(0.3, 2.0, 400)
    coordinates = Coordinates.of(points)
    assert strongest_interaction(coordinates, points, labels, weights) is None
