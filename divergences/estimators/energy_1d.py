"""The energy distance in one dimension by sorting: O(n log n), whatever the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.kernel_moments import (
    KernelMoments,
    Within,
    between_moments,
    within_moments,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples


@dataclass(frozen=True, eq=False)
class Ranked:
    """A weighted sample on the line in order, with running sums.

    Parameters
    ----------
    points : ndarray of shape (n,)
        In ascending order.
    mass : ndarray of shape (n + 1,)
        Mass of the first k points.
    moment : ndarray of shape (n + 1,)
        Sum of mass times point over the first k points.
    """

    points: NDArray[np.float64]
    mass: NDArray[np.float64]
    moment: NDArray[np.float64]

    @classmethod
    def of(cls, points: NDArray[np.float64], mass: NDArray[np.float64]) -> Ranked:
        """Sum up points that are already in order."""
        return cls(
            points,
            np.concatenate([[0.0], np.cumsum(mass)]),
            np.concatenate([[0.0], np.cumsum(mass * points)]),
        )

    def mean_distance(self, to: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weighted mean of |z - x| over the sample, for each z."""
        below = np.searchsorted(self.points, to, side="right")
        signed_mass = 2.0 * self.mass[below] - self.mass[-1]
        signed_moment = 2.0 * self.moment[below] - self.moment[-1]
        return np.asarray(to * signed_mass - signed_moment)


@dataclass(frozen=True, eq=False)
class EnergyWitness:
    """The critic of the energy distance on the line, z -> E|z - Y| - E|z - X|."""

    p: Ranked
    q: Ranked
    origin: float

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate at (k, 1) points."""
        line = points[:, 0] - self.origin
        return self.q.mean_distance(line) - self.p.mean_distance(line)


def energy_moments(p: Samples, q: Samples) -> tuple[KernelMoments, EnergyWitness]:
    r"""Moments of the kernel -|x - y| on the line, from order statistics.

    The V-statistic is 2 integral of (F - G)², a sum of squares, so that nothing cancels.

    Parameters
    ----------
    p, q : Samples
        Of one feature each.

    Returns
    -------
    KernelMoments, EnergyWitness

    References
    ----------
    Székely (2002); Székely and Rizzo (2013).
    """
    origin = float(p.points[:, 0].mean())
    (x, order_p), (y, order_q) = (_in_order(sample, origin) for sample in (p, q))
    mass_p, mass_q = p.mass[order_p], q.mass[order_q]
    ranked_p, ranked_q = Ranked.of(x, mass_p), Ranked.of(y, mass_q)
    at_p, at_q = np.empty(p.n), np.empty(q.n)
    at_p[order_p] = -ranked_q.mean_distance(x)
    at_q[order_q] = -ranked_p.mean_distance(y)
    gap = float(mass_p @ x - mass_q @ y)
    squares = _variance(x, mass_p) + _variance(y, mass_q) + gap**2
    moments = KernelMoments(
        biased=_twice_squared_gap(x, mass_p, y, mass_q),
        diagonal=0.0,
        p=_within(p, ranked_p, mass_p, order_p),
        q=_within(q, ranked_q, mass_q, order_q),
        between=between_moments(p, q, at_p, at_q, squares),
    )
    return moments, EnergyWitness(ranked_p, ranked_q, origin)


def _in_order(sample: Samples, origin: float) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    line = sample.points[:, 0] - origin
    order = np.argsort(line, kind="stable")
    return line[order], order


def _within(
    sample: Samples, ranked: Ranked, mass: NDArray[np.float64], order: NDArray[np.intp]
) -> Within:
    sums = np.empty(sample.n)
    sums[order] = -ranked.mean_distance(ranked.points)
    return within_moments(sample, sums, 2.0 * _variance(ranked.points, mass), 0.0)


def _variance(points: NDArray[np.float64], mass: NDArray[np.float64]) -> float:
    return float(mass @ (points - mass @ points) ** 2)


def _twice_squared_gap(
    x: NDArray[np.float64],
    mass_p: NDArray[np.float64],
    y: NDArray[np.float64],
    mass_q: NDArray[np.float64],
) -> float:
    pooled = np.concatenate([x, y])
    order = np.argsort(pooled, kind="stable")
    gap = np.cumsum(np.concatenate([mass_p, -mass_q])[order])[:-1]
    return 2.0 * float(np.diff(pooled[order]) @ gap**2)
