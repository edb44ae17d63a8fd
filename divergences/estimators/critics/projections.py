"""Critics of a few numbers that are made of many features: leading components, and the radius."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.feature_maps import FeatureMap, Waves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.critic_candidate import Training

    Array = NDArray[np.float64]

_FEWEST, _MOST = 2, 5
_COMPARABLE = 10.0
_FREQUENCIES = 7


@dataclass(frozen=True, eq=False)
class Projection:
    """Standardized points along some directions."""

    coordinates: Coordinates
    directions: Array

    def __call__(self, points: Array) -> Array:
        """Project (k, d) points."""
        return np.asarray(self.coordinates.line(points) @ self.directions)


@dataclass(frozen=True, eq=False)
class Radius:
    """Distance from the center of the whitened points."""

    coordinates: Coordinates

    def __call__(self, points: Array) -> Array:
        """Radii of (k, d) points, as one column."""
        radii = np.linalg.norm(self.coordinates.white(points), axis=1)
        return np.asarray(radii[:, np.newaxis])


@dataclass(frozen=True, eq=False)
class Direction:
    """Whitened points on the unit sphere, which no radius has a say in."""

    coordinates: Coordinates

    def __call__(self, points: Array) -> Array:
        """Directions of (k, d) points."""
        white = self.coordinates.white(points)
        radii = np.linalg.norm(white, axis=1, keepdims=True)
        return np.asarray(white / np.where(radii > 0, radii, 1.0))


@dataclass(frozen=True, eq=False)
class Sizes:
    """How far each standardized feature is from its mean."""

    coordinates: Coordinates

    def __call__(self, points: Array) -> Array:
        """Sizes of (k, d) points."""
        return np.abs(self.coordinates.line(points) - self.coordinates.mean)


@dataclass(frozen=True, eq=False)
class Through:
    """Features of a view of the points."""

    view: Callable[[Array], Array]
    raw: Callable[[Array], Array]

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        return self.raw(self.view(points))


def seen_through(view: Callable[[Array], Array], features: FeatureMap) -> FeatureMap:
    """Features of a view, as features of the points."""
    return replace(features, raw=Through(view, features.raw))


def waves_in_view(view: Callable[[Array], Array], points: Array) -> FeatureMap:
    """Smoothing splines in the ranks of a view of the points."""
    seen = view(points)
    raw = Waves.of(Coordinates.of(seen), seen, _FREQUENCIES, 0)
    return seen_through(view, FeatureMap.standardized(raw, seen, raw.roughness()))


def along_leading_components(
    training: Training, *, features: Callable[[Training], FeatureMap]
) -> FeatureMap:
    """The features of the first principal components (Hotelling, 1933)."""
    coordinates = training.coordinates
    directions = _leading(coordinates.line(training.points), coordinates.scale)
    return _through(training, Projection(coordinates, directions), features)


def of_radius(training: Training, *, features: Callable[[Training], FeatureMap]) -> FeatureMap:
    """The features of the radius alone."""
    return _through(training, Radius(training.coordinates), features)


def of_direction(training: Training, *, features: Callable[[Training], FeatureMap]) -> FeatureMap:
    """The features of the direction alone."""
    return _through(training, Direction(training.coordinates), features)


def of_sizes(training: Training, *, features: Callable[[Training], FeatureMap]) -> FeatureMap:
    """The features of the sizes, as spreads that change together make them."""
    return _through(training, Sizes(training.coordinates), features)


def of_whitened(
    training: Training, *, features: Callable[[Training], FeatureMap]
) -> FeatureMap | None:
    """The features of the whitened points: of a chain, what each feature adds to those before.

    None where whitening leaves the features as they are.
    """
    if not training.coordinates.correlated:
        return None
    return _through(training, training.coordinates.white, features)


def _through(
    training: Training,
    view: Callable[[Array], Array],
    features: Callable[[Training], FeatureMap],
) -> FeatureMap:
    seen = view(training.points)
    inner = replace(training, points=seen, coordinates=Coordinates.of(seen))
    return seen_through(view, features(inner))


def _leading(line: Array, scale: Array) -> Array:
    """Two to five directions, as many as stand out most from the rest."""
    # Features in units of their own have no say by how large they are.
    comparable = scale.max() <= _COMPARABLE * scale.min()
    units = scale / scale.max() if comparable else np.ones(len(scale))
    variances, vectors = np.linalg.eigh(np.cov((line * units).T))
    variances, vectors = variances[::-1], vectors[:, ::-1]
    drops = variances[_FEWEST - 1 : _MOST] / np.maximum(
        variances[_FEWEST : _MOST + 1], np.finfo(float).tiny
    )
    kept = vectors[:, : _FEWEST + int(np.argmax(drops))]
    return np.asarray(units[:, np.newaxis] * kept)
