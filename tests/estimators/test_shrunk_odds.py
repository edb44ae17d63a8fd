"""Overconfident classifiers are brought to scale by points that they have not seen."""

import pickle

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

import divergences as dv
from divergences.estimators.ratios.cross_fitting import TrainingPart
from divergences.estimators.ratios.shrunk_odds import ShrunkOdds, fit_shrunk, shrinkage
from divergences.measures.samples import as_samples
from divergences.work import Run

TRUTH = 0.0589  # of normals that are 0.5 sqrt(2) apart, by quadrature


def pair(seed, n=300, shift=0.5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)), rng.normal(shift, 1, (n, 2))


def part_of(seed, n=200, shift=0.5):
    x, y = pair(seed, n, shift)
    return TrainingPart(np.concatenate([x, y]), np.repeat([1, 0], n), np.ones(2 * n), 0)


class Told:
    """Log-odds that are the true ones by a factor."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, points):
        return self.factor * (0.5 - points).sum(axis=1) / 2


# Intervals that cover 19 times in 20 miss 5 of 20 or more once in 400.
@pytest.mark.parametrize(
    "classifier",
    [KNeighborsClassifier(), DecisionTreeClassifier(), RandomForestClassifier(5)],
    ids=lambda one: type(one).__name__,
)
def test_intervals_of_overconfident_classifiers_cover(classifier):
    found = [
        dv.js_divergence(*pair(seed), method=dv.Classifier(classifier), rng=0) for seed in range(20)
    ]
    covering = [est.interval()[0] <= TRUTH <= est.interval()[1] for est in found]
    assert sum(covering) >= 16
    # What the classifier claims without it lies between -0.1 and -2.1.
    assert 0 < np.mean(found) < TRUTH
    assert all(est.lower_bound() <= TRUTH for est in found)
    for est in found:
        assert any("log-odds are overconfident: shrunk by" in note for note in est.notes)
        assert not any("Biased upward" in note for note in est.notes)


def test_nothing_is_found_where_nothing_is():
    for seed in range(5):
        x, y = pair(seed, shift=0.0)
        est = dv.js_divergence(x, y, method=dv.Classifier(DecisionTreeClassifier()), rng=0)
        # Without it -2.5. Five numbers within 4 standard errors: a false alarm in 3,000.
        assert abs(est) < 4 * est.stderr + 0.002 < 0.03


@pytest.mark.parametrize("classifier", [LogisticRegression(), GaussianNB()])
def test_calibrated_classifiers_are_left_as_they_are(classifier):
    x, y = (as_samples(points) for points in pair(1))
    ratio = dv.Classifier(classifier).log_ratio(x, y, Run.create(0))
    assert not any(isinstance(model, ShrunkOdds) for model in ratio.evaluate.models)
    assert ratio.shrunk_to == 1


def test_the_factor_is_found():
    part = part_of(2, 2000)
    model = fit_shrunk(lambda _: Told(5.0), part)
    # The slope of 4,000 points whose log-odds have variance 1/2: a standard error of
    # 1/sqrt(4000/8) = 0.045 of the true ones, here three times.
    assert 5 * model.slope == pytest.approx(1, abs=0.14)
    assert model.share == pytest.approx(1 / 5, abs=0.03)
    assert fit_shrunk(lambda _: Told(0.5), part).factor == 0.5  # timid ones stay


def test_points_elsewhere_have_no_say():
    rng = np.random.default_rng(0)
    x, y = pair(3, 100)
    method = dv.Classifier(KNeighborsClassifier(), folds=2)
    ratio = method.log_ratio(as_samples(x), as_samples(y), Run.create(0))
    of_p, of_q = ratio.parts
    moved = x.copy()
    moved[of_p == 0] = rng.normal(size=(int((of_p == 0).sum()), 2))
    again = method.log_ratio(as_samples(moved), as_samples(y), Run.create(0))
    # What rates part 0 was fitted to part 1, where nothing changed.
    np.testing.assert_array_equal(ratio.at_q[of_q == 0], again.at_q[of_q == 0])
    assert (ratio.at_q[of_q == 1] != again.at_q[of_q == 1]).any()


def test_certain_votes_become_finite_and_it_pickles():
    part = part_of(4)

    def fit(part):
        tree = DecisionTreeClassifier(random_state=0).fit(part.points, part.labels)
        return dv.estimators.classifier.FittedClassifier(tree, 0.0, False)

    model = fit_shrunk(fit, part)
    assert isinstance(model, ShrunkOdds)
    odds = model(part.points)
    assert np.isfinite(odds).all()
    assert np.abs(odds).max() < 1.5  # a tree that is right three times in five knows 0.4
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model))(part.points), odds)


def test_few_points_and_fits_that_fail_are_left():
    few = fit_shrunk(lambda _: Told(9.0), part_of(5, 11))
    assert few.factor == 9.0
    x, y = pair(6, 60)
    # Neighbors that a fold's complement has, and two thirds of it have not.
    est = dv.js_divergence(x, y, method=dv.Classifier(KNeighborsClassifier(50), folds=2), rng=0)
    assert np.isfinite(est)


def test_note_counts_the_fits():
    shrunk = ShrunkOdds(Told(1.0), 1.0, 0.5, 0.0, 0.5)
    share, notes = shrinkage((shrunk, Told(1.0)))
    assert share == 0.75
    assert "shrunk by 25% on average in 1 of 2 fits" in notes[0]
    assert shrinkage((Told(1.0),)) == (1.0, ())
