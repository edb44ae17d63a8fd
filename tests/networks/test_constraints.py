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


PLAIN = (nn.ReLU, nn.ReLU6, nn.Tanh, nn.Softsign, nn.Tanhshrink, nn.LogSigmoid, nn.Sigmoid,
         nn.Hardsigmoid, nn.Hardswish, nn.SiLU, nn.Mish, nn.SELU)  # fmt: skip
ACTIVATIONS = {kind.__name__: lambda a, b, kind=kind: kind() for kind in PLAIN} | {
    "GELU": lambda a, b: nn.GELU("tanh" if a > 0 else "none"),
    "Hardtanh": lambda a, b: nn.Hardtanh(min(a, b), max(a, b)),
    "Softshrink": lambda a, b: nn.Softshrink(abs(a)),
    "Softplus": lambda a, b: nn.Softplus(a, 20 + abs(b)),
    "ELU": lambda a, b: nn.ELU(a),
    "CELU": lambda a, b: nn.CELU(abs(a)),
    "LeakyReLU": lambda a, b: nn.LeakyReLU(a),
    "RReLU": lambda a, b: nn.RReLU(min(a, b), max(a, b)),
    "PReLU": lambda a, b: nn.PReLU(1, a),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_slopes_are_the_steepest(name):
    make, parameters = ACTIVATIONS[name], 3 * randn(8, 2, seed=3).double()
    x = torch.linspace(-30, 30, 120_001, dtype=torch.float64)[:, None]
    for a, b in parameters.tolist():
        activation = make(a, b).double()
        for mode in (activation.train(), activation.eval()):
            with torch.no_grad():
                values = mode(x)[:, 0]
            # Of a layer that draws a slope at each point only the eval mode is a function.
            steepest = values.diff().abs().max() / (x[1, 0] - x[0, 0])
            if mode.training and name == "RReLU":
                steepest = slopes(mode, x).max()
            assert steepest <= lipschitz_bound(mode) * (1 + 1e-6)
        if name != "RReLU":
            assert lipschitz_bound(activation) < steepest * 1.01


@pytest.mark.parametrize(
    "activation",
    [
        nn.Softplus(threshold=1),
        nn.CELU(-1.0),
        nn.Hardshrink(),
        nn.Threshold(0.5, 2.0),
        nn.GLU(),
        nn.Dropout(),
    ],
    ids=repr,
)
def test_what_jumps_or_grows_without_end_has_no_bound(activation):
    assert lipschitz_bound(nn.Sequential(nn.Linear(4, 4), activation)) == math.inf


class Residual(nn.Sequential):
    def forward(self, points):
        return points + super().forward(points)


class TenTimes(nn.Linear):
    def forward(self, points):
        return 10 * super().forward(points)


class Called(nn.Linear):
    def __call__(self, points):
        return 10 * super().__call__(points)


class Named(nn.Linear):
    """A class of the user's own that maps as its base does."""


def ten_times_by_itself():
    layer = nn.Linear(3, 3)
    layer.forward = lambda points: 10 * nn.functional.linear(points, layer.weight)
    return layer


def hooked(kind):
    layer = nn.Linear(3, 3)
    if kind == "after":
        layer.register_forward_hook(lambda _, __, output: 10 * output)
    else:
        layer.register_forward_pre_hook(lambda _, inputs: 10 * inputs[0])
    return nn.Sequential(layer)


@pytest.mark.parametrize(
    "network",
    [
        Residual(nn.Linear(3, 3)),
        TenTimes(3, 3),
        Called(3, 3),
        ten_times_by_itself(),
        hooked("after"),
        hooked("before"),
        nn.utils.spectral_norm(nn.Linear(3, 3)),
    ],
    ids=["residual", "subclass", "call", "instance", "hook", "pre-hook", "old spectral norm"],
)
def test_nothing_is_known_of_a_forward_of_ones_own(network):
    assert lipschitz_bound(nn.Sequential(network, nn.Linear(3, 1))) == math.inf


def test_a_subclass_that_changes_nothing_is_its_base():
    layer = Named(3, 2)
    assert lipschitz_bound(layer) == pytest.approx(
        torch.linalg.matrix_norm(layer.weight, 2).item(), rel=1e-5
    )
    flat = nn.utils.parametrizations.orthogonal(nn.Linear(3, 2))
    assert lipschitz_bound(flat) == pytest.approx(1, abs=1e-5)


def test_nothing_is_known_of_other_modules():
    class Twice(nn.Module):
        def forward(self, points):
            return 2 * points

    assert lipschitz_bound(nn.Sequential(nn.Linear(3, 1), Twice())) == math.inf
