"""One step of an optimizer: gradients averaged, measured, clipped."""

from __future__ import annotations

import math

import torch

from divergences.training.distributed import Workers


def step_down(
    optimizer: torch.optim.Optimizer, rate: float, clip: float, workers: Workers
) -> torch.Tensor:
    """Take a step with the gradients as they are, and return their norm before clipping."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    workers.average_gradients(parameters)
    gradients = [p.grad for p in parameters if p.grad is not None]
    norms = torch._foreach_norm(gradients)
    norm: torch.Tensor = torch.linalg.vector_norm(torch.stack(norms))
    if clip < math.inf:
        torch._foreach_mul_(gradients, (clip / (norm + 1e-12)).clamp(max=1.0))
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return norm
