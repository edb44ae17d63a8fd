"""The same game under Lightning Fabric, which puts networks on devices and in precisions.

Fabric owns the networks, the optimizers and the backward pass; the objective owns the formulas.
`dv.minimize` does all this by itself, under `torchrun` too; this is for projects that have Fabric.

    pip install lightning-fabric
    python examples/fabric.py [steps]
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from lightning_fabric import Fabric

import divergences as dv

MU = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(2), 1.0), 1)


def main(steps: int = 500) -> None:
    fabric = Fabric(accelerator="auto", devices=1)
    fabric.seed_everything(0)
    data = torch.as_tensor(np.random.default_rng(0).normal([1, -1], [0.5, 2], size=(5_000, 2)))
    loader = fabric.setup_dataloaders(
        torch.utils.data.DataLoader(data.float(), batch_size=256, shuffle=True, drop_last=True)
    )
    g = dv.Perceptron(2, 2)
    g, optimizer = fabric.setup(g, torch.optim.Adam(g.parameters(), lr=2e-3, betas=(0.0, 0.99)))
    critic = dv.make_objective(dv.JensenShannon(), data[:1_000].float().to(fabric.device), rng=0)
    step = 0
    while step < steps:
        for x in loader:
            y = g(MU.sample((len(x),)).to(fabric.device))
            now = dv.Moment(step, steps)
            critic.step(x, y.detach(), now)
            loss = critic.loss(x, y, now)
            optimizer.zero_grad()
            fabric.backward(loss)
            optimizer.step()
            step += 1
            if step == steps:
                break
    estimate = dv.js_divergence(
        data[:1_000], dv.Pushforward(g.module.cpu(), MU), method="kde", rng=0
    )
    print(f"step {step}: {estimate}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
