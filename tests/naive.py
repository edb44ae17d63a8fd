"""Slow, obvious twins of what the package computes fast: loops over points, no tricks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import linprog

from divergences.estimators.ratios.ratio import RatioEstimator
from divergences.measures import as_samples
from divergences.work import Run

Points = np.ndarray


def distance(x: Points, y: Points) -> float:
    """Euclidean distance of two points."""
    return math.sqrt(sum((float(a) - float(b)) ** 2 for a, b in zip(x, y, strict=True)))


def mean_kernel(
    x: Points, y: Points, kernel: Callable[[float], float], *, distinct: bool = False
) -> float:
    """Mean of kernel(|x_i - y_j|) over all pairs, or over i != j."""
    values = [
        kernel(distance(a, b))
        for i, a in enumerate(x)
        for j, b in enumerate(y)
        if not (distinct and i == j)
    ]
    return math.fsum(values) / len(values)


def squared_mmd(x: Points, y: Points, kernel: Callable[[float], float], *, unbiased: bool) -> float:
    """MMD² by three double loops; without the diagonal terms if unbiased."""
    within_x = mean_kernel(x, x, kernel, distinct=unbiased)
    within_y = mean_kernel(y, y, kernel, distinct=unbiased)
    return within_x + within_y - 2 * mean_kernel(x, y, kernel)


def squared_energy(x: Points, y: Points, *, unbiased: bool) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| by three double loops."""
    return squared_mmd(x, y, lambda r: -r, unbiased=unbiased)


def median_distance(x: Points, y: Points) -> float:
    """Median distance of all pairs of different points of the pooled sample."""
    pooled = [*x, *y]
    return float(np.median([distance(a, b) for a, b in itertools.combinations(pooled, 2)]))


def transport_cost_by_permutations(x: Points, y: Points, order: float) -> float:
    """W_r^r of two samples of the same size, trying every assignment."""
    best = math.inf
    for arrangement in itertools.permutations(range(len(y))):
        cost = sum(distance(x[i], y[j]) ** order for i, j in enumerate(arrangement)) / len(x)
        best = min(best, cost)
    return best


def transport_cost_by_linear_program(
    x: Points, y: Points, order: float, a: Points | None = None, b: Points | None = None
) -> float:
    """W_r^r of two weighted samples, the textbook linear program."""
    n, m = len(x), len(y)
    a = np.full(n, 1 / n) if a is None else a / a.sum()
    b = np.full(m, 1 / m) if b is None else b / b.sum()
    cost = np.array([[distance(p, q) ** order for q in y] for p in x])
    rows = np.kron(np.eye(n), np.ones(m))
    columns = np.kron(np.ones(n), np.eye(m))
    found = linprog(
        cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([a, b]), method="highs"
    )
    assert found.status == 0
    return float(found.fun)


def transport_cost_1d(x: Points, y: Points, order: float) -> float:
    """W_r^r in one dimension: walk through both sorted samples, moving mass greedily."""
    x, y = np.sort(np.ravel(x)), np.sort(np.ravel(y))
    i = j = 0
    left_x, left_y, total = 1 / len(x), 1 / len(y), 0.0
    while i < len(x) and j < len(y):
        moved = min(left_x, left_y)
        total += moved * abs(x[i] - y[j]) ** order
        left_x, left_y = left_x - moved, left_y - moved
        if left_x <= 1e-15:
            i, left_x = i + 1, 1 / len(x)
        if left_y <= 1e-15:
            j, left_y = j + 1, 1 / len(y)
    return total


def entropic_transport_cost(
    x: Points, y: Points, order: float, epsilon: float, sweeps: int = 3000
) -> float:
    """Minimum of <C, T> + epsilon KL(T || a b) by plain Sinkhorn sweeps on the potentials."""
    n, m = len(x), len(y)
    cost = np.array([[distance(p, q) ** order for q in y] for p in x])
    f, g = np.zeros(n), np.zeros(m)
    for _ in range(sweeps):
        f = np.array([-epsilon * _log_mean_exp((g - cost[i]) / epsilon) for i in range(n)])
        g = np.array([-epsilon * _log_mean_exp((f - cost[:, j]) / epsilon) for j in range(m)])
    plan = np.exp((f[:, None] + g[None, :] - cost) / epsilon) / (n * m)
    relative_entropy = float(np.sum(plan * np.log(plan * n * m)) - plan.sum() + 1)
    return float(np.sum(plan * cost)) + epsilon * relative_entropy


def sinkhorn_divergence(x: Points, y: Points, order: float, epsilon: float) -> float:
    """Debiased entropic transport cost."""
    cross = entropic_transport_cost(x, y, order, epsilon)
    self_x = entropic_transport_cost(x, x, order, epsilon)
    self_y = entropic_transport_cost(y, y, order, epsilon)
    return cross - self_x / 2 - self_y / 2


def _log_mean_exp(values: Points) -> float:
    top = float(values.max())
    return top + math.log(sum(math.exp(value - top) for value in values) / len(values))


def gaussian_kde_log_density(x: Points, at: Points, bandwidth: float) -> np.ndarray:
    """Log of the mean of normal bumps of standard deviation `bandwidth` in every direction."""
    d = x.shape[1]
    norm = (2 * math.pi * bandwidth**2) ** (d / 2)
    return np.array(
        [
            math.log(
                sum(math.exp(-(distance(z, a) ** 2) / (2 * bandwidth**2)) for a in x)
                / (len(x) * norm)
            )
            for z in at
        ]
    )


def leave_one_out_log_density(x: Points, bandwidth: float) -> np.ndarray:
    """Gaussian KDE log-density at each point from all the others."""
    return np.array(
        [
            gaussian_kde_log_density(np.delete(x, i, axis=0), x[[i]], bandwidth)[0]
            for i in range(len(x))
        ]
    )


def total_variation_of_ratios(estimator: RatioEstimator, x: Points, y: Points, rng: int) -> float:
    """Sum of the means of |tanh(l/2)|/2 over either sample, l the estimator's log-ratios there."""
    ratio = estimator.log_ratio(as_samples(x), as_samples(y), Run.create(rng, progress=False))
    return math.fsum(
        math.fsum(abs(math.tanh(at / 2)) / 2 for at in points) / len(points)
        for points in (ratio.at_p, ratio.at_q)
    )
