"""Products of four features."""

import numpy as np

import divergences as dv
from divergences.estimators.critics.chosen_fourfolds import fourfolds_that_differ
from divergences.estimators.critics.coordinates import Coordinates


def signed(share, n, rng, d=8):
    """Normal points, of which four have a positive product in that share of rows."""
    points = rng.normal(size=(n, d))
    positive = np.where(rng.random(n) < share, 1, -1)
    points[:, 0] = np.abs(points[:, 0]) * positive * np.sign(points[:, [2, 5, 7]].prod(axis=1))
    return points


def chosen(points, labels):
    return fourfolds_that_differ(Coordinates.of(points), points, labels, np.ones(len(points)))


def test_the_four_are_found():
    rng = np.random.default_rng(0)
    points = np.vstack([signed(0.8, 500, rng), signed(0.5, 500, rng)])
    factors = chosen(points, np.repeat([1, 0], 500)).raw.second.factors
    assert factors.tolist() == [[0, 2, 5, 7]]


def test_noise_has_none():
    rng = np.random.default_rng(1)
    labels = np.repeat([1, 0], 200)
    found = [chosen(rng.normal(size=(400, 6)), labels) for _ in range(40)]
    # One in a thousand is let pass: two or more are met once in 1,300 runs.
    assert sum(each is not None for each in found) <= 1


def test_a_product_of_four_is_seen():
    # Other critics see nothing: 0.000.
    p, q = np.array([0.8, 0.2]), np.array([0.5, 0.5])
    truth = (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))).sum() / 2
    found = []
    for seed in range(3):
        rng = np.random.default_rng([seed, 4])
        found.append(dv.js_divergence(signed(0.8, 1000, rng), signed(0.5, 1000, rng), rng=seed))
    errors = np.array([float(each) - truth for each in found])
    stderr = np.sqrt(np.mean([each.stderr**2 for each in found]))
    # Twice in 10,000 runs by chance, and a bias of one standard error beside.
    assert abs(errors.mean()) < (3.7 / np.sqrt(len(found)) + 1) * stderr
