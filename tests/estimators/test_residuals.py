"""What each feature leaves when the others have said what it should be."""

import pickle

import numpy as np
import pytest

import divergences as dv
from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.critic_candidate import Training
from divergences.estimators.critics.residual_candidates import ResidualPairsCandidate
from divergences.estimators.critics.residuals import Regressors
from divergences.estimators.ratios.cross_fitting import TrainingPart


def training(points, labels=None):
    labels = np.arange(len(points)) % 2 if labels is None else labels
    return Training.of(TrainingPart(points, labels, np.ones(len(points)), 0))


def products(n, rng, noise=0.05):
    """Three features, and the product of the first two with a little noise."""
    points = rng.normal(size=(n, 4))
    points[:, 3] = points[:, 0] * points[:, 1] + noise * points[:, 3]
    return points


@pytest.mark.parametrize(("frequencies", "in_pairs"), [(5, 0), (4, 2)])
def test_each_regressor_knows_its_features(frequencies, in_pairs):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(50, 3))
    raw = Regressors(Coordinates.of(points), frequencies, in_pairs)
    takes_part, before = raw.takes_part(), raw(points)
    assert before.shape == (50, len(takes_part))
    for j in range(3):
        moved = points.copy()
        moved[:, j] = rng.permutation(points[:, j])
        changed = ~np.isclose(raw(moved), before).all(axis=0)
        np.testing.assert_array_equal(changed, takes_part[:, j])


def test_residuals_are_the_noise():
    rng = np.random.default_rng(0)
    points = products(2000, rng)
    residuals = training(points).residuals
    fresh = products(500, rng)
    last = int(np.flatnonzero(residuals.targets == 3)[0])
    scale = residuals.coordinates.scale[3]
    noise = fresh[:, 3] - fresh[:, 0] * fresh[:, 1]
    # Some ten terms of noise among 2,000 points: a few per cent of the noise.
    assert np.std(residuals(fresh)[:, last] * scale - noise) < 0.2 * 0.05
    again = pickle.loads(pickle.dumps(residuals))
    np.testing.assert_array_equal(again(fresh), residuals(fresh))


def test_a_feature_has_no_say_in_what_it_should_be():
    points = products(1000, np.random.default_rng(1))
    residuals = training(points).residuals
    moved = points.copy()
    moved[:, 3] += 5.0
    last = int(np.flatnonzero(residuals.targets == 3)[0])
    shift = residuals(moved)[:, last] - residuals(points)[:, last]
    np.testing.assert_allclose(shift, 5.0 / residuals.coordinates.scale[3])


@pytest.mark.parametrize("kind", ["independent", "straight", "few"])
def test_none_where_straight_lines_say_as_much(kind):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(10 if kind == "few" else 600, 5))
    if kind == "straight":
        points = points.cumsum(axis=1)
    data = training(points)
    assert data.residuals is None
    assert ResidualPairsCandidate().fit(data) is None


def test_odd_columns_are_finite():
    rng = np.random.default_rng(0)
    points = np.column_stack(
        [rng.standard_cauchy(400), np.ones(400), rng.integers(0, 2, 400), rng.normal(size=400)]
    )
    points = np.column_stack([points, points[:, 3], points[:, 3] ** 2])
    residuals = training(points).residuals
    assert np.isfinite(residuals(points)).all()


def mean_error(draw, seeds=3):
    """Mean of the differences from one who knows p/q on the same points, and a standard error."""
    differences, stderrs = [], []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, 21])
        (p, at_p), (q, at_q) = draw(True, rng), draw(False, rng)
        estimate = dv.js_divergence(p, q, rng=seed)
        oracle = np.log(2) - (np.logaddexp(0, -at_p).mean() + np.logaddexp(0, at_q).mean()) / 2
        differences.append(float(estimate) - oracle)
        stderrs.append(estimate.stderr)
    return np.mean(differences), np.mean(stderrs)


def test_another_noise_about_a_curve_is_seen():
    # Other critics see nothing of it: 0.000 for 0.19.
    def draw(of_p, rng):
        points = rng.normal(size=(1000, 4))
        noise = rng.normal(size=1000) * (0.02 if of_p else 0.06)
        points[:, 3] = points[:, 0] * points[:, 1] + noise
        ratio = (noise / 0.06) ** 2 / 2 - (noise / 0.02) ** 2 / 2 + np.log(3)
        return points, ratio

    error, stderr = mean_error(draw)
    assert abs(error) < stderr


def test_another_curve_of_little_noise_is_seen():
    # Other critics see nothing of it: 0.000 for 0.24.
    def draw(of_p, rng):
        points = rng.normal(size=(1000, 4))
        noise = 0.01 * rng.normal(size=1000)
        drift = 0.02 * points[:, 0]
        points[:, 3] = points[:, 0] ** 2 + noise + (0.0 if of_p else 1.0) * drift
        of_p_noise = points[:, 3] - points[:, 0] ** 2
        ratio = ((of_p_noise - drift) ** 2 - of_p_noise**2) / (2 * 0.01**2)
        return points, ratio

    error, stderr = mean_error(draw)
    assert abs(error) < stderr


@pytest.mark.parametrize("far", [1e150, 1e300, 1e-300])
def test_a_point_far_out_is_taken_as_far_as_numbers_go(far):
    rng = np.random.default_rng(0)
    points = products(400, rng)
    points[0, 0] = far
    residuals = training(points).residuals
    assert np.isfinite(residuals(points)).all()
    assert np.isfinite(residuals(far * points[1:])).all()
