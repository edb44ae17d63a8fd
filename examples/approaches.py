"""How do the approaches to learning a distribution compare? Time, density, distance to fresh data.

A kernel density estimate, a Gaussian mixture by EM, a Gaussian graphical model, an autoencoder, a
variational one and a GAN learn the same data: two bumps on the line, a ring of eight Gaussians in
the plane, and handwritten digits of 8 x 8 pixels. Each is then compared with data that it has not
seen.

    python examples/approaches.py [--short] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
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
    js: dv.Estimate
    energy: dv.Estimate

    def __str__(self) -> str:
        density = "none" if self.log_density is None else f"{self.log_density:.2f}"
        return (
            f"  {self.name:<24} {self.fit_seconds:8.2f} {1e3 * self.sample_seconds:9.2f} "
            f"{density:>9}  {told(self.js):<30} {told(self.energy)}"
        )


def told(estimate: dv.Estimate) -> str:
    low, high = estimate.interval()
    return f"{estimate.value:.4f} ({max(low, 0):.4f} to {high:.4f})"


def data_sets(short: bool) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    n = 300 if short else 2_000
    line = np.where(rng.random(n) < 0.4, rng.normal(-2, 0.4, n), rng.gamma(3, 0.6, n))
    angle = rng.integers(8, size=n) * np.pi / 4
    ring = 2 * np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(scale=0.3, size=(n, 2))
    digits = load_digits().data
    # Gray levels are whole numbers, which no density describes: spread each over its level.
    digits = rng.permutation((digits + rng.random(digits.shape)) / 17)
    return {
        "two bumps, 1-D": line[:, np.newaxis],
        "ring, 2-D": ring,
        "digits, 64-D": digits[: 300 if short else None],
    }


def models(d: int, short: bool) -> dict[str, Any]:
    wide = d > 8
    network = {
        "latent": 8 if wide else 2,
        "width": 128 if wide else 64,
        "steps": 40 if short else 2_000,
        "rng": 0,
    }
    return {
        "kernel density": dv.KernelDensity(bandwidth="scott" if short else "likelihood"),
        "Gaussian mixture (EM)": dv.GaussianMixture(
            covariance="diag" if wide else "full", max_components=3 if short else 12, rng=0
        ),
        "graphical model": dv.GraphicalModel(0.1 if short else None, rng=0),
        "autoencoder": dv.Autoencoder(**network),
        "variational autoencoder": dv.VariationalAutoencoder(
            weight=0.1, divergence=dv.ReverseKL(), **network
        ),
        "GAN": dv.GAN(steps=network["steps"], rng=0),
    }


def measured(name: str, model: Any, train: np.ndarray, held_out: np.ndarray, method: str) -> Row:
    start = time.process_time()
    model.fit(train)
    fitted = time.process_time()
    model.sample(DRAWN, rng=1)
    drawn = time.process_time()
    try:
        log_density = float(model.log_density(held_out).mean())
    except dv.NoDensityError:
        log_density = None
    draws = model.sample(len(held_out), rng=2)
    js = dv.js_divergence(held_out, draws, method=method, rng=0)
    energy = dv.squared_energy_distance(held_out, draws)
    return Row(model, name, fitted - start, drawn - fitted, log_density, js, energy)


def main(short: bool, folder: Path) -> None:
    results: dict[str, list[Row]] = {}
    for data_name, points in data_sets(short).items():
        train, held_out = points[: len(points) // 2], points[len(points) // 2 :]
        print(f"{data_name}: {len(train):,} points to learn from, {len(held_out):,} held out")
        print(
            f"  {'model':<24} {'fit, s':>8} {'1,000, ms':>9} {'ln f':>9}  {'JS, nats':<30} energy²"
        )
        # Kernel densities see all there is to see in the plane; in 64 features critics are stacked.
        method = "kde" if points.shape[1] <= 2 else ("classifier" if short else "auto")
        results[data_name] = []
        for name, model in models(points.shape[1], short).items():
            results[data_name].append(measured(name, model, train, held_out, method))
            print(results[data_name][-1], flush=True)
    draw(data_sets(short), results).savefig(folder / "approaches.png", dpi=110)


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
                f"JS {told(row.js)}",
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
    parser = argparse.ArgumentParser(description="Compare ways to learn a distribution.")
    parser.add_argument("--short", action="store_true", help="fewer points and steps, in seconds")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the picture goes")
    main(**vars(parser.parse_args()))
