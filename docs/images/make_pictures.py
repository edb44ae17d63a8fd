"""Draw the pictures of the README and the site: `.venv/bin/python docs/images/make_pictures.py`."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm

import divergences as dv
from divergences.report.colors import CRITIC_COLOR, P_COLOR, Q_COLOR, tidy

HERE = Path(__file__).parent


def rings(n: int, turn: float, rng: np.random.Generator) -> np.ndarray:
    """Draw from eight normal distributions around a circle."""
    angle = (rng.integers(8, size=n) + turn) * np.pi / 4
    center = 2 * np.column_stack([np.cos(angle), np.sin(angle)])
    return center + rng.normal(scale=0.35, size=(n, 2))


def critic() -> None:
    """The README's picture: two samples on the map of their critic."""
    rng = np.random.default_rng(0)
    p, q = rings(1500, 0.0, rng), rings(1500, 0.5, rng)
    ax = dv.js_divergence(p, q).plot()
    ax.figure.savefig(HERE / "critic.png", dpi=110)


def saturation() -> None:
    """JS and W1 of N(0, 1) and N(s, 1), and their slopes in s."""
    shifts = np.linspace(0.0, 10.0, 81)
    js = np.array([dv.js_divergence(norm(0, 1), norm(s, 1)) for s in shifts])
    w1 = np.array([dv.wasserstein_distance(norm(0, 1), norm(s, 1)) for s in shifts])
    figure = Figure(figsize=(7.5, 3.0), layout="constrained")
    value, slope = figure.subplots(1, 2)
    value.plot(shifts, js, color=P_COLOR)
    value.plot(shifts, w1 / 10, color=Q_COLOR)
    value.axhline(np.log(2), color=CRITIC_COLOR, linewidth=0.6, linestyle=":")
    value.annotate("ln 2", (0.1, 0.71), fontsize=9)
    value.annotate("JS", (2.5, 0.47), color=P_COLOR, ha="right")
    value.annotate("W1 / 10", (8.6, 0.76), color=Q_COLOR)
    value.set_title("value", fontsize=10)
    slope.plot(shifts, np.gradient(js, shifts, edge_order=2), color=P_COLOR)
    slope.annotate("slope of JS", (2.5, 0.2), color=P_COLOR)
    slope.set_title("slope in s: far apart, none is left to follow", fontsize=10)
    for ax in (value, slope):
        ax.set_xlabel("shift s between N(0, 1) and N(s, 1)")
        tidy(ax)
    figure.savefig(HERE / "saturation.png", dpi=110)


if __name__ == "__main__":
    critic()
    saturation()
