"""The mixture that made the data is found again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import divergences as dv


def three_clusters(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centers = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    return centers[rng.choice(3, n, p=[0.5, 0.3, 0.2])] + rng.normal(scale=0.7, size=(n, 2))


def test_bic_finds_the_number_of_components_and_em_the_rest():
    model = dv.GaussianMixture(rng=0).fit(three_clusters(3000, 0))
    assert model.n_components_ == 3
    assert set(model.bic_) == set(range(1, 11))
    order = np.argsort(-model.weights_)
    # Five standard errors: sqrt(0.25/3000) for weights, 0.7/sqrt(600) for means.
    np.testing.assert_allclose(model.weights_[order], [0.5, 0.3, 0.2], atol=0.046)
    np.testing.assert_allclose(model.means_[order], [[0, 0], [4, 0], [0, 4]], atol=0.15)
    np.testing.assert_allclose(model.covariances_[order], np.tile(0.49 * np.eye(2), (3, 1, 1)),
                               atol=5 * 0.49 * np.sqrt(2 / 600))  # fmt: skip


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_density_is_the_sum_over_its_components(covariance):
    x = three_clusters(400, 1)
    model = dv.GaussianMixture(3, covariance=covariance, rng=0).fit(x)
    parts = zip(model.weights_, model.means_, model.covariances_, strict=True)
    naive = sum(w * multivariate_normal(m, c).pdf(x) for w, m, c in parts)
    np.testing.assert_allclose(model.log_density(x), np.log(naive), atol=1e-9)


def test_bic_is_minus_twice_the_likelihood_and_the_price_of_parameters():
    x = three_clusters(500, 2)
    model = dv.GaussianMixture(2, rng=0).fit(x)
    parameters = 1 + 2 * 2 + 2 * 3
    white_likelihood = model.log_density(x).sum() + 500 * np.log(x.std(axis=0)).sum()
    expected = -2 * white_likelihood + parameters * np.log(500)
    assert model.bic_[2] == pytest.approx(expected, rel=1e-9)


def test_one_component_is_the_normal_of_greatest_likelihood():
    x = three_clusters(300, 3)
    model = dv.GaussianMixture(1, rng=0).fit(x)
    expected = multivariate_normal(x.mean(axis=0), np.cov(x.T, bias=True)).logpdf(x)
    # The solver adds 1e-6 to each variance of one.
    np.testing.assert_allclose(model.log_density(x), expected, atol=2e-5)


def test_held_out_divergence_falls_to_what_the_truth_has():
    data, held_out = three_clusters(2000, 4), three_clusters(2000, 5)
    draws = dv.GaussianMixture(max_components=4, rng=0).fit(data).sample(2000, rng=1)
    low, _ = dv.js_divergence(held_out, draws, method="kde", rng=0).interval(0.999)
    assert low <= 0 < dv.js_divergence(held_out, draws + 1, method="kde", rng=0).interval(0.999)[0]


@pytest.mark.parametrize(
    ("settings", "n", "error", "message"),
    [
        ({"n_components": 0}, 50, ValueError,
         r"^n_components must be a whole number of at least 1, not 0\. Leave it out to let BIC"),
        ({"n_components": 60}, 50, ValueError,
         r"^n_components must be at most the number of points, 50, not 60\.$"),
        ({"max_components": 0}, 50, ValueError, r"^max_components must be a whole number of at"),
        ({"covariance": "round"}, 50, ValueError, r"^covariance must be one of 'full', 'diag', n"),
        ({"rng": "seed"}, 50, TypeError, r"^rng must be a seed"),
        ({}, 2, ValueError, r"^A Gaussian mixture of 2 features needs at least 3 points, but X ha"),
    ],
)  # fmt: skip
def test_bad_settings_are_refused_in_words(settings, n, error, message):
    with pytest.raises(error, match=message):
        dv.GaussianMixture(**settings).fit(three_clusters(n, 0))


def test_em_that_does_not_converge_is_an_error(monkeypatch):
    monkeypatch.setattr("divergences.generative.gaussian_mixture._ITERATIONS", 1)
    message = r"^EM did not converge in 1 iterations with 4 components\. Use fewer, or n_comp"
    with pytest.raises(dv.ConvergenceError, match=message):
        dv.GaussianMixture(4, rng=0).fit(three_clusters(300, 0))


def test_repeated_points_leave_fewer_clusters_than_components():
    x = np.repeat([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], 10, axis=0)
    assert np.isfinite(dv.GaussianMixture(5, rng=0).fit(x).sample(20, rng=0)).all()
