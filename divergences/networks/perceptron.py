"""The plain network: linear layers with activations between them."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from divergences.checks import check_choice, check_whole

_ACTIVATIONS = {
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}


class Perceptron(nn.Module):
    """Multilayer perceptron, (k, d_in) to (k, d_out): linear layers, activations between them.

    Weights start normal, such that standard normal features keep a mean square of 1 from layer
    to layer whatever the activation; offsets start at zero.

    Parameters
    ----------
    d_in, d_out : int
        Number of features in and out.
    width : int
        Features of each hidden layer.
    depth : int
        Number of hidden layers; 0 makes a linear map.
    activation : {"silu", "gelu", "relu", "leaky_relu", "softplus", "tanh"}

    Raises
    ------
    TypeError, ValueError
        If a size is no whole number in its range, or the activation is unknown.

    References
    ----------
    He, Zhang, Ren and Sun (2015).

    Examples
    --------
    >>> Perceptron(3, 1, width=16)(torch.zeros(5, 3)).shape
    torch.Size([5, 1])
    """

    def __init__(
        self, d_in: int, d_out: int, *, width: int = 64, depth: int = 2, activation: str = "silu"
    ) -> None:
        super().__init__()
        for name, value in (("d_in", d_in), ("d_out", d_out), ("width", width)):
            check_whole(name, value)
        check_whole("depth", depth, at_least=0)
        kind = _ACTIVATIONS[check_choice("activation", activation, _ACTIVATIONS)]
        self.gain = _gain(kind())
        sizes = [d_in, *[width] * depth, d_out]
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(sizes):
            layers += [nn.Linear(fan_in, fan_out), kind()]
        self.layers = nn.Sequential(*layers[:-1])
        self.reset_parameters()

    @property
    def last(self) -> nn.Linear:
        """The layer that makes the output."""
        layer = self.layers[-1]
        assert isinstance(layer, nn.Linear)
        return layer

    def reset_parameters(self) -> None:
        """Draw the weights anew, from torch's global random state."""
        for position, layer in enumerate(self.layers):
            if isinstance(layer, nn.Linear):
                gain = self.gain if position else 1.0
                nn.init.normal_(layer.weight, std=(gain / layer.in_features) ** 0.5)
                nn.init.zeros_(layer.bias)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Map (k, d_in) to (k, d_out)."""
        output: torch.Tensor = self.layers(points)
        return output


def _gain(activation: nn.Module) -> float:
    """One over the mean square of the activation at a standard normal."""
    normal = torch.special.ndtri((torch.arange(1000) + 0.5) / 1000)
    return 1.0 / float((activation(normal) ** 2).mean())
