"""What is asked of a network of the user's own before it is trained."""

from __future__ import annotations

import math

import torch
from torch import nn


def first_parameter(network: nn.Module) -> torch.Tensor:
    """A parameter, whose dtype and device the features take.

    Raises
    ------
    ValueError
        If there is none.
    """
    parameter = next(network.parameters(), None)
    if parameter is None:
        raise ValueError("network must have parameters to train, but it has none.")
    return parameter


def shape_of_output(network: nn.Module, d: int) -> tuple[int, ...]:
    """Shape that a network makes of two points of d features, if it can be trained on such.

    Raises
    ------
    TypeError
        If it makes no tensor, or its parameters are not of single or double precision.
    ValueError
        If it does not take the points, or has no parameters that training could change.
    """
    like = first_parameter(network)
    for parameter in network.parameters():
        if parameter.dtype not in (torch.float32, torch.float64):
            raise TypeError(
                f"network must have parameters of float32 or float64, not {parameter.dtype}. "
                f"Convert it by network.float()."
            )
    mode = network.training
    network.eval()
    try:
        with torch.enable_grad():
            output = network(torch.zeros(2, d).to(like))
    except RuntimeError as error:
        raise ValueError(
            f"network must take the {d} features that the samples have, shape (k, {d}), but of "
            f"(2, {d}) it raised {str(error)!r}. Give its first layer {d} inputs."
        ) from error
    finally:
        network.train(mode)
    if not isinstance(output, torch.Tensor):
        raise TypeError(
            f"network must return one tensor, of shape (k, 1), not {type(output).__name__}. "
            f"Return the part of it that is the critic."
        )
    _require_gradient(network, output)
    return tuple(output.shape)


def _require_gradient(network: nn.Module, output: torch.Tensor) -> None:
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not trained:
        raise ValueError(
            "network must have parameters to train, but all of its are frozen. Call "
            "network.requires_grad_(True)."
        )
    reached = output.requires_grad and any(
        gradient is not None
        for gradient in torch.autograd.grad(output.sum(), trained, allow_unused=True)
    )
    if not reached:
        raise ValueError(
            "network must have an output that its parameters change, but no gradient reaches them "
            "from it. Leave out detach(), torch.no_grad() and what rounds."
        )


def require_finite(best: float) -> None:
    """Refuse a network whose values, judged where it was not trained, were NaN or infinite.

    Raises
    ------
    ValueError
        If what is judged is not finite.
    """
    if not math.isfinite(best):
        raise ValueError(
            "network must give finite values and slopes at the samples, but at no time in its "
            "training it did. Look for divisions, roots and logarithms in it, or lower "
            "learning_rate."
        )
