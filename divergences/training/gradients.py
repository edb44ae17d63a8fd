"""One step of an optimizer down a loss: gradients averaged, clipped, and measured if asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from divergences.training.distributed import Workers


@dataclass(frozen=True, eq=False)
class Gradients:
    """What a step went down, kept as it was; its norm costs nothing until somebody asks for it.

    Parameters
    ----------
    values : sequence of Tensor
        One for each parameter that the loss depends on.
    unclipped_norm : Tensor or None
        Their norm before clipping, where they were clipped.
    """

    values: Sequence[torch.Tensor]
    unclipped_norm: torch.Tensor | None

    @property
    def norm(self) -> torch.Tensor:
        """Norm of all of them together, before clipping."""
        if self.unclipped_norm is not None:
            return self.unclipped_norm
        return _norm(self.values)


def step_down(
    loss: torch.Tensor,
    optimizer: torch.optim.Optimizer,
    rate: float,
    clip: float,
    workers: Workers,
) -> Gradients:
    """Take a step of an optimizer down the gradient of a loss in its parameters.

    Nothing else that the loss depends on gets a gradient, and none is computed for it.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for parameter in parameters:
        parameter.grad = None
    loss.backward(inputs=[p for p in parameters if p.requires_grad])  # type: ignore[no-untyped-call]
    workers.average_gradients(parameters)
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = None
    if clip < math.inf:
        norm = _norm(gradients)
        torch._foreach_mul_(gradients, (clip / (norm + 1e-12)).clamp(max=1.0))
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return Gradients(gradients, norm)


def _norm(gradients: Sequence[torch.Tensor]) -> torch.Tensor:
    norms = torch._foreach_norm(list(gradients))
    norm: torch.Tensor = torch.linalg.vector_norm(torch.stack(norms))
    return norm
