"""Train a generator in a loop of your own, without a critic network and with one.

`definition.loss` is the divergence of two batches, differentiable in both. Where a network is to
find the critic, `make_objective` has the same two calls for every game: `step(x, y)` improves the
critic, `loss(x, y)` is what the generator minimizes.

    python examples/own_training_loop.py [steps]
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

import divergences as dv

MU = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(2), 1.0), 1)


def ring(n: int, generator: torch.Generator) -> torch.Tensor:
    angle = 2 * torch.pi * torch.rand(n, 1, generator=generator)
    noise = 0.1 * torch.randn(n, 2, generator=generator)
    return torch.cat([angle.cos(), angle.sin()], dim=1) + noise


def train(steps: int, name: str, batch_loss: Callable[..., torch.Tensor]) -> None:
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(0)
    g = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    optimizer = torch.optim.Adam(g.parameters(), lr=3e-3, betas=(0.0, 0.99))
    held_out = ring(500, random)
    for step in range(steps):
        x, y = ring(256, random), g(torch.randn(256, 2, generator=random))
        loss = batch_loss(x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0 or step == steps - 1:
            estimate = dv.js_divergence(
                held_out, dv.Pushforward(g, MU), method="kde", rng=np.random.default_rng(0)
            )
            print(f"step {step:4d}: batch {name} {loss.item():7.4f}, held out {estimate}")


def main(steps: int = 300) -> None:
    energy = dv.Energy(squared=True)
    train(steps, "energy²", energy.loss)

    critic = dv.make_objective(
        dv.SoftenedReverseKL(), ring(500, torch.Generator().manual_seed(1)), rng=0
    )

    def game(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        critic.step(x, y.detach())
        return critic.loss(x, y)

    train(steps, "soft reverse KL", game)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
