import math
import pickle

import pytest
import torch
from torch import nn

from divergences.networks.constraints import (
    clip_weights,
    freeze_weights,
    gradient_penalty,
    lipschitz_bound,
    normalize_spectrally,
    slopes,
)
from divergences.networks.lipschitz import GroupSort, LipschitzPerceptron
from divergences.networks.perceptron import Perceptron


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_clipping_keeps_small_weights():
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight[:] = torch.tensor([[0.5, -3.0]])
        layer.bias[:] = 7.0
    clip_weights(layer, 1.0)
    assert torch.equal(layer.weight, torch.tensor([[0.5, -1.0]]))
    assert layer.bias.item() == 1.0
    with pytest.raises(ValueError, match=r"bound must be a number above 0, not 0"):
        clip_weights(layer, 0)


def test_spectral_norms_become_one_and_freeze():
    network = Perceptron(4, 1, width=8, activation="relu")
    for layer in network.layers:
        if isinstance(layer, nn.Linear):
            layer.weight.data *= 5
    normalize_spectrally(network)
    for _ in range(200):
        network(randn(3, 4))
    values = network(randn(3, 4))
    network.eval()
    freeze_weights(network)
    assert torch.allclose(network(randn(3, 4)), values, atol=1e-5)
    for layer in network.layers:
        if isinstance(layer, nn.Linear):
            assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, abs=1e-4)
    assert lipschitz_bound(pickle.loads(pickle.dumps(network))) == pytest.approx(1, abs=1e-3)


def test_penalty_of_a_plane_and_of_a_bowl():
    x, y = randn(400, 3), randn(400, 3, seed=1)
    plane = torch.tensor([1.0, 2.0, 2.0])
    assert gradient_penalty(lambda z: z @ plane, x, y).item() == pytest.approx(4.0)
    generator = torch.Generator().manual_seed(2)
    # The slope of |z|²/2 is |z|; the places are uniform between the pairs.
    found = gradient_penalty(lambda z: z.square().sum(1) / 2, x, y, generator)
    share = torch.rand(400, 1, generator=torch.Generator().manual_seed(2))
    expected = ((share * x + (1 - share) * y).norm(dim=1) - 1).square().mean()
    assert torch.allclose(found, expected)


def test_penalty_reaches_the_parameters_and_takes_images():
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 1))
    gradient_penalty(network, randn(5, 3, 2, 2), randn(5, 3, 2, 2, seed=1)).backward()
    assert network[1].weight.grad.abs().sum() > 0
    with pytest.raises(ValueError, match=r"same shape, not \(5, 2\) and \(4, 2\)"):
        gradient_penalty(lambda z: z[:, 0], randn(5, 2), randn(4, 2))


def test_slopes_are_the_jacobians_and_work_without_gradients():
    network = Perceptron(3, 1)
    points = randn(6, 3)
    with torch.no_grad():
        found = slopes(network, points)
    expected = [torch.autograd.functional.jacobian(network, row).norm() for row in points]
    assert torch.allclose(found, torch.stack(expected))


@pytest.mark.parametrize(
    "network",
    [
        Perceptron(3, 1),
        Perceptron(3, 1, activation="gelu"),
        Perceptron(3, 1, activation="leaky_relu"),
        nn.Sequential(nn.Linear(3, 8), GroupSort(4), nn.Sequential(nn.Linear(8, 1), nn.Sigmoid())),
        LipschitzPerceptron(3, width=8),
    ],
)
def test_no_point_is_steeper_than_the_bound(network):
    bound = lipschitz_bound(network)
    assert slopes(network, 3 * randn(2000, 3)).max().item() <= bound * (1 + 1e-5)


def test_activations_slopes_are_the_steepest():
    x = torch.linspace(-8, 8, 100_001, dtype=torch.float64)[:, None]
    for activation in (nn.SiLU(), nn.GELU(), nn.Tanh(), nn.Softplus(), nn.Sigmoid(), nn.ELU()):
        steepest = slopes(activation, x).max().item()
        assert steepest <= lipschitz_bound(activation) < steepest * 1.001


def test_nothing_is_known_of_other_modules():
    class Twice(nn.Module):
        def forward(self, points):
            return 2 * points

    assert lipschitz_bound(nn.Sequential(nn.Linear(3, 1), Twice())) == math.inf
