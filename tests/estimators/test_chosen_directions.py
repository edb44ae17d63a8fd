"""Directions along which variances or means differ most."""

import numpy as np
import pytest

from divergences.estimators.critics.chosen_directions import (
    directions_that_differ,
    most_different_directions,
)
from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.critic_candidate import Training
from divergences.estimators.critics.critic_library import library
from divergences.estimators.ratios.cross_fitting import TrainingPart
from divergences.estimators.ratios.labels import log_loss


def rescaled():
    """Standard normal points, of which P's are rescaled along two hidden directions."""
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(25, 25)))[0]
    points = rng.normal(size=(1200, 25))
    points[:600, :2] *= np.sqrt([4.0, 0.2])
    return points @ turn.T, np.repeat([1, 0], 600), turn


def angle_from(direction, plane):
    direction = direction / np.linalg.norm(direction)
    return np.degrees(np.arccos(min(1.0, np.linalg.norm(direction @ plane))))


def test_directions_are_the_rescaled_ones():
    points, labels, turn = rescaled()
    found = most_different_directions(points, labels, np.ones(len(points)))
    assert found.shape == (25, 2)
    # An eigenvector of so few points is off by about sqrt(d/n) times 1.5, some 17 degrees.
    assert max(angle_from(found[:, j], turn[:, :2]) for j in range(2)) < 35


def test_noise_has_no_directions():
    # The means part by chance once in a thousand samples, the variances more rarely.
    rng = np.random.default_rng(1)
    counts = [
        most_different_directions(
            rng.normal(size=(400, 20)), np.repeat([1, 0], 200), rng.uniform(0.5, 1.5, 400)
        ).shape[1]
        for _ in range(60)
    ]
    assert sum(counts) <= 1


def test_the_direction_that_parts_the_means_is_the_last():
    rng = np.random.default_rng(2)
    covariance = 0.7 * np.ones((6, 6)) + 0.3 * np.eye(6)
    points = rng.normal(size=(2000, 6)) @ np.linalg.cholesky(covariance).T
    shift = np.array([0.5, 0, 0, 0, 0, 0])
    points[:1000] += shift
    found = most_different_directions(points, np.repeat([1, 0], 1000), np.ones(2000))
    assert found.shape[1] == 1
    best = np.linalg.solve(covariance, shift)
    assert angle_from(found[:, 0], best[:, np.newaxis] / np.linalg.norm(best)) < 15


def test_hidden_directions_are_learned_in_any_units():
    points, labels, _ = rescaled()
    losses = []
    for units in (np.ones(25), 10.0 ** np.linspace(-6, 6, 25)):
        training = Training.of(TrainingPart(points * units, labels, np.ones(len(labels)), 0))
        candidates = {each.name: each for each in library(25)}
        losses += [
            log_loss(candidates[name].fit(training).held_out, labels).mean()
            for name in ("quadratic", "chosen directions")
        ]
    # The exact ratio gains 0.191 nats, by a million draws.
    for quadratic, directions in (losses[:2], losses[2:]):
        assert directions < quadratic - 0.03
        assert directions < np.log(2) - 0.5 * 0.191
    assert losses[3] == pytest.approx(losses[1], abs=0.005)


def test_nothing_is_made_of_noise():
    points = np.random.default_rng(3).normal(size=(600, 8))
    labels, weights = np.repeat([1, 0], 300), np.ones(600)
    assert directions_that_differ(Coordinates.of(points), points, labels, weights) is None


def test_more_features_than_points_are_no_error():
    points = np.random.default_rng(4).normal(size=(60, 100))
    found = most_different_directions(points, np.repeat([1, 0], 30), np.ones(60))
    assert np.isfinite(found).all()
