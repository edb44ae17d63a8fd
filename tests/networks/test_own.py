import numpy as np
import pytest
import torch
from torch import nn

import divergences as dv
from divergences.networks.own import shape_of_output


class Altered(nn.Module):
    """A layer whose output is passed through a function."""

    def __init__(self, alter):
        super().__init__()
        self.layer = nn.Linear(2, 1)
        self.alter = alter

    def forward(self, points):
        return self.alter(self.layer(points))


def in_a_tuple(output):
    return (output,)


def detached(output):
    return output.detach()


def as_nan(output):
    return output * float("nan")


def rooted(output):
    return torch.sqrt(0 * output)


FROZEN = nn.Linear(2, 1).requires_grad_(False)
BAD = [
    (Altered(as_nan), ValueError, r"network must give finite values .* lower learning_rate\."),
    (Altered(in_a_tuple), TypeError, r"network must return one tensor, .* not tuple\. Return the"),
    (Altered(detached), ValueError, r"output that its parameters change, .* Leave out detach\(\)"),
    (FROZEN, ValueError, r"parameters to train, but all .* frozen\. Call network\.requires_grad_"),
    (nn.Linear(2, 1).half(), TypeError, r"of float32 or float64, not torch\.float16\. Convert it"),
    (nn.Linear(2, 1, dtype=torch.complex64), TypeError, r"not torch\.complex64\. Conv"),
]  # fmt: skip
METHODS = {
    "neural": (dv.js_divergence, dv.Neural, {"restarts": 1}),
    "penalty": (dv.wasserstein_distance, dv.LipschitzCritic, {"constraint": "gradient_penalty"}),
    "clipping": (dv.wasserstein_distance, dv.LipschitzCritic, {"constraint": "clipping"}),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("network", "error", "message"), BAD)
def test_bad_networks(name, network, error, message):
    x, y = np.random.default_rng(0).normal(size=(2, 24, 2))
    measure, method, settings = METHODS[name]
    with pytest.raises(error, match=message):
        measure(x, y, method=method(network=network, folds=2, steps=5, **settings), rng=0)


def test_values_without_slopes():
    x, y = np.random.default_rng(0).normal(size=(2, 24, 2))
    critic = dv.LipschitzCritic("clipping", Altered(rooted), folds=2, steps=5)
    with pytest.raises(ValueError, match=r"finite values and slopes at the samples, but at no tim"):
        dv.wasserstein_distance(x, y, method=critic, rng=0)


def test_the_question_changes_nothing():
    network = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert shape_of_output(network, 2) == (2, 1)
    assert network.training
    assert all(parameter.grad is None for parameter in network.parameters())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    partly = nn.Sequential(nn.Linear(2, 4).requires_grad_(False), nn.Linear(4, 1))
    assert shape_of_output(partly, 2) == (2, 1)
