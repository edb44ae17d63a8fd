"""Features that say how far a point lies beyond where each of the samples ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.support_shapes import Floor, ellipsoid_about, hull_about

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.feature_maps import Coordinates
    from divergences.estimators.support_shapes import Shape

    Array = NDArray[np.float64]

_MOST_FEATURES_OF_ELLIPSOIDS = 5
_MOST_FEATURES_OF_HULLS = 3
_RANGES, _RADII, _PLACES = 0, 1, 2


@dataclass(frozen=True, eq=False)
class SupportEdges:
    """How far points lie beyond P's and beyond Q's: their ranges, radii, ellipsoids and hulls.

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
        return self.floor(self.gauge(points)[:, np.newaxis])


def _views(coordinates: Coordinates, points: Array) -> list[Array]:
    numbers, white = coordinates.numbers(points), coordinates.white(points)
    radii = np.linalg.norm(white, axis=1)
    return [np.hstack([numbers, -numbers]), np.column_stack([radii, -radii]), white]


def _shapes(views: list[Array]) -> Iterator[tuple[int, Shape, Array]]:
    """Shapes of one sample, by the view, with how far each point lies beyond the others'."""
    white = views[_PLACES]
    d = white.shape[1]
    yield _RANGES, *Floor.of(views[_RANGES])
    if d == 1:
        return
    yield _RADII, *Floor.of(views[_RADII])
    if d <= _MOST_FEATURES_OF_ELLIPSOIDS and (ellipsoid := ellipsoid_about(white)) is not None:
        yield _PLACES, *ellipsoid
        gauge = ellipsoid[0].gauge
        floor, left_out = Floor.of(gauge(white)[:, np.newaxis])
        yield _PLACES, _Hollow(gauge, floor), left_out
    if d <= _MOST_FEATURES_OF_HULLS and (hull := hull_about(white)) is not None:
        yield _PLACES, *hull
