"""How do the approaches to learning a distribution compare? Time, density, distance to fresh data.

A kernel density estimate, a Gaussian mixture by EM, a Gaussian graphical model, an autoencoder and
a variational one learn the same data: two bumps on the line, a ring of eight Gaussians in the
plane, and handwritten digits of 8 x 8 pixels. Each is then compared with data that it has not seen.

    python examples/approaches.py [--short] [figure.png]
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

import divergences as dv
from divergences.report.colors import FAINT, P_COLOR, Q_COLOR

DRAWN = 1_000


@dataclass(frozen=True)
class Row:
    """What was measured of one model on one data set."""

    model: Any
    name: str
    fit_seconds: float
    sample_seconds: float
    log_density: float | None
    divergences: dv.Comparison

    def __str__(self) -> str:
        density = "none" if self.log_density is None else f"{self.log_density:.2f}"
        return (
            f"  {self.name:<24} {self.fit_seconds:8.2f} {1e3 * self.sample_seconds:9.2f} "
            f"{density:>9}  {told(self.divergences['JS']):<30} "
            f"{told(self.divergences['energy²'])}"
        )


def told(estimate: dv.Estimate) -> str:
    low, high = estimate.interval()
    return f"{estimate.value:.4f} ({max(low, 0):.4f} to {high:.4f})"


def data_sets(short: bool) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    n = 600 if short else 4_000
    line = np.where(rng.random(n) < 0.4, rng.normal(-2, 0.4, n), rng.gamma(3, 0.6, n))
    angle = rng.integers(8, size=n) * np.pi / 4
    ring = 2 * np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(scale=0.3, size=(n, 2))
    digits = load_digits().data
    # Gray levels are whole numbers, which no density describes: spread each over its level.
    digits = rng.permutation((digits + rng.random(digits.shape)) / 17)
    return {
        "two bumps, 1-D": line[:, np.newaxis],
        "ring, 2-D": ring,
        "digits, 64-D": digits[: 600 if short else None],
    }


def models(d: int, short: bool) -> dict[str, Any]:
    network = {
        "latent": min(2 if d <= 2 else 8, 2 * d),
        "width": 64 if d <= 2 else 128,
        "steps": 150 if short else (3_000 if d <= 2 else 6_000),
        "rng": 0,
    }
    wide = d > 8
    return {
        "kernel density": dv.KernelDensity(bandwidth="scott" if short else "likelihood"),
        "Gaussian mixture (EM)": dv.GaussianMixture(
            covariance="diag" if wide else "full", max_components=5 if short else 40, rng=0
        ),
        "graphical model": dv.GraphicalModel(0.1 if short else None, rng=0),
        "autoencoder": dv.Autoencoder(**network),
        "variational autoencoder": dv.VariationalAutoencoder(
            weight=0.1, divergence=dv.ReverseKL(), **network
        ),
    }


def measured(name: str, model: Any, train: np.ndarray, held_out: np.ndarray) -> Row:
    start = time.process_time()
    model.fit(train)
    fitted = time.process_time()
    model.sample(DRAWN, rng=1)
    drawn = time.process_time()
    try:
        log_density = float(model.log_density(held_out).mean())
    except dv.NoDensityError:
        log_density = None
    compared = dv.compare(
        held_out,
        model.sample(len(held_out), rng=2),
        divergences=[dv.JensenShannon(), dv.Energy(squared=True)],
        rng=0,
    )
    return Row(model, name, fitted - start, drawn - fitted, log_density, compared)


def main(short: bool = False, figure: str | None = None) -> dict[str, list[Row]]:
    results = {}
    for data_name, points in data_sets(short).items():
        train, held_out = points[: len(points) // 2], points[len(points) // 2 :]
        print(f"{data_name}: {len(train):,} points to learn from, {len(held_out):,} held out")
        print(
            f"  {'model':<24} {'fit, s':>8} {'1,000, ms':>9} {'ln f':>9}  {'JS, nats':<30} energy²"
        )
        results[data_name] = []
        for name, model in models(points.shape[1], short).items():
            results[data_name].append(measured(name, model, train, held_out))
            print(results[data_name][-1], flush=True)
    if figure is not None:
        draw(data_sets(short), results).savefig(figure, dpi=110)
    return results


def draw(data: dict[str, np.ndarray], results: dict[str, list[Row]]) -> Figure:
    rows = 1 + len(next(iter(results.values())))
    figure = Figure(figsize=(8.5, 1.6 * rows), layout="constrained")
    axes = figure.subplots(rows, 3)
    for column, (name, points) in enumerate(data.items()):
        held_out = points[len(points) // 2 :]
        axes[0, column].set_title(name, fontsize=10)
        show(axes[0, column], held_out, held_out, P_COLOR)
        for ax, row in zip(axes[1:, column], results[name], strict=True):
            show(ax, row.model.sample(len(held_out), rng=3), held_out, Q_COLOR)
            ax.annotate(
                f"JS {told(row.divergences['JS'])}",
                (0.5, -0.02),
                xycoords="axes fraction",
                ha="center",
                va="top",
                fontsize=7,
            )
    names = ["held-out data", *(row.name for row in next(iter(results.values())))]
    for ax, name in zip(axes[:, 0], names, strict=True):
        ax.set_ylabel(name.replace(" ", "\n", 1), fontsize=8)
    return figure


def show(ax: Any, points: np.ndarray, held_out: np.ndarray, color: str) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    if points.shape[1] == 1:
        edges = np.linspace(held_out.min() - 0.5, held_out.max() + 0.5, 60)
        ax.hist(held_out[:, 0], edges, density=True, histtype="step", color=FAINT)
        ax.hist(points[:, 0], edges, density=True, color=color, alpha=0.6)
    elif points.shape[1] == 2:
        ax.scatter(points[:600, 0], points[:600, 1], s=2, color=color)
        ax.set_aspect("equal")
        ax.set_xlim(-3.5, 3.5)
        ax.set_ylim(-3.5, 3.5)
    else:
        pictures = points[:20].reshape(2, 10, 8, 8).transpose(0, 2, 1, 3).reshape(16, 80)
        ax.imshow(pictures, cmap="gray_r", vmin=0, vmax=1)
    for side in ax.spines.values():
        side.set_visible(points.shape[1] == 2)


if __name__ == "__main__":
    options = sys.argv[1:]
    main("--short" in options, next((one for one in options if not one.startswith("-")), None))
