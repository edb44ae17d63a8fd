"""Logistic regression on quadratic terms: its terms, and which of them it takes."""

import numpy as np
import pytest

from divergences.estimators.quadratic_logistic import Terms, fit_quadratic_logistic


def test_terms_are_standardized_powers():
    points = np.random.default_rng(18).normal(3, 2, (50, 3))
    terms = Terms.of(points, np.full(50, 0.02))
    design = terms(points)
    assert terms.choices == [3, 6, 9]
    np.testing.assert_allclose(design.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(design.std(axis=0), 1)
    line = (points - points.mean(axis=0)) / points.std(axis=0)
    assert np.corrcoef(design[:, 6], line[:, 0] * line[:, 1])[0, 1] == pytest.approx(1)


def test_many_features_have_squares_only():
    points = np.random.default_rng(19).normal(0, 1, (50, 16))
    assert Terms.of(points, np.full(50, 0.02)).choices == [16, 32]


def test_chooses_products_where_they_tell():
    rng = np.random.default_rng(20)
    x = rng.normal(0, 1, (600, 2))
    first = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 600)
    labels = np.repeat([1, 0], 600)
    fit = fit_quadratic_logistic(np.concatenate([first, x]), labels, np.ones(1200), rng)
    assert len(fit.coefficients) == 5
    shifted = fit_quadratic_logistic(np.concatenate([x + 1, x]), labels, np.ones(1200), rng)
    assert len(shifted.coefficients) == 2
