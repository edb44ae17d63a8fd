"""A small generator trained by minimizing a divergence: the last section of the demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.demo import Stage

MODES = 8
SPREAD = 0.05
POINTS = 5_000
STEPS = 1_200
QUICK_STEPS = 40


def generator(stage: Stage) -> None:
    """Train a generator on a ring of eight normals, and measure it on points that it never saw."""
    import torch

    from divergences.definitions import JensenShannon
    from divergences.evaluation import Modes
    from divergences.measures import Pushforward
    from divergences.networks import Perceptron
    from divergences.networks.seeds import seeded
    from divergences.training import minimize

    rng = np.random.default_rng(stage.seed)
    data = ring(POINTS, rng)
    stage.title(f"A generator trained on {MODES} normals around a ring")
    stage.say(
        "The same divergence, now as what is minimized: a network g moves normal noise mu until "
        "g#mu can hardly be told from the data. A critic network finds where the two differ, and "
        "g goes down its slope. The value is measured on data that were set aside."
    )
    stage.progress("a generator of two features")
    with seeded(rng):
        g = Perceptron(2, 2, width=128, depth=3, activation="leaky_relu")
    mu = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(2), 1.0), 1)
    run = minimize(
        JensenShannon(),
        Pushforward(g, mu),
        data,
        steps=QUICK_STEPS if stage.quick else STEPS,
        batch_size=128,
        rng=stage.seed,
        progress=False,
    )
    print(run.history)
    points = run.pushforward.sample(2_500, rng=stage.seed).detach().numpy()
    counts = Modes(_centers(), SPREAD).counts(points)
    stage.say(
        f"In the end: {run.estimate}. {np.count_nonzero(counts)} of {MODES} normals are reached, "
        f"and {counts.sum() / len(points):.0%} of the generated points lie within three standard "
        f"deviations of one."
    )
    figure = run.plot()
    stage.save(
        figure.axes[0],
        "generator.png",
        "both players' objectives, the held-out divergence with its band, and g#mu over the data",
    )


def ring(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw n points of eight normals on the unit circle."""
    centers = _centers()[rng.integers(MODES, size=n)]
    points: NDArray[np.float64] = centers + SPREAD * rng.normal(size=(n, 2))
    return points


def _centers() -> NDArray[np.float64]:
    angles = 2 * np.pi * np.arange(MODES) / MODES
    return np.column_stack([np.cos(angles), np.sin(angles)])
