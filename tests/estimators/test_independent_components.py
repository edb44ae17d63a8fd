"""Directions along which a sample falls into independent parts."""

import numpy as np

from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.critic_candidate import Training
from divergences.estimators.critics.critic_library import library
from divergences.estimators.critics.independent_components import _unmixed, independent_components
from divergences.estimators.ratios.cross_fitting import TrainingPart
from divergences.estimators.ratios.labels import log_loss

D, N = 4, 800


def turned(seed, sample=None):
    """Independent long-tailed features, of which Q's are turned; both have the same covariance."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(D, D)))[0]
    draw = rng.laplace if sample is None else sample
    points = np.vstack([draw(size=(N, D)), draw(size=(N, D)) @ turn.T])
    return points, np.repeat([1, 0], N), turn


def test_the_directions_are_those_of_the_independent_parts():
    points, labels, turn = turned(0)
    for label, axes in ((1, np.eye(D)), (0, turn)):
        found = _unmixed(points[labels == label])
        cosines = np.abs(found.T @ axes) / np.linalg.norm(found, axis=0)[:, np.newaxis]
        # Each is one axis, to within 20 degrees, and no two are the same.
        assert cosines.max(axis=1).min() > np.cos(np.radians(20))
        assert sorted(cosines.argmax(axis=1)) == list(range(D))


def test_most_normal_samples_and_flat_ones_have_none():
    rng = np.random.default_rng(1)
    # Where 80 % have none, fewer than 24 of 40 have in one of 500 such tests.
    found = [_unmixed(rng.normal(size=(450, 6))) for _ in range(40)]
    assert sum(directions is None for directions in found) >= 24
    flat = rng.laplace(size=(300, 3)) @ np.ones((3, 3))
    assert _unmixed(flat) is None
    normal = rng.normal(size=(200, 3))
    labels = np.repeat([1, 0], 100)
    assert independent_components(Coordinates.of(normal), normal, labels, np.ones(200)) is None


def test_few_components_are_found_whose_kurtoses_cancel():
    rng = np.random.default_rng(5)
    points = rng.normal(size=(2 * N, 4))
    # Two humps have a kurtosis of 1.7, Laplace's law one of six.
    points[:N, :2] = 0.9 * rng.choice([-1, 1], (N, 2)) + 0.43 * points[:N, :2]
    points[:N, 2] = rng.laplace(0, 0.7, N)
    points = points @ np.linalg.qr(rng.normal(size=(4, 4)))[0]
    labels = np.repeat([1, 0], N)
    features = independent_components(Coordinates.of(points), points, labels, np.ones(2 * N))
    seen = features.raw.view(points)[:N]
    excess = np.mean((seen / seen.std(axis=0)) ** 4, axis=0) - 3
    assert excess.min() < -1
    assert excess.max() > 1


def test_few_skewed_components_are_found_among_normal_ones_and_those_alone():
    rng = np.random.default_rng(7)
    points = rng.normal(size=(N, 8))
    points[:, :2] = rng.gamma(2.0, size=(N, 2))
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    found = _unmixed(points @ turn)
    cosines = np.abs(found.T @ turn.T) / np.linalg.norm(found, axis=0)[:, np.newaxis]
    # Within 20 degrees of the two, and at most one of noise.
    assert np.sort(cosines[:, :2].max(axis=0)).min() > np.cos(np.radians(20))
    assert found.shape[1] <= 3


def test_one_sample_with_components_is_enough():
    rng = np.random.default_rng(2)
    points = np.vstack([rng.laplace(size=(N, 3)), rng.normal(size=(N, 3))])
    labels = np.repeat([1, 0], N)
    features = independent_components(Coordinates.of(points), points, labels, np.ones(2 * N))
    assert features(points).shape[0] == 2 * N
    assert features.roughness.shape == features(points).shape[1:]


def test_turned_samples_are_told_apart_where_others_fail():
    points, labels, turn = turned(3)
    training = Training.of(TrainingPart(points, labels, np.ones(len(labels)), 0))
    candidates = {each.name: each for each in library(D)}
    none = len(labels) * np.log(2)
    gains = {
        name: none - log_loss(candidates[name].fit(training).held_out, labels).sum()
        for name in ("quadratic", "waves", "pairs of waves", "independent components")
    }
    # One who knows both densities, exp(-|x|_1)/2^d and the same of the points turned back.
    exact = np.abs(points @ turn).sum(axis=1) - np.abs(points).sum(axis=1)
    most = none - log_loss(exact, labels).sum()
    assert 0.6 * most < gains.pop("independent components") < most
    assert all(gain < most / 2 for gain in gains.values())


def test_weights_choose_the_directions():
    # Half of P's points are turned, and weigh next to nothing.
    points, labels, turn = turned(4)
    also = np.vstack([points[:N] @ turn.T, points])
    weights = np.repeat([1e-6, 1.0, 1.0], N)
    coordinates = Coordinates.of(points)
    one = independent_components(coordinates, also, np.append(np.ones(N, np.intp), labels), weights)
    two = independent_components(coordinates, points, labels, np.ones(2 * N))
    np.testing.assert_allclose(one.raw.view.directions, two.raw.view.directions)
