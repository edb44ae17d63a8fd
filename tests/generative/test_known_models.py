"""Fitted models that are known measures: their own density is used."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.exceptions import NotFittedError

import divergences as dv
from divergences.measures import Parametric, as_known, is_known

DRAWS = 200_000


class Drawn:
    """A model without its density: what only can be drawn from."""

    def __init__(self, model):
        self.model = model

    def fit(self, X, y=None):
        return self

    def sample(self, n, rng=None):
        return self.model.sample(n, rng=rng)


def points(d, n=500):
    rng = np.random.default_rng(d)
    return rng.normal(size=(n, d)) + np.where(rng.random((n, 1)) < 0.4, 1.5, -0.5)


def fitted(kind, d):
    if kind == "graph":
        return dv.GraphicalModel(penalty=0.05).fit(points(d))
    return dv.GaussianMixture(1 if kind == "one" else 2, rng=0).fit(points(d))


@pytest.mark.parametrize("d", [1, 2, 4])
@pytest.mark.parametrize("kind", ["two", "one", "graph"])
def test_the_known_measure_has_the_models_density_and_draws_like_it(kind, d):
    model = fitted(kind, d)
    assert is_known(model)
    known = as_known(model)
    np.testing.assert_allclose(
        known.log_density(points(d)), model.log_density(points(d)), atol=1e-9
    )
    draws, own = known.sample(DRAWS, 0), model.sample(DRAWS, rng=1)
    # Four standard errors of a difference: 1 in 16,000 for each of 21 features in all.
    reach = 4 * own.std(axis=0) * np.sqrt(2 / DRAWS)
    assert (np.abs(draws.mean(axis=0) - own.mean(axis=0)) < reach).all()


def true_value(call, p, q, rng):
    """Mean of the terms at draws of both, by the models' densities, and its standard error."""
    draws = [model.sample(DRAWS, rng=rng) for model in (p, q)]
    at_p, at_q = (p.log_density(z) - q.log_density(z) for z in draws)
    if call is dv.kl_divergence:
        return at_p.mean(), at_p.std() / np.sqrt(DRAWS)
    terms = [np.log(2) - np.logaddexp(0, -at_p), np.log(2) - np.logaddexp(0, at_q)]
    stderr = np.sqrt(sum(part.var() for part in terms) / DRAWS) / 2
    return (terms[0].mean() + terms[1].mean()) / 2, stderr


@pytest.mark.parametrize("call", [dv.js_divergence, dv.kl_divergence])
@pytest.mark.parametrize("d", [1, 2, 4])
def test_two_models_have_the_value_of_their_densities(call, d):
    p, q = fitted("two", d), fitted("graph", d)
    found = call(p, q, rng=0)
    truth, noise = true_value(call, p, q, np.random.default_rng(0))
    # 1 in 16,000 each.
    assert abs(found - truth) < 4 * np.hypot(noise, found.stderr)
    np.testing.assert_allclose(
        found.critic(points(d)), p.log_density(points(d)) - q.log_density(points(d)), atol=1e-9
    )
    how = "Monte Carlo with the exact critic" if d == 4 else f"quadrature in {d}-D"
    assert how in found.how
    assert (found.stderr == 0) == (d < 4)


def test_a_model_and_a_distribution_are_two_known_measures():
    model = fitted("one", 3)
    law = multivariate_normal(np.zeros(3))
    expected = dv.kl_divergence(multivariate_normal(model.means_[0], model.covariances_[0]), law)
    assert dv.kl_divergence(model, law).value == pytest.approx(expected.value, rel=1e-12)
    assert dv.kl_divergence(model, model).how == "exact: the measures are equal"
    assert dv.wasserstein_distance(model, law, order=2).how == "exact: formula for Normal"


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("call", [dv.js_divergence, dv.kl_divergence])
def test_samples_face_the_models_own_density(call, swap):
    model, law = fitted("two", 2), multivariate_normal(np.zeros(2))
    x = np.random.default_rng(1).normal(size=(400, 2))
    found = call(*((model, x) if swap else (x, model)), method="kde", rng=0)
    name, size = ("p", found.n) if swap else ("q", found.m)
    assert f"The known density of {name} is used as it is." in found.notes
    assert size == 4_000
    truth = call(*((model, law) if swap else (law, model)))
    # 1 in 16,000 for an unbiased value; what is left of the bias is told.
    assert abs(found - truth) < 4 * found.stderr + abs(found.bias)


@pytest.mark.parametrize("call", [dv.js_divergence, dv.kl_divergence])
def test_the_known_density_errs_less_than_draws(call):
    model, law = fitted("two", 2), multivariate_normal(np.zeros(2))
    truth = call(law, model)
    # Measured over 24 seeds: 0.60 and 0.57 of the error of draws; over 12 that scatters by 0.14.
    errors = []
    for seed in range(12):
        x = np.random.default_rng(seed).normal(size=(300, 2))
        errors.append(
            [
                call(x, side, method=dv.KDE(second_opinion=False), rng=seed) - truth
                for side in (model, Drawn(model))
            ]
        )
    known, drawn = np.sqrt(np.mean(np.square(errors), axis=0))
    assert known < drawn


def test_other_models_are_drawn_from():
    kernels = dv.KernelDensity().fit(points(2))
    assert not is_known(kernels)
    assert not isinstance(kernels, Parametric)
    found = dv.energy_distance(points(2, 50), kernels, rng=0)
    assert found.notes[0] == "50 points were drawn from q."


@pytest.mark.parametrize("model", [dv.GaussianMixture(), dv.GraphicalModel()])
def test_a_model_must_be_fitted(model):
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        dv.js_divergence(points(2), model)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        dv.js_divergence(model, multivariate_normal(np.zeros(2)))
