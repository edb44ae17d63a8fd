from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import expit

from divergences.estimators.critics import ridge_logistic
from divergences.estimators.critics.ridge_logistic import (
    STRENGTHS,
    fit_best_strength,
    fit_ridge,
    log_loss,
    with_intercept,
)


def problem(seed=0, n=120, k=3, shift=0.6):
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], n // 2)
    features = rng.normal(size=(n, k)) + shift * labels[:, np.newaxis] * np.arange(k)
    weights = rng.uniform(0.5, 1.5, n)
    return features, labels, weights


def objective(coefficients, design, labels, weights, penalty):
    odds = design @ coefficients
    plain = weights @ np.logaddexp(0, -np.where(labels == 1, odds, -odds))
    return plain + 0.5 * penalty @ coefficients[1:] ** 2


def test_solution_is_that_of_a_general_optimizer():
    features, labels, weights = problem()
    design, penalty = with_intercept(features), np.array([0.1, 1.0, 10.0])
    fit = fit_ridge(design, labels, weights, penalty)
    slow = minimize(
        objective, np.zeros(4), (design, labels, weights, penalty), "BFGS", options={"gtol": 1e-8}
    )
    np.testing.assert_allclose(fit.coefficients, slow.x, atol=1e-5)
    np.testing.assert_allclose(fit.fitted, design @ fit.coefficients)


def test_start_does_not_change_the_solution():
    features, labels, weights = problem(1)
    design, penalty = with_intercept(features), np.ones(3)
    cold = fit_ridge(design, labels, weights, penalty)
    far = replace(cold, coefficients=np.array([3.0, -3.0, 3.0, -3.0]))
    warm = fit_ridge(design, labels, weights, penalty, far)
    np.testing.assert_allclose(warm.coefficients, cold.coefficients, atol=1e-5)
    assert warm.evidence == pytest.approx(cold.evidence, abs=1e-3)


def test_left_out_values_are_those_of_fits_without_the_point():
    features, labels, weights = problem(2, n=80)
    design, penalty = with_intercept(features), np.ones(3)
    fit = fit_ridge(design, labels, weights, penalty)
    exact = np.empty(len(labels))
    for i in range(len(labels)):
        others = np.arange(len(labels)) != i
        without = fit_ridge(design[others], labels[others], weights[others], penalty)
        exact[i] = design[i] @ without.coefficients
    moved = np.abs(exact - fit.fitted)
    assert np.abs(fit.left_out - exact).mean() < 0.1 * moved.mean()
    # Each point draws the fit to its own label.
    assert np.all(np.where(labels == 1, fit.fitted - fit.left_out, fit.left_out - fit.fitted) > 0)


def test_left_out_values_of_a_point_without_weight_are_its_fitted_ones():
    features, labels, weights = problem(3)
    weights[5] = 0.0
    fit = fit_ridge(with_intercept(features), labels, weights, np.ones(3))
    assert fit.left_out[5] == fit.fitted[5]


def test_evidence_is_the_marginal_likelihood_of_one_coefficient():
    rng = np.random.default_rng(4)
    labels = np.repeat([1, 0], 100)
    feature = rng.normal(size=200) + 0.5 * labels
    design, weights = with_intercept(feature[:, np.newaxis]), np.ones(200)

    def marginal(strength, intercept):
        # At a fixed intercept, so that one integral is left.
        def likelihood(b):
            odds = intercept + b * feature
            logs = -log_loss(odds, labels).sum() - 0.5 * strength * b**2
            return np.exp(logs - reference)

        reference = -log_loss(np.full(200, intercept), labels).sum()
        mass, _ = quad(likelihood, -3, 3, points=[0, 0.5], limit=200)
        return reference + np.log(mass * np.sqrt(strength / (2 * np.pi)))

    strengths = (0.5, 5.0, 50.0)
    fits = [fit_ridge(design, labels, weights, np.array([s])) for s in strengths]
    # The intercept is integrated out too, over a width that hardly depends on the strength.
    widths = [
        intercept_width(fit, design, strength)
        for fit, strength in zip(fits, strengths, strict=True)
    ]
    exact = [
        marginal(strength, fit.coefficients[0]) + width
        for fit, strength, width in zip(fits, strengths, widths, strict=True)
    ]
    evidence = np.array([fit.evidence for fit in fits])
    np.testing.assert_allclose(np.diff(evidence), np.diff(exact), atol=0.1)


def intercept_width(fit, design, strength):
    """Log of the width of the posterior of the intercept beyond that at a fixed slope."""
    share = expit(fit.fitted)
    hessian = (design * (share * (1 - share))[:, np.newaxis]).T @ design + np.diag([0, strength])
    determinant = np.linalg.det(hessian)
    return -0.5 * np.log(determinant / hessian[1, 1])


def test_chosen_strength_is_that_of_greatest_evidence():
    features, labels, weights = problem(5, n=300, k=8, shift=0.05)
    roughness = np.array([1.0, 1, 1, 1, 4, 4, 4, 4])
    design = with_intercept(features)
    every = [fit_ridge(design, labels, weights, s * roughness) for s in STRENGTHS]
    best = max(every, key=lambda fit: fit.evidence)
    chosen = fit_best_strength(features, labels, weights, roughness)
    np.testing.assert_allclose(chosen.coefficients, best.coefficients, atol=1e-4)
    assert chosen.evidence == pytest.approx(best.evidence, abs=1e-4)


def test_noise_is_penalized_more_than_signal():
    features, labels, weights = problem(6, n=400, k=10, shift=0.0)
    noise = fit_best_strength(features, labels, weights, np.ones(10))
    features[:, 0] += 2 * labels
    signal = fit_best_strength(features, labels, weights, np.ones(10))
    assert np.abs(noise.fitted).max() < 0.5
    assert np.abs(signal.fitted).max() > 2


def test_weights_count_as_repeats():
    features, labels, _ = problem(7)
    counts = np.random.default_rng(7).integers(1, 4, len(labels))
    weighted = fit_ridge(with_intercept(features), labels, counts.astype(float), np.ones(3))
    again = np.repeat(np.arange(len(labels)), counts)
    repeated = fit_ridge(
        with_intercept(features[again]), labels[again], np.ones(len(again)), np.ones(3)
    )
    np.testing.assert_allclose(weighted.coefficients, repeated.coefficients, atol=1e-6)
    assert weighted.evidence == pytest.approx(repeated.evidence, abs=1e-6)
    np.testing.assert_allclose(weighted.fitted[again], repeated.fitted, atol=1e-6)
    # Leaving out a weighted point leaves out all its repeats.
    moved = [np.abs(fit.left_out - fit.fitted) for fit in (weighted, repeated)]
    thrice = counts == 3
    assert np.all(moved[0][thrice] > 2 * moved[1][np.searchsorted(again, np.flatnonzero(thrice))])


def test_rows_in_tiles_give_what_one_piece_gives(monkeypatch):
    features, labels, weights = problem(8)
    whole = fit_ridge(with_intercept(features), labels, weights, np.ones(3))
    monkeypatch.setattr(ridge_logistic, "_ROWS_OF_TILE", 7)
    tiled = fit_ridge(with_intercept(features), labels, weights, np.ones(3))
    np.testing.assert_allclose(tiled.coefficients, whole.coefficients, rtol=1e-9)
    np.testing.assert_allclose(tiled.left_out, whole.left_out, rtol=1e-9)


def test_strength_chosen_on_some_rows_is_used_on_all(monkeypatch):
    features, labels, weights = problem(9, n=600)
    monkeypatch.setattr(ridge_logistic, "_ROWS_TO_CHOOSE_BY", 200)
    fit = fit_best_strength(features, labels, weights, np.ones(3))
    assert len(fit.fitted) == len(fit.left_out) == 600
    design = with_intercept(features)
    every = [fit_ridge(design, labels, weights, np.full(3, s)).coefficients for s in STRENGTHS]
    assert min(np.abs(fit.coefficients - each).max() for each in every) < 1e-4


def test_separated_labels_end_at_a_finite_fit():
    labels = np.repeat([1, 0], 50)
    features = np.linspace(5, -5, 100)[:, np.newaxis]
    fit = fit_best_strength(features, labels, np.ones(100), np.ones(1))
    assert np.isfinite(fit.coefficients).all()
    assert np.isfinite(fit.left_out).all()
    clear = np.abs(features[:, 0]) > 0.5
    assert np.all((fit.left_out > 0)[clear] == (labels == 1)[clear])


def test_more_features_than_points_are_fitted_in_as_many_coordinates():
    features, labels, weights = problem(7, n=60, k=150, shift=0.01)
    roughness = np.geomspace(0.1, 30, 150)
    fit = fit_best_strength(features, labels, weights, roughness)
    design = with_intercept(features)
    whole = fit_ridge(design, labels, weights, fit.strength * roughness)
    np.testing.assert_allclose(fit.coefficients, whole.coefficients, atol=1e-5)
    np.testing.assert_allclose(fit.fitted, design @ fit.coefficients, atol=1e-9)
    np.testing.assert_allclose(fit.left_out, whole.left_out, atol=5e-3)
    assert fit.evidence == pytest.approx(whole.evidence, abs=1e-2)
    assert len(fit.information) == 61
