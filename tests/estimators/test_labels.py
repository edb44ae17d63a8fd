"""Labels: folds and weights that balance them, and the loss by them."""

import math

import numpy as np
import pytest

from divergences.estimators.ratios.labels import (
    balanced_weights,
    by_label,
    excess_loss,
    log_loss,
    rows_by_weight,
    stratified_folds,
)


def test_folds_are_stratified():
    labels = np.repeat([1, 0], [10, 23])
    parts = stratified_folds(labels, 5, np.random.default_rng(0))
    assert np.bincount(parts[labels == 1]).tolist() == [2] * 5
    assert sorted(np.bincount(parts[labels == 0])) == [4, 4, 5, 5, 5]


def test_weights_are_balanced():
    labels, mass = np.array([1, 0, 1, 0, 0]), np.array([0.2, 3.0, 0.6, 1.0, 4.0])
    weights = balanced_weights(labels, mass)
    assert weights.mean() == pytest.approx(1)
    assert weights[labels == 1].sum() == pytest.approx(2.5)
    assert weights[2] / weights[0] == pytest.approx(3)


def test_log_loss():
    odds = np.array([0.0, 2.0, -800.0])
    expected = [math.log(2), math.log1p(math.exp(2.0)), 800.0]
    np.testing.assert_allclose(log_loss(odds, np.array([1, 0, 1])), expected)


def test_rows_are_repeated_in_proportion_to_their_weights():
    weights = np.array([1.0, 0.5, 2.0, 0.5] * 25)
    rows = rows_by_weight(weights)
    # As many as Kish's effective number: 100 squared over 137.5.
    assert len(rows) == 73
    counts = np.bincount(rows, minlength=100)
    assert np.abs(counts - weights * 73 / 100).max() < 1
    assert np.all(np.diff(rows) >= 0)


def test_rows_of_equal_weight_are_taken_once_each():
    assert rows_by_weight(np.full(50, 0.3)).tolist() == list(range(50))


def test_one_row_with_nearly_all_weight_is_still_two():
    # A covariance needs two.
    assert rows_by_weight(np.array([1e-9, 1.0, 1e-9])).tolist() == [1, 1]


def test_rows_of_p_come_first_with_masses_of_their_own():
    (at_p, mass_p), (at_q, mass_q) = by_label(
        np.arange(4.0), np.array([0, 1, 1, 0]), np.array([3.0, 1.0, 4.0, 1.0])
    )
    assert (at_p.tolist(), at_q.tolist()) == ([1.0, 2.0], [0.0, 3.0])
    np.testing.assert_allclose(mass_p, [0.2, 0.8])
    np.testing.assert_allclose(mass_q, [0.75, 0.25])


def test_excess_loss_is_a_weighted_mean_with_its_standard_error():
    # Losses are ln(1 + e^-l) of the true label: ln 2 at zero.
    odds, labels = np.array([1.0, -1.0, 2.0]), np.array([1, 0, 0])
    mass = np.array([0.25, 0.25, 0.5])
    excess = np.log1p(np.exp([-1.0, -1.0, 2.0])) - math.log(2)
    mean = (mass * excess).sum()
    error = math.sqrt((mass**2 * (excess - mean) ** 2).sum())
    found = excess_loss(odds, np.zeros(3), labels, 8 * mass)
    assert found == pytest.approx((mean, error), rel=1e-12)
