"""KDE: the acceptance cases, affine laws, honest error bars."""

from __future__ import annotations

import math
import pickle
import re

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from divergences.definitions import (
    ChiSquared,
    JensenShannon,
    KullbackLeibler,
    Renyi,
    ReverseKL,
    SquaredHellinger,
    TotalVariation,
)
from divergences.density import KernelDensity
from divergences.estimators.estimator import estimate_samples
from divergences.estimators.kde import KDE
from divergences.measures.samples import as_samples
from divergences.work import Run
from tests.draws import line, plane

ALL = [
    JensenShannon(),
    KullbackLeibler(),
    ReverseKL(),
    TotalVariation(),
    SquaredHellinger(),
    ChiSquared(),
    Renyi(0.5),
    Renyi(2.0),
]


def _estimate(definitions, x, y, method, weights=(None, None), rng=0, workers=1):
    p, q = as_samples(x, weights=weights[0]), as_samples(y, name="q", weights=weights[1])
    single = not isinstance(definitions, list)
    results = estimate_samples(
        [definitions] if single else definitions, p, q, method, Run.create(rng, workers)
    )
    return results[0] if single else results


# Jensen-Shannon divergences by quadrature to 1e-6: see test_truths_are_right.
CASES = {"line": (line, 0.111421), "plane": (plane, 0.191702)}


def _is_within(estimate, truth):
    return abs(estimate - truth) <= 3 * estimate.stderr + abs(estimate.bias)


def test_truths_are_right():
    grid = np.linspace(-10, 11, 2101)
    p, q = norm.pdf(grid), norm.pdf(grid, 1, 1)
    density = (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))) / 2
    assert density.sum() * (grid[1] - grid[0]) == pytest.approx(CASES["line"][1], abs=1e-6)
    grid = np.linspace(-9, 10, 381)
    mesh = np.stack(np.meshgrid(grid, grid), axis=-1)
    p = multivariate_normal([0, 0]).pdf(mesh)
    q = multivariate_normal([1, 1], [[1, 0.5], [0.5, 1]]).pdf(mesh)
    density = (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))) / 2
    assert density.sum() * (grid[1] - grid[0]) ** 2 == pytest.approx(CASES["plane"][1], abs=1e-6)


class TestTheAcceptanceCases:
    # A seed fails with chance 0.003 where the error is normal and the bias as stated: more than
    # 2 failures of 20 in one run of 100,000.
    @pytest.mark.parametrize("case", CASES)
    def test_a_few_seeds(self, case):
        sampler, truth = CASES[case]
        hits = [
            _is_within(_estimate(JensenShannon(), *sampler(2000, seed), KDE()), truth)
            for seed in range(2)
        ]
        assert all(hits)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "method", [KDE(), KDE(bandwidth="scott"), KDE(kernel="epanechnikov"), KDE(integrate=True)],
        ids=["default", "scott", "epanechnikov", "integrate"],
    )  # fmt: skip
    @pytest.mark.parametrize("case", CASES)
    def test_twenty_seeds(self, case, method):
        sampler, truth = CASES[case]
        hits = [
            _is_within(_estimate(JensenShannon(), *sampler(2000, seed), method), truth)
            for seed in range(20)
        ]
        assert sum(hits) >= 18

    @pytest.mark.slow
    def test_intervals_cover(self):
        # 60 seeds: at 95 % coverage fewer than 51 hits come once in 500 runs per divergence.
        truths = [0.111421, 0.5, 0.5, 0.382925, 1 - math.exp(-1 / 8)]
        hits = np.zeros(5)
        for seed in range(60):
            estimates = _estimate(ALL[:5], *line(500, seed), KDE(bandwidth="scott"))
            for k, (estimate, truth) in enumerate(zip(estimates, truths, strict=True)):
                low, high = estimate.interval()
                hits[k] += low <= truth <= high
        assert (hits >= 51).all(), hits


class TestValues:
    def test_log_ratios_are_those_of_two_density_models(self):
        # The background, one millionth of a point, is out of the way where there are points.
        x, y = plane(300, 0)
        method = KDE(bandwidth="silverman", background=1e-6)
        found = method.log_ratio(as_samples(x), as_samples(y), Run.create(0))
        p = KernelDensity(bandwidth="silverman").fit(x)
        q = KernelDensity(bandwidth="silverman").fit(y)
        at_p = p.leave_one_out_log_density() - q.log_density(x)
        at_q = p.log_density(y) - q.leave_one_out_log_density()
        dense_p = np.minimum(p.leave_one_out_log_density(), q.log_density(x)) > -12
        dense_q = np.minimum(q.leave_one_out_log_density(), p.log_density(y)) > -12
        assert dense_p.mean() > 0.8
        # Up to the calibration, one slope and one offset for all points.
        slope, offset = np.polyfit(at_p[dense_p], found.at_p[dense_p], 1)
        assert slope == pytest.approx(1, abs=0.2)
        assert offset == pytest.approx(0, abs=0.2)
        np.testing.assert_allclose(found.at_p[dense_p], slope * at_p[dense_p] + offset, atol=1e-4)
        np.testing.assert_allclose(found.at_q[dense_q], slope * at_q[dense_q] + offset, atol=1e-4)

    def test_a_point_does_not_rate_its_own_bump(self):
        # With a tiny bandwidth each point would see only itself, and JS would be ln 2.
        x, y = np.random.default_rng(0).normal(size=(2, 200, 1))
        assert _estimate(JensenShannon(), x, y, KDE(bandwidth=1e-5)) < 0.01

    def test_integration_and_samples_agree(self):
        for sampler in (line, plane):
            x, y = sampler(400, 3)
            averaged = _estimate(ALL[:5], x, y, KDE(bandwidth="scott"))
            integrated = _estimate(ALL[:5], x, y, KDE(bandwidth="scott", integrate=True))
            for first, second in zip(averaged, integrated, strict=True):
                assert abs(first - second) < 3 * first.stderr

    def test_swapping_the_samples_swaps_the_divergences(self):
        x, y = plane(250, 1)
        there = _estimate(ALL, x, y, KDE())
        back = _estimate(ALL, y, x, KDE())
        for k in (0, 3, 4, 6):
            assert there[k] == pytest.approx(back[k], rel=1e-9)
        assert there[1] == pytest.approx(back[2], rel=1e-9)

    def test_no_difference_gives_nearly_zero(self):
        x, y = np.random.default_rng(4).normal(size=(2, 1000, 2))
        for estimate in _estimate(ALL[:5], x, y, KDE()):
            assert abs(estimate) < 0.06

    def test_two_modes_are_not_smoothed_away(self):
        # Scott's rule blurs narrow modes; the cross-validated bandwidth finds them.
        rng = np.random.default_rng(6)
        x = rng.normal(0, 0.3, (1000, 1)) + rng.choice([-3, 3], (1000, 1))
        y = rng.normal(0, 3, (1000, 1))
        truth = 0.3995
        chosen = _estimate(JensenShannon(), x, y, KDE())
        assert abs(chosen - truth) < 4 * chosen.stderr
        assert _estimate(JensenShannon(), x, y, KDE(bandwidth="scott")) < chosen - chosen.stderr

    def test_heavy_tails_give_no_wild_values(self):
        rng = np.random.default_rng(2)
        x, y = rng.standard_t(2, (1500, 1)), rng.standard_t(2, (1500, 1))
        for estimate in _estimate(ALL, x, y, KDE()):
            assert math.isfinite(estimate)
            assert abs(estimate) < 0.3

    def test_critic_is_the_log_ratio(self):
        x, y = line(2000, 0)
        estimate = _estimate(JensenShannon(), x, y, KDE())
        at = np.linspace(-1, 2, 7)
        np.testing.assert_allclose(estimate.critic(at), 0.5 - at, atol=0.25)

    def test_workers_and_pickling_change_nothing(self):
        x, y = plane(1200, 5)
        one = _estimate(JensenShannon(), x, y, KDE(), workers=1)
        two = _estimate(JensenShannon(), x, y, KDE(), workers=2)
        assert one == two
        assert one.stderr == two.stderr
        again = pickle.loads(pickle.dumps(one))
        np.testing.assert_array_equal(again.critic(x[:5]), one.critic(x[:5]))


AFFINE_METHODS = [
    KDE(),
    KDE(bandwidth="scott"),
    KDE(kernel="exponential", bandwidth="silverman"),
    KDE(bandwidth="scott", integrate=True),
]


class TestAffineMaps:
    @pytest.mark.parametrize("method", AFFINE_METHODS, ids=repr)
    def test_in_two_dimensions(self, method):
        x, y = plane(200, 2)
        turn = np.array([[400.0, 30.0], [-0.2, 0.01]])
        here = _estimate(ALL, x, y, method)
        there = _estimate(ALL, x @ turn.T - 77, y @ turn.T - 77, method)
        for first, second in zip(here, there, strict=True):
            assert second == pytest.approx(first, abs=1e-8)
            assert second.stderr == pytest.approx(first.stderr, abs=1e-8)
            assert second.bias == pytest.approx(first.bias, abs=1e-7)

    @pytest.mark.parametrize(
        "method",
        [
            *AFFINE_METHODS,
            KDE(bandwidth="likelihood"),
            KDE(bandwidth="improved_sheather_jones"),
        ],
        ids=repr,
    )
    def test_in_one_dimension(self, method):
        x, y = line(200, 2)
        here = _estimate(ALL, x, y, method)
        there = _estimate(ALL, 5 - 1e-3 * x, 5 - 1e-3 * y, method)
        for first, second in zip(here, there, strict=True):
            assert second == pytest.approx(first, abs=1e-8)


class TestErrorBars:
    def test_weights_of_one_change_nothing(self):
        x, y = line(300, 0)
        plain = _estimate(KullbackLeibler(), x, y, KDE())
        weighted = _estimate(KullbackLeibler(), x, y, KDE(), (np.full(300, 2.0), np.ones(300)))
        assert weighted == pytest.approx(plain, rel=1e-12)
        assert weighted.stderr == pytest.approx(plain.stderr, rel=1e-12)

    def test_weights_reweight(self):
        # x ~ N(0,1) weighted by q/p is a sample of N(1,1) with 1/e of the points.
        x, _ = line(4000, 0)
        _, y = line(1000, 1)
        weights = np.exp(x[:, 0] - 0.5)
        estimate = _estimate(JensenShannon(), x, y, KDE(bandwidth="scott"), (weights, None))
        assert abs(estimate) < 4 * estimate.stderr + 0.005

    def test_stderr_of_kl_is_that_of_repeated_samples(self):
        # The spread of 60 values, known to 9 %: within 40 % at four standard errors.
        found = [
            _estimate(KullbackLeibler(), *line(400, seed), KDE(bandwidth="scott"))
            for seed in range(60)
        ]
        spread = np.std([float(estimate) for estimate in found], ddof=1)
        assert np.median([estimate.stderr for estimate in found]) == pytest.approx(spread, rel=0.4)

    def test_half_the_data_tell_the_bias(self):
        # With few points in many dimensions a fit on half of them is plainly worse.
        x, y = np.random.default_rng(0).normal(size=(2, 150, 8))
        estimate = _estimate(JensenShannon(), x, 1.5 * y, KDE())
        assert estimate.bias < -0.005
        expected = f"Biased downward by about {abs(estimate.bias):.2g}, judging by the same fit"
        assert any(note.startswith(expected) for note in estimate.notes)

    def test_notes_tell_when_samples_barely_overlap(self):
        x, y = np.random.default_rng(0).normal(size=(2, 300, 1))
        estimate = _estimate(KullbackLeibler(), x, y + 9, KDE())
        assert any(
            note.startswith("100% of p's points lie where q has almost no points")
            for note in estimate.notes
        )
        assert "Biased downward by more than can be told." in estimate.notes
        assert estimate.interval()[1] == math.inf
        assert 3 < estimate < 20

    def test_notes_tell_when_one_bandwidth_does_not_fit(self):
        # Four modes, 1/40 as wide as they lie apart; Q is shifted by half a width.
        rng = np.random.default_rng(5)
        x, y = (rng.integers(0, 4, 300) + rng.normal(m, 0.002, 300) for m in (0, 0.002))
        estimate = _estimate(JensenShannon(), x, y, KDE())
        assert any(
            re.match(r"The bandwidth that tells the samples apart best is 1/\d+ of Scott's", note)
            for note in estimate.notes
        )

    def test_notes_tell_when_few_points_decide(self):
        x, y = np.random.default_rng(1).normal(size=(2, 500, 1))
        estimate = _estimate(ChiSquared(), x[:60] * 1.6, y[:60], KDE())
        assert any("of the 120 points make up" in note for note in estimate.notes)

    def test_the_same_points_twice_are_told(self):
        x, _ = line(100, 0)
        estimate = _estimate(JensenShannon(), x, x, KDE())
        assert any(note.startswith("p and q hold the very same points") for note in estimate.notes)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"kernel": "box"}, ValueError, r"^kernel must be one of 'gaussian'"),
        (
            {"bandwidth": "best"},
            ValueError,
            r"^bandwidth must be one of 'cross_validated', 'scott', 'silverman', "
            r"'improved_sheather_jones', 'likelihood', not 'best'\.$",
        ),
        ({"bandwidth": -1}, ValueError, r"^bandwidth must be a number above 0, not -1\.$"),
        ({"background": 0}, ValueError, r"^background must be a number above 0, not 0\.$"),
    ],
)
def test_bad_settings_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        KDE(**settings)


def test_settings_compare_hash_and_print():
    assert KDE(bandwidth=np.array([1, 2])) == KDE(bandwidth=[1.0, 2.0])
    assert len({KDE(), KDE(), KDE(bandwidth="scott")}) == 2
    assert repr(KDE(bandwidth=0.5)) == (
        "KDE(kernel='gaussian', bandwidth=0.5, background=5.0, integrate=False, "
        "second_opinion=True)"
    )


def test_a_grid_is_for_two_dimensions_at_most():
    x, y = np.random.default_rng(0).normal(size=(2, 50, 3))
    message = r"^KDE\(integrate=True\) is for one and two features, but the data have 3\. Use KDE"
    with pytest.raises(ValueError, match=message):
        _estimate(JensenShannon(), x, y, KDE(integrate=True))


def test_log_ratios_of_copies_are_at_every_row_also_of_half_the_data():
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(60, 2)), rng.normal(size=(50, 2))
    x[:10] = x[10:20]
    ratio = KDE().log_ratio(as_samples(x), as_samples(y), Run.create(0, progress=False))
    for each in (ratio, ratio.smaller):
        assert (len(each.at_p), len(each.at_q)) == (60, 50)
        np.testing.assert_array_equal(each.at_p[:10], each.at_p[10:20])
