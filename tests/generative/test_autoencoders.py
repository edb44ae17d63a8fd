"""Autoencoders: their losses against closed forms, and what they learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import divergences as dv
from divergences.generative.variational_autoencoder import code_divergence

RNG = np.random.default_rng(0)
ANGLE = RNG.uniform(0, 2 * np.pi, 600)
CIRCLE = np.column_stack([np.cos(ANGLE), np.sin(ANGLE), 0 * ANGLE]) * 3 + [10, 0, -5]
DIRECTIONS = [dv.KullbackLeibler(), dv.ReverseKL(), dv.KullbackLeibler(base=2)]


def codes(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    draw = torch.randn(2, n, 3, generator=random, dtype=torch.float64)
    return draw[0], draw[1].exp()


def normal(mean: torch.Tensor, deviation: torch.Tensor) -> torch.distributions.Distribution:
    return torch.distributions.Independent(torch.distributions.Normal(mean, deviation), 1)


class TestDivergenceOfCodes:
    @pytest.mark.parametrize("divergence", DIRECTIONS, ids=str)
    def test_is_the_exact_divergence_of_mu_and_each_code(self, divergence):
        m, s = codes(6)
        mu = normal(torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64))
        found = code_divergence(divergence, m, s)
        for i in range(6):
            exact = dv.divergence(divergence, mu, normal(m[i], s[i]))
            assert float(found[i]) == pytest.approx(float(exact), rel=1e-9)

    def test_is_the_formula_that_the_docstring_states(self):
        m, s = codes(4)
        forward = (s.log() + (1 + m**2) / (2 * s**2) - 0.5).sum(dim=1)
        reverse = ((s**2 + m**2 - 1) / 2 - s.log()).sum(dim=1)
        torch.testing.assert_close(code_divergence(dv.KullbackLeibler(), m, s), forward)
        torch.testing.assert_close(code_divergence(dv.ReverseKL(), m, s), reverse)

    @pytest.mark.parametrize("divergence", DIRECTIONS, ids=str)
    def test_gradients_are_those_of_finite_differences(self, divergence):
        m, s = (part.requires_grad_() for part in codes(4))
        assert torch.autograd.gradcheck(lambda m, s: code_divergence(divergence, m, s), (m, s))

    def test_is_zero_only_at_the_standard_normal(self):
        m, s = torch.zeros(2, 3), torch.ones(2, 3)
        for divergence in DIRECTIONS:
            assert code_divergence(divergence, m, s).abs().max() == 0
            assert code_divergence(divergence, m + 0.1, s).min() > 0


class TestAutoencoder:
    def test_finds_the_principal_plane_where_it_is_linear(self):
        # A linear autoencoder of least squares keeps the leading principal components.
        x = RNG.normal(size=(500, 3)) * [3.0, 2.0, 0.5]
        model = dv.Autoencoder(
            latent=2, depth=0, steps=1500, batch=500, learning_rate=0.02, rng=0
        ).fit(x)
        residual = np.mean(np.sum((model.decode(model.encode(x)) - x) ** 2, axis=1))
        smallest = np.linalg.eigvalsh(np.cov(x.T, bias=True))[0]
        assert residual == pytest.approx(smallest, rel=0.01)

    def test_loss_falls_and_is_what_history_says(self):
        model = dv.Autoencoder(latent=1, steps=400, rng=0).fit(CIRCLE)
        losses = model.history_["reconstruction"]
        assert losses.shape == (400,)
        assert losses[-50:].mean() < losses[:50].mean() / 5
        assert (model.history_["penalty"] == 0).all()
        units = np.mean((CIRCLE - CIRCLE.mean(axis=0)) ** 2)
        back = model.decode(model.encode(CIRCLE))
        now = np.mean(np.sum((back - CIRCLE) ** 2, axis=1)) / units
        # Those of 50 batches, by four standard errors: a false alarm in 16,000.
        last = losses[-50:]
        assert now == pytest.approx(last.mean(), abs=4 * last.std() / np.sqrt(50))

    def test_draws_are_decoded_normals_with_the_moments_of_the_codes(self):
        model = dv.Autoencoder(steps=100, rng=0).fit(CIRCLE)
        at = model.encode(CIRCLE)
        law = model.pushforward_.mu
        np.testing.assert_allclose(law.mean, at.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(law.covariance_matrix, np.cov(at.T, bias=True), atol=1e-5)

    def test_pushforward_carries_gradients_to_the_decoder(self):
        model = dv.Autoencoder(steps=20, rng=0).fit(CIRCLE)
        model.pushforward_.sample(10, rng=0).sum().backward()
        assert all(parameter.grad is not None for parameter in model.decoder_.parameters())

    def test_constant_data_come_back(self):
        model = dv.Autoencoder(steps=50, rng=0).fit(np.full((20, 2), 7.0))
        np.testing.assert_allclose(model.sample(5, rng=0), 7.0, atol=0.5)


class TestVariationalAutoencoder:
    @pytest.mark.parametrize("divergence", DIRECTIONS[:2], ids=str)
    def test_lambda_trades_reconstruction_for_codes_near_mu(self, divergence):
        ends = []
        for weight in (0.001, 1.0):
            model = dv.VariationalAutoencoder(
                weight=weight, divergence=divergence, steps=400, rng=0
            ).fit(CIRCLE)
            parts = [part[-100:].mean() for part in model.history_.values()]
            ends.append((parts[0], parts[1] / weight))
        (sharp, far), (blurred, near) = ends
        assert sharp < blurred / 2
        assert near < far / 2

    def test_a_huge_lambda_leaves_the_mean_of_the_data(self):
        model = dv.VariationalAutoencoder(weight=100.0, steps=400, rng=0).fit(CIRCLE)
        draws = model.sample(200, rng=0)
        assert np.abs(draws - CIRCLE.mean(axis=0)).max() < 0.5 < CIRCLE.std()

    def test_one_step_has_the_loss_that_the_lecture_writes(self):
        model = dv.VariationalAutoencoder(weight=0.3, steps=1, batch=600, rng=0).fit(CIRCLE)
        total = sum(part[0] for part in model.history_.values())
        untrained = dv.VariationalAutoencoder(
            weight=0.3, steps=1, batch=600, learning_rate=1e-30, rng=0
        ).fit(CIRCLE)
        assert sum(part[0] for part in untrained.history_.values()) == total
        # The same networks, by hand, with noise of another seed: within 5 standard errors.
        m, raw = untrained.encoder_(torch.tensor(CIRCLE, dtype=torch.float32)).chunk(2, dim=1)
        s = (1 + raw.exp()).log()
        z = m + s * torch.randn(m.shape, generator=torch.Generator().manual_seed(5))
        units = np.mean((CIRCLE - CIRCLE.mean(axis=0)) ** 2)
        back = untrained.decoder_(z).detach().numpy()
        each = np.sum((CIRCLE - back) ** 2, axis=1) / units
        kl = (s.log() + (1 + m**2) / (2 * s**2) - 0.5).sum(dim=1).detach().numpy()
        loss = each + 0.3 * kl
        assert abs(loss.mean() - total) < 5 * loss.std() * np.sqrt(2 / 600)


MODELS = {"auto": dv.Autoencoder, "variational": dv.VariationalAutoencoder}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"latent": 0}, ValueError, r"^latent must be a whole number of at least 1, not 0\.$"),
        ({"width": 2.5}, TypeError, r"^width must be a whole number of at least 1, not 2\.5\.$"),
        ({"depth": -1}, ValueError, r"^depth must be a whole number of at least 0, not -1\.$"),
        ({"steps": 0}, ValueError, r"^steps must be a whole number of at least 1, not 0\.$"),
        ({"batch": 0}, ValueError, r"^batch must be a whole number of at least 1, not 0\.$"),
        ({"learning_rate": 0}, ValueError, r"^learning_rate must be a number above 0, no"),
        ({"rng": -1}, ValueError, r"^rng must be a seed \(a whole number of at least 0\)"),
    ],
)
def test_bad_settings_are_refused_in_words(kind, settings, error, message):
    with pytest.raises(error, match=message):
        MODELS[kind](**settings).fit(CIRCLE)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"weight": -0.1}, ValueError, r"^weight must be a number of at least 0, not -0\.1"),
        ({"divergence": "KL"}, TypeError, r"^divergence must be KullbackLeibler\(\) or ReverseKL"),
        ({"divergence": dv.JensenShannon()}, TypeError, r"ReverseKL\(\), not JensenShannon\("),
    ],
)
def test_bad_variational_settings_are_refused_in_words(settings, error, message):
    with pytest.raises(error, match=message):
        dv.VariationalAutoencoder(**settings).fit(CIRCLE)


@pytest.mark.parametrize("kind", MODELS)
def test_a_loss_that_is_no_number_is_an_error(kind):
    model = MODELS[kind](learning_rate=1e30, steps=20, rng=0)
    message = r"utoencoder was no longer finite at step \d+\. Lower learning_rate=\.$"
    with pytest.raises(dv.ConvergenceError, match=message):
        model.fit(CIRCLE)


def test_latent_points_of_another_shape_are_refused():
    model = dv.Autoencoder(steps=5, rng=0).fit(CIRCLE)
    with pytest.raises(ValueError, match=r"^Z must have shape \(n_points, 2\), not \(4, 3\)\.$"):
        model.decode(np.zeros((4, 3)))
