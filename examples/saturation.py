"""Jensen–Shannon saturates at ln 2, and the Wasserstein distance keeps its slope.

Two point masses and two normals, s apart: exact values, and estimates from samples.

    python examples/saturation.py [--short] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import norm, randint

import divergences as dv
from divergences.report.colors import CRITIC_COLOR, P_COLOR, Q_COLOR, tidy

FAR = 10
# The point mass at s is scipy's uniform law of the integers from s to below s + 1.
LAWS = {"point masses at 0 and s": lambda s: randint(s, s + 1), "N(0, 1) and N(s, 1)": norm}
# Each divergence with its color and the unit in which it is drawn.
DRAWN = {"JS": (dv.js_divergence, P_COLOR, 1), "W1 / 10": (dv.wasserstein_distance, Q_COLOR, 10)}


def draw_exact(ax: Axes, law, shifts: np.ndarray, style: str) -> None:
    for name, (call, color, unit) in DRAWN.items():
        values = [call(law(0), law(s)) / unit for s in shifts]
        ax.plot(shifts, values, style, color=color, markersize=4, label=f"{name}, exact")


def draw_estimates(ax: Axes, law, shifts: np.ndarray, n: int) -> None:
    """The 95 % intervals from n points of each."""
    for name, (call, color, unit) in DRAWN.items():
        intervals = []
        for s in shifts:
            rng = np.random.default_rng(s)
            p, q = law(0).rvs(n, random_state=rng), law(s).rvs(n, random_state=rng)
            estimate = call(p.astype(float), q.astype(float), rng=rng)
            intervals.append(np.divide(estimate.interval(), unit))
            print(f"  s = {s:2d}  exact {call(law(0), law(s)):7.4f}  {estimate}")
        label = f"{name}, 95 % of {n} points"
        ax.vlines(shifts, *np.transpose(intervals), color=color, alpha=0.4, lw=4, label=label)


def draw_slopes(ax: Axes, shifts: np.ndarray) -> None:
    """How much the divergence of two normals grows per unit of s, on a logarithmic scale."""
    for call, color, _ in DRAWN.values():
        values = np.array([call(norm(0, 1), norm(s, 1)) for s in shifts])
        slope = np.gradient(values, shifts)[1:-1]
        ax.semilogy(shifts[1:-1], slope, color=color)
    ax.set(xlim=(0, FAR), ylim=(1e-6, 3), xlabel="distance s", ylabel="slope in s")
    ax.set_title("slope of JS and W1 in s, of the normals", fontsize=10)


def main(short: bool, folder: Path) -> None:
    n, steps = (100, 5) if short else (300, 1)
    figure = Figure(figsize=(11.0, 3.8), layout="constrained")
    *values, slopes = figure.subplots(1, 3)
    whole, fine = np.arange(FAR + 1), np.linspace(0, FAR, 101)
    for ax, (title, law), shifts, style in zip(
        values, LAWS.items(), (whole, fine), ("o", "-"), strict=True
    ):
        print(title)
        draw_exact(ax, law, shifts, style)
        draw_estimates(ax, law, whole[::steps], n)
        ax.axhline(np.log(2), color=CRITIC_COLOR, linewidth=0.8, linestyle=":", label="ln 2")
        ax.set(xlim=(-0.2, FAR + 0.2), ylim=(-0.03, 1.05), xlabel="distance s", ylabel="value")
        ax.set_title(title, fontsize=10)
    draw_slopes(slopes, fine)
    for ax in (*values, slopes):
        tidy(ax)
    figure.legend(*values[1].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    figure.savefig(folder / "saturation.png", dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What JS and W1 say of measures far apart.")
    parser.add_argument("--short", action="store_true", help="fewer points, in seconds")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the picture goes")
    main(**vars(parser.parse_args()))
