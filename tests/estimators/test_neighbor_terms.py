"""The terms of counts in balls: no error is left from few points."""

import math

import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import beta, binom

import divergences as dv
from divergences.estimators.neighbor_balls import balls_about
from divergences.estimators.neighbor_terms import LogRatioTerm, LogShareTerm, PowerTerm
from divergences.estimators.whitening import Counts, whiten_pair
from divergences.measures import as_samples
from divergences.work import Run


# The promise of the terms: no error from few points. The mean of independent trials lies
# beyond four of its standard errors once in 16,000 runs.
def assert_mean(values, expected):
    values = np.asarray(values)
    assert abs(values.mean() - expected) < 4 * values.std() / math.sqrt(len(values))


@pytest.mark.parametrize(("n", "m", "k"), [(3, 3, 1), (4, 9, 2), (12, 5, 3)])
def test_log_ratio_has_no_bias_where_p_is_q_even_for_three_points(n, m, k):
    rng = np.random.default_rng(4)
    found = []
    for _ in range(600):
        x, y = rng.gamma(1.0, size=(n, 2)), rng.gamma(1.0, size=(m, 2))
        found.append(dv.kl_divergence(x, y, method=dv.Neighbors(k), rng=0))
    assert_mean(found, 0.0)


@pytest.mark.parametrize("both", [True, False])
def test_counts_have_the_log_mass_of_the_ball_as_their_mean(both):
    rng = np.random.default_rng(5)
    law, n, m, k = beta(2, 3), 15, 12, 3
    own, other, share = [], [], []
    for _ in range(2500):
        x, y = rng.random(n), law.rvs(m, random_state=rng)
        to_own, to_other = np.sort(abs(x[1:] - x[0])), np.sort(abs(y - x[0]))
        radius = max(to_own[k - 1], to_other[k - 1]) if both else to_own[k - 1]
        j, i = (to_own < radius).sum(), (to_other < radius).sum()
        low, high = max(x[0] - radius, 0), min(x[0] + radius, 1)
        mass_q = law.cdf(high) - law.cdf(low)
        own.append(digamma(j + 1) - digamma(n) - math.log(high - low))
        if both:
            other.append(digamma(i + 1) - digamma(m + 1) - math.log(mass_q))
            inside = Counts(np.array([j]), np.array([i]))
            truth = math.sqrt((high - low) / mass_q)
            share.append(PowerTerm(0.5).values(inside, n - 1, m)[0] / truth)
    assert_mean(own, 0.0)
    if both:
        assert_mean(other, 0.0)
        # Póczos and Schneider's correction is exact as the samples grow; here 12 points.
        assert np.mean(share) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("exponent", [-0.8, -0.5, 0.5, 1.0, 2.0])
def test_powers_have_mean_one_where_p_is_q(exponent):
    rng = np.random.default_rng(6)
    means = []
    for _ in range(500):
        pair = whiten_pair(as_samples(rng.normal(size=9)), as_samples(rng.normal(size=7)))
        inside = balls_about(pair.p, pair.q, 4, Run.create(0, 1, False), both=True).inside
        means.append(PowerTerm(exponent).values(inside, 8, 7).mean())
    assert_mean(means, 1.0)


@pytest.mark.parametrize(
    ("a", "b", "n", "m"),
    [(0, 0, 10, 7), (3, 5, 100, 99), (50, 20, 300, 1000), (3000, 2000, 100000, 99999)],
)
def test_thinned_counts_equal_the_binomial_sum(a, b, n, m):
    inside = Counts(np.array([a]), np.array([b]))

    def mean_digamma(a, b):
        many, few = (a, b) if n >= m else (b, a)
        i = np.arange(many + 1)
        return binom.pmf(i, many, min(n, m) / max(n, m)) @ digamma(few + i + 1)

    expected = digamma(a + 1) - digamma(n + 1) - mean_digamma(a, b) + mean_digamma(n, m)
    assert LogShareTerm().values(inside, n, m)[0] == pytest.approx(expected, abs=1e-9)


def test_log_ratio_term_is_antisymmetric():
    counts = Counts(np.array([4, 7]), np.array([9, 4]))
    swapped = Counts(counts.other, counts.own)
    np.testing.assert_allclose(
        LogRatioTerm().values(counts, 30, 40), -LogRatioTerm().values(swapped, 40, 30)
    )
