"""Where the support of a sample ends: the smallest box, ellipsoid or convex set that holds it.

How far a point lies beyond such a shape is counted in spacings: in units of how far points of the
sample lie beyond the shape of all the others, where they do at all. A new point of a law with a
sharp edge lies e spacings beyond with a probability that falls like exp(-e), so that ln(p/q) falls
there in a straight line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import nnls
from scipy.spatial import ConvexHull, QhullError

from divergences.estimators.critics.highest import highest
from divergences.work import row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Shape = Callable[[Array], Array]

FARTHEST = 10.0
_POINTS_OF_SPACING = 4
_STEPS, _CONVERGED, _CLOSE = 100, 1e-9, 0.25
_FIRST_ACTIVE, _MOST_ADDED = 20, 40
_LEAST_WEIGHT, _TOLERANCE = 1e-6, 1e-6
_FLATTEST = 1e-8
_ROUNDING = 64 * float(np.finfo(float).eps)
_MOST_CORNERS = 300


@dataclass(frozen=True, eq=False)
class Floor:
    """The smallest value of each column, beside the opposite column both ends of a range.

    Parameters
    ----------
    low : ndarray of shape (c,)
    spacing : ndarray of shape (c,)
        Mean distance of the lowest values.
    """

    low: Array
    spacing: Array

    @classmethod
    def of(cls, values: Array) -> tuple[Floor, Array]:
        """The floor, and how far each row lies below that of all the others."""
        few = min(_POINTS_OF_SPACING, len(values) - 2)
        order = np.argpartition(values, range(few + 2), axis=0)[: few + 2]
        lowest = np.take_along_axis(values, order, axis=0)
        others = (lowest[few + 1] - lowest[1]) / few
        left_out = np.zeros(len(values))
        np.add.at(left_out, order[0], _in_spacings(_surely_below(lowest[0], lowest[1]), others))
        floor = cls(lowest[0], (lowest[few] - lowest[0]) / few)
        return floor, np.minimum(left_out, FARTHEST)

    def __call__(self, values: Array) -> Array:
        """Sum over the columns of (k, c) values."""
        below = _in_spacings(_surely_below(values, self.low), self.spacing)
        return np.asarray(np.minimum(below.sum(axis=1), FARTHEST))


def _surely_below(values: Array, low: Array) -> Array:
    # Rounding puts copies of the lowest point now above it, now below.
    return np.where(low - values > _ROUNDING * np.abs(low), low - values, 0.0)


def _in_spacings(excess: Array, spacing: Array) -> Array:
    # Where many points share the lowest value, any other is as far as can be.
    far = np.divide(excess, spacing, out=np.full_like(excess, FARTHEST), where=spacing > 0)
    return np.where(excess > 0, np.minimum(far, FARTHEST), 0.0)


@dataclass(frozen=True, eq=False)
class Beyond:
    """How far points lie outside a shape, in spacings.

    Parameters
    ----------
    gauge : callable
        (k, d) points to (k,) distances, at most zero within.
    spacing : float
    """

    gauge: Shape
    spacing: float

    @classmethod
    def of(
        cls, gauge: Shape, support: NDArray[np.intp], excess: Array, n: int
    ) -> tuple[Beyond, Array]:
        """From how far each point of the support lies beyond the shape of all the others."""
        excess = _surely_beyond(excess)
        spacing = float(excess.mean())
        left_out = np.zeros(n)
        left_out[support] = _in_spacings(excess, np.full(len(excess), spacing))
        return cls(gauge, spacing), left_out

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points."""
        return _in_spacings(_surely_beyond(self.gauge(points)), np.full(len(points), self.spacing))


def _surely_beyond(gauge: Array) -> Array:
    # Rounding puts copies of a support's points now within, now beyond.
    return np.where(gauge > _TOLERANCE, gauge, 0.0)


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """An ellipsoid by its center and the inverse square root of its matrix."""

    center: Array
    root: Array

    def __call__(self, points: Array) -> Array:
        """Radius less one of (k, d) points."""
        return np.asarray(np.linalg.norm((points - self.center) @ self.root, axis=1) - 1.0)


def ellipsoid_about(points: Array) -> tuple[Beyond, Array] | None:
    """The ellipsoid of least volume, and how far each point lies beyond that of all the others.

    None where there are too few different points, or all of them nearly in a plane or on an
    ellipsoid.
    """
    places, first, counts = np.unique(points, axis=0, return_index=True, return_counts=True)
    n, d = places.shape
    if n < 2 * d * (d + 3):
        return None
    variances = np.linalg.eigvalsh(np.cov(places.T))
    if variances[0] <= _FLATTEST * variances[-1]:
        return None
    try:
        ellipsoid, active, weights = _smallest_ellipsoid(places)
        # A least ellipsoid rests on so few points, unless all lie on its surface: then it ends
        # nothing, and rounding decides which lie beyond.
        if np.count_nonzero(ellipsoid(places) > -_TOLERANCE) > d * (d + 3) // 2:
            return None
        support = np.flatnonzero(weights > _LEAST_WEIGHT)
        excess = np.array([_beyond_other_places(places[active], weights, int(i)) for i in support])
    except (np.linalg.LinAlgError, RuntimeError):
        # Rounding decides in which plane they nearly lie.
        return None
    # A point that is there twice lies within the shape of the others.
    excess[counts[active[support]] > 1] = 0.0
    return Beyond.of(ellipsoid, first[active[support]], excess, len(points))


def _beyond_other_places(places: Array, weights: Array, i: int) -> float:
    others = np.delete(places, i, axis=0)
    # All others carry a little of what is gone, so that no dimension is lost.
    shared = np.delete(weights, i) + weights[i] / len(others)
    ellipsoid, _ = _ellipsoid(others, shared)
    return max(0.0, float(ellipsoid(places[i : i + 1])[0]))


def _smallest_ellipsoid(points: Array) -> tuple[Ellipsoid, NDArray[np.intp], Array]:
    """The ellipsoid, the points that it was fitted to, and their weights.

    Few points are enough, to which those are added that their ellipsoid leaves out.
    """
    centered = points - points.mean(axis=0)
    far = np.einsum("ij,jk,ik->i", centered, np.linalg.inv(np.cov(points.T)), centered)
    farthest = highest(far, _FIRST_ACTIVE * points.shape[1])
    active = np.unique([*farthest, *points.argmin(axis=0), *points.argmax(axis=0)])
    weights = np.full(len(active), 1.0 / len(active))
    while True:
        ellipsoid, weights = _ellipsoid(points[active], weights)
        gauge = ellipsoid(points)
        outside = np.setdiff1d(np.flatnonzero(gauge > _TOLERANCE), active)
        if len(outside) == 0:
            return ellipsoid, active, weights
        new = outside[highest(gauge[outside], _MOST_ADDED)]
        active = np.concatenate([active, new])
        weights = np.concatenate([weights, np.zeros(len(new))])


def _ellipsoid(points: Array, weights: Array) -> tuple[Ellipsoid, Array]:
    weights = _volume_weights(points, weights)
    center = weights @ points
    spread = points - center
    matrix = points.shape[1] * (spread * weights[:, np.newaxis]).T @ spread
    values, vectors = np.linalg.eigh(matrix)
    return Ellipsoid(center, vectors / np.sqrt(values)), weights


def _volume_weights(points: Array, weights: Array) -> Array:
    """Weights w >= 0 of sum one that maximize ln det of sum_i w_i q_i q_i', q = (x, 1).

    They are those of the least ellipsoid (Titterington, 1975). A step of Newton's method is a
    least-squares problem in weights of at least zero: the second derivatives are squared inner
    products of the q, in units of that matrix.
    """
    lifted = np.column_stack([points, np.ones(len(points))])
    size = lifted.shape[1]
    for _ in range(_STEPS):
        root = np.linalg.cholesky((lifted * weights[:, np.newaxis]).T @ lifted)
        whole = solve_triangular(root, lifted.T, lower=True).T
        products = (whole[:, :, np.newaxis] * whole[:, np.newaxis]).reshape(len(lifted), -1)
        target = 2 * np.eye(size) - size * np.outer(root[-1], root[-1])
        step = nnls(products.T, target.ravel())[0] - weights
        length = float(np.linalg.norm(step @ products))
        if length < _CONVERGED:
            break
        weights = weights + step / (1 + length if length > _CLOSE else 1)
    return np.asarray(weights / weights.sum())


@dataclass(frozen=True, eq=False)
class Hull:
    """A convex hull by its faces: unit normals and offsets."""

    faces: Array

    def __call__(self, points: Array) -> Array:
        """Distance beyond the farthest face of (k, d) points."""
        distances = np.empty(len(points))
        for rows in row_tiles(len(points), len(self.faces)):
            beyond = points[rows] @ self.faces[:, :-1].T + self.faces[:, -1]
            distances[rows] = beyond.max(axis=1)
        return distances


def hull_about(points: Array) -> tuple[Beyond, Array] | None:
    """The convex hull, and how far each point lies beyond that of all the others.

    None where there are too few points, or all of them in a plane, or very many corners.
    """
    try:
        hull = ConvexHull(points)
        corners = np.asarray(hull.vertices, dtype=np.intp)
        if len(corners) > min(_MOST_CORNERS, len(points) // 3):
            return None
        rest = np.setdiff1d(np.arange(len(points)), corners)
        near = np.concatenate([corners, rest[ConvexHull(points[rest]).vertices]])
        excess = np.array([_beyond_others(points[near], i) for i in range(len(corners))])
    except QhullError:
        return None
    return Beyond.of(Hull(hull.equations), corners, excess, len(points))


def _beyond_others(points: Array, i: int) -> float:
    others = Hull(ConvexHull(np.delete(points, i, axis=0)).equations)
    return max(0.0, float(others(points[i : i + 1])[0]))
