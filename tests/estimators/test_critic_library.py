import json
import math
import pickle

import numpy as np
import pytest

from divergences.estimators.critics import (
    chosen_cycles,
    chosen_directions,
    chosen_fourfolds,
    chosen_pairs,
    chosen_plane_waves,
    chosen_products,
    chosen_residues,
    independent_components,
    mixture_candidate,
)
from divergences.estimators.critics.boosted_trees import SHAPES
from divergences.estimators.critics.critic_candidate import Training, with_radius
from divergences.estimators.critics.critic_library import library
from divergences.estimators.critics.mixture_candidate import MixturesCandidate
from divergences.estimators.critics.ridge_candidates import RidgeCandidate, quartics
from divergences.estimators.critics.shares_candidate import SharesCandidate
from divergences.estimators.critics.tree_candidates import TreesCandidate
from divergences.estimators.ratios.cross_fitting import TrainingPart
from divergences.estimators.ratios.labels import log_loss


def training(d=2, n=80, shift=0.7, seed=0, weights=None, folds=5, m=None):
    rng = np.random.default_rng(seed)
    m = m or n
    points = np.vstack([rng.normal(shift, 1, (n, d)), rng.normal(0, 1.3, (m, d))])
    labels = np.repeat([1, 0], [n, m])
    if weights is None:
        weights = np.repeat([1 / n, 1 / m], [n, m]) * (n + m) / 2
    return Training.of(TrainingPart(points, labels, weights, 7), folds)


def curved(data):
    """The same points, the last feature of which follows the square of the first."""
    points = data.points.copy()
    points[:, -1] = points[:, 0] ** 2 + 0.1 * points[:, -1]
    return Training.of(TrainingPart(points, data.labels, data.weights, 7))


def rounded(data, name):
    """The same points, of which many share a value in each feature."""
    steps = 1 if name in ("numbers by value", "chosen remainders") else 5
    points = np.round(data.points * steps) / steps
    return Training.of(TrainingPart(points, data.labels, data.weights, 7))


def named(d, name):
    return next(candidate for candidate in library(d) if candidate.name == name)


OF_DEPENDENT_FEATURES = (
    "partitions",
    "sums over whitened features",
    "waves of whitened features",
    "chosen pairs",
    "chosen pairs of whitened",
    "bumps in chosen planes",
    "independent components",
)
OF_RECURRING_VALUES = (
    "recurring values",
    "heaped values",
    "last digits",
    "numbers by value",
    "repeats within points",
    "chosen remainders",
)
OF_CURVED_DEPENDENCE = ("waves of residuals", "chosen pairs with residuals")
CANDIDATES = [
    (d, candidate.name)
    for d in (1, 2, 7, 16)
    for candidate in library(d)
    # Of one column there are no others.
    if d > 1 or candidate.name not in ("numbers by value", "repeats within points")
]


@pytest.mark.parametrize(("d", "name"), CANDIDATES)
def test_every_candidate_is_finite_and_evaluates_as_fitted(d, name):
    data = training(d)
    if name in OF_RECURRING_VALUES:
        assert named(d, name).fit(data) is None
        data = rounded(data, name)
    if name in OF_CURVED_DEPENDENCE:
        assert named(d, name).fit(data) is None
        data = curved(data)
    if name == "conditional normals":
        data = curved(data)
    critic = named(d, name).fit(data)
    if name in OF_DEPENDENT_FEATURES and d > 3:
        # No two of the features are dependent, nor is any other than normal.
        assert critic is None
        return
    # Those that differ by more than chance may be none.
    of_chance = (
        "chosen cycles",
        "chosen plane waves",
        "chosen pairs with residuals",
        "chosen remainders",
        "chosen products of four",
    )
    if name in of_chance and critic is None:
        return
    assert critic is not None
    assert critic.held_out.shape == critic.fitted.shape == data.labels.shape
    values = pickle.loads(pickle.dumps(critic.evaluate))(data.points)
    assert np.isfinite(values).all()
    if critic.fitted is critic.held_out:
        assert isinstance(named(d, name), TreesCandidate)
    elif name == "partitions":
        # Half of what own points say: lines that all labels chose have told the other half.
        np.testing.assert_allclose(values + critic.held_out, 2 * critic.fitted, atol=1e-6)
    else:
        np.testing.assert_allclose(values, critic.fitted, atol=1e-6)


@pytest.mark.parametrize("name", OF_DEPENDENT_FEATURES)
def test_candidates_of_dependent_features_are_finite_and_evaluate_as_fitted(name):
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(800, 7))
    for j in range(1, 7):
        steps[:400, j] += 1.5 * np.abs(steps[:400, j - 1])
    data = Training.of(TrainingPart(steps.cumsum(axis=1), np.repeat([1, 0], 400), np.ones(800), 7))
    critic = named(7, name).fit(data)
    assert critic is not None
    assert np.isfinite(critic.held_out).all()
    values = pickle.loads(pickle.dumps(critic.evaluate))(data.points)
    if name == "partitions":
        values = (values + critic.held_out) / 2
    np.testing.assert_allclose(values, critic.fitted, atol=1e-6)
    assert log_loss(critic.held_out, data.labels).mean() < np.log(2)


@pytest.fixture
def forced_choices(monkeypatch):
    """Whatever chooses by the labels chooses, though nothing differs by more than chance."""
    monkeypatch.setattr(chosen_cycles, "_FALSE_ALARMS", math.inf)
    monkeypatch.setattr(chosen_directions, "_BEYOND_CHANCE", 0.0)
    monkeypatch.setattr(chosen_pairs, "_FALSE_ALARMS", math.inf)
    monkeypatch.setattr(chosen_fourfolds, "_FALSE_ALARMS", math.inf)
    monkeypatch.setattr(chosen_residues, "_FALSE_ALARMS", math.inf)
    monkeypatch.setattr(chosen_plane_waves, "_FALSE_ALARMS", math.inf)
    monkeypatch.setattr(chosen_products, "_BEYOND_NOISE", 0.0)
    monkeypatch.setattr(
        independent_components, "_stand_out", lambda parts: np.ones(parts.shape[1], dtype=bool)
    )


# Trees of noise have no length; a test of their own follows.
@pytest.mark.parametrize(("d", "name"), [(d, name) for d, name in CANDIDATES if name not in SHAPES])
@pytest.mark.usefixtures("forced_choices")
def test_held_out_values_do_not_see_the_label(d, name):
    # Between two samples of one measure, held-out log-odds know nothing of the labels, while
    # those at the points of the fit do.
    data = training(d, shift=0.0, seed=3)
    points = np.random.default_rng(4).normal(size=data.points.shape)
    # Of dependent features, as candidates for whitened ones want them.
    points = points @ (np.eye(d) + 0.5 * np.tri(d))
    data = Training.of(TrainingPart(points, data.labels, data.weights, 7))
    if name in OF_RECURRING_VALUES:
        data = rounded(data, name)
    if name in OF_CURVED_DEPENDENCE:
        data = curved(data)
    if name == "conditional normals":
        data = curved(data)
    critic = named(d, name).fit(data)
    assert critic is not None
    held_out = data.weights @ log_loss(critic.held_out, data.labels)
    own = data.weights @ log_loss(critic.fitted, data.labels)
    assert own <= held_out
    assert held_out > data.weights.sum() * np.log(2) - 5


def test_trees_rate_each_fold_by_the_others():
    data = training(2, seed=5)
    flipped = data.labels.copy()
    here = data.folds == 2
    flipped[here] = 1 - flipped[here]
    with_flips = Training(
        data.points, flipped, data.weights, data.coordinates, data.folds, data.seed
    )
    shortest = TreesCandidate("trees")
    first, second = shortest.fit(data), shortest.fit(with_flips)
    apart = np.abs(first.held_out - second.held_out)
    # Other folds lose; of the fold itself only the common length of the trees may change.
    assert np.corrcoef(first.held_out[here], second.held_out[here])[0, 1] > 0.7
    assert apart[~here].max() > 0.1


@pytest.mark.parametrize("candidate", [TreesCandidate("trees"), MixturesCandidate(4)])
def test_costly_candidates_give_up_far_behind_the_standard(candidate):
    data = training(1, n=300, shift=2.0)
    assert candidate.costly
    assert candidate.fit(data) is not None
    # A standard that knows all labels.
    certain = np.where(data.labels == 1, 15.0, -15.0)
    behind = Training(
        data.points, data.labels, data.weights, data.coordinates, data.folds, 7, certain
    )
    assert candidate.fit(behind) is None


def test_a_mixture_passes_over_points_of_next_to_no_weight():
    data = training(2, n=200)
    cluster = np.random.default_rng(1).normal(6, 0.2, (200, 2))
    points = np.vstack([cluster, data.points])
    labels = np.append(np.ones(200, np.intp), data.labels)
    weights = np.repeat([1e-9, 1.0, 1.0], 200)
    candidate = MixturesCandidate(4)
    found = candidate.fit(Training.of(TrainingPart(points, labels, weights, 7)))
    plain = candidate.fit(Training.of(TrainingPart(data.points, data.labels, np.ones(400), 7)))
    assert len(found.evaluate.p.weights_) == len(plain.evaluate.p.weights_) == 1
    # Of one component the mixture is the sample's mean and covariance, in any units.
    np.testing.assert_allclose(
        found.evaluate(data.points), plain.evaluate(data.points), rtol=0.01, atol=0.01
    )


def test_mixtures_of_counts_go_on_beyond_the_last_value_that_a_sample_holds():
    # A component of the width of one value would say that the next one cannot be.
    values = np.arange(11.0)
    truth = values * np.log(0.3 / 0.5) + (10 - values) * np.log(0.7 / 0.5)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        points = np.concatenate([rng.binomial(10, share, 1000) for share in (0.3, 0.5)])
        part = TrainingPart(
            points[:, np.newaxis].astype(float), np.repeat([1, 0], 1000), np.ones(2000), seed
        )
        odds = MixturesCandidate(16).fit(Training.of(part)).evaluate(values[:, np.newaxis])
        # Two normals are not quite two binomials; the spread over samples is 0.5 at 9, which one
        # point of P in 7,000 reaches, and at most 0.13 in the middle.
        np.testing.assert_allclose(odds[:10], truth[:10], atol=4.0)
        np.testing.assert_allclose(odds[2:7], truth[2:7], atol=0.7)


def test_values_that_recur_are_spread_over_their_cells_alone():
    line = np.array([0.0, 0.0, 1.0, 4.0, 4.0, 4.0, 4.5])[:, np.newaxis]
    spread = mixture_candidate._spread_over_cells(line, np.random.default_rng(0))
    at_zero, at_four = spread[:2, 0], spread[3:6, 0]
    np.testing.assert_array_equal(spread[[2, 6]], line[[2, 6]])
    assert len(np.unique(spread)) == len(spread)
    assert np.abs(at_zero).max() <= 0.5
    assert (at_four >= 2.5).all()
    assert (at_four <= 4.25).all()
    constant = np.ones((3, 1))
    unmoved = mixture_candidate._spread_over_cells(constant, np.random.default_rng(0))
    np.testing.assert_array_equal(unmoved, constant)


def test_a_mixture_has_at_most_as_many_components_as_its_weights_are_points():
    # A fold's complement may hold few of the heavy points that the number was chosen for.
    assert mixture_candidate._mixture(np.arange(3.0)[:, np.newaxis], 4, seed=0).n_components == 3


def test_trees_that_find_nothing_are_no_critic():
    rng = np.random.default_rng(0)
    labels = np.repeat([1, 0], 100)
    part = TrainingPart(rng.normal(size=(200, 1)), labels, np.ones(200), 0)
    found = [
        TreesCandidate("trees").fit(
            Training.of(TrainingPart(rng.normal(size=(200, 1)), labels, part.weights, seed))
        )
        for seed in range(6)
    ]
    assert any(critic is None for critic in found)


def test_radius_is_a_feature_beyond_one():
    one, two = training(1), training(2)
    assert with_radius(one.coordinates, one.points).shape[1] == 1
    assert with_radius(two.coordinates, two.points).shape[1] == 3


def test_log_odds_are_bounded():
    data = training(1, shift=500.0)
    critic = named(1, "linear").fit(data)
    far = critic.evaluate(np.array([[1e12], [-1e12]]))
    assert np.abs(far).max() == 20
    assert far[0] > 3 > -3 > far[1]
    assert np.abs(critic.held_out).max() <= 20


def test_weights_halve_between_the_samples_and_sum_to_their_information():
    data = training(n=100, m=300)
    assert data.weights[data.labels == 1].sum() == pytest.approx(data.weights.sum() / 2)
    assert data.weights.sum() == pytest.approx(4 / (1 / 100 + 1 / 300))


def test_many_rows_are_held_out_in_fewer_folds():
    points = np.zeros((30_000, 1))
    points[:, 0] = np.arange(30_000)
    part = TrainingPart(points, np.arange(30_000) % 2, np.ones(30_000), 0)
    assert Training.of(part).folds.max() < training().folds.max()


def test_library_suits_the_number_of_features():
    names = {d: [candidate.name for candidate in library(d)] for d in (1, 2, 5, 10, 30, 100, 200)}
    for found in names.values():
        assert len(set(found)) == len(found)
        assert {"linear", "squares", "waves", "additive trees"} <= set(found)
        json.dumps(found)
    assert "quadratic" not in names[1]
    assert "quadratic" in names[30]
    assert "quadratic" not in names[100]
    assert "quadratic in scores" not in names[30]
    assert "trees" not in names[1]
    assert "pairs of waves" in names[2]
    assert "pairs of waves" not in names[10]
    assert any(name.startswith("bumps of") for name in names[10])
    assert not any(name.startswith("bumps of") for name in names[30])
    assert "clusters" in names[30]
    assert "clusters" in names[100]
    assert "clusters" not in names[1] + names[200]
    assert any("leading components" in name for name in names[100])
    assert not any("leading components" in name for name in names[5])
    assert "partitions" in names[2]
    assert "partitions" not in names[1] + names[100]
    assert "gaussian mixtures" in names[2]
    assert "gaussian mixtures" not in names[30]


def test_library_without_what_costs_most():
    cheap = library(2, cheap=True)
    assert {type(candidate) for candidate in cheap} == {RidgeCandidate, SharesCandidate}
    assert not any(candidate.costly for candidate in cheap)
    assert len(cheap) < len(library(2))


def test_quartics_are_all_products_of_up_to_four_scores():
    data = training(3)
    raw = quartics(data).raw
    features, scores = raw(data.points), data.coordinates.scores(data.points)
    # As many as there are monomials of three variables up to degree four, but for the constant.
    assert features.shape[1] == math.comb(3 + 4, 4) - 1
    np.testing.assert_allclose(features[:, :3], scores)
    product = scores[:, 0] * scores[:, 1] ** 2 * scores[:, 2]
    matches = np.isclose(features, product[:, np.newaxis]).all(axis=0)
    assert matches.sum() == 1
    assert raw.roughness()[matches] == [16.0]
    assert raw.roughness()[:3].tolist() == [1.0, 1.0, 1.0]
