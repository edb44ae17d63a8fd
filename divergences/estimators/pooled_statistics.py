"""Kernel and transport distances of pooled points under any labels, for permutation tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from divergences.definitions import MMD, Energy, SlicedWasserstein, Wasserstein
from divergences.estimators import quantile_transport as line
from divergences.estimators.kernel_units import KernelUnit
from divergences.estimators.median_heuristic import median_bandwidth
from divergences.estimators.transport_plan import solve
from divergences.inference.permutation import Statistic
from divergences.work import row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples
    from divergences.work import Run


def kernel_statistic(
    definition: MMD | Energy, p: Samples, q: Samples, points: NDArray[np.float64], run: Run
) -> Statistic:
    """Squared MMD as a quadratic form of the labels: one pass over the kernel, in tiles."""
    kernel = definition.kernel
    unit = KernelUnit.of(kernel, p, q)
    if kernel.needs_scale:
        kernel = kernel.at_scale(float(unit.length(median_bandwidth(p, q, run.rng).value)))
    points = unit.length(points)
    n, m = p.n, q.n

    def of_labels(labels: NDArray[np.float64]) -> NDArray[np.float64]:
        # With z = 1/n on P and -1/m on Q, the V-statistic is z' K z.
        signed = labels / n - (1.0 - labels) / m
        total = np.zeros(labels.shape[1])
        for rows in row_tiles(len(points), len(points)):
            squared = cdist(points[rows], points, "sqeuclidean")
            total += (signed[rows] * (kernel.of_squared_distance(squared) @ signed)).sum(axis=0)
        return np.ldexp(total, unit.value_exponent)[np.newaxis]

    return Statistic(of_labels, (definition.symbol,))


def transport_statistic(definition: Wasserstein, points: NDArray[np.float64]) -> Statistic:
    """W_r^r: along the line from points sorted once, else by solving each labeling's problem."""
    order = definition.order
    if points.shape[1] == 1:
        return sliced_statistic(definition, points, np.ones((1, 1)))

    def cost(own: NDArray[np.bool_]) -> float:
        x, y = points[own], points[~own]
        masses = np.full(len(x), 1 / len(x)), np.full(len(y), 1 / len(y))
        return solve(x, y, *masses, order).cost

    return Statistic(_each_column(cost), (definition.symbol,))


def sliced_statistic(
    definition: Wasserstein | SlicedWasserstein,
    points: NDArray[np.float64],
    directions: NDArray[np.float64],
) -> Statistic:
    """Mean over directions of W_r^r, from projections that are sorted once."""
    projected = directions @ points.T
    ranks = np.argsort(projected, axis=1)
    ordered = np.take_along_axis(projected, ranks, axis=1)

    def cost(own: NDArray[np.bool_]) -> float:
        taken = own[ranks]
        count, n = len(ordered), int(own.sum())
        x = ordered[taken].reshape(count, n)
        y = ordered[~taken].reshape(count, len(own) - n)
        matching = line.match_sizes(n, len(own) - n)
        return float(np.mean(line.transport_cost(x, y, matching, definition.order)))

    return Statistic(_each_column(cost), (definition.symbol,))


def _each_column(
    cost: Callable[[NDArray[np.bool_]], float],
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    def of_labels(labels: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([[cost(own) for own in labels.T > 0.5]])

    return of_labels
