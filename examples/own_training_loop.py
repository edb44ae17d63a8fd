"""Train a generator in a loop of your own: `definition.loss` is the divergence of two batches.

The generator g moves noise z ~ mu onto a ring; the loss is a divergence between a batch of
data and a batch of g(z), so its gradient reaches g through the samples.

    python examples/own_training_loop.py [steps]
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from torch import nn

import divergences as dv


def ring(n: int, generator: torch.Generator) -> torch.Tensor:
    angle = 2 * torch.pi * torch.rand(n, 1, generator=generator)
    noise = 0.1 * torch.randn(n, 2, generator=generator)
    return torch.cat([angle.cos(), angle.sin()], dim=1) + noise


def main(steps: int = 300) -> None:
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(0)
    g = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    optimizer = torch.optim.Adam(g.parameters(), lr=3e-3)
    divergence = dv.Energy(squared=True)
    mu = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(2), 1.0), 1)
    held_out = ring(500, random)

    for step in range(steps):
        loss = divergence.loss(ring(256, random), g(torch.randn(256, 2, generator=random)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0 or step == steps - 1:
            estimate = dv.js_divergence(
                held_out, dv.Pushforward(g, mu), rng=np.random.default_rng(0)
            )
            print(f"step {step:4d}: batch energy² {loss.item():7.4f}, held out {estimate}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
