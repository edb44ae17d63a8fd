"""A network on standardized data: where its points start, and that units do not matter."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import divergences as dv
from divergences.networks.seeds import seeded


def network(d: int = 2) -> dv.Perceptron:
    with seeded(np.random.default_rng(0)):
        return dv.Perceptron(3, d, width=16)


def test_points_start_at_the_mean_and_spread_of_the_data():
    data = np.random.default_rng(0).normal([1e4, -2e-3], [30.0, 1e-4], size=(500, 2))
    inner = network()
    z = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    expected = data.mean(axis=0) + data.std(axis=0) * inner(z).detach().double().numpy()
    points = dv.OnScale.of(data, inner)(z).detach().double().numpy()
    np.testing.assert_allclose(points, expected, rtol=1e-6)


def test_a_constant_feature_has_the_unit_scale_and_one_feature_needs_no_column():
    g = dv.OnScale.of(np.full(10, 3.0), network(1))
    assert g.center.tolist() == [3.0]
    assert g.deviation.tolist() == [1.0]


def test_the_scale_is_saved_and_not_trained():
    g = dv.OnScale.of(np.arange(10.0), network(1))
    assert {"center", "deviation"} <= set(g.state_dict())
    assert {name.split(".")[0] for name, _ in g.named_parameters()} == {"network"}


@pytest.mark.parametrize("unit", [2.0**-10, 2.0**10])
@pytest.mark.parametrize(
    ("definition", "method"),
    [(dv.JensenShannon(), "auto"), (dv.RelativisticPairing(), "auto")],
    ids=repr,
)
def test_training_is_the_same_in_any_unit(definition, method, unit):
    data = np.random.default_rng(0).normal(2.0, [1.0, 3.0], size=(300, 2))
    mu = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(3), 1.0), 1)
    draws = []
    for scale in (1.0, unit):
        g = dv.OnScale.of(scale * data, network())
        run = dv.minimize(
            definition,
            dv.Pushforward(g, mu),
            scale * data,
            method=method,
            steps=15,
            batch_size=32,
            monitor=dv.Monitor(dv.Energy(), points=50),
            rng=0,
            progress=False,
        )
        draws.append(run.pushforward.sample(100, rng=0).detach() / scale)
    # A power of two changes no digit.
    torch.testing.assert_close(draws[1], draws[0], rtol=1e-6, atol=1e-6)
    moved = draws[0] - dv.OnScale.of(data, network())(mu.sample((100,))).detach()
    assert moved.abs().max() > 0.01


def test_a_tensor_with_a_history_has_a_scale():
    data = (2 * torch.arange(6.0, requires_grad=True)).reshape(3, 2)
    np.testing.assert_allclose(dv.OnScale.of(data, network()).center, [4.0, 6.0])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([[1.0], [np.nan]], r"data must be finite points.*missing or infinite values\. Drop those"),
        (np.zeros((2, 3, 4)), r"data must be finite points.*not shape \(2, 3, 4\)\."),
    ],
)
def test_data_without_a_scale_are_refused(data, words):
    with pytest.raises(ValueError, match=words):
        dv.OnScale.of(data, network())
