"""What keeps a critic from growing steep: clipping, spectral normalization, gradient penalty."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from divergences.checks import check_real
from divergences.networks.lipschitz import GroupSort, LipschitzPerceptron, OrthogonalLinear
from divergences.networks.perceptron import Perceptron


def _softplus(part: nn.Softplus) -> float:
    # It jumps to the identity where beta x passes the threshold, from 20 on by less than rounding.
    return 1.0 if part.beta and part.threshold >= 20 else math.inf


# Steepest slope of each activation; those that jump, and all that are not here, have none.
_SLOPES: dict[type[nn.Module], Callable[[Any], float]] = {
    nn.Identity: lambda _: 1.0,
    nn.Flatten: lambda _: 1.0,
    GroupSort: lambda _: 1.0,
    nn.ReLU: lambda _: 1.0,
    nn.ReLU6: lambda _: 1.0,
    nn.Tanh: lambda _: 1.0,
    nn.Hardtanh: lambda _: 1.0,
    nn.Softsign: lambda _: 1.0,
    nn.Softshrink: lambda _: 1.0,
    nn.Tanhshrink: lambda _: 1.0,
    nn.LogSigmoid: lambda _: 1.0,
    nn.Sigmoid: lambda _: 0.25,
    nn.Hardsigmoid: lambda _: 1 / 6,
    nn.Hardswish: lambda _: 1.5,
    nn.SiLU: lambda _: 1.0999,
    nn.GELU: lambda _: 1.129,
    nn.Mish: lambda _: 1.0885,
    nn.SELU: lambda _: 1.7581,
    nn.Softplus: _softplus,
    nn.ELU: lambda part: max(1.0, abs(part.alpha)),
    nn.CELU: lambda part: 1.0 if part.alpha > 0 else math.inf,
    nn.LeakyReLU: lambda part: max(1.0, abs(part.negative_slope)),
    nn.RReLU: lambda part: max(1.0, abs(part.lower), abs(part.upper)),
    nn.PReLU: lambda part: max(float(part.weight.detach().abs().max()), 1.0),
}


def clip_weights(module: nn.Module, bound: float = 0.01) -> None:
    """Clip every parameter to [-bound, bound], in place.

    Parameters
    ----------
    module : Module
    bound : float
        Above zero.

    References
    ----------
    Arjovsky, Chintala and Bottou (2017).

    Examples
    --------
    >>> layer = nn.Linear(2, 2)
    >>> clip_weights(layer, 0.1)
    >>> bool(layer.weight.abs().max() <= 0.1)
    True
    """
    check_real("bound", bound, above=0, remedy="0.01 is usual.")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.clamp_(-bound, bound)


def normalize_spectrally(module: nn.Module) -> None:
    """Divide the weight of every linear and convolutional layer by its spectral norm, in place.

    The norm is tracked by one power iteration in each training step; `freeze_weights` makes the
    weights that are reached plain parameters again.

    Parameters
    ----------
    module : Module

    References
    ----------
    Miyato, Kataoka, Koyama and Yoshida (2018).

    Examples
    --------
    >>> layer = nn.Linear(4, 4)
    >>> normalize_spectrally(layer)
    >>> round(torch.linalg.matrix_norm(layer.weight, 2).item(), 1)
    1.0
    """
    for part in list(module.modules()):
        if isinstance(part, nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d):
            parametrizations.spectral_norm(part)


def freeze_weights(module: nn.Module) -> None:
    """Replace parametrized weights by their present values, so that the module pickles."""
    for part in list(module.modules()):
        if parametrize.is_parametrized(part, "weight"):
            parametrize.remove_parametrizations(part, "weight", leave_parametrized=True)


def gradient_penalty(
    critic: Callable[[torch.Tensor], torch.Tensor],
    x: torch.Tensor,
    y: torch.Tensor,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    r"""Mean of (|grad f| - 1)² at random points between the two batches.

    Parameters
    ----------
    critic : callable
        (k, ...) points to k values.
    x, y : Tensor of shape (n_samples, ...)
        Batches of the same shape.
    generator : torch.Generator or None
        Draws the places between them.

    Returns
    -------
    Tensor of shape ()

    Raises
    ------
    ValueError
        If the batches differ in shape.

    References
    ----------
    Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville (2017).

    Examples
    --------
    >>> x, y = torch.zeros(8, 3), torch.ones(8, 3)
    >>> float(gradient_penalty(lambda z: 3 * z[:, 0], x, y))
    4.0
    """
    if x.shape != y.shape:
        raise ValueError(
            f"x and y must have the same shape, not {tuple(x.shape)} and {tuple(y.shape)}."
        )
    share = torch.rand(
        (len(x), *[1] * (x.ndim - 1)), generator=generator, dtype=x.dtype, device=x.device
    )
    between = (share * x + (1 - share) * y).detach()
    return (slopes(critic, between, create_graph=True) - 1).square().mean()


def slopes(
    critic: Callable[[torch.Tensor], torch.Tensor], points: torch.Tensor, create_graph: bool = False
) -> torch.Tensor:
    """Norm of the critic's gradient at each of (k, ...) points, of shape (k,)."""
    points = points.detach().requires_grad_()
    with torch.enable_grad():
        total = critic(points).sum()
        (gradient,) = torch.autograd.grad(total, points, create_graph=create_graph)
    norms: torch.Tensor = gradient.flatten(1).norm(dim=1)
    return norms


def lipschitz_bound(module: nn.Module) -> float:
    """Product of the layers' spectral norms and steepest slopes: no pair of points is steeper.

    Parameters
    ----------
    module : Module
        Linear layers, orthogonal layers, `GroupSort` and torch's activations, in a row.

    Returns
    -------
    float
        Infinity where the module has parts of other kinds, about which nothing is known: also
        classes that inherit from these with a `forward` of their own, and parts with hooks.

    Examples
    --------
    >>> from divergences.networks.lipschitz import LipschitzPerceptron
    >>> round(lipschitz_bound(LipschitzPerceptron(3)), 4)
    1.0
    """
    bound = 1.0
    for part in _leaves(module):
        if _maps_as(part, nn.Linear) or _maps_as(part, OrthogonalLinear):
            with torch.no_grad():
                weight: Any = part.weight
                bound *= float(torch.linalg.matrix_norm(weight.double(), 2))
        elif type(part) in _SLOPES and _maps_as(part, type(part)):
            bound *= _SLOPES[type(part)](part)
        else:
            return math.inf
    return bound


def _leaves(module: nn.Module) -> list[nn.Module]:
    """Layers that are applied one after the other; a module of another kind is one layer."""
    if _maps_as(module, Perceptron) or _maps_as(module, LipschitzPerceptron):
        layers: Any = module.layers
        return _leaves(layers)
    if _maps_as(module, nn.Sequential):
        children: Any = module
        return [leaf for child in children for leaf in _leaves(child)]
    return [module]


def _maps_as(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether a module maps points as its class does: nothing of its own, and no hooks on it."""
    own = type(module)
    return (
        isinstance(module, kind)
        and own.forward is kind.forward
        and own.__call__ is nn.Module.__call__
        and "forward" not in vars(module)
        and not module._forward_hooks
        and not module._forward_pre_hooks
    )
