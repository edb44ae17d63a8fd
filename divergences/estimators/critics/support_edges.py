"""Features that say how far a point lies beyond where each of the samples ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.critics.support_shapes import Floor, ellipsoid_about, hull_about

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.coordinates import Coordinates
    from divergences.estimators.critics.support_shapes import Shape

    Array = NDArray[np.float64]

_MOST_FEATURES_OF_ELLIPSOIDS = 5
_MOST_FEATURES_OF_HULLS = 3
_MOST_FEATURES_OF_SUMS, _MOST_UNEQUAL_UNITS = 5, 4.0
_RANGES, _SUMS, _TOTAL, _RADII, _PLACES = 0, 1, 2, 3, 4


@dataclass(frozen=True, eq=False)
class SupportEdges:
    """How far points lie beyond P's and beyond Q's: ranges, also of sums, radii, ellipsoids, hulls.

    Where a density ends at an edge, no smooth critic follows it.

    Parameters
    ----------
    coordinates : Coordinates
    shapes : tuple of (int, callable)
        Each by which view of the points it reads, and itself.
    """

    coordinates: Coordinates
    shapes: tuple[tuple[int, Shape], ...]

    @classmethod
    def of(
        cls, coordinates: Coordinates, points: Array, labels: NDArray[np.intp]
    ) -> tuple[SupportEdges, Array]:
        """Find the shapes, and how far the points lie beyond those of the other points."""
        views = _views(coordinates, points)
        shapes, columns = [], []
        for label in (1, 0):
            own = labels == label
            for view, shape, left_out in _shapes([values[own] for values in views]):
                column = shape(views[view])
                column[own] = left_out
                shapes.append((view, shape))
                columns.append(column)
        return cls(coordinates, tuple(shapes)), np.column_stack(columns)

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points, in spacings."""
        views = _views(self.coordinates, points)
        return np.column_stack([shape(views[view]) for view, shape in self.shapes])


@dataclass(frozen=True, eq=False)
class _Hollow:
    """How far points lie nearer to a shape's center than any point of a sample."""

    gauge: Shape
    floor: Floor

    def __call__(self, points: Array) -> Array:
        return self.floor(_radius(self.gauge, points))


def _radius(gauge: Shape, points: Array) -> Array:
    # The gauge is the radius less one: near the surface, rounding would be all of it.
    return gauge(points)[:, np.newaxis] + 1.0


def _views(coordinates: Coordinates, points: Array) -> list[Array]:
    numbers, white = coordinates.numbers(points), coordinates.white(points)
    radii = np.linalg.norm(white, axis=1, keepdims=True)
    return [*map(_both_ends, (numbers, *_sums(coordinates, numbers), radii)), white]


def _both_ends(values: Array) -> Array:
    return np.hstack([values, -values])


def _sums(coordinates: Coordinates, numbers: Array) -> tuple[Array, Array]:
    """Sums and differences of two features, and the sum of all; none where units are not alike."""
    scale = coordinates.scale
    few = 1 < coordinates.d <= _MOST_FEATURES_OF_SUMS
    if not few or scale.max() > _MOST_UNEQUAL_UNITS * scale.min():
        return np.empty((len(numbers), 0)), np.empty((len(numbers), 0))
    numbers = numbers / scale.max()
    first, second = np.triu_indices(coordinates.d, k=1)
    one, other = numbers[:, first], numbers[:, second]
    return np.hstack([one + other, one - other]), numbers.sum(axis=1, keepdims=True)


def _shapes(views: list[Array]) -> Iterator[tuple[int, Shape, Array]]:
    """Shapes of one sample, by the view, with how far each point lies beyond the others'."""
    white = views[_PLACES]
    d = white.shape[1]
    yield _RANGES, *Floor.of(views[_RANGES])
    if d == 1:
        return
    for view in (_SUMS, _TOTAL, _RADII):
        if views[view].shape[1]:
            yield view, *Floor.of(views[view])
    if d <= _MOST_FEATURES_OF_ELLIPSOIDS and (ellipsoid := ellipsoid_about(white)) is not None:
        yield _PLACES, *ellipsoid
        gauge = ellipsoid[0].gauge
        floor, left_out = Floor.of(_radius(gauge, white))
        yield _PLACES, _Hollow(gauge, floor), left_out
    if d <= _MOST_FEATURES_OF_HULLS and (hull := hull_about(white)) is not None:
        yield _PLACES, *hull
