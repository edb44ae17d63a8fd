"""Critics of a few numbers that are made of many features."""

import numpy as np
import pytest

from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.critic_candidate import Training
from divergences.estimators.critics.critic_library import library
from divergences.estimators.critics.projections import (
    Direction,
    along_leading_components,
)
from divergences.estimators.critics.ridge_candidates import waves
from divergences.estimators.ratios.cross_fitting import TrainingPart
from divergences.estimators.ratios.labels import log_loss

NAME = "pairs of waves along leading components"


def noisy_circles(units=1.0):
    """A circle against a normal law of the same covariance, both turned in a space of noise."""
    n, d = 500, 10
    rng = np.random.default_rng(0)
    angles = rng.uniform(0, 2 * np.pi, n)
    circle = np.sqrt(2) * np.column_stack([np.cos(angles), np.sin(angles)])
    plane = np.vstack([circle, rng.normal(size=(n, 2))])
    points = np.hstack([plane, np.zeros((2 * n, d - 2))]) + 0.25 * rng.normal(size=(2 * n, d))
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    labels = np.repeat([1, 0], n)
    return Training.of(TrainingPart(points @ turn * units, labels, np.ones(2 * n), 0)), turn


def test_directions_are_those_of_the_plane():
    data, turn = noisy_circles()
    raw = along_leading_components(data, features=lambda t: waves(t, frequencies=2, pairs=1)).raw
    assert raw.view.directions.shape == (10, 2)
    # The features' units are divided out of the points, so they are not of the directions.
    directions = raw.view.directions / data.coordinates.scale[:, np.newaxis]
    beyond = turn[2:] @ directions
    assert np.linalg.norm(beyond) < 0.1 * np.linalg.norm(directions)


def test_a_circle_in_a_space_of_noise_is_found():
    data, _ = noisy_circles()
    losses = {}
    for name in ("quadratic", NAME):
        candidate = next(each for each in library(10) if each.name == name)
        losses[name] = log_loss(candidate.fit(data).held_out, data.labels).mean()
    assert losses["quadratic"] > np.log(2) - 0.005
    assert losses[NAME] < np.log(2) - 0.15


@pytest.mark.parametrize("units", [1e-6, 1e6])
def test_units_that_all_features_share_do_not_matter(units):
    one, _ = noisy_circles()
    other, _ = noisy_circles(units=units)
    candidate = next(each for each in library(10) if each.name == NAME)
    np.testing.assert_allclose(
        candidate.fit(one).held_out, candidate.fit(other).held_out, atol=1e-3
    )


def test_features_in_units_of_their_own_count_alike():
    units = 10.0 ** np.arange(10)
    data, _ = noisy_circles(units=units)
    raw = along_leading_components(data, features=lambda t: waves(t, frequencies=2, pairs=1)).raw
    assert np.linalg.norm(raw.view.directions, axis=0) == pytest.approx(1.0)


def test_waves_of_the_radius_tell_tails_in_many_features():
    rng = np.random.default_rng(4)
    n, d, freedom = 400, 20, 5
    heavy = rng.normal(size=(n, d)) * np.sqrt((freedom - 2) / rng.chisquare(freedom, (n, 1)))
    points = np.vstack([rng.normal(size=(n, d)), heavy])
    data = Training.of(TrainingPart(points, np.repeat([1, 0], n), np.ones(2 * n), 0))
    named = {candidate.name: candidate for candidate in library(d)}
    losses = {
        name: log_loss(named[name].fit(data).held_out, data.labels).mean()
        for name in ("waves", "waves of the radius")
    }
    assert losses["waves of the radius"] < losses["waves"] - 0.01


def test_directions_leave_out_the_radius():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(50, 3))
    coordinates = Coordinates.of(points)
    view = Direction(coordinates)(points)
    white = coordinates.white(points)
    radii = np.linalg.norm(white, axis=1, keepdims=True)
    np.testing.assert_allclose(view * radii, white)


def test_axes_of_points_with_a_heavy_radius_are_found():
    rng = np.random.default_rng(2)
    n, d = 600, 6
    points = rng.normal(size=(2 * n, d))
    points[:n, :2] *= 2
    points[n:, 2:4] *= 2
    points /= np.linalg.norm(points, axis=1, keepdims=True) * rng.uniform(size=(2 * n, 1))
    labels = np.repeat([1, 0], n)
    data = Training.of(TrainingPart(points, labels, np.ones(2 * n), 0))
    losses = {}
    for name in ("quadratic", "directions"):
        candidate = next(each for each in library(d) if each.name == name)
        losses[name] = log_loss(candidate.fit(data).held_out, labels).mean()
    # The exact ratio gains 0.259 nats, by a million draws; of the radius there is nothing to learn.
    assert losses["directions"] < np.log(2) - 0.8 * 0.259
    assert losses["directions"] < losses["quadratic"] - 0.02


def test_waves_of_whitened_features_tell_jumps_from_diffusion():
    # Sums of 20 steps, of which one in ten is four times as large, against normal ones of the same
    # variance: what differs is the law of each step, which whitening brings back.
    rng = np.random.default_rng(0)
    sizes = np.where(rng.random((1000, 20)) < 0.1, 4.0, 1.0)
    jumps = sizes * rng.normal(size=(1000, 20))
    diffusion = np.sqrt(0.9 + 0.1 * 16) * rng.normal(size=(1000, 20))
    paths = np.cumsum(np.vstack([jumps, diffusion]), axis=1)
    data = Training.of(TrainingPart(paths, np.repeat([1, 0], 1000), np.ones(2000), 0))

    def loss(name):
        critic = next(one for one in library(20) if one.name == name).fit(data)
        return log_loss(critic.held_out, data.labels).mean()

    steps = np.vstack([jumps, diffusion])
    normal = -(steps**2) / (2 * 2.5) - np.log(2.5) / 2
    narrow, wide = np.log(0.9) - steps**2 / 2, np.log(0.1) - steps**2 / 32 - np.log(4)
    best = log_loss((np.logaddexp(narrow, wide) - normal).sum(axis=1), data.labels).mean()
    gain = (np.log(2) - loss("waves of whitened features")) / (np.log(2) - best)
    assert gain > 0.8
    assert loss("waves of whitened features") < loss("waves") - 0.1
