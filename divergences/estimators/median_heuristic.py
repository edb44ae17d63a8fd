"""The bandwidth that the data suggest: the median distance within the pooled sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import pdist

from divergences.density.units import unit_exponents

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.measures.samples import Samples

MOST_POINTS = 3_000
COINCIDE = "All points coincide, so the median heuristic has no scale; the bandwidth is 1."


@dataclass(frozen=True)
class MedianBandwidth:
    """A bandwidth, and in words where it comes from."""

    value: float
    note: str


def median_bandwidth(p: Samples, q: Samples, rng: np.random.Generator) -> MedianBandwidth:
    """Median distance between two different points of the pooled sample.

    Weighted points count by their weights. Beyond 3,000 points, that many are drawn. Where more
    than half of the pairs coincide, the median is taken of those that do not.

    Parameters
    ----------
    p, q : Samples
    rng : Generator
        Source of the draw.

    Returns
    -------
    MedianBandwidth

    References
    ----------
    Gretton et al. (2012); Garreau, Jitkrittum and Kanagawa (2017).
    """
    points = np.concatenate([p.points, q.points])
    unit = int(unit_exponents(points.reshape(-1, 1))[0])
    mass = np.concatenate([p.n * p.mass, q.n * q.mass])
    positive = mass > 0
    points, mass = points[positive], mass[positive]
    weighted = p.weights is not None or q.weights is not None
    origin = "the median distance within the pooled sample"
    if len(points) > MOST_POINTS:
        rows = drawn_rows(len(points), rng, mass / mass.sum() if weighted else None)
        origin += f", of {MOST_POINTS:,} of its {len(points):,} points"
        points, mass, weighted = points[rows], mass[rows], False
    distances = pdist(np.ldexp(points, -unit))
    pairs = _pair_weights(mass) if weighted else None
    value = _median(distances, pairs)
    if value == 0:
        apart = distances > 0
        if not apart.any():
            return MedianBandwidth(1.0, COINCIDE)
        value = _median(distances[apart], None if pairs is None else pairs[apart])
        origin += ", pairs that coincide left out because they are more than half"
    value = float(np.ldexp(value, unit))
    return MedianBandwidth(value, f"The bandwidth is {value:.4g}, {origin}.")


def drawn_rows(
    n: int, rng: np.random.Generator, chances: NDArray[np.float64] | None = None
) -> NDArray[np.intp]:
    """Draw the rows of the pooled sample from which the median is taken, in order."""
    return np.sort(rng.choice(n, MOST_POINTS, replace=False, p=chances))


def _pair_weights(mass: NDArray[np.float64]) -> NDArray[np.float64]:
    first, second = np.triu_indices(len(mass), k=1)
    return mass[first] * mass[second]


def _median(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float:
    if weights is None:
        return float(np.median(values))
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order])
    half = share[-1] / 2
    low = min(int(np.searchsorted(share, half * (1 - 1e-12))), len(order) - 1)
    high = min(int(np.searchsorted(share, half * (1 + 1e-12))), len(order) - 1)
    return float((values[order[low]] + values[order[high]]) / 2)
