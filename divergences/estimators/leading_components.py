"""The few directions along which both samples, as one, vary most, as features of critics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.feature_maps import Coordinates, FeatureMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critic_candidate import Training

    Array = NDArray[np.float64]

_FEWEST, _MOST = 2, 5
_COMPARABLE = 10.0


@dataclass(frozen=True, eq=False)
class Projected:
    """Features of the standardized points' projection onto some directions."""

    coordinates: Coordinates
    directions: Array
    raw: Callable[[Array], Array]

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        return self.raw(self.coordinates.line(points) @ self.directions)


def along_leading_components(
    training: Training, *, features: Callable[[Training], FeatureMap]
) -> FeatureMap:
    """The features of the first principal components (Hotelling, 1933)."""
    line = training.coordinates.line(training.points)
    directions = _leading(line, training.coordinates.scale)
    projected = line @ directions
    inner = features(replace(training, points=projected, coordinates=Coordinates.of(projected)))
    return replace(inner, raw=Projected(training.coordinates, directions, inner.raw))


def _leading(line: Array, scale: Array) -> Array:
    """Two to five directions, as many as stand out most from the rest."""
    # Features in units of their own have no say by how large they are.
    units = scale if scale.max() <= _COMPARABLE * scale.min() else np.ones(len(scale))
    variances, vectors = np.linalg.eigh(np.cov((line * units).T))
    variances, vectors = variances[::-1], vectors[:, ::-1]
    drops = variances[_FEWEST - 1 : _MOST] / np.maximum(
        variances[_FEWEST : _MOST + 1], np.finfo(float).tiny
    )
    kept = vectors[:, : _FEWEST + int(np.argmax(drops))]
    return np.asarray(units[:, np.newaxis] * kept / units.max())
