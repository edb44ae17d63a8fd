"""What holds for every generative model, and the errors that they share."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array
from scipy.stats import multivariate_t
from sklearn import mixture, neighbors
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

import divergences as dv
from divergences.generative.model import WITH_DENSITY
from divergences.measures import is_known

RNG = np.random.default_rng(3)
X = np.concatenate(
    [RNG.normal(size=(120, 2)) @ [[1.0, 0.4], [0.0, 2.0]], RNG.normal([6, -1], 0.5, (80, 2))]
)
AT = RNG.normal(size=(50, 2)) * 2

MODELS = [
    dv.KernelDensity(),
    dv.GaussianMixture(rng=0),
    dv.GaussianMixture(2, covariance="diag", rng=0),
    dv.GraphicalModel(rng=0),
    dv.GraphicalModel(0.1),
    dv.GAN(steps=20, rng=0),
    dv.GAN(dv.Energy(), latent=1, steps=20, rng=0),
    dv.Autoencoder(steps=40, rng=0),
    dv.VariationalAutoencoder(steps=40, rng=0),
    dv.VariationalAutoencoder(1, divergence=dv.ReverseKL(), steps=40, rng=0),
]
DENSITIES = [model for model in MODELS if type(model).__name__ in WITH_DENSITY]
OTHERS = [model for model in MODELS if type(model).__name__ not in WITH_DENSITY]


@pytest.mark.parametrize("model", MODELS, ids=str)
class TestEveryModel:
    def test_is_a_generative_model(self, model):
        assert isinstance(model, dv.GenerativeModel)

    def test_fits_and_draws_without_touching_anything(self, model):
        data = X.copy()
        states = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        fresh = clone(model)
        assert fresh.fit(data) is fresh
        points = fresh.sample(7, rng=1)
        assert points.shape == (7, 2)
        assert points.dtype == np.float64
        assert np.isfinite(points).all()
        np.testing.assert_array_equal(data, X)
        assert torch.equal(torch.get_rng_state(), states[0])
        np.testing.assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002

    def test_stands_for_a_measure_on_either_side(self, model):
        fitted, data = clone(model).fit(X), X[:40]
        found = dv.energy_distance(fitted, data, rng=5)
        draws = 400 if is_known(fitted) else 40
        assert (found.n, found.notes[0]) == (draws, f"{draws} points were drawn from p.")
        other = dv.energy_distance(data, fitted, rng=5)
        assert other.notes[0] == f"{draws} points were drawn from q."
        if not is_known(fitted):
            drawn = fitted.sample(40, rng=np.random.default_rng(5))
            assert float(found) == float(dv.energy_distance(drawn, data, rng=0))
        evaluation = dv.evaluate_generator(fitted, data, rng=0, divergences=[dv.Energy()])
        assert evaluation["recall"].value >= 0

    def test_repeats_itself_for_one_seed(self, model):
        first, again = clone(model).fit(X), clone(model).fit(X)
        np.testing.assert_array_equal(first.sample(5, rng=2), again.sample(5, rng=2))
        assert not np.array_equal(first.sample(5, rng=2), first.sample(5, rng=3))

    def test_survives_a_pickle(self, model):
        fitted = clone(model).fit(X)
        again = pickle.loads(pickle.dumps(fitted))
        np.testing.assert_array_equal(again.sample(5, rng=2), fitted.sample(5, rng=2))

    def test_takes_one_feature(self, model):
        assert clone(model).fit(X[:, 0]).sample(3, rng=0).shape == (3, 1)

    def test_refuses_what_it_cannot_use(self, model):
        with pytest.raises(NotFittedError):
            clone(model).sample(3)
        with pytest.raises(TypeError, match=r"^X must be dense, but it is sparse \(csr_array\)"):
            clone(model).fit(csr_array(X))
        with pytest.raises(ValueError, match=r"^X must be finite, but it has NaN in 200 of 200"):
            clone(model).fit(X * np.nan)
        with pytest.raises(ValueError, match=r"^n must be a whole number of at least 1, not 0\.$"):
            clone(model).fit(X).sample(0)


@pytest.mark.parametrize("model", MODELS[1:], ids=str)
def test_weights_are_refused(model):
    weighted = dv.Samples(X, weights=np.arange(1, len(X) + 1) / 20_100)
    name = type(model).__name__
    with pytest.raises(ValueError, match=rf"^X must be unweighted for {name}\. Repeat points, or"):
        clone(model).fit(weighted)


@pytest.mark.parametrize("model", DENSITIES, ids=str)
class TestDensities:
    def test_integrates_to_one(self, model):
        # Importance sampling; |error| < 5 standard errors, two-sided: one false alarm in 1.7
        # million per test.
        fitted = clone(model).fit(X)
        proposal = multivariate_t([2, 0], 16 * np.eye(2), 3, seed=np.random.default_rng(0))
        at = proposal.rvs(40_000)
        ratios = np.exp(fitted.log_density(at) - proposal.logpdf(at))
        stderr = ratios.std() / np.sqrt(len(ratios))
        assert abs(ratios.mean() - 1) < 5 * stderr
        assert stderr < 0.02

    def test_draws_follow_the_density(self, model):
        # E[-ln f] and E[f] over draws of f against importance sampling; 5 standard errors.
        fitted = clone(model).fit(X)
        proposal = multivariate_t([2, 0], 16 * np.eye(2), 3, seed=np.random.default_rng(1))
        at, draws = proposal.rvs(40_000), fitted.sample(40_000, rng=5)
        weights = np.exp(fitted.log_density(at) - proposal.logpdf(at))
        for score in (fitted.log_density, lambda z: np.tanh(z[:, 0] - z[:, 1] / 2)):
            direct, weighted = score(draws), weights * score(at)
            spread = np.sqrt((direct.var() + weighted.var()) / 40_000)
            assert abs(direct.mean() - weighted.mean()) < 5 * spread

    def test_change_of_units_costs_the_log_jacobian(self, model):
        if model.get_params().get("penalty", 0) is None:
            model = dv.GraphicalModel(0.02)  # folds of other data choose another penalty
        units = np.array([1e3, -0.02])
        here, there = clone(model).fit(X), clone(model).fit(X * units + 7)
        expected = here.log_density(AT) - np.log(np.abs(units)).sum()
        np.testing.assert_allclose(there.log_density(AT * units + 7), expected, atol=1e-5)

    def test_score_is_the_log_density(self, model):
        fitted = clone(model).fit(X)
        total = fitted.log_density(AT)
        assert fitted.score(AT) in (pytest.approx(total.mean()), pytest.approx(total.sum()))

    def test_refuses_degenerate_features_by_name(self, model):
        frame = pd.DataFrame({"age": X[:, 0], "months": 12 * X[:, 0]})
        with pytest.raises(ValueError, match=r"but column 'months' is a multiple of column 'age'"):
            clone(model).fit(frame)
        with pytest.raises(ValueError, match=r"of 2 features needs at least 3 points, but"):
            clone(model).fit(X[:2])

    def test_refuses_points_with_other_features(self, model):
        frame = pd.DataFrame(X, columns=["a", "b"])
        fitted = clone(model).fit(frame)
        name = type(model).__name__
        with pytest.raises(ValueError, match=rf"^X has 1 features, but {name} is expecting 2"):
            fitted.log_density([[1.0]])
        with pytest.raises(ValueError, match=r"^X must have the columns that the model was fitted"):
            fitted.log_density(frame[["b", "a"]])


@pytest.mark.parametrize("model", OTHERS, ids=str)
def test_a_model_without_a_density_says_who_has_one(model):
    message = (
        r"^(GAN|\w*utoencoder) has no density: it is the law of g\(z\), which can be drawn and not "
        r"written down\. KernelDensity, GaussianMixture and GraphicalModel have one; a Kernel"
    )
    with pytest.raises(dv.NoDensityError, match=message):
        clone(model).fit(X).log_density(AT)


@parametrize_with_checks(
    [dv.GaussianMixture(2, rng=0), dv.GraphicalModel(0.1)],
    expected_failed_checks=lambda _: {
        "check_fit1d": "one dimension means one feature here",
        "check_dtype_object": "object columns are refused",
        "check_complex_data": "refused by a TypeError",
        "check_estimators_empty_data_messages": "refused in our own words",
    },
)
def test_common_checks(estimator, check):
    check(estimator)


def test_models_are_targets_of_training_and_known_measures_face_them():
    model = dv.GaussianMixture(2, rng=0).fit(X)
    normal = torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
    run = dv.minimize(
        dv.Energy(), dv.Pushforward(torch.nn.Linear(2, 2), normal), model, steps=3, rng=0
    )
    assert run.pushforward.sample(3, rng=0).shape == (3, 2)
    known, kernels = multivariate_t([0.0, 0.0]), dv.KernelDensity().fit(X)
    assert dv.energy_distance(kernels, known, rng=0).n == 10_000
    assert dv.energy_distance(model, known, rng=0).n == 2_000  # as of any two known measures


def test_models_of_other_packages_are_told_to_be_drawn_from():
    for other in (mixture.GaussianMixture(), neighbors.KernelDensity()):
        kind = type(other).__name__
        for name, call in (("p", dv.js_divergence), ("g_mu", dv.evaluate_generator)):
            message = (
                rf"^{name} must be an array, .* not of type {kind}\. Draw points from it by its "
                rf"method sample, and pass those\.$"
            )
            with pytest.raises(TypeError, match=message):
                call(other.fit(X), X)


def test_models_must_be_fitted_and_have_no_weights():
    with pytest.raises(NotFittedError, match=r"^This GaussianMixture instance is not fitted yet"):
        dv.js_divergence(dv.GaussianMixture(), X)
    message = r"^weights_p must be left out, as p is a measure to draw from, not a sample\.$"
    with pytest.raises(ValueError, match=message):
        dv.js_divergence(dv.KernelDensity().fit(X), X, weights_p=np.ones(200))
