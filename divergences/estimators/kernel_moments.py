"""Means of a kernel over pairs of points, in tiles: all that the kernel divergences need.

Within a sample the pairs are those of two different points. The spread of such means is that of
a U-statistic (Hoeffding, 1948): the kernel is split as

    k(x, y) = c + a(x) + b(y) + r(x, y),

with a and b the projections and r the interaction, which has mean zero in each argument. The
estimates of a's variance and of E[r²] are unbiased for equal weights (U-centering: Székely and
Rizzo, 2014); for unequal ones, Kish's effective size takes the place of n.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from divergences.work import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.definitions import PositiveKernel
    from divergences.measures.samples import Samples

# A stripe of a tile is a megabyte of distances, which stay in the processor's cache.
_SIDE = 2048
_STRIPE = 64
SMALLEST = 4.0


@dataclass(frozen=True, eq=False)
class Within:
    """Moments of the kernel between different points of one sample.

    Parameters
    ----------
    mean : float
        Mean of k over pairs of different points.
    projections : ndarray of shape (n,)
        Estimate of a(x_i) + c at each point.
    noise : float
        How much the variance of `projections` exceeds that of a.
    interaction : float
        Estimate of E[r²].
    """

    mean: float
    projections: NDArray[np.float64]
    noise: float
    interaction: float


@dataclass(frozen=True, eq=False)
class Between:
    """Moments of the kernel between the points of two samples.

    Parameters
    ----------
    at_p, at_q : ndarray of shape (n,), (m,)
        Mean of k from each point to the other sample.
    interaction : float
        Estimate of E[r²].
    """

    at_p: NDArray[np.float64]
    at_q: NDArray[np.float64]
    interaction: float


@dataclass(frozen=True, eq=False)
class KernelMoments:
    """What the squared MMD and its error bar are made of.

    Parameters
    ----------
    biased : float
        The V-statistic of the squared MMD, with the pairs of a point and itself.
    diagonal : float
        k(x, x).
    p, q : Within
    between : Between
    """

    biased: float
    diagonal: float
    p: Within
    q: Within
    between: Between


@dataclass(frozen=True, eq=False)
class _Sums:
    """Weighted sums over all pairs of k less a constant, which keeps their squares small."""

    shift: float
    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    squares: float


def kernel_moments(kernel: PositiveKernel, p: Samples, q: Samples, run: Run) -> KernelMoments:
    """Sum a kernel over all pairs, in tiles that fit in memory.

    Parameters
    ----------
    kernel : PositiveKernel
        With its bandwidths fixed.
    p, q : Samples
        Of shapes (n, d) and (m, d).
    run : Run
        Workers and progress; the sums do not depend on them.

    Returns
    -------
    KernelMoments
    """
    diagonal = float(kernel.of_squared_distance(np.zeros(1))[0])
    in_p = _sum_pairs(kernel, p, p, run, "kernel within p")
    in_q = _sum_pairs(kernel, q, q, run, "kernel within q")
    across = _sum_pairs(kernel, p, q, run, "kernel between p and q")
    at_p, at_q = across.rows + across.shift, across.columns + across.shift
    # Differences point by point of sums in one order, so that equal samples give exactly zero.
    biased = float(p.mass @ (in_p.rows + in_p.shift - at_p))
    biased += float(q.mass @ (in_q.columns + in_q.shift - at_q))
    return KernelMoments(
        biased=biased,
        diagonal=diagonal,
        p=_within(p, in_p, diagonal),
        q=_within(q, in_q, diagonal),
        between=between_moments(p, q, across.rows, across.columns, across.squares, across.shift),
    )


def within_moments(
    sample: Samples,
    sums: NDArray[np.float64],
    squares: float,
    diagonal: float,
    shift: float = 0.0,
) -> Within:
    """Turn sums over all pairs of a sample, a point and itself included, into moments.

    Parameters
    ----------
    sample : Samples
    sums : ndarray of shape (n,)
        Sum over j of w_j (k(x_i, x_j) - shift).
    squares : float
        Sum over i and j of w_i w_j (k(x_i, x_j) - shift)².
    diagonal : float
        k(x, x) - shift.
    shift : float
        What was subtracted from the kernel.

    Returns
    -------
    Within
    """
    mass = sample.mass
    repeats = float(mass @ mass)
    size = sample.effective_size
    others = (sums - mass * diagonal) / (1.0 - mass)
    mean = (float(mass @ sums) - repeats * diagonal) / (1.0 - repeats)
    if size < SMALLEST:
        interaction = squares - 2.0 * float(mass @ sums**2) + float(mass @ sums) ** 2
        return Within(mean + shift, sums + shift, 0.0, interaction)
    square = (squares - repeats * diagonal**2) / (1.0 - repeats)
    # Around the weighted mean, because the three terms of U-centering nearly cancel.
    center = float(mass @ others)
    square += center**2 - 2.0 * center * mean
    spread = float(mass @ (others - center) ** 2)
    offset = mean - center
    interaction = square - 2.0 * (size - 1) / (size - 2) * spread + size / (size - 2) * offset**2
    interaction *= (size - 1) / (size - 3)
    projections = (others - center) * (size - 1) / (size - 2) + center + shift
    return Within(mean + shift, projections, interaction / (size - 2), interaction)


def between_moments(
    p: Samples,
    q: Samples,
    at_p: NDArray[np.float64],
    at_q: NDArray[np.float64],
    squares: float,
    shift: float = 0.0,
) -> Between:
    """Turn sums over all pairs of two samples into moments.

    Parameters
    ----------
    p, q : Samples
    at_p, at_q : ndarray of shape (n,), (m,)
        Weighted means of k - shift from each point to the other sample.
    squares : float
        Weighted mean of (k - shift)² over all pairs.
    shift : float
        What was subtracted from the kernel.

    Returns
    -------
    Between
    """
    center = float(p.mass @ at_p)
    spread = squares - center**2
    spread -= float(p.mass @ (at_p - center) ** 2) + float(q.mass @ (at_q - center) ** 2)
    n, m = p.effective_size, q.effective_size
    interaction = spread * n * m / ((n - 1.0) * (m - 1.0))
    return Between(at_p + shift, at_q + shift, interaction)


def _within(sample: Samples, sums: _Sums, diagonal: float) -> Within:
    return within_moments(sample, sums.rows, sums.squares, diagonal - sums.shift, sums.shift)


def _sum_pairs(kernel: PositiveKernel, p: Samples, q: Samples, run: Run, description: str) -> _Sums:
    first = kernel.of_squared_distance(cdist(p.points[:1], q.points, "sqeuclidean"))
    shift = float(first.mean())
    symmetric = p is q
    rows, columns = np.zeros(p.n), np.zeros(q.n)
    squares = 0.0
    tiles = _tiles(p.n, q.n, symmetric)
    tile_sums = partial(_tile_sums, kernel, p, q, shift)
    for (here, there), sums in zip(tiles, run.map(tile_sums, tiles, description), strict=True):
        rows[here] += sums[0]
        columns[there] += sums[1]
        squares += sums[2]
        if symmetric and here != there:
            rows[there] += sums[1]
            columns[here] += sums[0]
            squares += sums[2]
    return _Sums(shift, rows, columns, squares)


def _tiles(n: int, m: int, symmetric: bool) -> Sequence[tuple[slice, slice]]:
    """Square tiles of pairs; for a sample with itself, those on and above the diagonal."""
    return [
        (slice(top, min(top + _SIDE, n)), slice(left, min(left + _SIDE, m)))
        for top in range(0, n, _SIDE)
        for left in range(top if symmetric else 0, m, _SIDE)
    ]


def _tile_sums(
    kernel: PositiveKernel,
    p: Samples,
    q: Samples,
    shift: float,
    tile: tuple[slice, slice],
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    here, there = tile
    points, others = p.points[here], q.points[there]
    mass, weights = p.mass[here], q.mass[there]
    rows, columns, squares = np.empty(len(points)), np.zeros(len(others)), 0.0
    for start in range(0, len(points), _STRIPE):
        stripe = slice(start, start + _STRIPE)
        values = kernel.of_squared_distance(cdist(points[stripe], others, "sqeuclidean"))
        values -= shift
        rows[stripe] = values @ weights
        columns += mass[stripe] @ values
        np.multiply(values, values, out=values)
        squares += float(mass[stripe] @ (values @ weights))
    return rows, columns, squares
