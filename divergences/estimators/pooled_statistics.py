"""Kernel and transport distances of pooled points under any labels, for permutation tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from divergences.definitions import (
    MMD,
    Energy,
    EnergyKernel,
    PositiveKernel,
    SlicedWasserstein,
    Wasserstein,
)
from divergences.estimators.kernel_units import KernelUnit
from divergences.estimators.median_heuristic import median_bandwidth
from divergences.estimators.transport import quantile_transport as line
from divergences.estimators.transport.transport_plan import solve
from divergences.inference.permutation import Statistic
from divergences.work import row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples
    from divergences.work import Run


def kernel_statistic(
    definition: MMD | Energy, p: Samples, q: Samples, points: NDArray[np.float64], run: Run
) -> Statistic:
    """Squared MMD as a quadratic form of the labels."""
    kernel = definition.kernel
    unit = KernelUnit.of(kernel, p, q)
    if kernel.needs_scale:
        kernel = kernel.at_scale(float(unit.length(median_bandwidth(p, q, run.rng).value)))
    on_line = isinstance(kernel, EnergyKernel) and p.d == 1
    points, n, m = unit.length(points), p.n, q.n
    form = _energy_on_line(points[:, 0]) if on_line else partial(_quadratic_form, kernel, points)

    def of_labels(labels: NDArray[np.float64]) -> NDArray[np.float64]:
        # With z = 1/n on P and -1/m on Q, the V-statistic is z' K z.
        total = form(labels / n - (1.0 - labels) / m)
        return np.ldexp(total, unit.value_exponent)[np.newaxis]

    return Statistic(of_labels, (definition.symbol,))


def _quadratic_form(
    kernel: PositiveKernel, points: NDArray[np.float64], signed: NDArray[np.float64]
) -> NDArray[np.float64]:
    """z' K z for each column z, in one pass over the kernel in tiles."""
    total = np.zeros(signed.shape[1])
    for rows in row_tiles(len(points), len(points)):
        squared = cdist(points[rows], points, "sqeuclidean")
        total += (signed[rows] * (kernel.of_squared_distance(squared) @ signed)).sum(axis=0)
    return total


def _energy_on_line(
    points: NDArray[np.float64],
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """The same of -|x - y|: 2 integral of (F - G)², from points that are sorted once."""
    ranks = np.argsort(points)
    gaps = np.diff(points[ranks])

    def form(signed: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(2.0 * (gaps @ np.square(np.cumsum(signed[ranks], axis=0)[:-1])))

    return form


def transport_statistic(definition: Wasserstein, points: NDArray[np.float64]) -> Statistic:
    """W_r^r: along the line from points sorted once, else by solving each labeling's problem."""
    order = definition.order
    if points.shape[1] == 1:
        return sliced_statistic(definition, points, np.ones((1, 1)))

    def cost(own: NDArray[np.bool_]) -> float:
        x, y = points[own], points[~own]
        masses = np.full(len(x), 1 / len(x)), np.full(len(y), 1 / len(y))
        return solve(x, y, *masses, order).cost

    return Statistic(each_column(cost), (definition.symbol,))


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

    return Statistic(each_column(cost), (definition.symbol,))


def each_column(
    value: Callable[[NDArray[np.bool_]], float],
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """The function of a statistic whose value is found for one column of labels at a time."""

    def of_labels(labels: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([[value(own) for own in labels.T > 0.5]])

    return of_labels
