"""Divergences of pooled points under any labels, for permutation tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial, singledispatch
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from divergences.definitions import (
    MMD,
    Definition,
    Energy,
    EnergyKernel,
    PositiveKernel,
    SlicedWasserstein,
    Wasserstein,
)
from divergences.estimators.estimator import Estimator, estimate_samples
from divergences.estimators.kernel_units import KernelUnit
from divergences.estimators.median_heuristic import median_bandwidth
from divergences.estimators.sliced import Sliced
from divergences.estimators.transport import quantile_transport as line
from divergences.estimators.transport.transport_plan import solve
from divergences.inference.permutation import Statistic
from divergences.work import Run, row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples

_MOST_TRANSPORTED = 250


@dataclass(frozen=True, eq=False)
class PooledStatistic:
    """What is computed of the points of both samples under any labels.

    Parameters
    ----------
    statistic : Statistic
        A function of the labels.
    labels : ndarray of shape (n + m,)
        The true ones: 1 for P's points and 0 for Q's.
    how : str
        The statistic in words.
    notes : tuple of str
        What to know before trusting it.
    """

    statistic: Statistic
    labels: NDArray[np.float64]
    how: str
    notes: tuple[str, ...] = ()


@singledispatch
def pooled_statistic(
    definition: Definition, method: Estimator, p: Samples, q: Samples, run: Run
) -> PooledStatistic:
    """Estimate anew for every labeling, where nothing faster is registered for the definition."""
    points, labels = pooled(p, q, run)
    seed = int(run.rng.integers(2**63))

    def value(own: NDArray[np.bool_]) -> float:
        sides = [replace(p, points=points[rows], notes=()) for rows in (own, ~own)]
        quiet = Run.create(seed, progress=False)
        return estimate_samples([definition], sides[0], sides[1], method, quiet)[0].reading.inner

    statistic = Statistic(_each_column(value), (definition.symbol,))
    return PooledStatistic(statistic, labels, f"value by {method.describe()}")


def pooled(p: Samples, q: Samples, run: Run) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of both samples, and 1 for those of P."""
    # In random order: whatever breaks ties by position must not see the labels.
    order = run.rng.permutation(p.n + q.n)
    labels = np.repeat([1.0, 0.0], [p.n, q.n])
    return np.vstack([p.points, q.points])[order], labels[order]


@pooled_statistic.register(MMD)
@pooled_statistic.register(Energy)
def _kernel_statistic(
    definition: MMD | Energy, method: Estimator, p: Samples, q: Samples, run: Run
) -> PooledStatistic:
    """Squared MMD as a quadratic form of the labels."""
    points, labels = pooled(p, q, run)
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

    distance = "MMD" if isinstance(definition, MMD) else definition.title
    how = f"V-statistic of the squared {distance}"
    return PooledStatistic(Statistic(of_labels, (definition.symbol,)), labels, how)


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


@pooled_statistic.register(Wasserstein)
def _transport_statistic(
    definition: Wasserstein, method: Estimator, p: Samples, q: Samples, run: Run
) -> PooledStatistic:
    """W_r^r: along the line from points sorted once, else by solving each labeling's problem."""
    how, order = "transport cost between the samples", definition.order
    if p.d == 1:
        points, labels = pooled(p, q, run)
        along = _cost_along(definition, points, np.ones((1, 1)))
        return PooledStatistic(along, labels, how)
    p, notes_p = _thinned(p, "p", run)
    q, notes_q = _thinned(q, "q", run)
    points, labels = pooled(p, q, run)

    def cost(own: NDArray[np.bool_]) -> float:
        x, y = points[own], points[~own]
        masses = np.full(len(x), 1 / len(x)), np.full(len(y), 1 / len(y))
        return solve(x, y, *masses, order).cost

    statistic = Statistic(_each_column(cost), (definition.symbol,))
    return PooledStatistic(statistic, labels, how, (*notes_p, *notes_q))


def _thinned(sample: Samples, name: str, run: Run) -> tuple[Samples, tuple[str, ...]]:
    if sample.n <= _MOST_TRANSPORTED:
        return sample, ()
    rows = run.rng.choice(sample.n, _MOST_TRANSPORTED, replace=False)
    note = f"{_MOST_TRANSPORTED} of {name}'s {sample.n:,} points were drawn for the test."
    return sample.take(rows.astype(np.intp)), (note,)


@pooled_statistic.register(SlicedWasserstein)
def _sliced_statistic(
    definition: SlicedWasserstein, method: Estimator, p: Samples, q: Samples, run: Run
) -> PooledStatistic:
    if not isinstance(method, Sliced):
        return pooled_statistic.dispatch(Definition)(definition, method, p, q, run)
    points, labels = pooled(p, q, run)
    along = _cost_along(definition, points, method.directions(p.d, run.rng))
    return PooledStatistic(along, labels, "mean cost over directions")


def _cost_along(
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
    value: Callable[[NDArray[np.bool_]], float],
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """The function of a statistic whose value is found for one column of labels at a time."""

    def of_labels(labels: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([[value(own) for own in labels.T > 0.5]])

    return of_labels
