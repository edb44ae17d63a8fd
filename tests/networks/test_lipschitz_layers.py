import copy
import pickle

import pytest
import torch
from torch import nn

from divergences.networks.lipschitz import GroupSort, LipschitzPerceptron, OrthogonalLinear


def trained(module, d_in):
    """A module whose parameters have moved far from where they started."""
    generator = torch.Generator().manual_seed(0)
    points, goal = (torch.randn(64, k, generator=generator) for k in (d_in, 1))
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    for _ in range(30):
        optimizer.zero_grad()
        (module(points) * goal).sum().backward()
        optimizer.step()
    return module


@pytest.mark.parametrize(("d_in", "d_out"), [(3, 8), (8, 3), (8, 8), (1, 4), (4, 1), (200, 16)])
def test_weights_stay_orthogonal(d_in, d_out):
    weight = trained(OrthogonalLinear(d_in, d_out), d_in).weight.detach()
    assert weight.shape == (d_out, d_in)
    product = weight.mT @ weight if d_out >= d_in else weight @ weight.mT
    assert torch.allclose(product, torch.eye(min(d_in, d_out)), atol=1e-5)


def test_weight_is_smooth_in_its_parameter():
    layer = OrthogonalLinear(3, 5).double()

    def weight(free):
        layer.free.data = free.detach()
        q, r = torch.linalg.qr(free)
        return torch.where(r.diagonal() < 0, -q, q)

    assert torch.equal(weight(layer.free), layer.weight)
    assert torch.autograd.gradcheck(weight, layer.free.detach().requires_grad_())


@pytest.mark.parametrize("size", [2, 4])
def test_group_sort_sorts_groups_and_keeps_the_gradients_length(size):
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(1), requires_grad=True)
    y = GroupSort(size)(x)
    groups = y.detach().reshape(50, -1, size)
    assert (groups.diff(dim=-1) >= 0).all()
    assert torch.equal(groups.sort().values, x.detach().reshape(50, -1, size).sort().values)
    direction = torch.randn(50, 8, generator=torch.Generator().manual_seed(2))
    (gradient,) = torch.autograd.grad((y * direction).sum(), x)
    assert torch.allclose(gradient.norm(dim=1), direction.norm(dim=1))


@pytest.mark.parametrize(("d_in", "d_out", "depth"), [(5, 1, 3), (5, 3, 2), (100, 1, 1), (2, 1, 0)])
def test_perceptron_is_nowhere_steeper_than_one(d_in, d_out, depth):
    network = trained(LipschitzPerceptron(d_in, d_out, width=16, depth=depth), d_in)
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(300, d_in, generator=generator)
    for far in (1e-2, 1.0, 100.0):
        y = x + far * torch.randn(300, d_in, generator=generator)
        gap, distance = (network(x) - network(y)).norm(dim=1), (x - y).norm(dim=1)
        assert (gap <= distance * (1 + 1e-5) + 1e-5).all()
    slopes = torch.stack([torch.autograd.functional.jacobian(network, row) for row in x[:20]])
    assert (torch.linalg.matrix_norm(slopes, 2) <= 1 + 1e-5).all()
    if d_in >= 16:
        # No layer widens, so each keeps the length of what comes back: the slope is 1.
        assert torch.allclose(slopes.norm(dim=(1, 2)), torch.ones(20), atol=1e-5)


def test_perceptron_fits_the_distance_from_a_point():
    # |x| is 1-Lipschitz and its slope turns everywhere: a ReLU network under clipping fails here.
    generator = torch.Generator().manual_seed(4)
    with torch.random.fork_rng():
        torch.manual_seed(4)
        network = LipschitzPerceptron(2, width=32, depth=3)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(400):
        x = 2 * torch.randn(256, 2, generator=generator)
        loss = (network(x)[:, 0] - x.norm(dim=1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.02


def test_copies_and_pickles():
    network = trained(LipschitzPerceptron(3, width=8), 3)
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(5))
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(other(x), network(x))
    with torch.random.fork_rng():
        network.reset_parameters()
    assert not torch.equal(other(x), network(x))


def test_bad_sizes():
    with pytest.raises(ValueError, match=r"width must be even, as features .* pairs, not 7"):
        LipschitzPerceptron(3, width=7)
    with pytest.raises(ValueError, match=r"depth must be a whole number of at least 0, not -1"):
        LipschitzPerceptron(3, depth=-1)
    with pytest.raises(ValueError, match=r"d_out must be a whole number of at least 1, not 0"):
        OrthogonalLinear(3, 0)
    with pytest.raises(ValueError, match=r"size must be a whole number of at least 2, not 1"):
        GroupSort(1)
    with pytest.raises(ValueError, match=r"size must divide .* but 5 is no multiple of 2"):
        GroupSort()(torch.zeros(3, 5))
    assert isinstance(LipschitzPerceptron(3).layers, nn.Sequential)
