"""What lambda does to a variational autoencoder: its codes of the digits, and what lies between.

The loss is mean reconstruction loss + lambda times mean KL between the normal law mu and the codes
mu_i of the digits. With a small lambda the codes spread out and leave holes, where g(z) is no
digit; with a large one they crowd into mu, until one can no longer be told from the next and g(z)
blurs to the mean of all. KL(mu, mu_i) forbids narrow codes and hardly forbids wide ones, so their
middles drift far out of mu; KL(mu_i, mu) keeps them inside.

    python examples/latent_space.py [--short] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm
from sklearn.datasets import load_digits

import divergences as dv

CASES = (
    (dv.KullbackLeibler(), 1.0),
    (dv.ReverseKL(), 0.03),
    (dv.ReverseKL(), 1.0),
    (dv.ReverseKL(), 10.0),
)
NAMES = {"KL": "KL(μ, μᵢ)", "reverse KL": "KL(μᵢ, μ)"}
ACROSS = 10


def fitted(case: tuple[Any, float], pixels: np.ndarray, short: bool) -> dv.VariationalAutoencoder:
    divergence, weight = case
    return dv.VariationalAutoencoder(
        latent=2,
        weight=weight,
        divergence=divergence,
        width=128,
        steps=60 if short else 4_000,
        rng=0,
    ).fit(pixels)


def main(short: bool, folder: Path) -> None:
    digits = load_digits()
    pixels = digits.data / 16
    models = [fitted(case, pixels, short) for case in CASES]
    for model in models:
        tail = {name: float(part[-100:].mean()) for name, part in model.history_.items()}
        spread = model.encode(pixels).std(axis=0)
        print(
            f"{model.divergence.symbol:<10} lambda {model.weight:5.2f}: reconstruction loss "
            f"{tail['reconstruction']:6.2f}, KL {tail['penalty'] / model.weight:7.3f} nats, "
            f"spread of the codes {spread[0]:.2f} and {spread[1]:.2f}"
        )
    draw(models, pixels, digits.target).savefig(folder / "latent_space.png", dpi=110)


def draw(models: list[dv.VariationalAutoencoder], pixels: np.ndarray, labels: np.ndarray) -> Figure:
    figure = Figure(figsize=(2.6 * len(models), 5.6), layout="constrained")
    axes = figure.subplots(2, len(models))
    for column, model in enumerate(models):
        scatter_codes(axes[0, column], model.encode(pixels), labels)
        axes[0, column].set_title(
            f"{NAMES[model.divergence.symbol]}, λ = {model.weight:g}", fontsize=10
        )
        show_between(axes[1, column], model)
    axes[0, 0].set_ylabel("codes of the digits; circles hold\n50 % and 99 % of mu", fontsize=9)
    axes[1, 0].set_ylabel("g(z), z at the quantiles of mu", fontsize=9)
    return figure


def scatter_codes(ax: Any, codes: np.ndarray, labels: np.ndarray) -> None:
    ax.scatter(codes[:, 0], codes[:, 1], c=labels, cmap="tab10", s=2)
    for label in range(10):
        middle = np.median(codes[labels == label], axis=0)
        ax.annotate(str(label), middle, ha="center", va="center", fontsize=10, weight="bold")
    angle = np.linspace(0, 2 * np.pi, 200)
    for share in (0.5, 0.99):
        radius = np.sqrt(-2 * np.log(1 - share))
        ax.plot(radius * np.cos(angle), radius * np.sin(angle), color="#888888", linewidth=0.8)
    ax.set_aspect("equal")


def show_between(ax: Any, model: dv.VariationalAutoencoder) -> None:
    quantiles = norm.ppf((np.arange(ACROSS) + 0.5) / ACROSS)
    first, second = np.meshgrid(quantiles, quantiles[::-1])
    pictures = model.decode(np.column_stack([first.ravel(), second.ravel()]))
    framed = np.pad(pictures.reshape(ACROSS, ACROSS, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1)))
    tiles = framed.transpose(0, 2, 1, 3).reshape(10 * ACROSS, 10 * ACROSS)
    ax.imshow(tiles, cmap="gray_r", vmin=0, vmax=1)
    ax.set_xticks([])
    ax.set_yticks([])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Codes of the digits by lambda.")
    parser.add_argument("--short", action="store_true", help="fewer steps, in seconds")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the picture goes")
    main(**vars(parser.parse_args()))
