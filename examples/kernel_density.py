"""Kernel density estimates: two kernels, several bandwidths, and the distance of each to the truth.

The truth is a mixture of two normals. Both densities are known, so their divergence is one
integral; beside it stands what is estimated from draws of both, as if neither were known.

    python examples/kernel_density.py [--short] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import rel_entr
from torch.distributions import Categorical, MixtureSameFamily, Normal

import divergences as dv
from divergences.report.colors import CRITIC_COLOR, FAINT, P_COLOR, Q_COLOR, tidy

WEIGHTS, CENTERS, WIDTHS = np.array([0.6, 0.4]), np.array([-1.5, 1.5]), np.array([0.8, 0.3])
TRUTH = MixtureSameFamily(
    Categorical(torch.tensor(WEIGHTS)), Normal(torch.tensor(CENTERS), torch.tensor(WIDTHS))
)
COLORS = {"gaussian": Q_COLOR, "epanechnikov": CRITIC_COLOR}
RULES = ("scott", "silverman", "improved_sheather_jones", "likelihood")
DRAWN = (0.1, 0.4, 1.5)
GRID = np.linspace(-16.0, 16.0, 3_201)
P = TRUTH.log_prob(torch.tensor(GRID)).exp().numpy()


def draw(n: int, rng: np.random.Generator) -> np.ndarray:
    mode = rng.choice(2, size=n, p=WEIGHTS)
    return rng.normal(CENTERS[mode], WIDTHS[mode])


def js_to_truth(model: dv.KernelDensity) -> float:
    """JS = KL(p, m)/2 + KL(q, m)/2 with m = (p + q)/2, by the trapezoidal rule."""
    q = np.exp(model.log_density(GRID))
    m = (P + q) / 2
    return float(np.trapezoid(rel_entr(P, m) + rel_entr(q, m), GRID) / 2)


def draw_density(ax: Axes, model: dv.KernelDensity, points: np.ndarray) -> None:
    ax.fill_between(GRID, P, color=P_COLOR, alpha=0.25, linewidth=0)
    ax.plot(GRID, np.exp(model.log_density(GRID)), color=COLORS[model.kernel], linewidth=1.2)
    ax.plot(points, np.full(len(points), -0.05), "|", color=FAINT, markersize=4, alpha=0.5)
    ax.set(xlim=(-5, 3.5), ylim=(-0.1, 0.8), xticks=(-4, -2, 0, 2), yticks=(0, 0.3, 0.6))
    ax.set_title(f"h = {model.bandwidth:g}: JS = {js_to_truth(model):.3f}", fontsize=9)
    tidy(ax)


def sweep(ax: Axes, kernel: str, points: np.ndarray, steps: int, draws: int) -> None:
    """JS to the truth against the bandwidth: the integral, and estimates from draws."""
    color = COLORS[kernel]
    fine = np.geomspace(0.05, 3.0, 60)
    values = [js_to_truth(dv.KernelDensity(kernel, h).fit(points)) for h in fine]
    ax.plot(fine, values, color=color, label=f"{kernel}, integral")
    for seed, h in enumerate(np.geomspace(0.05, 3.0, steps)):
        model = dv.KernelDensity(kernel, h).fit(points)
        rng = np.random.default_rng([seed, len(kernel)])
        estimate = dv.js_divergence(
            draw(draws, rng), model.sample(draws, rng), method="kde", rng=rng
        )
        print(f"{kernel:<12} h = {h:.3f}  integral {js_to_truth(model):.4f}  {estimate}")
        low, high = estimate.interval()
        ax.plot([h, h], [low, high], color=color, linewidth=1)
        ax.plot(h, estimate, "o", color=color, markersize=4)
    for rule, marker in zip(RULES, "s^dv", strict=True):
        model = dv.KernelDensity(kernel, rule).fit(points)
        h, js = np.sqrt(model.bandwidth_.matrix.item()), js_to_truth(model)
        print(f"{kernel:<12} h = {h:.3f}  integral {js:.4f}  by the rule {rule}")
        label = rule.replace("_", " ") if kernel == "gaussian" else None
        ax.plot(h, js, marker, color="white", markeredgecolor=color, markersize=7, label=label)


def main(short: bool, folder: Path) -> None:
    steps, draws = (2, 300) if short else (8, 3_000)
    points = draw(300, np.random.default_rng(0))
    figure = Figure(figsize=(11.0, 4.8), layout="constrained")
    panels = figure.subplot_mosaic([list("abcs"), list("defs")], width_ratios=(1, 1, 1, 2.2))
    for row, kernel in zip(("abc", "def"), COLORS, strict=True):
        for panel, h in zip(row, DRAWN, strict=True):
            draw_density(panels[panel], dv.KernelDensity(kernel, h).fit(points), points)
        panels[row[0]].set_ylabel(f"{kernel} kernel")
        sweep(panels["s"], kernel, points, steps, draws)
    panels["s"].set(xscale="log", ylim=(0, None), xlabel="bandwidth h, data units")
    panels["s"].set_title("JS to the truth in nats, of 300 points (dots: draws, 95 %)", fontsize=9)
    panels["s"].legend(frameon=False, fontsize=8)
    tidy(panels["s"])
    figure.savefig(folder / "kernel_density.png", dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Kernels and bandwidths against the truth.")
    parser.add_argument("--short", action="store_true", help="fewer points, in seconds")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the picture goes")
    main(**vars(parser.parse_args()))
