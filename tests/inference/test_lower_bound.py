"""The certified bound holds whatever the measures, and is not much lower than it has to be."""

import math

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import binom, norm
from sklearn.linear_model import LogisticRegression

import divergences as dv
from divergences.definitions import RatioDivergence
from divergences.estimators.ratios.log_ratio import LogRatio
from divergences.inference.lower_bound import Fresh, _group_means
from tests.exact_values import LE_CAM
from tests.truths import PROBLEMS

SHIFTED = {
    dv.JensenShannon(): 0.111420,
    dv.JensenShannonDistance(2): math.sqrt(0.111420 / math.log(2)),
    dv.KullbackLeibler(): 0.5,
    dv.ReverseKL(2): 0.5 / math.log(2),
    dv.TotalVariation(): 2 * norm.cdf(0.5) - 1,
    dv.SquaredHellinger(): 1 - math.exp(-1 / 8),
    dv.ChiSquared(): math.e - 1,
    dv.Renyi(0.5): 0.25,
    dv.Renyi(2.0): 1.0,
}


def oracle(rng, n, m, definition, shift=1.0):
    """Fresh points of N(0, 1) and N(shift, 1), rated by the true ratio."""
    at_p, at_q = (
        shift**2 / 2 - shift * points for points in (rng.normal(0, 1, n), rng.normal(shift, 1, m))
    )
    return Fresh(definition, ((at_p, at_q),))


def most_failures(runs, level):
    """Failures that a bound of this level exceeds in one of ten thousand tests."""
    return binom.ppf(1 - 1e-4, runs, 1 - level)


@pytest.mark.parametrize("definition", SHIFTED, ids=lambda one: one.symbol)
def test_never_above_the_truth_more_often_than_allowed(definition):
    runs = (oracle(np.random.default_rng(seed), 60, 45, definition) for seed in range(300))
    bounds = np.array([definition.outer(fresh.lower_bound(0.8)) for fresh in runs])
    assert (bounds >= 0).all()
    assert (bounds > SHIFTED[definition]).sum() <= most_failures(300, 0.8)
    # A bound that is not near the truth sometimes would pass as well.
    assert (bounds > 0.3 * SHIFTED[definition]).mean() > 0.05


def test_a_bound_without_the_stakes_paid_for_would_fail():
    """The check above has teeth: the mean itself is above the truth in half of the runs."""
    definition = dv.JensenShannon()
    count = 0
    for seed in range(300):
        ((at_p, at_q),) = oracle(np.random.default_rng(seed), 60, 45, definition).parts
        mean = definition.critic_p(at_p).mean() + definition.critic_q(at_q).mean()
        count += mean > SHIFTED[definition]
    assert count > most_failures(300, 0.8)


def test_capital_is_the_mean_of_all_bets():
    """A slow twin: at the bound the mean capital is 1/(1 - level)."""
    definition, rng = dv.JensenShannon(), np.random.default_rng(0)
    fresh = Fresh(definition, ((rng.normal(2, 1, 30), rng.normal(-2, 1, 30)),) * 2)
    bound = fresh.lower_bound(0.9)
    order = np.random.default_rng(30)
    at_p, at_q = (order.permutation(side) for side in fresh.parts[0])
    capitals = []
    for clip in 0.5 * 1.5 ** np.arange(6):
        low = -math.log((1 + math.exp(clip)) / 2)
        width = clip
        if bound >= low + width:
            capitals += [-math.inf] * 2
            continue
        for shrink in (1.0, 0.5):
            terms = sum(
                math.log(2) / 2 - np.log1p(np.exp(-np.clip(sign * shrink * at, -clip, clip))) / 2
                for sign, at in ((1, at_p), (-1, at_q))
            )
            assert (terms >= low - 1e-12).all()
            assert (terms <= low + width + 1e-12).all()
            capitals += [np.log1p(0.95 * (terms - bound) / width).sum()]
    assert logsumexp(capitals) - math.log(len(capitals)) == pytest.approx(math.log(10), abs=1e-6)


def test_a_higher_level_bounds_lower():
    fresh = oracle(np.random.default_rng(0), 400, 300, dv.KullbackLeibler())
    bounds = [fresh.lower_bound(level) for level in (0.1, 0.5, 0.9, 0.99, 0.9999)]
    assert sorted(bounds, reverse=True) == bounds
    assert len(set(bounds)) == len(bounds)


def test_many_points_come_close():
    for n, most in ((1_000, 0.4), (100_000, 0.08)):
        for definition, truth in SHIFTED.items():
            fresh = oracle(np.random.default_rng(1), n, 2 * n, definition)
            bound = definition.outer(fresh.lower_bound(0.95))
            assert truth * (1 - 2 * most) < bound < truth, definition
        js = oracle(np.random.default_rng(1), n, 2 * n, dv.JensenShannon()).lower_bound(0.95)
        assert js > 0.111420 * (1 - most)


def test_sorted_rows_are_not_matched_like_with_like():
    """Sorted, each large term would meet a small one, and the bound would be far too high."""
    fresh = oracle(np.random.default_rng(2), 500, 500, dv.JensenShannon())
    ordered = Fresh(fresh.definition, tuple(tuple(map(np.sort, part)) for part in fresh.parts))
    spread = 1 / math.sqrt(500)
    assert abs(ordered.lower_bound(0.95) - fresh.lower_bound(0.95)) < 0.3 * spread


def test_group_means():
    values = np.arange(7.0)
    np.testing.assert_allclose(_group_means(values, 3), [0.5, 2.5, 5.0])
    np.testing.assert_allclose(_group_means(values, 7), values)


class TestEstimate:
    def test_bounds_of_all_divergences_from_one_fit(self):
        rng = np.random.default_rng(0)
        x, y = rng.normal(0, 1, 1000), rng.normal(1, 1, 1000)
        found = dv.compare(x, y, divergences=list(SHIFTED), method="classifier", rng=0)
        for estimate in found:
            assert 0.3 * SHIFTED[estimate.definition] < estimate.lower_bound() < estimate
            assert estimate.lower_bound(0.5) > estimate.lower_bound(0.99)

    @pytest.mark.parametrize("folds", [2, 5])
    def test_parts_of_the_split_into_halves(self, folds):
        rng = np.random.default_rng(0)
        x, y = rng.normal(0, 1, (100, 2)), rng.normal(1, 1, (130, 2))
        fresh = dv.js_divergence(x, y, method=dv.Classifier(folds=folds), rng=0).reading.fresh
        assert [tuple(map(len, part)) for part in fresh.parts] == [(50, 65), (50, 65)]

    def test_equal_measures_and_few_points(self):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(60, 3)), rng.normal(size=(50, 3))
        assert dv.js_divergence(x, y, method="classifier", rng=0).lower_bound() == 0
        few = dv.js_divergence(x[:4], y[:4] + 9, method="classifier", rng=0)
        assert few.lower_bound() == 0

    def test_separated_samples(self):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(500, 2)), 20 + rng.normal(size=(500, 2))
        assert dv.total_variation(x, y, method="classifier", rng=0).lower_bound() > 0.95
        assert dv.js_divergence(x, y, method="classifier", rng=0).lower_bound() > 0.55

    def test_any_convex_function(self):
        rng = np.random.default_rng(0)
        x, y = rng.normal(0, 1, 600), rng.normal(1, 1, 600)
        est = dv.divergence(LE_CAM, x, y, method="classifier", rng=0)
        assert 0 < est.lower_bound() < est

    def test_exact_values_are_their_own_bound(self):
        est = dv.kl_divergence(norm(0, 1), norm(1, 1))
        assert est.lower_bound() == est.value == 0.5

    @pytest.mark.parametrize("level", [0, 1, -0.1, "0.95"])
    def test_level_out_of_range(self, level):
        est = dv.kl_divergence(norm(0, 1), norm(1, 1))
        with pytest.raises((ValueError, TypeError), match=r"^level must be a number above 0 and"):
            est.lower_bound(level)

    @pytest.mark.parametrize("method", ["kde", "neighbors"])
    def test_methods_whose_points_rate_each_other(self, method):
        x, y = np.random.default_rng(0).normal(size=(2, 50))
        est = dv.js_divergence(x, y, method=method)
        message = (
            r"no certified lower bound of the Jensen–Shannon.* have one with method=\"auto\", of"
        )
        with pytest.raises(AttributeError, match=message):
            est.lower_bound()

    @pytest.mark.parametrize(
        ("objective", "definition"),
        [("conjugate", dv.JensenShannon()), ("donsker_varadhan", dv.KullbackLeibler())],
    )
    def test_critics_of_any_objective_rate_points_they_have_not_seen(self, objective, definition):
        rng = np.random.default_rng(1)
        x, y = rng.normal(size=300), rng.normal(2.0, 1.0, 300)
        method = dv.Neural(objective, folds=2, restarts=1, steps=200)
        est = dv.divergence(definition, x, y, method=method, rng=0)
        # KL is 2, and JS 0.32.
        assert 0 < est.lower_bound() < {"JS": 0.32, "KL": 2.0}[definition.symbol]
        assert est.lower_bound() < est

    def test_bounds_that_are_refused_are_not_advertised(self):
        rng = np.random.default_rng(2)
        x, y = rng.normal(size=(100, 6)), rng.normal(0.5, 1.0, (100, 6))
        for weights in (None, rng.random(100)):
            est = dv.js_divergence(x, y, weights_p=weights, rng=0)
            (note,) = (note for note in est.notes if "It is a point estimate" in note)
            assert ("lower_bound() is a bound" in note) == (weights is None)

    def test_other_divergences(self):
        x, y = np.random.default_rng(0).normal(size=(2, 50))
        with pytest.raises(
            AttributeError,
            match=r"^The method 'auto: exact transport' has no .* Its bracket holds",
        ):
            dv.wasserstein_distance(x, y, rng=0).lower_bound()

    def test_weights(self):
        x, y = np.random.default_rng(0).normal(size=(2, 50))
        est = dv.js_divergence(x, y, method="classifier", weights_p=np.arange(1, 51), rng=0)
        with pytest.raises(AttributeError, match=r"here\. Leave weights_p and weights_q out: it"):
            est.lower_bound()

    def test_ratio_without_parts(self):
        assert LogRatio(np.zeros(2), np.zeros(2), np.ravel).parts is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("definition", "shift", "truth"),
    [
        (dv.JensenShannon(), 0.0, 0.0),
        (dv.JensenShannon(), 1.0, 0.111420),
        (dv.KullbackLeibler(), 1.0, 0.5),
        (dv.TotalVariation(), 2.0, 2 * norm.cdf(1.0) - 1),
    ],
    ids=str,
)
def test_four_thousand_runs_of_a_whole_estimate(definition, shift, truth):
    method = dv.Classifier(LogisticRegression(), folds=2)
    count = 0
    for seed in range(4_000):
        rng = np.random.default_rng([seed, 17])
        x, y = rng.normal(0, 1, 40), rng.normal(shift, 1, 30)
        estimate = dv.divergence(definition, x, y, method=method, rng=rng)
        count += estimate.lower_bound(0.95) > truth
    assert count <= 200


@pytest.mark.slow
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda one: one.name)
def test_every_problem_of_known_truth(problem):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x, y = problem.p(500, rng), problem.q(400, rng)
        ratios = [one for one in problem.truth if isinstance(one, RatioDivergence)]
        found = dv.compare(x, y, divergences=ratios, method="classifier", rng=seed)
        for estimate in found:
            # 3 runs of 15 problems: a false alarm in a few thousand.
            assert estimate.lower_bound(0.99999) <= problem.truth[estimate.definition] + 1e-9
