"""Samples of one and two features, and what four models make of them: GMM, KDE, GAN and GAN-KDE.

The Gaussian mixture is fitted by expectation maximization, the kernel density by its leave-one-out
likelihood. The GAN, with no setting changed, moves normal z by a network g so that the
Jensen–Shannon divergence becomes small that a critic network sees; GAN-KDE is the same network, and
the divergence is between kernel densities of the data and of g(z). All see the same points, and are
rated on points that none has seen.

    python examples/univariate_and_bivariate.py [--short] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import gumbel_r, norm

import divergences as dv
from divergences.report.colors import P_COLOR, Q_COLOR, tidy


def bumps(n: int, rng: np.random.Generator) -> np.ndarray:
    """A normal, and a skewed bump beside it."""
    left = rng.random(n) < 0.5
    return np.where(left, rng.normal(-2.5, 0.5, n), rng.gumbel(0.5, 0.6, n))[:, None]


def ring(n: int, rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi, n)
    return 2 * np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(0, 0.25, (n, 2))


def gmm(data: np.ndarray, steps: int):
    return dv.GaussianMixture(rng=0).fit(data)


def kde(data: np.ndarray, steps: int):
    return dv.KernelDensity(bandwidth="likelihood").fit(data)


def gan(data: np.ndarray, steps: int):
    return dv.GAN(steps=steps, rng=0).fit(data)


def gan_kde(data: np.ndarray, steps: int):
    method = dv.AnnealedKDE(bandwidth=dv.Geometric(0.5, 0.05))
    return dv.GAN(method=method, steps=steps, rng=0).fit(data)


MODELS = {"GMM by EM": gmm, "KDE": kde, "GAN": gan, "GAN-KDE": gan_kde}


def draw(ax: Axes, points: np.ndarray, color: str) -> None:
    if points.shape[1] == 1:
        x = np.linspace(-5, 5, 500)
        ax.hist(points[:, 0], bins=60, range=(-5, 5), density=True, color=color, alpha=0.4)
        ax.plot(x, (norm.pdf(x, -2.5, 0.5) + gumbel_r.pdf(x, 0.5, 0.6)) / 2, color=P_COLOR)
        ax.set(xlim=(-5, 5), ylim=(0, 0.55), xlabel="x", ylabel="density")
    else:
        ax.scatter(*points[:1_000].T, s=4, color=color, alpha=0.6, linewidths=0)
        ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xlabel="x1", ylabel="x2")
    tidy(ax)


def main(short: bool, folder: Path) -> None:
    n, steps, new_points = (300, 20, 600) if short else (5_000, 2_000, 4_000)
    figure = Figure(figsize=(13.5, 5.2), layout="constrained")
    for row, law in zip(figure.subplots(2, 5), (bumps, ring), strict=True):
        rng = np.random.default_rng(0)
        data, new = law(n, rng), law(new_points, rng)
        draw(row[0], data, P_COLOR)
        row[0].set_title(f"data: {law.__name__}, {n:,} points", fontsize=10)
        for ax, (name, fit) in zip(row[1:], MODELS.items(), strict=True):
            points = fit(data, steps).sample(new_points, rng=1)
            estimate = dv.js_divergence(new, points, rng=0)
            print(f"{law.__name__:<6} {name:<10} {estimate}", flush=True)
            draw(ax, points, Q_COLOR)
            ax.set_title(f"{name}: JS {estimate:.4f} ± {estimate.stderr:.4f}", fontsize=10)
    figure.savefig(folder / "univariate_and_bivariate.png", dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Four models of samples of one and two features.")
    parser.add_argument("--short", action="store_true", help="few points and steps, in seconds")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the picture goes")
    main(**vars(parser.parse_args()))
