"""Networks that are exactly 1-Lipschitz, whatever their parameters."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from divergences.checks import check_whole


class OrthogonalLinear(nn.Module):
    """Linear layer y = W x + b whose rows or columns, whichever are fewer, are orthonormal.

    W is the orthogonal factor of a QR decomposition of the free parameter, with a positive
    diagonal in R, so that it is smooth in it. |W x| <= |x|, with equality for d_out >= d_in.

    Parameters
    ----------
    d_in, d_out : int
        Number of features in and out.

    References
    ----------
    Anil, Lucas and Grosse (2019).

    Examples
    --------
    >>> layer = OrthogonalLinear(3, 8)
    >>> x = torch.ones(1, 3)
    >>> torch.allclose((layer(x) - layer(0 * x)).norm(), x.norm())
    True
    """

    def __init__(self, d_in: int, d_out: int) -> None:
        super().__init__()
        check_whole("d_in", d_in)
        check_whole("d_out", d_out)
        self.free = nn.Parameter(torch.empty(max(d_in, d_out), min(d_in, d_out)))
        self.bias = nn.Parameter(torch.empty(d_out))
        self.wide = d_in > d_out
        self.reset_parameters()

    @property
    def weight(self) -> torch.Tensor:
        """W, of shape (d_out, d_in)."""
        q, r = torch.linalg.qr(self.free)
        # Not sign(), which would drop a column where the diagonal is exactly zero.
        q = torch.where(r.diagonal() < 0, -q, q)
        return q.mT if self.wide else q

    def reset_parameters(self) -> None:
        """Draw W anew, uniform among orthogonal matrices, from torch's global random state."""
        nn.init.normal_(self.free)
        nn.init.zeros_(self.bias)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Map (k, d_in) to (k, d_out)."""
        return nn.functional.linear(points, self.weight, self.bias)


class GroupSort(nn.Module):
    """Activation that sorts the features in groups: 1-Lipschitz, and it keeps gradients' norms.

    Almost everywhere it only exchanges features, so that the gradient that goes back through it
    is as long as the one that comes in; ReLU, for one, loses length.

    Parameters
    ----------
    size : int
        Features of each group; it must divide the number of features. 2 is MaxMin.

    References
    ----------
    Anil, Lucas and Grosse (2019).

    Examples
    --------
    >>> GroupSort(2)(torch.tensor([[1.0, 3.0, 5.0, 2.0]]))
    tensor([[1., 3., 2., 5.]])
    """

    def __init__(self, size: int = 2) -> None:
        super().__init__()
        self.size = check_whole("size", size, at_least=2)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Map (k, d) to (k, d)."""
        if points.shape[-1] % self.size:
            raise ValueError(
                f"size must divide the number of features, but {points.shape[-1]} is no multiple "
                f"of {self.size}."
            )
        groups = points.reshape(*points.shape[:-1], -1, self.size)
        return groups.sort(dim=-1).values.reshape(points.shape)


class LipschitzPerceptron(nn.Module):
    """Multilayer perceptron, (k, d_in) to (k, d_out), that is exactly 1-Lipschitz.

    Orthogonal layers with GroupSort between them: |f(x) - f(y)| <= |x - y| for all x and y, and
    any 1-Lipschitz function can be approximated.

    Parameters
    ----------
    d_in, d_out : int
        Number of features in and out.
    width : int
        Features of each hidden layer, an even number.
    depth : int
        Number of hidden layers; 0 makes a linear map.

    Raises
    ------
    TypeError, ValueError
        If a size is no whole number in its range, or the width is odd.

    References
    ----------
    Anil, Lucas and Grosse (2019).

    Examples
    --------
    >>> critic = LipschitzPerceptron(5, width=16)
    >>> x, y = torch.randn(2, 100, 5)
    >>> bool(((critic(x) - critic(y)).norm(dim=1) <= (x - y).norm(dim=1) + 1e-5).all())
    True
    """

    def __init__(self, d_in: int, d_out: int = 1, *, width: int = 64, depth: int = 3) -> None:
        super().__init__()
        check_whole("depth", depth, at_least=0)
        if check_whole("width", width, remedy="It must be even.") % 2:
            raise ValueError(f"width must be even, as features are sorted in pairs, not {width}.")
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise([d_in, *[width] * depth, d_out]):
            layers += [OrthogonalLinear(fan_in, fan_out), GroupSort()]
        self.layers = nn.Sequential(*layers[:-1])

    def reset_parameters(self) -> None:
        """Draw the weights anew, from torch's global random state."""
        for layer in self.layers:
            if isinstance(layer, OrthogonalLinear):
                layer.reset_parameters()

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Map (k, d_in) to (k, d_out)."""
        output: torch.Tensor = self.layers(points)
        return output
