"""Three pushforwards g#mu of a uniform mu: samples against the exact law, and the distance.

Where g is steep it spreads the mass and the density is low: 1/g'(z) at x = g(z).

    python examples/pushforwards.py [--short] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import beta, norm, uniform

import divergences as dv
from divergences.report.colors import CRITIC_COLOR, FAINT, P_COLOR, Q_COLOR, tidy

LATENT = uniform(0, 1)
# Name, g, the law of g(z), its density as a formula, and the window that is drawn.
CASES = (
    ("g(z) = z", lambda z: z, uniform(0, 1), "1", (-0.15, 1.15)),
    ("g(z) = z²", np.square, beta(0.5, 1), "1/(2√x)", (-0.15, 1.15)),
    ("g(z) = Φ⁻¹(z)", norm.ppf, norm(0, 1), "exp(-x²/2)/√(2π)", (-3.4, 3.4)),
)


def draw_map(ax: Axes, g, window: tuple[float, float]) -> None:
    z = np.linspace(1e-4, 1 - 1e-4, 1_000)
    ax.plot(z, g(z), color=CRITIC_COLOR)
    # Equal shares of the latent mass, and where g carries them.
    for share in np.linspace(0.05, 0.95, 10):
        ax.plot([share, share, 0], [window[0], g(share), g(share)], color=FAINT, linewidth=0.5)
    ax.set(xlim=(0, 1), ylim=window, xlabel="latent z, uniform", ylabel="x = g(z)")
    tidy(ax)


def draw_density(ax: Axes, sample: np.ndarray, law, formula: str, window) -> None:
    x = np.linspace(*window, 1_001)
    model = dv.KernelDensity(bandwidth="silverman").fit(sample)
    heights, _, _ = ax.hist(
        sample[:, 0], bins=52, range=window, density=True, color=Q_COLOR, alpha=0.25
    )
    ax.plot(x, np.exp(model.log_density(x)), color=Q_COLOR, label="g(z), and its KDE")
    ax.plot(x, law.pdf(x), color=P_COLOR, linestyle="--", label=f"p(x) = {formula}")
    ax.set(xlim=window, ylim=(0, 1.35 * heights.max()), xlabel="x", ylabel="density")
    ax.legend(frameon=False, fontsize=8, loc="upper right")
    tidy(ax)


def main(short: bool, folder: Path) -> None:
    n = 200 if short else 5_000
    figure = Figure(figsize=(9.5, 5.2), layout="constrained")
    axes = figure.subplots(2, 3)
    for column, (name, g, law, formula, window) in enumerate(CASES):
        sample = dv.Pushforward(g, LATENT).sample(n, rng=column)
        # The law is drawn afresh, and no point is judged by a density that it helped to fit.
        own = dv.js_divergence(law, sample, rng=0)
        other = dv.js_divergence(LATENT, sample, rng=1)
        exact = dv.js_divergence(LATENT, law)
        print(f"{name}\n  to its law      {own}")
        print(f"  to the uniform  {other}\n       in truth   {exact}")
        low, high = own.interval()
        title = f"{name}\nJS to its law: {low:.5f} to {high:.5f}"
        axes[0, column].set_title(title, fontsize=10)
        draw_map(axes[0, column], g, window)
        draw_density(axes[1, column], sample, law, formula, window)
    figure.savefig(folder / "pushforwards.png", dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Three pushforwards against their exact laws.")
    parser.add_argument("--short", action="store_true", help="fewer points, in seconds")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the picture goes")
    main(**vars(parser.parse_args()))
