"""Bandwidths: rules against scipy and slow twins, resolution of every kind of setting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermeval
from scipy.optimize import brentq
from scipy.stats import gaussian_kde, norm

from divergences.density import (
    CovarianceFactor,
    Scott,
    as_kernel,
    improved_sheather_jones,
    resolve_bandwidth,
)
from divergences.density.bandwidths import as_bandwidth_setting

RNG = np.random.default_rng(5)
X = RNG.normal(size=(120, 3)) @ RNG.normal(size=(3, 3)) + 4
MASS = RNG.exponential(size=120)
MASS /= MASS.sum()
EQUAL = np.full(120, 1 / 120)
GAUSSIAN = as_kernel("gaussian")


@pytest.mark.parametrize("rule", ["scott", "silverman", 0.37])
@pytest.mark.parametrize("mass", [EQUAL, MASS], ids=["equal", "weighted"])
def test_covariance_rules_are_those_of_scipy(rule, mass):
    setting = CovarianceFactor(rule) if isinstance(rule, float) else rule
    theirs = gaussian_kde(X.T, bw_method=rule, weights=mass).covariance
    np.testing.assert_allclose(resolve_bandwidth(setting, X, mass).matrix, theirs, rtol=1e-11)


@pytest.mark.parametrize("kernel", ["epanechnikov", "tophat", "exponential", "linear", "cosine"])
def test_rules_for_other_kernels_scale_by_the_canonical_factor(kernel):
    kernel = as_kernel(kernel)
    ours = resolve_bandwidth("silverman", X, EQUAL, kernel).factor
    gaussian = resolve_bandwidth("silverman", X, EQUAL, GAUSSIAN).factor
    np.testing.assert_allclose(ours, kernel.canonical_factor(3) * gaussian, rtol=1e-13)


class TestNumbers:
    def test_scalar(self):
        np.testing.assert_array_equal(resolve_bandwidth(0.5, X, EQUAL).matrix, 0.25 * np.eye(3))

    def test_per_axis(self):
        bandwidth = resolve_bandwidth([1, 2, 3], X, EQUAL)
        np.testing.assert_array_equal(bandwidth.matrix, np.diag([1.0, 4.0, 9.0]))
        assert bandwidth.log_determinant == pytest.approx(math.log(6))

    def test_matrix(self):
        matrix = np.cov(X.T)
        bandwidth = resolve_bandwidth(matrix, X, EQUAL)
        np.testing.assert_allclose(bandwidth.matrix, matrix, rtol=1e-12)
        white = bandwidth.whiten(X)
        np.testing.assert_allclose(
            (white**2).sum(axis=1), np.einsum("ij,jk,ik->i", X, np.linalg.inv(matrix), X), rtol=1e-9
        )

    def test_settings_hash_and_compare(self):
        assert as_bandwidth_setting(np.eye(2)) == ((1.0, 0.0), (0.0, 1.0))
        assert hash(as_bandwidth_setting([1, 2])) == hash(as_bandwidth_setting(np.array([1.0, 2])))
        assert as_bandwidth_setting("scott") == Scott()
        assert as_bandwidth_setting(as_bandwidth_setting(np.eye(2))) == ((1.0, 0.0), (0.0, 1.0))


WANTED = (
    r"bandwidth must be one of 'scott', 'silverman', 'improved_sheather_jones', 'likelihood', "
    r"a number above 0, one number for each feature, or a covariance matrix, not "
)
LINE = np.column_stack([X[:, 0], 2 * X[:, 0]])


@pytest.mark.parametrize(
    ("setting", "points", "error", "message"),
    [
        ("scot", X, ValueError, WANTED + r"'scot'\."),
        (None, X, TypeError, WANTED + r"None\."),
        (np.ones((2, 2, 2)), X, TypeError, WANTED),
        ([[1, 2], [3]], X, TypeError, WANTED),
        (0, X, ValueError, r"bandwidth must be a number above 0, not 0\."),
        (True, X, TypeError, r"bandwidth must be a number above 0, not True\."),
        (math.nan, X, ValueError, r"bandwidth must be a number above 0, not nan\."),
        ([1, -2, 3], X, ValueError, r"bandwidth must be above 0 on each axis, not \[1.0, -2.0"),
        ([1, 2], X, ValueError, r"one number for each of the 3 features, but it has 2\."),
        (np.eye(2), X, ValueError, r"one row and column for each of the 3 features, but it has 2"),
        (np.ones((2, 3)), X, ValueError, r"\(n_features, n_features\), not an array of shape \(2"),
        ([[1, 2], [0, 1]], X, ValueError, r"bandwidth must be a finite and symmetric matrix\."),
        (np.ones((2, 2)), X, ValueError, r"positive definite matrix, but its least eigenvalue is"),
        (
            "improved_sheather_jones",
            X,
            ValueError,
            r"is for one feature, but the data have 3\. Use \"scott\", \"silverman\" or \"likeli",
        ),
        (
            "improved_sheather_jones",
            np.ones((9, 1)),
            ValueError,
            r"does not exist for these 9 values \(1 distinct\): too few, or too often repeated\.",
        ),
        (
            "scott",
            LINE,
            ValueError,
            r"features that vary independently, but column 1 is a multiple of column 0 plus a "
            r"constant\. Drop them, or give bandwidth= a number\.",
        ),
        ("silverman", np.ones((9, 1)), ValueError, r"but column 0 is constant\. Drop them"),
        (
            "scott",
            X[:3],
            ValueError,
            r"covariance of 3 features needs at least 4 points, but there are 3\. Collect more, "
            r"use fewer features, or give bandwidth= a number\.",
        ),
        ("scott", X[:1, :1], ValueError, r"of 1 feature needs at least 2 points, but there is 1"),
        (
            "likelihood",
            np.repeat(X, 3, axis=0),
            ValueError,
            r"leave-one-out likelihood of these 360 points \(120 distinct\) has no maximum at any "
            r"bandwidth\. Use \"scott\", \"silverman\" or a number\.",
        ),
    ],
)
def test_bad_input_is_refused_in_words(setting, points, error, message):
    mass = np.full(len(points), 1 / len(points))
    with pytest.raises(error, match=message):
        resolve_bandwidth(setting, points, mass, GAUSSIAN)


def test_a_factor_must_be_positive():
    with pytest.raises(ValueError, match=r"^factor must be a number above 0, not -1\.$"):
        CovarianceFactor(-1)


class TestImprovedSheatherJones:
    def test_agrees_with_the_fixed_point_computed_from_all_pairs(self):
        # The same chain with |f^(s)|² as a double sum of Gaussian derivatives, no grid at all.
        two_modes = np.concatenate([RNG.normal(-4, 1, 80), RNG.normal(4, 0.5, 80)])
        for values in (RNG.normal(size=150), two_modes):
            n = len(values)
            differences = np.subtract.outer(values, values)

            def curvature(s, time, n=n, differences=differences):
                z = differences / math.sqrt(2 * time)
                derivative = hermeval(z, [0] * (2 * s) + [1]) * norm.pdf(z)
                return (-1) ** s * derivative.sum() / n**2 / (2 * time) ** (s + 0.5)

            def excess(log_time, n=n, curvature=curvature):
                roughness = curvature(7, math.exp(log_time))
                for s in range(6, 1, -1):
                    odd = math.prod(range(1, 2 * s, 2)) / math.sqrt(2 * math.pi)
                    constant = (1 + 0.5 ** (s + 0.5)) / 3
                    pilot = (2 * constant * odd / (n * roughness)) ** (2 / (3 + 2 * s))
                    roughness = curvature(s, pilot)
                return log_time + 0.4 * math.log(2 * n * math.sqrt(math.pi) * roughness)

            near = 2 * math.log(improved_sheather_jones(values))
            slow = math.exp(brentq(excess, near - 0.3, near + 0.3) / 2)
            assert improved_sheather_jones(values) == pytest.approx(slow, rel=2e-3)

    def test_follows_affine_maps(self):
        values = RNG.gamma(2, size=400)
        there = improved_sheather_jones(-1e-6 * values + 3)
        assert there == pytest.approx(1e-6 * improved_sheather_jones(values), rel=1e-6)

    def test_integer_weights_need_not_repeat_but_equal_weights_change_nothing(self):
        values = RNG.normal(size=300)
        equal = improved_sheather_jones(values, np.full(300, 1 / 300))
        assert equal == pytest.approx(improved_sheather_jones(values), rel=1e-12)

    def test_zero_weight_points_do_not_count(self):
        values = RNG.normal(size=300)
        extended, mass = np.append(values, 1e6), np.append(np.full(300, 1 / 300), 0.0)
        expected = improved_sheather_jones(values)
        assert improved_sheather_jones(extended, mass) == pytest.approx(expected, rel=1e-12)

    def test_heavy_tails_refine_the_grid(self):
        # Cauchy: the range is a thousand times the spread. The asymptotically best bandwidth
        # for n = 2000 is 0.30 scale units (|f''|² = 3/(4 pi)).
        values = np.random.default_rng(3).standard_cauchy(2000)
        best = (2000 * 2 * math.sqrt(math.pi) * 3 / (4 * math.pi)) ** -0.2
        assert 0.7 * best < improved_sheather_jones(values) < 1.4 * best

    def test_is_nearer_the_best_bandwidth_than_silverman_on_two_modes(self):
        def density(x):
            return (norm.pdf(x, -4, 0.5) + norm.pdf(x, 4, 0.5)) / 2

        grid = np.linspace(-10, 10, 2001)
        rng = np.random.default_rng(8)
        for _ in range(5):
            values = rng.normal(0, 0.5, 500) + rng.choice([-4, 4], 500)

            def error(width, values=values):
                estimate = norm.pdf(grid[:, None], values, width).mean(axis=1)
                return ((estimate - density(grid)) ** 2).sum() * (grid[1] - grid[0])

            mass, points = np.full(500, 1 / 500), values[:, None]
            silverman = resolve_bandwidth("silverman", points, mass, GAUSSIAN).factor[0, 0]
            ours = resolve_bandwidth("improved_sheather_jones", points, mass).factor[0, 0]
            best = min(error(width) for width in np.geomspace(0.03, 1, 40))
            assert error(ours) < 2 * best
            assert error(silverman) > 10 * error(ours)


class TestLikelihood:
    @pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov", "exponential"])
    @pytest.mark.parametrize("mass", [EQUAL, MASS], ids=["equal", "weighted"])
    def test_no_scale_has_a_better_likelihood_by_the_slow_twin(self, kernel, mass):
        kernel, points, mass = as_kernel(kernel), X[:60, :2], mass[:60] / mass[:60].sum()
        chosen = resolve_bandwidth("likelihood", points, mass, kernel)

        def likelihood(factor):
            total = 0.0
            for i in range(60):
                white = np.linalg.solve(factor, (points[i] - points).T).T
                profile = np.exp(kernel.log_profile((white**2).sum(axis=1)))
                others = np.arange(60) != i
                with np.errstate(divide="ignore"):
                    total += mass[i] * np.log(mass[others] @ profile[others] / (1 - mass[i]))
            return total - np.log(np.linalg.det(factor))

        best = likelihood(chosen.factor)
        assert math.isfinite(best)
        for scale in np.exp(np.linspace(-1.5, 1.5, 31)):
            assert likelihood(scale * chosen.factor) < best + 2e-3

    def test_follows_affine_maps(self):
        turn = np.array([[3.0, 1.0, 0.0], [0.0, 2e3, 5.0], [0.1, 0.0, 1.0]])
        here = resolve_bandwidth("likelihood", X, EQUAL, GAUSSIAN).matrix
        there = resolve_bandwidth("likelihood", X @ turn.T + 9, EQUAL, GAUSSIAN).matrix
        np.testing.assert_allclose(there, turn @ here @ turn.T, rtol=1e-5)

    def test_finds_small_bandwidths_where_the_data_are_clustered(self):
        values = np.concatenate([RNG.normal(c, 1e-3, 100) for c in (-1.0, 0.0, 5.0)])[:, None]
        width = resolve_bandwidth("likelihood", values, np.full(300, 1 / 300)).factor[0, 0]
        assert 1e-4 < width < 1e-3
