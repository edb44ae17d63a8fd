"""The measure g#mu: sampled from any mu, differentiable in g, seeded without side effects."""

import numpy as np
import pytest
import torch
from scipy import stats

from divergences.measures import Pushforward


def identity(z):
    return z


def test_it_draws_the_law_of_g_of_z():
    # 20,000 draws: Kolmogorov-Smirnov at 1e-6 false alarms.
    squares = Pushforward(lambda z: z**2, stats.uniform(0, 1))
    points = squares.sample(20_000, rng=0)
    assert points.shape == (20_000, 1)
    assert stats.kstest(points.ravel(), np.sqrt).pvalue > 1e-6


@pytest.mark.parametrize(
    ("mu", "latent_features"),
    [
        (stats.norm(), 1),
        (stats.Normal(mu=0.0, sigma=1.0), 1),
        (stats.multivariate_normal(np.zeros(3), np.eye(3)), 3),
        (torch.distributions.Normal(0.0, 1.0), 1),
        (torch.distributions.Normal(torch.zeros(3), torch.ones(3)), 3),
        (torch.distributions.MultivariateNormal(torch.zeros(3), torch.eye(3)), 3),
        (lambda k: np.zeros((k, 2)), 2),
        (lambda k: [0.0] * k, 1),
        (lambda k, rng: rng.normal(size=(k, 4)), 4),
    ],
)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_any_kind_of_mu(mu, latent_features, n):
    seen = []

    def g(z):
        seen.append(tuple(z.shape))
        return z[:, 0]

    points = Pushforward(g, mu).sample(n, rng=0)
    assert seen == [(n, latent_features)]
    assert tuple(points.shape) == (n, 1)


@pytest.mark.parametrize(
    "mu",
    [
        stats.norm(), stats.Normal(), torch.distributions.Normal(0.0, 1.0),
        lambda k: torch.randn(k, 2), lambda k, rng: rng.normal(size=k),
    ],
    ids=["scipy", "new scipy", "torch", "torch function", "function with rng"],
)  # fmt: skip
def test_a_seed_repeats_the_draws_and_leaves_global_states_alone(mu):
    torch.manual_seed(5)
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    measure = Pushforward(identity, mu)
    first, again, other = (np.asarray(measure.sample(50, rng=seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002


def test_a_generator_moves_on():
    rng = np.random.default_rng(0)
    measure = Pushforward(identity, stats.norm())
    assert not np.array_equal(measure.sample(5, rng), measure.sample(5, rng))


def test_noise_inside_g_is_seeded_too():
    measure = Pushforward(torch.nn.Dropout(), stats.norm())
    before = torch.get_rng_state()
    assert torch.equal(measure.sample(50, rng=1), measure.sample(50, rng=1))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("mu", [stats.norm(), torch.distributions.Normal(torch.zeros(1), 1.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_reach_every_parameter(mu, dtype):
    g = torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).to(dtype)
    points = Pushforward(g, mu).sample(32, rng=0)
    assert points.dtype == dtype
    points.square().mean().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in g.parameters())


def test_a_module_without_parameters_keeps_the_precision_of_mu():
    assert Pushforward(torch.nn.Tanh(), stats.norm()).sample(3, rng=0).dtype == torch.float64


def test_images_are_flattened():
    measure = Pushforward(lambda z: np.ones((len(z), 4, 5)), stats.norm())
    assert measure.sample(3, rng=0).shape == (3, 20)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: Pushforward(3, stats.norm()),
            TypeError,
            r"^g must be a callable or a torch\.nn\.Module that maps latent points to points, "
            r"not int\.$",
        ),
        (
            lambda: Pushforward(identity, "normal"),
            TypeError,
            r"^mu must be a distribution of torch\.distributions or scipy\.stats, or a function "
            r"of the number of points, not str\.$",
        ),
        (
            lambda: Pushforward(identity, stats.norm()).sample(0),
            ValueError,
            r"^n must be a whole number of at least 1, not 0\.$",
        ),
        (
            lambda: Pushforward(identity, stats.norm()).sample(2.5),
            TypeError,
            r"^n must be a whole number of at least 1, not 2\.5\.$",
        ),
        (
            lambda: Pushforward(lambda z: z[:3], stats.norm()).sample(5),
            ValueError,
            r"^g must return one point for each latent point: for latent shape \(5, 1\) it "
            r"returned shape \(3, 1\)\.$",
        ),
        (
            lambda: Pushforward(lambda z: z.mean(), stats.norm()).sample(5),
            ValueError,
            r"^g must return one point for each latent point: for latent shape \(5, 1\) it "
            r"returned shape \(\)\.$",
        ),
        (
            lambda: Pushforward(identity, lambda k: np.zeros(k + 1)).sample(5),
            ValueError,
            r"^mu must return one latent point for each of the 5 asked for, but it returned "
            r"shape \(6,\)\.$",
        ),
        (
            lambda: Pushforward(identity, stats.norm()).sample(5, rng="seed"),
            TypeError,
            r"^rng must be a seed \(a whole number of at least 0\), a numpy\.random\.Generator "
            r"or None, not 'seed'\.$",
        ),
    ],
)
def test_what_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
