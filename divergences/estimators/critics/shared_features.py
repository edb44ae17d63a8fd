"""Sums over all features, all pairs and all neighbors, for features that differ in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.critics.chosen_pairs import (
    EVERY_KIND,
    FREQUENCY,
    curves,
    roughness_of_curves,
)
from divergences.estimators.critics.coordinates import Coordinates
from divergences.estimators.critics.feature_maps import FeatureMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.critic_candidate import Training

    Array = NDArray[np.float64]

# The score, its square and the second cosine.
_IN_LAGS, _LONGEST_LAG = [0, 1, 3], 5


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of scores, squares and cosines of ranks, and of their products.

    The products are those of all pairs of features, those of each feature with the next one, and
    of some kinds those with the second to the fifth after it. A change that all features share, or
    all steps of a chain, is a few numbers here, however many features there are.
    """

    coordinates: Coordinates

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        single = curves(self.coordinates, points, slice(None))
        # Products of what has no mean are covariances.
        single[1] -= 1.0
        sums = single.sum(axis=2)
        parts = list(sums)
        for s, t in EVERY_KIND:
            if s <= t:
                parts.append(sums[s] * sums[t] - (single[s] * single[t]).sum(axis=1))
        for s, t in EVERY_KIND:
            parts.append((single[s][:, :-1] * single[t][:, 1:]).sum(axis=1))
        for lag in self._lags():
            parts += [(single[s][:, :-lag] * single[s][:, lag:]).sum(axis=1) for s in _IN_LAGS]
        return np.column_stack(parts)

    def roughness(self) -> Array:
        """Penalty of each feature."""
        left, right = EVERY_KIND.T
        product = np.maximum(1.0, ((FREQUENCY[left] ** 2 + FREQUENCY[right] ** 2) / 4) ** 2)
        later = [np.maximum(1.0, FREQUENCY[_IN_LAGS] ** 4 / 4)] * len(self._lags())
        return np.concatenate([roughness_of_curves(), product[left <= right], product, *later])

    def _lags(self) -> range:
        return range(2, min(_LONGEST_LAG, self.coordinates.d - 2) + 1)


def sums(training: Training) -> FeatureMap:
    """Sums over features."""
    raw = Sums(training.coordinates)
    return FeatureMap.standardized(raw, training.points, raw.roughness())
