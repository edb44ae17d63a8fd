"""How does a GAN change with the capacity of its generator? A sweep over width and depth.

Eight normal clusters on a ring; each generator is trained by the same critic for the same number of
steps, and rated on points that it has not seen. A linear generator stands for no hidden layer.

    python examples/network_capacity.py [--short] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn
from torch.distributions import Independent, Normal

import divergences as dv
from divergences.report.colors import CRITIC_COLOR, FAINT, P_COLOR, Q_COLOR, tidy

LATENT = Independent(Normal(torch.zeros(2), 1.0), 1)
COLORS = {1: CRITIC_COLOR, 3: Q_COLOR}
SHOWN = ((0, 1), (4, 3), (64, 3))


def clusters(n: int, rng: np.random.Generator) -> np.ndarray:
    angle = rng.integers(8, size=n) * np.pi / 4
    return 2 * np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(0, 0.2, (n, 2))


def network(width: int, depth: int) -> nn.Module:
    if width == 0:
        return nn.Linear(2, 2)
    layers = [nn.Linear(2, width), nn.LeakyReLU(0.2)]
    for _ in range(depth - 1):
        layers += [nn.Linear(width, width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(width, 2))


def train(width: int, depth: int, seed: int, steps: int) -> tuple[dv.Pushforward, dv.Estimate]:
    """The trained generator, and its JS to points that it was not trained on."""
    rng = np.random.default_rng(seed)
    data, new = clusters(10_000, rng), clusters(1_000, rng)
    torch.manual_seed(seed)
    run = dv.minimize(
        dv.JensenShannon(),
        dv.Pushforward(network(width, depth), LATENT),
        data,
        steps=steps,
        held_out=new,
        monitor=dv.Monitor(every=steps),
        rng=seed,
    )
    size = sum(weight.numel() for weight in run.generator.parameters())
    print(f"depth {depth}, width {width:2d}, {size:5d} weights, seed {seed}: {run.estimate}")
    return run.pushforward, run.estimate


def draw_samples(ax: Axes, model: dv.Pushforward, title: str) -> None:
    points = model.sample(1_000, rng=0).detach().numpy()
    ax.scatter(*clusters(1_000, np.random.default_rng(0)).T, s=3, color=P_COLOR, alpha=0.3)
    ax.scatter(*points.T, s=3, color=Q_COLOR, alpha=0.5)
    ax.set(xlim=(-5, 5), ylim=(-5, 5), aspect="equal", xticks=(-2, 0, 2), yticks=(-2, 0, 2))
    ax.set_title(title, fontsize=9)
    tidy(ax)


def main(short: bool, folder: Path) -> None:
    widths, seeds, steps = ((2,), 1, 30) if short else ((2, 4, 16, 64), 2, 1_000)
    trained = {(0, 1, 0): train(0, 1, 0, steps)}
    for depth in COLORS:
        for width in widths:
            for seed in range(seeds):
                trained[width, depth, seed] = train(width, depth, seed, steps)

    figure = Figure(figsize=(12.0, 3.6), layout="constrained")
    *samples, sweep = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.6))
    for ax, (width, depth) in zip(samples, SHOWN, strict=True):
        model, js = trained.get((width, depth, 0), trained[0, 1, 0])
        name = f"{depth} x {width}" if width else "linear"
        draw_samples(ax, model, f"{name}: JS {js:.3f} ± {js.stderr:.3f}")
    for (width, depth, seed), (_, js) in list(trained.items())[1:]:
        place = width * (1 + 0.06 * (depth - 2)) * (1 + 0.06 * seed)
        sweep.vlines(place, *js.interval(), color=COLORS[depth], linewidth=1)
        sweep.plot(place, js, "o", markersize=4, color=COLORS[depth])
    for depth, color in COLORS.items():
        means = [np.mean([trained[w, depth, s][1] for s in range(seeds)]) for w in widths]
        sweep.plot(widths, means, color=color, linewidth=0.8, label=f"hidden layers: {depth}")
    sweep.axhline(trained[0, 1, 0][1], color=FAINT, linestyle="--", label="linear")
    sweep.set(xscale="log", xlabel="width of the hidden layers", ylabel="held-out JS, nats")
    sweep.set_xticks(widths, widths)
    sweep.minorticks_off()
    sweep.set(ylim=(0, None))
    sweep.legend(frameon=False, fontsize=8)
    tidy(sweep)
    figure.savefig(folder / "network_capacity.png", dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Held-out JS by width and depth of the generator.")
    parser.add_argument("--short", action="store_true", help="few steps, in seconds")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the picture goes")
    main(**vars(parser.parse_args()))
