"""Means and spreads that follow the other features, fitted in each sample."""

import numpy as np
import pytest

from divergences.estimators.critics.conditional_normals import (
    Conditionals,
    Curves,
    conditional_normals,
)
from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.critic_candidate import Training
from divergences.estimators.critics.critic_library import library
from divergences.estimators.ratios.cross_fitting import TrainingPart
from divergences.estimators.ratios.labels import log_loss

N = 1_000
LABELS = np.repeat([1, 0], N)


def funnel(n, rate, rng, d=5):
    """The first feature is the logarithm of the spread of the others, up to the rate."""
    points = rng.normal(size=(n, d))
    points[:, 0] *= 1.5
    points[:, 1:] *= np.exp(rate * points[:, :1])
    return points


def funnels(seed):
    rng = np.random.default_rng(seed)
    return np.vstack([funnel(N, 0.5, rng), funnel(N, 0.3, rng)])


def log_ratio_of_funnels(points):
    first, squares = points[:, 0], (points[:, 1:] ** 2).sum(axis=1)
    others = points.shape[1] - 1
    return -0.2 * others * first - (np.exp(-first) - np.exp(-0.6 * first)) * squares / 2


def test_a_feature_takes_no_part_in_its_own_regressors():
    rng = np.random.default_rng(0)
    for d in (2, 5, 9):
        points = rng.normal(size=(40, d))
        curves = Curves(Coordinates.of(points))
        moved = points.copy()
        moved[:, 1] += 0.5
        same = np.all(curves(points) == curves(moved), axis=0)
        np.testing.assert_array_equal(same | ~curves.without(1), np.ones(len(same), dtype=bool))
        assert same[curves.without(1)].all()


def test_means_and_spreads_are_those_that_the_points_were_drawn_with():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(4 * N, 3))
    mean, spread = points[:, 0] ** 2, np.exp(0.5 * points[:, 1] - 1)
    points[:, 2] = mean + spread * points[:, 2]
    coordinates = Coordinates.of(points)
    found = Conditionals.of(coordinates, points)
    squares, log_variance = found(coordinates, points, np.array([2])).T
    # In units of the third feature, which is seen in its own.
    log_spread = log_variance / 2 + np.log(coordinates.scale[2])
    # The slope of ln s has a standard error of 1/sqrt(2 n): 0.011, six of which are allowed.
    slope, level = np.polyfit(points[:, 1], log_spread, 1)
    assert slope == pytest.approx(0.5, abs=0.07)
    assert level == pytest.approx(-1.0, abs=0.07)
    # The mean of squares of n standard normals, to six standard errors.
    assert squares.mean() == pytest.approx(1.0, abs=6 * np.sqrt(2 / len(points)))
    assert found.bent[2]


def test_a_funnel_is_told_from_another_as_by_one_who_knows_both():
    points = funnels(2)
    training = Training.of(TrainingPart(points, LABELS, np.ones(2 * N), 0))
    none = 2 * N * np.log(2)
    most = none - log_loss(log_ratio_of_funnels(points), LABELS).sum()
    gains = {
        each.name: none - log_loss(each.fit(training).held_out, LABELS).sum()
        for each in library(5)
        if each.name in ("conditional normals", "quadratic", "waves", "pairs of waves")
    }
    assert 0.8 * most < gains.pop("conditional normals") < 1.1 * most
    assert all(gain < 0.7 * most for gain in gains.values())


def test_normal_samples_have_no_laws_that_bend():
    rng = np.random.default_rng(3)
    root = rng.normal(size=(4, 4))
    points = rng.normal(size=(2 * N, 4)) @ root
    # The extended BIC lets one of many regressors in once in some hundred samples.
    assert conditional_normals(Coordinates.of(points), points, LABELS, np.ones(2 * N)) is None


def test_few_points_are_not_enough():
    points = funnels(4)[np.r_[0:49, N : 2 * N]]
    labels = np.repeat([1, 0], [49, N])
    assert conditional_normals(Coordinates.of(points), points, labels, np.ones(len(points))) is None


def test_exact_functions_constants_and_far_points_stay_finite():
    points = funnels(5)
    points[:, 2] = points[:, 1] ** 2
    points[:, 3] = 7.0
    coordinates = Coordinates.of(points)
    features = conditional_normals(coordinates, points, LABELS, np.ones(2 * N))
    far = np.vstack([points, points[:1] * 1e200, -points[:1] * 1e200])
    assert np.isfinite(features(far)).all()


def test_weights_choose_the_laws():
    # Half of P's points have no funnel, and weigh next to nothing.
    points = funnels(6)
    also = np.vstack([np.random.default_rng(7).normal(size=(N, 5)), points])
    coordinates = Coordinates.of(points)
    weights = np.repeat([1e-9, 1.0, 1.0], N)
    one = conditional_normals(coordinates, also, np.append(np.ones(N, np.intp), LABELS), weights)
    two = conditional_normals(coordinates, points, LABELS, np.ones(2 * N))
    for side, plain in zip(one.raw.sides, two.raw.sides, strict=True):
        np.testing.assert_allclose(side.spreads, plain.spreads, atol=0.1)
