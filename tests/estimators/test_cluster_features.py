"""Clusters of both samples as one, as features of critics."""

import pickle

import numpy as np
import pytest
from scipy.special import logsumexp

import divergences as dv
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


def test_columns_of_few_values_have_no_room_for_slopes():
    data = training()
    rng = np.random.default_rng(1)
    binary = rng.integers(0, 2, data.points.shape) * 1.0
    data = Training.of(TrainingPart(binary, data.labels, data.weights, 0))
    assert clusters(data, slopes=True) is None
    assert clusters(data) is not None


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


def test_round_clusters_of_many_features_need_few_numbers():
    # Sixteen patterns in 64 features: axes of their own cost each of them 64 numbers more.
    rng = np.random.default_rng(0)
    patterns = 4.0 * np.linalg.qr(rng.normal(size=(64, 16)))[0].T
    points = patterns[rng.integers(16, size=2000)] + rng.normal(size=(2000, 64))
    mixture = pooled_mixture(points, 0)
    assert mixture.covariance_type == "spherical"
    assert 12 <= mixture.n_components <= 16


def test_bright_rows_are_told_from_bright_columns():
    # Images of 8 x 8 noisy pixels, of which a row or a column is brighter by 1.3: equal means and
    # nearly equal margins. Without clusters of 64 features the value is 0.33.
    rows = 1.3 * np.kron(np.eye(8), np.ones(8))
    columns = rows.reshape(8, 8, 8).transpose(0, 2, 1).reshape(8, 64)

    def sample(patterns, n, rng):
        return patterns[rng.integers(8, size=n)] + rng.normal(size=(n, 64))

    def log_ratio(images):
        return logsumexp(images @ rows.T, axis=1) - logsumexp(images @ columns.T, axis=1)

    rng = np.random.default_rng(1)
    far = [log_ratio(sample(patterns, 200_000, rng)) for patterns in (rows, columns)]
    truth = (
        np.log(2)
        - sum(np.logaddexp(0, s * f).mean() for s, f in zip((-1, 1), far, strict=True)) / 2
    )
    estimate = dv.js_divergence(sample(rows, 1000, rng), sample(columns, 1000, rng), rng=0)
    assert truth == pytest.approx(0.589, abs=0.003)
    # Means of 125 images each are off by sqrt(64/125) = 0.7 in all, which costs about 0.015.
    assert abs(float(estimate) - truth) < 3.5 * estimate.stderr + 0.015
    low, high = estimate.interval()
    assert low < truth < high
