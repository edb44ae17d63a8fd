"""One sample as what a soft cut leaves of the other."""

import pickle

import numpy as np
import pytest
from scipy.optimize import check_grad

import divergences as dv
from divergences.estimators.critics import selection_candidate
from divergences.estimators.critics.critic_candidate import Training
from divergences.estimators.critics.selection_candidate import SelectionCandidate
from divergences.estimators.ratios.cross_fitting import TrainingPart


def reflected(n, d, rng):
    """Normal points, and others reflected into one half-space."""
    points = rng.normal(size=(2 * n, d))
    along = points[:n].sum(axis=1, keepdims=True)
    points[:n] *= np.where(along > 0, 1, -1)
    return points, np.repeat([1, 0], n)


def training(d=4, n=400, swapped=False):
    points, labels = reflected(n, d, np.random.default_rng(0))
    if swapped:
        labels = 1 - labels
    return Training.of(TrainingPart(points, labels, np.ones(2 * n), 0))


@pytest.mark.parametrize("swapped", [False, True])
def test_a_cut_is_found_whichever_sample_is_the_part(swapped):
    data = training(swapped=swapped)
    critic = SelectionCandidate().fit(data)
    assert critic.evaluate.sign == (-1.0 if swapped else 1.0)
    slopes = critic.evaluate.parameters[2:]
    cosine = slopes.sum() / np.linalg.norm(slopes) / np.sqrt(len(slopes))
    # The direction of a sharp cut is off by some d/n.
    assert cosine > 0.98
    inside = np.full((1, 4), 1.0)
    assert critic.evaluate(inside) * critic.evaluate.sign == pytest.approx(np.log(2), abs=0.15)
    assert critic.evaluate(-inside) * critic.evaluate.sign < -4
    again = pickle.loads(pickle.dumps(critic.evaluate))
    np.testing.assert_array_equal(again(data.points), critic.fitted)


def test_slope_of_the_loss():
    rng = np.random.default_rng(0)
    points, own, weights = rng.normal(size=(30, 3)), rng.integers(0, 2, 30), rng.uniform(1, 2, 30)
    for _ in range(3):
        at = rng.normal(size=5)
        off = check_grad(
            lambda z: selection_candidate._loss(z, points, own, weights)[0],
            lambda z: selection_candidate._loss(z, points, own, weights)[1],
            at,
        )
        assert off < 1e-4


def test_half_of_a_normal_law():
    # ln(4/3) 3/4; the smooth critics come to 0.18 or 0.20.
    truth = 0.75 * np.log(4 / 3)
    found = []
    for seed in range(4):
        points, _ = reflected(1000, 10, np.random.default_rng([seed, 3]))
        found.append(dv.js_divergence(points[:1000], points[1000:], rng=seed))
    errors = np.array([float(each) - truth for each in found])
    stderr = np.sqrt(np.mean([each.stderr**2 for each in found]))
    # Twice in 10,000 runs by chance, and a bias of half a standard error beside.
    assert abs(errors.mean()) < (3.7 / np.sqrt(len(found)) + 0.5) * stderr
