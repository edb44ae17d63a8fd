"""White points where features are many against rows, and far beyond them."""

import numpy as np
import pytest

import divergences as dv
from divergences.estimators.whitening import Whitening, whiten_pair
from divergences.measures import as_samples

NONE = np.array([], dtype=np.intp)


def covariance_of_white(points):
    white = Whitening.of(points, np.arange(points.shape[1]), NONE)(points)
    return np.cov(white.T, bias=True)


def test_ten_points_for_each_feature_give_the_plain_covariance():
    points = np.random.default_rng(0).normal(size=(90, 9))
    np.testing.assert_allclose(covariance_of_white(points), np.eye(9), atol=1e-12)


def test_one_point_fewer_changes_little():
    """The share of the diagonal is 0.1/(89 + 0.1): nothing jumps."""
    points = np.random.default_rng(1).normal(size=(89, 9)) @ np.diag(np.arange(1.0, 10))
    excess = covariance_of_white(points) - np.eye(9)
    assert 1e-5 < np.abs(excess).max() < 0.02


def test_the_shrunk_covariance_is_the_one_that_is_stated():
    points = np.random.default_rng(2).normal(size=(20, 30))
    share = 28 / 48
    covariance = np.cov(points.T, bias=True)
    wanted = (1 - share) * covariance + share * np.diag(np.diag(covariance))
    factor = Whitening.of(points, np.arange(30), NONE).factor
    np.testing.assert_allclose(factor.T @ factor, wanted, atol=1e-12)


@pytest.mark.parametrize("d", [119, 200])
def test_the_value_depends_on_the_data_in_many_dimensions(d):
    """As many features as points less one make a simplex of all white points: one value for all.

    The value at P = Q has a standard error of 0.03 to 0.04: five of them are exceeded once in
    two million draws.
    """
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(60, d)), rng.normal(size=(60, d))
    same, far = (dv.js_divergence(x, y + shift, method="neighbors", rng=0) for shift in (0, 40))
    assert abs(same) < 0.2
    assert same.stderr > 0.01
    assert far > 0.68
    assert not any("Left out" in note for note in same.notes)


def test_the_last_column_counts_like_the_first():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(60, 200)), rng.normal(size=(60, 200))
    y[:, -1] += 40
    last = dv.js_divergence(x, y, method="neighbors", rng=0)
    first = dv.js_divergence(x[:, ::-1], y[:, ::-1], method="neighbors", rng=0)
    assert last == pytest.approx(first, abs=1e-9)


def test_units_do_not_matter_in_many_dimensions():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(20, 50)), rng.normal(0.3, 1, size=(20, 50))
    units = 10.0 ** rng.integers(-5, 6, 50)
    plain = whiten_pair(as_samples(x), as_samples(y))
    scaled = whiten_pair(as_samples(x * units), as_samples(y * units))
    np.testing.assert_allclose(plain.p.points, scaled.p.points, atol=1e-8)
