"""What is asked of a network of the user's own before it is trained."""

from __future__ import annotations

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
    """Shape that a network makes of two points of d features.

    Raises
    ------
    ValueError
        If it does not take them.
    """
    like = first_parameter(network)
    mode = network.training
    network.eval()
    try:
        with torch.no_grad():
            output = network(torch.zeros(2, d).to(like))
    except RuntimeError as error:
        raise ValueError(
            f"network must take the {d} features that the samples have, shape (k, {d}), but of "
            f"(2, {d}) it raised {str(error)!r}. Give its first layer {d} inputs."
        ) from error
    finally:
        network.train(mode)
    return tuple(output.shape)
