"""Clusters of both samples as one, as features of critics."""

import pickle

import numpy as np
import pytest
from scipy.special import logsumexp

from divergences.estimators.critics.cluster_features import clusters, pooled_mixture
from divergences.estimators.critics.critic_candidate import Training
from divergences.estimators.critics.critic_library import library
from divergences.estimators.ratios.cross_fitting import TrainingPart
from divergences.estimators.ratios.labels import log_loss

CENTERS = 6 * np.eye(20)[:4]


def clustered(shares, n, rng):
    return CENTERS[rng.choice(4, n, p=shares)] + rng.normal(size=(n, 20))


def training(n=400, seed=0):
    rng = np.random.default_rng(seed)
    points = np.vstack(
        [clustered([0.4, 0.3, 0.2, 0.1], n, rng), clustered([0.1, 0.2, 0.3, 0.4], n, rng)]
    )
    return Training.of(TrainingPart(points, np.repeat([1, 0], n), np.ones(2 * n), 0))


def test_mixture_has_the_clusters_there_are():
    data = training()
    assert data.clusters is data.clusters
    assert data.clusters.n_components == 4


def test_mixture_of_few_points_has_few_components():
    assert pooled_mixture(np.random.default_rng(0).normal(size=(12, 2)), 0).n_components == 2


def test_features_are_shares_and_ways_from_the_means():
    data = training()
    shares, both = clusters(data).raw, clusters(data, slopes=True).raw
    few = data.points[:5]
    np.testing.assert_allclose(shares(few).sum(axis=1), 1)
    assert both(few).shape == (5, 4 + 4 * 20)
    line = data.coordinates.line(few)
    expected = shares(few)[:, [2]] * (line - data.clusters.means_[2])
    np.testing.assert_allclose(both(few)[:, 4 + 2 * 20 : 4 + 3 * 20], expected)
    again = pickle.loads(pickle.dumps(both))
    np.testing.assert_array_equal(again(few), both(few))


def test_clusters_in_other_shares_are_told_as_well_as_can_be():
    data = training()
    named = {candidate.name: candidate for candidate in library(20)}
    held_out = {name: named[name].fit(data).held_out for name in ("clusters", "quadratic")}
    logs = [-0.5 * ((data.points - center) ** 2).sum(axis=1) for center in CENTERS]
    known = logsumexp(logs, axis=0, b=np.array([[0.4], [0.3], [0.2], [0.1]]))
    known -= logsumexp(logs, axis=0, b=np.array([[0.1], [0.2], [0.3], [0.4]]))
    best = log_loss(known, data.labels).mean()
    losses = {name: log_loss(odds, data.labels).mean() for name, odds in held_out.items()}
    # Four numbers cost half a nat each on average, of 800 points.
    assert losses["clusters"] == pytest.approx(best, abs=3 * 4 / 2 / 800)
    assert losses["quadratic"] > losses["clusters"] + 0.01
