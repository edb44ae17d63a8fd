import math
import pickle
import re

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

import divergences as dv
from divergences.definitions import (
    MMD,
    JensenShannon,
    KullbackLeibler,
    ReverseKL,
    TotalVariation,
)
from divergences.errors import InvalidPairError
from divergences.estimators import estimate_samples
from divergences.estimators.classifier import Classifier
from divergences.estimators.ratios.cross_fitting import made_finite
from divergences.measures.samples import as_samples
from divergences.work import Run
from tests.closeness import assert_holds


def estimate(x, y, method, definition=None, *, weights=(None, None), rng=0, workers=1):
    p = as_samples(x, name="p", weights=weights[0])
    q = as_samples(y, name="q", weights=weights[1])
    run = Run.create(rng, workers, False)
    return estimate_samples([definition or JensenShannon()], p, q, method, run)[0]


def normals(seed, n, d, shift=0.0, scale=1.0, m=None):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (n, d)), rng.normal(shift, scale, (m or n, d))


def true_log_ratio(points, shift, scale):
    """ln p/q of N(0, I) and N(shift, scale² I)."""
    d = points.shape[1]
    there = ((points - shift) ** 2).sum(axis=1) / (2 * scale**2) + d * math.log(scale)
    return there - (points**2).sum(axis=1) / 2


# Truths by quadrature: of N(0, 1) and N(|shift|, 1), and of the squared norm, a chi-squared. The
# tolerance is 4 standard errors (a false alarm in 16,000) after the stated bias, plus the 0.004
# that the fit may lose beyond it.
@pytest.mark.parametrize(
    ("method", "d", "shift", "scale", "truth"),
    [
        (Classifier(), 1, 1.0, 1.0, 0.11142),
        (Classifier(), 5, 0.5, 1.0, 0.13565),
        (Classifier(), 10, 0.0, 1.5, 0.28484),
        (Classifier(), 20, 0.3, 1.0, 0.18478),
        (Classifier("boosting"), 1, 1.0, 1.0, 0.11142),
    ],
)
def test_normals(method, d, shift, scale, truth):
    x, y = normals(1, 2000, d, shift, scale)
    found = estimate(x, y, method)
    slack = 4 * found.stderr + abs(found.bias) + 0.004
    assert abs(found.value - truth) < slack < 0.25 * truth + 0.015
    # A value at points that the fits had not seen does not exceed the truth on average.
    assert found.bias <= 0
    assert not any("upward" in note for note in found.notes)


@pytest.mark.parametrize("method", [Classifier(), Classifier("boosting")])
def test_unequal_sizes_need_no_equal_priors(method):
    x, y = normals(2, 3000, 2, 1.0, m=600)
    forth = estimate(x, y, method, KullbackLeibler())
    back = estimate(x, y, method, ReverseKL())
    for found in (forth, back):  # both are |shift|²/2 = 1
        assert_holds(found, 1.0, within=0.7, extra=0.05)


def test_identical_measures():
    for seed in range(3):
        x, y = normals(seed, 1000, 5)
        found = estimate(x, y, Classifier())
        assert abs(found.value) < 0.004


def test_critic_is_the_log_ratio():
    x, y = normals(3, 4000, 3, 0.5, 1.3)
    found = estimate(x, y, Classifier())
    points = np.random.default_rng(0).normal(0, 1, (200, 3))
    error = found.critic(points) - true_log_ratio(points, 0.5, 1.3)
    # Ten coefficients from 8,000 points: sqrt(10 * 4/8000) = 0.07.
    assert np.sqrt(np.mean(error**2)) < 0.2
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.critic(points), found.critic(points))


def test_held_out_bias_is_extrapolated_from_half_the_data():
    x, y = normals(4, 150, 12, 0.25)
    ratio = Classifier().log_ratio(as_samples(x), as_samples(y), Run.create(0))
    assert ratio.smaller is not None
    # c/(0.8 n) and c/(0.5 n) differ by 0.75 c/n, and the first is 1.25 c/n: 1/0.6 of it.
    assert 2**ratio.rate - 1 == pytest.approx(0.6)
    assert (
        Classifier(folds=2).log_ratio(as_samples(x), as_samples(y), Run.create(0)).smaller is None
    )


def test_affine_maps_change_little():
    x, y = normals(5, 800, 4, 0.6)
    rng = np.random.default_rng(0)
    matrix, offset = rng.normal(0, 1, (4, 4)), 100 * rng.normal(0, 1, 4)
    one = estimate(x, y, Classifier())
    other = estimate(x @ matrix + offset, y @ matrix + offset, Classifier())
    assert abs(one.value - other.value) < one.stderr
    scaled = estimate(1e3 * x - 7, 1e3 * y - 7, Classifier())
    assert scaled.value == pytest.approx(one.value, rel=1e-3)


def test_rows_may_be_permuted():
    x, y = normals(6, 800, 3, 0.6)
    rng = np.random.default_rng(0)
    one = estimate(x, y, Classifier())
    other = estimate(rng.permutation(x), rng.permutation(y), Classifier())
    assert abs(one.value - other.value) < one.stderr


@pytest.mark.parametrize("method", [Classifier(folds=3), Classifier(RandomForestClassifier(5))])
def test_same_seed_same_answer_for_any_workers(method):
    x, y = normals(7, 200, 3, 0.6)
    one, three = estimate(x, y, method, workers=1), estimate(x, y, method, workers=3)
    assert (one.value, one.stderr, one.notes) == (three.value, three.stderr, three.notes)


class TestWeights:
    @pytest.mark.parametrize("method", [Classifier(), Classifier("boosting")])
    def test_importance_weights_move_the_measure(self, method):
        rng = np.random.default_rng(8)
        wide = rng.normal(0, 2, 6000)
        weights = np.exp(-(wide**2) / 2 + wide**2 / 8)  # makes it N(0, 1)
        y = rng.normal(1, 1, 3000)
        found = estimate(wide, y, method, weights=(weights, None))
        assert_holds(found, 0.111, within=0.04, extra=0.004)

    def test_points_without_weight_do_not_count(self):
        x, y = normals(9, 200, 2, 1.0)
        spoiled = np.concatenate([x, np.full((50, 2), 1e3)])
        weights = np.repeat([1.0, 0.0], [200, 50])
        found = estimate(spoiled, y, Classifier(), weights=(weights, None))
        plain = estimate(x, y, Classifier())
        assert abs(found.value - plain.value) < 2 * plain.stderr

    def test_the_last_step_of_a_pipeline_takes_them(self):
        rng = np.random.default_rng(8)
        wide = rng.normal(0, 2, 3000)
        weights = np.exp(-(wide**2) / 2 + wide**2 / 8)  # makes it N(0, 1)
        y = rng.normal(1, 1, 3000)
        pipeline = make_pipeline(StandardScaler(), LogisticRegression())
        found = estimate(wide, y, Classifier(pipeline), weights=(weights, None))
        assert_holds(found, 0.111, within=0.04, extra=0.004)

    def test_classifier_that_takes_none(self):
        x, y = normals(10, 50, 2, 1.0)
        votes = make_pipeline(StandardScaler(), KNeighborsClassifier())
        uneven = np.r_[2.0, np.ones(49)]
        with pytest.raises(ValueError, match=r"left out for Pipeline, whose fit takes"):
            estimate(x, y, Classifier(votes), weights=(uneven, None))
        with pytest.raises(ValueError, match=r"left out for KNeighborsClassifier, whose fit takes"):
            estimate(x, y, Classifier(KNeighborsClassifier()), weights=(uneven, None))


class TestMissingValues:
    @staticmethod
    def gaps(seed, n, shift, share):
        rng = np.random.default_rng(seed)
        points = rng.normal(shift, 1, (n, 2))
        points[:, 1] -= shift  # says nothing
        points[rng.random(n) < share, 0] = np.nan
        return points

    @pytest.mark.parametrize(
        ("shift", "shares", "truth"),
        [
            # Of those that show their value, 7 of 10, it is the divergence of N(0, 1) and N(1, 1).
            (1.0, (0.3, 0.3), 0.7 * 0.11142),
            # Values alike, and one sample lacks more: that of two coins of 1/10 and 4/10.
            (0.0, (0.1, 0.4), 0.06329),
        ],
    )
    @pytest.mark.parametrize(
        "method", ["auto", Classifier(RandomForestClassifier(60, min_samples_leaf=40))]
    )
    def test_missing_values_are_read(self, method, shift, shares, truth):
        x, y = self.gaps(21, 2000, 0.0, shares[0]), self.gaps(22, 2000, shift, shares[1])
        found = dv.js_divergence(x, y, method=method, nan_policy="keep", rng=0)
        assert_holds(found, truth, within=0.04, extra=0.005)
        assert any("to lack one counts as a value of its own" in note for note in found.notes)
        assert found.samples[0].missing == 0
        assert np.isfinite(found.critic([[np.nan, 0.0]])).all()

    @pytest.mark.parametrize("present", [0, 1, 5])
    def test_a_column_with_hardly_a_value_says_nothing(self, present):
        x, y = normals(24, 100, 2)
        x[:, 1] = np.nan
        y = np.column_stack([y[:, 0] + 1, np.full(100, np.nan)])
        y[:present, 1] = 1.0
        settings = {"nan_policy": "keep", "rng": 0}
        found = dv.js_divergence(x, y, **settings)
        alone = dv.js_divergence(x[:, 0], y[:, 0], method=Classifier("boosting"), rng=0)
        assert abs(found - alone) < 2 * alone.stderr
        assert float(dv.compare(x, y, **settings)["JS"]) == float(found)

    def test_nothing_but_missing_values(self):
        nothing = np.full((60, 2), np.nan)
        assert float(dv.js_divergence(nothing, nothing, nan_policy="keep", rng=0)) == 0

    @pytest.mark.parametrize("columns", [1, 2, 3])
    def test_samples_without_a_complete_point_are_drawn_by_the_critic(self, columns):
        x, y = normals(25, 100, columns)
        x[:, -1] = np.nan
        found = dv.js_divergence(x, y, method=Classifier("boosting"), nan_policy="keep", rng=0)
        axes = found.plot()
        assert axes.get_xlabel().startswith("critic ln(p/q), at points the critic was not fitted")
        axes.figure.canvas.draw()

    def test_methods_that_read_none_refuse(self):
        x, y = self.gaps(23, 50, 0.0, 0.2), np.zeros((50, 2))
        count = int(np.isnan(x).any(axis=1).sum())
        message = (
            f"p must have no missing values for gaussian kernel densities, but {count} of 50 rows "
            f'have. Pass nan_policy="omit" to leave those rows out, or use '
            f'method=Classifier("boosting").'
        )
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            dv.js_divergence(x, y, method="kde", nan_policy="keep")
        with pytest.raises(ValueError, match=r"q must have no missing .* leave those rows out\.$"):
            dv.wasserstein_distance(y, x, nan_policy="keep")
        for classifier in ("logistic", LogisticRegression()):
            with pytest.raises(ValueError, match="p must have no missing values for"):
                dv.js_divergence(x, y, method=Classifier(classifier), nan_policy="keep")
        with pytest.raises(ValueError, match="nan_policy must be one of 'raise', 'omit', not 'ke"):
            dv.two_sample_test(x, y, nan_policy="keep")


class TestAnyClassifier:
    @pytest.mark.parametrize(
        "classifier",
        [
            LogisticRegression(),
            GaussianNB(),
            RandomForestClassifier(60, min_samples_leaf=20),
            LinearSVC(),
            make_pipeline(StandardScaler(), SVC()),
            CalibratedClassifierCV(LinearSVC()),
        ],
        ids=lambda one: type(one).__name__,
    )
    def test_finds_the_truth(self, classifier):
        x, y = normals(11, 700, 2, 0.7, m=500)
        truth = 0.1094  # that of one dimension, shifted by 0.7 sqrt(2)
        found = estimate(x, y, Classifier(classifier, folds=3))
        assert_holds(found, truth, within=0.07, extra=0.005)
        assert type(classifier).__name__ in repr(found)
        assert not hasattr(classifier, "classes_")  # the caller's object is not fitted

    def test_certain_votes_are_bounded_and_told(self):
        x, y = normals(12, 100, 2, 2.0)
        found = estimate(x, y, Classifier(KNeighborsClassifier(3)), KullbackLeibler())
        assert math.isfinite(found.value)
        assert any("a probability of exactly 0 or 1" in note for note in found.notes)
        assert np.isfinite(found.critic(np.array([[-9.0, -9.0], [9.0, 9.0]]))).all()

    def test_log_ratios_end_where_squares_of_their_exponentials_do_not_overflow(self):
        odds, notes = made_finite(np.array([1.0, -400.0, 60.0, np.inf]), 100)
        assert odds.tolist() == [1.0, -50.0, 50.0, 50.0]
        assert len(notes) == 2
        assert "The log-ratio of 2 of 4 points was beyond ±50, which no sample can show" in notes[1]
        assert made_finite(np.array([49.0, -np.inf]), 100)[0].tolist() == [49.0, -49.0]

    def test_warnings_become_notes(self):
        x, y = normals(13, 100, 3, 1.0)
        slow = LogisticRegression(max_iter=1, C=100.0)
        found = estimate(1000 * x, 1000 * y, Classifier(slow))
        # Each of 7 fits is judged by 3 more.
        assert any("stopped before it had converged 28 times" in note for note in found.notes)

    def test_random_state_comes_from_the_run(self):
        x, y = normals(14, 100, 2, 1.0)
        method = Classifier(make_pipeline(StandardScaler(), RandomForestClassifier(5)), folds=2)
        values = [estimate(x, y, method, rng=seed).value for seed in (1, 1, 2)]
        assert values[0] == values[1] != values[2]


class TestHardData:
    def test_separated_samples_saturate_with_a_note(self):
        x, y = normals(15, 100, 2)
        found = estimate(x, y + 50, Classifier())
        assert 0.9 * math.log(2) < found.value <= math.log(2)
        assert any("separated perfectly by the critic" in note for note in found.notes)

    def test_more_features_than_points_and_constant_columns(self):
        rng = np.random.default_rng(16)
        x, y = rng.normal(0, 1, (90, 64)), rng.normal(0, 1, (90, 64))
        x[:, :5] = y[:, :5] = 3.0
        y[:, 10] += 3
        found = estimate(x, y, Classifier())
        # The truth is 0.527; 58 features of noise hide half of it from 144 points, never more.
        assert 0.5 * 0.527 - 3 * found.stderr < found.value < 0.527
        assert found.value > 3 * found.stderr

    @pytest.mark.parametrize("method", [Classifier(), Classifier("boosting")])
    def test_constant_samples(self, method):
        same = estimate(np.ones((20, 2)), np.ones((20, 2)), method)
        assert same.value == pytest.approx(0, abs=1e-9)

    @pytest.mark.parametrize("method", [Classifier(), Classifier("boosting")])
    def test_four_points_each(self, method):
        found = estimate([0.0, 1, 2, 3], [2.0, 3, 4, 5], method)
        assert math.isfinite(found.value)

    def test_overconfidence_is_told(self):
        x, y = normals(17, 60, 30, 0.2)
        found = estimate(x, y, Classifier(LogisticRegression(C=1e6)), KullbackLeibler())
        assert any("log-odds are overconfident: shrunk by" in note for note in found.notes)
        # Too few to judge it within its part.
        few = estimate(x[:20], y[:20], Classifier(LogisticRegression(C=1e6), folds=2))
        assert any("overconfident: the mean of p/q over q is" in note for note in few.notes)

    def test_real_data(self):
        from sklearn.datasets import load_breast_cancer, load_digits

        data, digits = load_breast_cancer(), load_digits()
        for source, first, second in ((data, 0, 1), (digits, 3, 8)):
            x, y = (source.data[source.target == label] for label in (first, second))
            found = estimate(x, y, Classifier(folds=3), TotalVariation())
            assert 0.9 < found.value <= 1  # any decent classifier is right in 95 % of cases


def test_constant_data_do_not_differ_and_warn_of_nothing():
    found = estimate(np.ones((100, 2)), np.ones((150, 2)), Classifier())
    assert (found, found.stderr) == (0, 1 / 250)
    assert not any("converged" in note for note in found.notes)


class TestMessages:
    def test_folds(self):
        with pytest.raises(ValueError, match="folds must be a whole number of at least 2, not 1"):
            Classifier(folds=1)

    def test_unknown_name(self):
        with pytest.raises(ValueError, match="estimator must be one of 'logistic', 'boos"):
            Classifier("forest")

    def test_class_for_object(self):
        with pytest.raises(TypeError, match=r"not the class GaussianNB. Use GaussianNB\(\)"):
            Classifier(GaussianNB)

    def test_regressor(self):
        with pytest.raises(TypeError, match="scikit-learn classifier with predict_proba or dec"):
            Classifier(Ridge())

    def test_too_few_points(self):
        with pytest.raises(ValueError, match="p must have at least 4 points for logistic regres"):
            estimate([0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0], Classifier())

    def test_wrong_definition(self):
        with pytest.raises(InvalidPairError, match="Classifier does not estimate the maximum mean"):
            estimate(np.zeros(9), np.ones(9), Classifier(), MMD())
