"""KernelDensity against scipy, scikit-learn, quadrature and a slow obvious twin."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import sklearn.neighbors
from scipy.sparse import csr_array
from scipy.stats import gaussian_kde, kstest, multivariate_t
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from divergences import work
from divergences.density import CovarianceFactor, KernelDensity
from divergences.density.kernel_sums import log_kernel_sums
from divergences.density.kernels import KERNELS

RNG = np.random.default_rng(11)
X = RNG.normal(size=(150, 2)) @ np.array([[1.0, 0.4], [0.0, 2.0]]) + [3, -1]
WEIGHTS = RNG.exponential(size=150)
AT = RNG.normal(size=(80, 2)) * 2 + [3, -1]
RULES = ["scott", "silverman", "likelihood", CovarianceFactor(0.4)]


class TestAgreement:
    @pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
    @pytest.mark.parametrize("rule", ["scott", "silverman", 0.3])
    def test_with_scipy(self, rule, weights):
        theirs = gaussian_kde(X.T, bw_method=rule, weights=weights).logpdf(AT.T)
        setting = CovarianceFactor(rule) if isinstance(rule, float) else rule
        ours = KernelDensity(bandwidth=setting).fit(X, sample_weight=weights).log_density(AT)
        np.testing.assert_allclose(ours, theirs, atol=1e-10, rtol=1e-10)

    @pytest.mark.parametrize("d", [1, 2, 5])
    @pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
    @pytest.mark.parametrize("kernel", KERNELS)
    def test_with_sklearn(self, kernel, weights, d):
        # Far from the support's edge: its own trees treat |z| = 1 within rounding either way.
        x, at = RNG.normal(size=(150, d)), RNG.normal(size=(60, d)) / 2
        theirs = sklearn.neighbors.KernelDensity(kernel=kernel, bandwidth=1.7)
        ours = KernelDensity(kernel=kernel, bandwidth=1.7).fit(x, sample_weight=weights)
        expected = theirs.fit(x, sample_weight=weights).score_samples(at)
        if kernel == "cosine" and d == 2:
            # scikit-learn 1.9's normalizer leaves out a boundary term where d is even, so that
            # its density integrates to (2/pi - 4/pi²)/(2/pi); ours is tested to have mass one.
            expected -= math.log(1 - 2 / math.pi)
            np.testing.assert_allclose(ours.score_samples(at), expected, atol=1e-10, rtol=1e-10)
            return
        np.testing.assert_allclose(ours.score_samples(at), expected, atol=1e-10, rtol=1e-10)
        assert ours.score(at) == pytest.approx(theirs.score(at), rel=1e-10)

    def test_matrix_and_axes_are_scalars_on_scaled_axes(self):
        scaled = KernelDensity(bandwidth=1.0).fit(X / [0.5, 2]).log_density(AT / [0.5, 2])
        axes = KernelDensity(bandwidth=[0.5, 2]).fit(X).log_density(AT)
        matrix = KernelDensity(bandwidth=np.diag([0.25, 4.0])).fit(X).log_density(AT)
        np.testing.assert_allclose(axes, scaled, rtol=1e-12)
        np.testing.assert_allclose(matrix, axes, rtol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
class TestEveryKernel:
    @pytest.mark.parametrize("d", [1, 2, 3])
    def test_integrates_to_one(self, kernel, d):
        # Importance sampling from a wide normal cloud; |error| < 5 standard errors, two-sided:
        # one false alarm in 1.7 million per test.
        x = np.random.default_rng(d).normal(size=(40, d))
        model = KernelDensity(kernel=kernel, bandwidth="scott").fit(x)
        rng = np.random.default_rng(100 + d)
        degrees = 3.0
        normal, mixing = rng.normal(size=(40_000, d)), rng.chisquare(degrees, 40_000) / degrees
        at = 1.5 * normal / np.sqrt(mixing)[:, None]
        proposal = multivariate_t(np.zeros(d), 2.25 * np.eye(d), degrees).logpdf(at)
        ratios = np.exp(model.log_density(at) - proposal)
        assert abs(ratios.mean() - 1) < 5 * ratios.std() / math.sqrt(len(ratios))
        assert ratios.std() / math.sqrt(len(ratios)) < 0.02

    def test_sampler_follows_the_density(self, kernel):
        # Kolmogorov-Smirnov at 1e-4 against the density's integral on a grid.
        x = np.random.default_rng(0).normal(size=(20, 1))
        model = KernelDensity(kernel=kernel, bandwidth=0.4)
        model.fit(x, sample_weight=np.arange(20))
        draws = model.sample(4000, rng=1)
        assert draws.shape == (4000, 1)
        grid = np.linspace(-12, 12, 48_001)
        density = np.exp(model.log_density((grid[1:] + grid[:-1]) / 2)) * (grid[1] - grid[0])
        cdf = np.concatenate([[0], np.cumsum(density)])
        assert cdf[-1] == pytest.approx(1, abs=1e-5)
        assert kstest(draws[:, 0], lambda at: np.interp(at, grid, cdf)).pvalue > 1e-4

    @pytest.mark.parametrize("weights", [None, WEIGHTS[:40]], ids=["equal", "weighted"])
    def test_leave_one_out_is_a_density_fitted_without_the_point(self, kernel, weights):
        x = X[:40]
        model = KernelDensity(kernel=kernel, bandwidth=[1.5, 2.5]).fit(x, sample_weight=weights)
        given = model.leave_one_out_log_density()
        for i in range(40):
            others = np.arange(40) != i
            rest = None if weights is None else weights[others]
            twin = KernelDensity(kernel=kernel, bandwidth=[1.5, 2.5])
            twin.fit(x[others], sample_weight=rest)
            expected = twin.log_density(x[[i]])[0]
            assert given[i] == pytest.approx(expected, abs=1e-11)

    @pytest.mark.parametrize("rule", RULES, ids=str)
    def test_affine_change_costs_the_log_jacobian(self, kernel, rule):
        turn = np.array([[1e3, 40.0], [0.02, -0.5]])
        jacobian = math.log(abs(np.linalg.det(turn)))
        here = KernelDensity(kernel=kernel, bandwidth=rule).fit(X)
        there = KernelDensity(kernel=kernel, bandwidth=rule).fit(X @ turn.T + 1e4)
        pairs = [
            (here.log_density(X), there.log_density(X @ turn.T + 1e4)),
            (here.leave_one_out_log_density(), there.leave_one_out_log_density()),
        ]
        # At the edge of a bounded kernel rounding decides; interior points tell the law.
        for first, second in pairs:
            clear = first > -20 if KERNELS[kernel].bounded else np.isfinite(first)
            assert clear.mean() > 0.5
            np.testing.assert_allclose(second[clear], first[clear] - jacobian, atol=1e-8)


def test_integer_weights_are_repeated_points():
    counts = np.arange(150) % 4
    weighted = KernelDensity(bandwidth=0.5).fit(X, sample_weight=counts).log_density(AT)
    repeated = KernelDensity(bandwidth=0.5).fit(np.repeat(X, counts, axis=0)).log_density(AT)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-12)


def test_far_points_underflow_only_where_the_kernel_ends():
    values = np.array([[0.0], [1.0], [2.0]])
    far = KernelDensity(bandwidth=1.0).fit(values).log_density([[1e6]])
    assert far[0] == pytest.approx(-0.5 * (1e6 - 2) ** 2 - math.log(3 * math.sqrt(2 * math.pi)))
    bounded = KernelDensity("epanechnikov", bandwidth=1.0).fit(values).log_density([[1e6], [0.0]])
    assert np.isneginf(bounded[0])
    assert math.isfinite(bounded[1])


def test_repeated_points_and_a_single_point_with_a_given_bandwidth():
    model = KernelDensity(bandwidth=2.0).fit(np.full((5, 2), 3.0))
    single = KernelDensity(bandwidth=2.0).fit([[3.0, 3.0]])
    np.testing.assert_allclose(model.log_density(AT), single.log_density(AT), rtol=1e-13)
    with pytest.raises(ValueError, match=r"^A leave-one-out density needs at least 2 points of p"):
        single.leave_one_out_log_density()


def test_tiles_change_nothing(monkeypatch):
    white, log_mass = X, np.log(WEIGHTS / WEIGHTS.sum())
    kernel = KERNELS["gaussian"]
    whole = log_kernel_sums(white, white, log_mass, kernel, leave_out_self=True)
    monkeypatch.setattr(work, "TILE_BYTES", 8 * 150 * 3 * 7)
    one = log_kernel_sums(white, white, log_mass, kernel, leave_out_self=True)
    two = log_kernel_sums(
        white, white, log_mass, kernel, leave_out_self=True, run=work.Run.create(0, 2)
    )
    np.testing.assert_allclose(one, whole, rtol=1e-13)
    np.testing.assert_array_equal(two, one)


class TestScikitLearn:
    def test_grid_search_in_a_pipeline(self):
        pipeline = make_pipeline(StandardScaler(), KernelDensity())
        grid = {"kerneldensity__bandwidth": [0.01, 0.4, 5.0, "scott"]}
        search = GridSearchCV(pipeline, grid, cv=4).fit(X)
        assert search.best_params_["kerneldensity__bandwidth"] in (0.4, "scott")

    def test_clone_repr_and_pickle(self):
        model = KernelDensity("epanechnikov", bandwidth=np.eye(2))
        copy = clone(model)
        np.testing.assert_array_equal(copy.get_params()["bandwidth"], np.eye(2))
        fitted = model.fit(X)
        again = pickle.loads(pickle.dumps(fitted))
        np.testing.assert_array_equal(again.log_density(AT), fitted.log_density(AT))
        assert repr(KernelDensity("linear")) == "KernelDensity(kernel='linear')"

    def test_fit_on_a_frame_then_refuse_other_columns(self):
        frame = pd.DataFrame(X, columns=["a", "b"])
        model = KernelDensity().fit(frame)
        assert model.feature_names_in_.tolist() == ["a", "b"]
        with pytest.raises(ValueError, match=r"fitted on, 'a', 'b', not 'b', 'a'\.$"):
            model.log_density(frame[["b", "a"]])

    @parametrize_with_checks(
        [KernelDensity(bandwidth=1.0)],
        expected_failed_checks=lambda _: {
            "check_fit1d": "one dimension means one feature here",
            "check_dtype_object": "object columns are refused",
            "check_complex_data": "refused by a TypeError",
            "check_estimators_empty_data_messages": "refused in our own words",
        },
    )
    def test_common_checks(self, estimator, check):
        check(estimator)


@pytest.mark.parametrize(
    ("arguments", "data", "weights", "message"),
    [
        ({"kernel": "box"}, X, None, r"^kernel must be one of 'gaussian', .* not 'box'\.$"),
        ({}, np.column_stack([X, X[:, 0]]), None, r"but column 2 is a multiple of column 0 plus"),
        ({}, np.full((9, 1), 2.0), None, r"^A bandwidth from the covariance needs features that"),
        ({}, X * np.nan, None, r"^X must be finite, but it has NaN"),
        ({}, X, [1, 2], r"^sample_weight must have shape \(150,\), one weight for each point of"),
        ({}, X, -WEIGHTS, r"0 values that are not finite, 150 below zero, and the sum -"),
        ({}, X, WEIGHTS * 0, r"finite and nonnegative with a positive sum"),
    ],
)
def test_bad_input_is_refused_in_words(arguments, data, weights, message):
    with pytest.raises(ValueError, match=message):
        KernelDensity(**arguments).fit(data, sample_weight=weights)


def test_names_of_collinear_columns_are_told():
    frame = pd.DataFrame({"age": X[:, 0], "months": 12 * X[:, 0], "one": 1.0})
    message = r"column 'months' is a multiple of column 'age' plus a constant; column 'one' is con"
    with pytest.raises(ValueError, match=message):
        KernelDensity().fit(frame)


def test_other_errors_name_what_is_wrong():
    model = KernelDensity().fit(X)
    with pytest.raises(ValueError, match=r"^X has 1 features, but KernelDensity is expecting 2 f"):
        model.log_density([[1.0]])
    with pytest.raises(
        TypeError, match=r"^X must be dense, but it is sparse \(csr_array\)\. Use X"
    ):
        model.log_density(csr_array(X))
    with pytest.raises(ValueError, match=r"^n must be a whole number of at least 1, not 0\.$"):
        model.sample(0)


def test_the_package_does_not_import_sklearn():
    code = (
        "import sys, divergences.density; print('sklearn' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
