"""Plane waves of any direction and length."""

import numpy as np
import pytest
from scipy.optimize import check_grad

import divergences as dv
from divergences.estimators.critics import chosen_plane_waves
from divergences.estimators.critics.chosen_plane_waves import plane_waves_that_differ
from divergences.estimators.critics.coordinates import Coordinates


def fringes(n, d, rng, number=5.0):
    """Normal points whose density is times 1 + 0.9 cos(w'x), |w| the wave number."""
    vector = np.random.default_rng(d).normal(size=d)
    vector *= number / np.linalg.norm(vector)
    points = rng.normal(size=(4 * n, d))
    kept = rng.random(4 * n) < (1 + 0.9 * np.cos(points @ vector)) / 1.9
    return points[kept][:n], vector


@pytest.mark.parametrize("d", [2, 5])
def test_the_wave_is_found(d):
    rng = np.random.default_rng(0)
    p, vector = fringes(1000, d, rng)
    points = np.vstack([p, rng.normal(size=(1000, d))])
    coordinates = Coordinates.of(points)
    features = plane_waves_that_differ(
        coordinates, points, np.repeat([1, 0], 1000), np.ones(len(points))
    )
    # From whitened points to the points; the peak is about one unit wide, and found to a tenth.
    found = features.raw.second.vectors[0] @ np.linalg.inv(coordinates.whitener) / coordinates.scale
    assert min(np.linalg.norm(found - vector), np.linalg.norm(found + vector)) < 0.4


def test_noise_has_no_waves():
    rng = np.random.default_rng(1)
    labels, weights = np.repeat([1, 0], 200), np.ones(400)
    samples = [rng.standard_t(3, size=(400, 3)) for _ in range(40)]
    found = [plane_waves_that_differ(Coordinates.of(z), z, labels, weights) for z in samples]
    # One in a thousand is let pass: two or more are met once in 1,300 runs.
    assert sum(each is not None for each in found) <= 1


def test_slope_of_the_difference():
    rng = np.random.default_rng(0)
    parts = [
        (rng.normal(size=(50, 3)), np.full(50, 0.02)),
        (rng.normal(size=(40, 3)), np.full(40, 0.025)),
    ]
    for _ in range(3):
        off = check_grad(
            lambda w: chosen_plane_waves._excess(parts, w[np.newaxis])[0][0],
            lambda w: chosen_plane_waves._excess(parts, w[np.newaxis])[1][0],
            rng.normal(size=3),
        )
        assert off < 1e-3


def test_oblique_fringes_are_seen():
    # Other critics see nothing: 0.000.
    line = np.random.default_rng(1).normal(size=400_000)
    ratio = 1 + 0.9 * np.cos(5 * line)
    p_terms, q_terms = ratio * np.log(2 * ratio / (1 + ratio)), np.log(2 / (1 + ratio))
    truth = float(np.mean(p_terms + q_terms)) / 2
    found = []
    for seed in range(3):
        rng = np.random.default_rng([seed, 9])
        p, _ = fringes(1000, 5, rng)
        found.append(dv.js_divergence(p, rng.normal(size=(1000, 5)), rng=seed))
    errors = np.array([float(each) - truth for each in found])
    stderr = np.sqrt(np.mean([each.stderr**2 for each in found]))
    # Twice in 10,000 runs by chance, and a bias of one standard error beside.
    assert abs(errors.mean()) < (3.7 / np.sqrt(len(found)) + 1) * stderr
