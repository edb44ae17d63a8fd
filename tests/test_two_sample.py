"""The test of equality: exact level, statistics that equal their slow twins, words."""

import math

import numpy as np
import pytest
from scipy.stats import binom, norm
from sklearn.linear_model import LogisticRegression

import divergences as dv
from divergences.definitions import Definition
from divergences.inference.permutation import Permuted, Statistic, permuted
from divergences.inference.pooled_critics import NearbyShare, RidgeRegression, critics_statistic
from divergences.measures import as_samples
from divergences.two_sample import permute
from divergences.work import Run

QUICK = dv.Classifier(LogisticRegression(), folds=2)
KINDS: tuple[tuple[Definition, object], ...] = (
    (dv.JensenShannon(), "auto"),
    (dv.KullbackLeibler(), "auto"),
    (dv.TotalVariation(), "auto"),
    (dv.JensenShannon(), QUICK),
    (dv.MMD(), "auto"),
    (dv.Energy(), "auto"),
    (dv.Wasserstein(1), "auto"),
    (dv.SlicedWasserstein(2), dv.Sliced(5)),
    (dv.Sinkhorn(2), "auto"),
)


def p_value(definition, method, x, y, seed, permutations=19):
    run = Run.create(seed, progress=False)
    return permute(definition, method, as_samples(x), as_samples(y), permutations, run)[0].p_value


def rejections(definition, method, draw, runs):
    """Runs in which a test at the 5 % level rejects, of samples of 12 and 17 points."""
    count = 0
    for seed in range(runs):
        rng = np.random.default_rng([seed, 5])
        count += p_value(definition, method, draw(rng, 12), draw(rng, 17), seed) <= 0.05
    return count


def smooth(rng, n):
    return rng.normal(size=(n, 2))


def rounded(rng, n):
    """Ties everywhere, and rows in order, as files have them."""
    points = rng.integers(0, 3, size=(n, 2))
    return points[np.lexsort(points.T)]


@pytest.mark.parametrize(("definition", "method"), KINDS[:6], ids=str)
def test_level(definition, method):
    runs = 100
    count = rejections(definition, method, smooth, runs)
    # A false alarm in 5,000, on either side.
    assert binom.ppf(1e-4, runs, 0.05) <= count <= binom.ppf(1 - 1e-4, runs, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("definition", "method"), KINDS, ids=str)
def test_level_within_one_percent(definition, method):
    runs = 400 if isinstance(definition, dv.Sinkhorn) else 4_000
    slack = 0.01 if runs == 4_000 else 0.04  # 3 standard errors
    assert abs(rejections(definition, method, smooth, runs) / runs - 0.05) <= slack


@pytest.mark.slow
@pytest.mark.parametrize(("definition", "method"), KINDS[:7], ids=str)
def test_level_with_ties(definition, method):
    """Tied statistics count against rejection, so the level is at most what it says."""
    assert rejections(definition, method, rounded, 2_000) <= 0.06 * 2_000


@pytest.mark.parametrize(("definition", "method"), KINDS, ids=str)
def test_far_apart(definition, method):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 2)), rng.normal(4, 1, (30, 2))
    assert p_value(definition, method, x, y, 0) == 1 / 20


def test_ranks():
    null = np.array([0.0, 1.0, 2.0, 3.0])
    assert Permuted(2.0, null, "one").p_value == 3 / 5
    assert Permuted(4.0, null, "one").p_value == 1 / 5
    assert Permuted(-1.0, null, "one").p_value == 1
    # Rounding must not break a tie.
    assert Permuted(3.0 + 1e-12, null, "one").p_value == 2 / 5


def test_all_labelings_of_few_points_are_drawn_alike():
    """Twin: of 2 + 2 points the mean difference has six labelings; 4,000 draws find each."""
    points = np.array([0.0, 1.0, 3.0, 7.0])
    statistic = Statistic(lambda labels: (points @ labels)[np.newaxis], ("sum",))
    found = permuted(
        statistic, np.array([1.0, 0.0, 0.0, 1.0]), 4_000, Run.create(0, progress=False)
    )
    values, counts = np.unique(found.null, return_counts=True)
    np.testing.assert_array_equal(values, [1, 3, 4, 7, 8, 10])
    # 4 standard errors of a share of 1/6.
    assert np.abs(counts / 4_000 - 1 / 6).max() < 4 * math.sqrt(5 / 36 / 4_000)
    assert found.statistic == 7


def test_the_largest_of_standardized_statistics_counts():
    def of_labels(labels):
        score = np.arange(8.0) @ labels
        return np.array([100 * score, 0 * score + 3, -score])

    statistic = Statistic(of_labels, ("up", "constant", "down"))
    labels = np.repeat([0.0, 1.0], 4)
    found = permuted(statistic, labels, 99, Run.create(0, progress=False))
    assert found.best == "up"
    assert found.statistic > 2
    assert found.null.min() >= 0  # either up or down is above its mean


class TestStatistics:
    def setup_method(self):
        rng = np.random.default_rng(1)
        self.x, self.y = rng.normal(size=(15, 2)), rng.normal(0.5, 1, (20, 2))

    def observed(self, definition, method="auto", x=None, y=None):
        p, q = as_samples(self.x if x is None else x), as_samples(self.y if y is None else y)
        return permute(definition, method, p, q, 3, Run.create(0, progress=False))[0].statistic

    def test_kernel(self):
        biased = dv.PairwiseKernel("biased")
        for definition in (dv.MMD(), dv.Energy(), dv.MMD(dv.GaussianKernel(0.7), squared=True)):
            expected = dv.divergence(definition, self.x, self.y, method=biased).reading.inner
            assert self.observed(definition) == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize(("place", "scale"), [(0.0, 1.0), (1e3, 1.0), (0.0, 1e200)])
    def test_energy_on_the_line_is_the_quadratic_form(self, place, scale):
        rng = np.random.default_rng(2)
        x = place + scale * rng.normal(size=40).round(1)
        y = place + scale * rng.normal(0.5, 1, 30).round(1)
        z, w = np.concatenate([x, y]), np.repeat([1 / 40, -1 / 30], [40, 30])
        expected = -float(w @ np.abs(z[:, None] - z) @ w)
        # The twin loses about the place over the spread in rounding.
        assert self.observed(dv.Energy(), x=x, y=y) == pytest.approx(expected, rel=1e-9)
        # Each point a hundred times is the same measure, and takes no kernel matrix.
        run = Run.create(0, progress=False)
        p, q = as_samples(np.tile(x, 100)), as_samples(np.tile(y, 100))
        found = permute(dv.Energy(), "auto", p, q, 99, run)[0]
        assert found.statistic == pytest.approx(expected, rel=1e-6)

    @pytest.mark.parametrize("order", [1, 2, 1.5])
    def test_transport(self, order):
        for columns in (slice(0, 1), slice(0, 2)):
            x, y = self.x[:, columns], self.y[:, columns]
            exact = dv.wasserstein_distance(x, y, order=order, method="exact", rng=0)
            expected = exact.reading.inner
            assert self.observed(dv.Wasserstein(order), x=x, y=y) == pytest.approx(expected)

    def test_sinkhorn(self):
        expected = dv.sinkhorn_divergence(self.x, self.y, rng=0).reading.inner
        assert self.observed(dv.Sinkhorn(2)) == pytest.approx(expected, rel=1e-6)

    def test_nearby_share(self):
        """Twin: counts by loops."""
        rng = np.random.default_rng(2)
        weights = rng.random((9, 9)) * (1 - np.eye(9))
        labels = np.repeat([1.0, 0.0], [4, 5])
        found = NearbyShare.of(weights).log_ratios(labels[:, np.newaxis], 4 / 9)[:, 0]
        for i in range(9):
            near = sum(weights[i, j] for j in range(9) if labels[j])
            far = sum(weights[i, j] for j in range(9) if not labels[j])
            odds = (near + 4 / 9) / (far + 5 / 9)
            assert found[i] == pytest.approx(math.log(odds) - math.log(4 / 5))

    def test_ridge_leaves_each_point_out(self):
        """Twin: the ridge regression fitted anew without the point."""
        rng = np.random.default_rng(3)
        terms = rng.normal(size=(30, 2))
        terms = (terms - terms.mean(axis=0)) / terms.std(axis=0)
        labels = np.repeat([1.0, 0.0], [14, 16])
        found = RidgeRegression.of(terms).log_ratios(labels[:, np.newaxis], 14 / 30)[:, 0]
        design = np.column_stack([np.ones(30), terms])
        for i in range(30):
            rest = np.delete(np.arange(30), i)
            gram = design[rest].T @ design[rest] + np.diag([0.0, 2.0, 2.0])
            weights = np.linalg.solve(gram, design[rest].T @ labels[rest])
            expected = (design[i] @ weights - 14 / 30) / (14 / 30 * 16 / 30)
            assert found[i] == pytest.approx(np.clip(expected, -4, 4))

    def test_each_critic_sees_its_shape(self):
        rng = np.random.default_rng(4)
        z = rng.normal(size=(300, 2))
        turned = rng.permutation(z @ [[1, 0.9], [0, math.sqrt(0.19)]])
        modes = np.column_stack([rng.choice([-1.0, 1.0], 300), np.zeros(300)])
        for x, y, wanted in (
            (z, rng.normal(0.5, 1, (300, 2)), "linear terms"),
            (z, turned, "quadratic terms"),
            (z, 0.9 * modes + [0.44, 1] * rng.normal(size=(300, 2)), "a kernel as wide as 0."),
        ):
            notes = dv.two_sample_test(x, y, rng=0, permutations=99).notes
            assert wanted in notes[0]

    def test_columns_without_spread(self):
        x, y = np.ones((10, 2)), np.ones((12, 2))
        labels = np.repeat([1.0, 0.0], [10, 12])[:, np.newaxis]
        statistic = critics_statistic(dv.JensenShannon(), np.vstack([x, y]), 10 / 22)
        assert np.isfinite(statistic.of_labels(labels)).all()
        assert p_value(dv.JensenShannon(), "auto", x, y, 0) > 0.05


class TestAnswer:
    def setup_method(self):
        rng = np.random.default_rng(0)
        self.x, self.y = rng.normal(size=(50, 2)), rng.normal(0, 1.7, (60, 2))

    def test_it_prints_itself(self):
        test = dv.two_sample_test(self.x, self.y, rng=0, permutations=99)
        first, second = repr(test).splitlines()
        assert first.startswith("p = 0.01 (99 permutations, the smallest that they can show; stat")
        assert first.endswith("largest held-out JS of 7 critics, in standard deviations)")
        assert second == repr(test.estimate)
        assert len(test.null) == 99
        one = dv.two_sample_test(self.x, self.y, rng=0, permutations=1)
        assert repr(one).startswith("p = 0.5 (1 permutation, the smallest that it can show; stat")

    def test_same_seed_same_answer_for_any_workers(self):
        for definition in (dv.JensenShannon(), dv.Energy()):
            one, two = (
                dv.two_sample_test(self.x, self.y, definition, rng=3, workers=count)
                for count in (1, 2)
            )
            assert (one.p_value, one.statistic, one.estimate) == (
                two.p_value,
                two.statistic,
                two.estimate,
            )
            np.testing.assert_array_equal(one.null, two.null)

    def test_method_by_halves(self):
        test = dv.two_sample_test(self.x, self.y, method="classifier", rng=0, permutations=99)
        assert test.how == "held-out JS by logistic regression, 5-fold"
        assert test.notes == ("Half of each sample found the critic, and the other half tests it.",)
        assert test.estimate.how == "logistic regression, 5-fold"

    @pytest.mark.parametrize("method", ["kde", "neighbors", dv.KDE(integrate=True)], ids=str)
    def test_the_estimate_is_of_all_points_and_not_of_the_halves(self, method):
        test = dv.two_sample_test(self.x, self.y, method=method, rng=0, permutations=9)
        assert test.estimate.n == len(self.x)
        # Another seed splits other halves for the bias; the value is the same.
        alone = dv.js_divergence(self.x, self.y, method=method, rng=1)
        assert float(test.estimate) == pytest.approx(float(alone), rel=1e-12)

    def test_few_points_against_many(self):
        rng = np.random.default_rng(0)
        test = dv.two_sample_test(rng.normal(size=15), rng.normal(1, 1, 5000), rng=0)
        assert (test.estimate.n, test.estimate.m) == (15, 5000)
        assert test.how == "held-out JS by gaussian kernel densities"

    def test_the_statistic_is_called_by_its_divergence(self):
        for definition, name in ((dv.Energy(), "energy distance"), (dv.MMD(), "MMD")):
            test = dv.two_sample_test(self.x, self.y, definition, rng=0, permutations=9)
            assert test.how == f"V-statistic of the squared {name}"

    def test_many_points_take_halves(self, monkeypatch):
        monkeypatch.setattr("divergences.two_sample.MOST_POINTS", 199)
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(100, 2)), rng.normal(1, 1, (100, 2))
        test = dv.two_sample_test(x, y, rng=0, permutations=99)
        assert test.p_value == 0.01
        assert test.how.startswith("held-out JS by")

    def test_transport_is_thinned_and_says_so(self):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(300, 2)), rng.normal(1, 1, (40, 2))
        test = dv.two_sample_test(x, y, dv.Wasserstein(1), rng=0, permutations=9)
        assert test.notes == ("250 of p's 300 points were drawn for the test.",)
        assert test.p_value == 0.1

    def test_measures_are_drawn_from(self):
        test = dv.two_sample_test(self.x[:, 0], norm(2, 1), dv.Energy(), rng=0)
        assert test.p_value == 1 / 500


class TestErrors:
    def test_weights(self):
        sample = as_samples([1.0, 2.0, 3.0], weights=[1, 2, 3])
        with pytest.raises(ValueError, match=r"^q must have no weights, as weighted points cannot"):
            dv.two_sample_test([1.0, 2.0], sample)

    def test_divergence(self):
        with pytest.raises(TypeError, match=r"^divergence must be an object such as Energy\(\)"):
            dv.two_sample_test([1.0, 2.0], [1.0, 2.0], "energy")

    def test_permutations(self):
        with pytest.raises(ValueError, match=r"^permutations must be a whole number of at least 1"):
            dv.two_sample_test([1.0, 2.0], [1.0, 2.0], permutations=0)

    def test_too_few_points_for_halves(self):
        with pytest.raises(ValueError, match=r"^p must have at least 8 points to be split in halv"):
            dv.two_sample_test([1.0, 2.0], np.arange(9.0), method="classifier")

    @pytest.mark.parametrize("method", ["auto", "kde"])
    def test_too_few_points_beside_too_many(self, method):
        message = (
            r"^p must have at least 8 points to be split in halves for gaussian kernel densities, "
            r"but it has 6\. Pass at most 3,994 points of q: then method=.auto. needs no halves\.$"
        )
        with pytest.raises(ValueError, match=message):
            dv.two_sample_test(np.arange(6.0), np.arange(5000.0), method=method)
        dv.two_sample_test(np.arange(6.0), np.arange(3994.0), permutations=1, rng=0)

    def test_invalid_pair(self):
        with pytest.raises(dv.InvalidPairError, match=r"^KDE does not estimate the energy"):
            dv.two_sample_test([1.0, 2.0], [1.0, 2.0], dv.Energy(), method="kde")
