import threading

import numpy as np
import pytest
import torch
from torch import nn

from divergences.networks.perceptron import Perceptron
from divergences.networks.seeds import seeded


def drawn(seed, *sizes, **settings):
    with seeded(np.random.default_rng(seed)):
        return Perceptron(*sizes, **settings)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_shapes(depth):
    network = drawn(0, 4, 2, width=8, depth=depth)
    assert network(torch.zeros(5, 4)).shape == (5, 2)
    assert sum(isinstance(layer, nn.Linear) for layer in network.layers) == depth + 1
    assert network.last.out_features == 2


@pytest.mark.parametrize("activation", ["silu", "gelu", "relu", "leaky_relu", "softplus", "tanh"])
def test_the_signal_neither_dies_nor_explodes(activation):
    network = drawn(1, 50, 1, width=256, depth=4, activation=activation)
    points = torch.randn(500, 50, generator=torch.Generator().manual_seed(0))
    # The gain is exact for infinitely wide layers; the last one has a single output.
    size = float((network.layers[:-1](points).detach() ** 2).mean())
    assert 0.6 < size * network.gain < 1.6


def test_gradients_reach_every_parameter():
    network = drawn(2, 3, 1)
    network(torch.ones(4, 3)).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())


def test_parameters_are_drawn_anew():
    network = drawn(3, 3, 1)
    draws = [network.layers[0].weight.clone()]
    for _ in range(2):
        with seeded(np.random.default_rng(4)):
            network.reset_parameters()
        draws.append(network.layers[0].weight.clone())
    assert not torch.equal(draws[0], draws[1])
    assert torch.equal(draws[1], draws[2])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"width": 0}, ValueError, "width must be a whole number of at least 1, not 0"),
        ({"depth": -1}, ValueError, "depth must be a whole number of at least 0, not -1"),
        ({"width": 2.5}, TypeError, "width must be a whole number of at least 1, not 2.5"),
        ({"activation": "cube"}, ValueError, "activation must be one of 'silu', 'gelu', 'relu'"),
    ],
)
def test_messages(settings, error, message):
    with pytest.raises(error, match=message):
        Perceptron(3, 1, **settings)


def test_seeded_draws_repeat_and_leave_the_state():
    before = torch.get_rng_state()
    draws = []
    for seed in (0, 0, 1):
        with seeded(np.random.default_rng(seed)):
            draws.append(torch.rand(3))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_seeded_restores_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(KeyError), seeded(np.random.default_rng(0)):
        raise KeyError
    assert torch.equal(before, torch.get_rng_state())


def test_threads_do_not_mix_their_draws():
    together = {}

    def draw(seed):
        with seeded(np.random.default_rng(seed)):
            together[seed] = torch.cat([torch.rand(1, 100) for _ in range(50)])

    before = torch.get_rng_state()
    threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.equal(before, torch.get_rng_state())
    for seed, rows in together.items():
        with seeded(np.random.default_rng(seed)):
            expected = torch.cat([torch.rand(1, 100) for _ in range(50)])
        assert torch.equal(rows, expected)
