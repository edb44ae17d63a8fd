"""Pairs of features that are chosen by how much their dependence differs."""

import numpy as np
import pytest

from divergences.estimators.critics.chosen_pairs import (
    EVERY_KIND,
    PairSplines,
    bumps_in_planes_that_differ,
    most_different_pairs,
    pairs_that_differ,
    whitened_pairs_that_differ,
)
from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.critic_candidate import Training
from divergences.estimators.critics.critic_library import library
from divergences.estimators.ratios.cross_fitting import TrainingPart
from divergences.estimators.ratios.labels import log_loss


def spread_of_response(n=500, d=12, seed=0):
    """P's last feature has a spread that depends on the first, Q's on the second."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(2 * n, d))
    points[:n, -1] *= np.exp(0.7 * points[:n, 0])
    points[n:, -1] *= np.exp(0.7 * points[n:, 1])
    return points, np.repeat([1, 0], n)


def chain(memory, n, d, rng):
    steps = rng.standard_t(4, size=(n, d))
    for j in range(1, d):
        steps[:, j] += memory * steps[:, j - 1]
    return np.cumsum(steps, axis=1)


def as_set(pairs):
    return {tuple(sorted(pair)) for pair in pairs.tolist()}


def choose(points, labels, function=most_different_pairs, weights=None):
    weights = np.ones(len(points)) if weights is None else weights
    return function(Coordinates.of(points), points, labels, weights)


def losses(points, labels, *names):
    training = Training.of(TrainingPart(points, labels, np.ones(len(labels)), 0))
    candidates = {each.name: each for each in library(points.shape[1])}
    return [log_loss(candidates[name].fit(training).held_out, labels).mean() for name in names]


def test_pairs_are_those_whose_spread_depends_on_another():
    points, labels = spread_of_response()
    assert as_set(choose(points, labels)) == {(0, 11), (1, 11)}


def test_pairs_of_noise_are_chosen_in_at_most_one_of_twenty_samples():
    # Bonferroni over pairs and numbers of waves: at most 5 of 100 on average, 12 with 0.2 %.
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(100):
        points = rng.normal(size=(600, 8))
        found += len(choose(points, np.repeat([1, 0], 300))) > 0
    assert found <= 12


def test_margins_that_differ_are_no_dependence():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(1000, 8))
    points[:500] = 1.5 * points[:500] + 0.5
    # Ranks of both as one see a little curvature of a shift in two features at once.
    assert len(choose(points, np.repeat([1, 0], 500))) <= 2


def test_weights_of_zero_leave_points_out():
    points, labels = spread_of_response()
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(400, 12)) + 3
    weights = np.repeat([1.0, 0.0], [1000, 400])
    rows = np.vstack([points, noise])
    every = most_different_pairs(
        Coordinates.of(points), rows, np.concatenate([labels, np.ones(400, int)]), weights
    )
    assert as_set(every) == as_set(choose(points, labels))


def test_splines_are_products_of_scores_squares_and_cosines():
    points, _ = spread_of_response()
    coordinates = Coordinates.of(points)
    raw = PairSplines.of(coordinates, np.array([[3, 7], [7, 9]]))
    features, columns = raw(points), [3, 7, 9]
    scores, shares = coordinates.scores(points), coordinates.shares(points)
    single = [scores, scores**2, *(np.cos(np.pi * k * shares) for k in range(1, 6))]
    np.testing.assert_allclose(features[:, :3], scores[:, columns])
    np.testing.assert_allclose(features[:, 3:6], scores[:, columns] ** 2)
    first_product = 7 * 3
    for place, (s, t) in enumerate(EVERY_KIND):
        for offset, (i, j) in enumerate([(3, 7), (7, 9)]):
            column = features[:, first_product + 2 * place + offset]
            np.testing.assert_allclose(column, single[s][:, i] * single[t][:, j])
    assert features.shape[1] == len(raw.roughness()) == first_product + raw.n_products


def test_kinds_that_differ_in_no_pair_are_penalized():
    points, labels = spread_of_response(n=2000)
    features = choose(points, labels, pairs_that_differ)
    kinds, n_pairs = features.raw.kinds, len(features.raw.pairs)
    penalty = dict(
        zip(
            map(tuple, kinds.tolist()),
            features.roughness[-features.raw.n_products :: n_pairs],
            strict=True,
        )
    )
    # What differs is the square of the response times the score of what sets its spread.
    assert min(penalty.values()) == 1
    assert penalty[0, 1] < penalty[0, 0] / 5


def test_the_spread_of_a_response_is_learned():
    points, labels = spread_of_response()
    quadratic, pairs = losses(points, labels, "quadratic in scores", "chosen pairs")
    # The exact ratio gains 0.124 nats, by a million draws.
    assert quadratic > np.log(2) - 0.01
    assert pairs < np.log(2) - 0.6 * 0.124


def test_many_pairs_keep_the_kinds_that_differ_most():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(2000, 20))
    for j in range(1, 20):
        points[:1000, j] += np.abs(points[:1000, j - 1])
    features = choose(points, np.repeat([1, 0], 1000), pairs_that_differ)
    assert len(features.raw.pairs) > 11
    assert features.raw.n_products <= 400
    assert len(features.raw.kinds) < len(EVERY_KIND)


def test_steps_of_a_chain_are_seen_in_whitened_points():
    rng = np.random.default_rng(4)
    points = np.vstack([chain(0.0, 600, 8, rng), chain(0.4, 600, 8, rng)])
    labels = np.repeat([1, 0], 600)
    features = choose(points, labels, whitened_pairs_that_differ)
    columns = features.raw.raw.columns
    found = as_set(columns[features.raw.raw.pairs])
    neighbors = {(j, j + 1) for j in range(7)}
    assert len(found & neighbors) >= 5
    np.testing.assert_allclose(
        features.raw(points)[:, : len(columns)],
        features.raw.raw.coordinates.scores(Coordinates.of(points).white(points))[:, columns],
    )


def curved(n=500, d=6, seed=0, first=2, second=4):
    """One feature is a wave of another, of a phase that differs."""
    rng = np.random.default_rng(seed)
    points, labels = rng.normal(size=(2 * n, d)), np.repeat([1, 0], n)
    wave = np.sin(3 * points[:, first] + np.where(labels == 1, 0.0, 0.8))
    points[:, second] = wave + 0.3 * points[:, second]
    return points, labels


def test_a_sharp_curve_of_one_pair_is_learned():
    points, labels = curved()
    splines, bumps = losses(points, labels, "chosen pairs", "bumps in chosen planes")
    # The exact ratio gains 0.264 nats, by a million draws; at 1,000 points with a standard error
    # of 0.014.
    assert bumps < np.log(2) - 0.7 * 0.264 < splines


def test_bumps_lie_in_the_planes_of_the_pairs_alone():
    points, labels = curved(d=9)
    features = choose(points, labels, bumps_in_planes_that_differ)
    rng = np.random.default_rng(6)
    moved = points.copy()
    others = [j for j in range(9) if j not in (2, 4)]
    moved[:, others] = rng.normal(size=(len(points), 7))
    values = features(points)
    np.testing.assert_allclose(features(moved), values)
    assert features.roughness.shape == (values.shape[1],)
    moved[:, 4] += 0.5
    assert np.abs(features(moved) - values).max() > 0.1


def test_planes_share_the_bumps():
    rng = np.random.default_rng(7)
    points, labels = rng.normal(size=(2000, 10)), np.repeat([1, 0], 1000)
    for j in range(0, 10, 2):
        points[:1000, j + 1] += points[:1000, j]
    assert len(choose(points, labels)) == 5
    assert choose(points, labels, bumps_in_planes_that_differ).roughness.size <= 150 + 60


@pytest.mark.parametrize(
    "function", [pairs_that_differ, whitened_pairs_that_differ, bumps_in_planes_that_differ]
)
def test_nothing_is_chosen_from_noise_and_no_critic_is_made(function):
    points = np.random.default_rng(5).normal(size=(600, 8))
    assert choose(points, np.repeat([1, 0], 300), function) is None


def test_constant_columns_are_in_no_pair():
    points, labels = spread_of_response(d=8)
    points[:, 3] = 3.7
    assert as_set(choose(points, labels)) == {(0, 7), (1, 7)}
