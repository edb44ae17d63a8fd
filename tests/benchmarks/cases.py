"""What is timed: ours first, then the peers that compute the same number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import ot
from scipy.stats import (
    energy_distance as scipy_energy,
    gaussian_kde,
    wasserstein_distance as scipy_wasserstein,
)
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import KernelDensity as SklearnKernelDensity

import divergences as dv

Runs = dict[str, Callable[[], float]]


@dataclass(frozen=True)
class Case:
    """A problem of one size and the contenders that solve it; the first one is ours."""

    name: str
    contenders: Callable[[], Runs]


def normals(n: int, d: int, shift: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)), rng.normal(size=(n, d)) + shift / np.sqrt(d)


def density(n: int, d: int) -> Runs:
    x, y = normals(n, d)
    width = n ** (-1 / (d + 4))
    theirs = gaussian_kde(x.T, bw_method="scott")
    trees = SklearnKernelDensity(bandwidth=width).fit(x)
    return {
        "divergences": lambda: dv.KernelDensity().fit(x).log_density(y).mean(),
        "scipy gaussian_kde": lambda: theirs.logpdf(y.T).mean(),
        "sklearn (identity scale)": lambda: trees.score_samples(y).mean(),
    }


def wasserstein_line(n: int) -> Runs:
    x, y = (points[:, 0] for points in normals(n, 1))
    return {
        "divergences, with error bar": lambda: dv.wasserstein_distance(x, y, rng=0),
        "scipy": lambda: scipy_wasserstein(x, y),
        "POT": lambda: ot.emd2_1d(x, y, metric="minkowski", p=1),
    }


def wasserstein_plane(n: int, d: int) -> Runs:
    x, y = normals(n, d)
    weights = np.full(n, 1 / n)
    return {
        "divergences, with error bar": lambda: dv.wasserstein_distance(x, y, order=2, rng=0),
        "POT, value only": lambda: (
            ot.emd2(weights, weights, ot.dist(x, y), numItermax=10**7) ** 0.5
        ),
    }


def sliced(n: int, d: int) -> Runs:
    x, y = normals(n, d)
    return {
        "divergences, with error bar": lambda: dv.sliced_wasserstein_distance(x, y, rng=0),
        "POT": lambda: ot.sliced_wasserstein_distance(x, y, n_projections=100, seed=0),
    }


def energy_line(n: int) -> Runs:
    x, y = (points[:, 0] for points in normals(n, 1))
    biased = dv.PairwiseKernel(statistic="biased")
    return {
        "divergences, with error bar": lambda: dv.energy_distance(x, y, method=biased),
        "scipy": lambda: scipy_energy(x, y),
    }


def mean_discrepancy(n: int, d: int) -> Runs:
    x, y = normals(n, d)
    kernel = dv.GaussianKernel(bandwidth=1.0)
    biased = dv.PairwiseKernel(statistic="biased")

    def textbook() -> float:
        inside = rbf_kernel(x, gamma=0.5).mean() + rbf_kernel(y, gamma=0.5).mean()
        return float(inside - 2 * rbf_kernel(x, y, gamma=0.5).mean())

    return {
        "divergences, with error bar": lambda: dv.squared_mmd(x, y, kernel=kernel, method=biased),
        "sklearn rbf_kernel": textbook,
    }


CASES = (
    Case("KDE n=2,000 d=1", lambda: density(2_000, 1)),
    Case("KDE n=8,000 d=1", lambda: density(8_000, 1)),
    Case("KDE n=2,000 d=10", lambda: density(2_000, 10)),
    Case("KDE n=8,000 d=10", lambda: density(8_000, 10)),
    Case("W1 n=10,000 d=1", lambda: wasserstein_line(10_000)),
    Case("W1 n=1,000,000 d=1", lambda: wasserstein_line(1_000_000)),
    Case("W2 n=500 d=10", lambda: wasserstein_plane(500, 10)),
    Case("W2 n=2,000 d=2", lambda: wasserstein_plane(2_000, 2)),
    Case("W2 n=2,000 d=10", lambda: wasserstein_plane(2_000, 10)),
    Case("sliced W2 n=2,000 d=10", lambda: sliced(2_000, 10)),
    Case("sliced W2 n=20,000 d=10", lambda: sliced(20_000, 10)),
    Case("energy n=10,000 d=1", lambda: energy_line(10_000)),
    Case("energy n=1,000,000 d=1", lambda: energy_line(1_000_000)),
    Case("MMD² n=2,000 d=10", lambda: mean_discrepancy(2_000, 10)),
    Case("MMD² n=8,000 d=10", lambda: mean_discrepancy(8_000, 10)),
)
