"""Features of categorical columns for logistic regression, alone and beside numeric ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from divergences.estimators.critics.feature_maps import FeatureMap, Polynomial
from divergences.estimators.critics.highest import highest
from divergences.estimators.ratios.indicators import MOST_INDICATORS, Indicators

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from divergences.estimators.critics.critic_candidate import Training

    Array = NDArray[np.float64]


def levels_of(points: Array, counts: NDArray[np.intp]) -> FeatureMap:
    """Indicators of the levels of each categorical column."""
    return _indicators(points, counts, [(int(j),) for j in np.flatnonzero(counts)])


def pairs_of_levels(training: Training) -> FeatureMap:
    """Indicators of the combinations of levels of any two categorical columns."""
    assert training.level_counts is not None
    columns = [int(j) for j in np.flatnonzero(training.level_counts)]
    blocks = [(i, j) for i in columns for j in columns if i < j]
    return _indicators(training.points, training.level_counts, blocks)


def numbers_by_level(training: Training) -> FeatureMap:
    """Normal scores and their squares, in common and for each of the frequent levels apart.

    The indicators of the levels are beside them already.
    """
    assert training.levels is not None
    common, apart = _apart(training, training.levels)
    return common.beside(apart)


def by_level(training: Training, levels: FeatureMap) -> FeatureMap:
    """The same of any indicators, and they beside it."""
    common, apart = _apart(training, levels)
    return common.beside(levels).beside(apart)


def _apart(training: Training, levels: FeatureMap) -> tuple[FeatureMap, FeatureMap]:
    scores = Polynomial(training.coordinates, by_rank=True, squares=True, products=False)
    common = FeatureMap.standardized(scores, training.points)
    # The center of an indicator is the share of its level.
    frequent = highest(levels.center, MOST_INDICATORS // len(common.roughness))
    apart = ByLevel(common, levels, frequent)
    return common, FeatureMap.centered(apart, training.points, 1.0)


def _indicators(
    points: Array, counts: NDArray[np.intp], blocks: Sequence[tuple[int, ...]]
) -> FeatureMap:
    # Unscaled, so that the prior is the same for every level, however frequent it is.
    return FeatureMap.centered(Indicators.of(points, counts, blocks), points, 1.0)


@dataclass(frozen=True, eq=False)
class ByLevel:
    """Products of features and of the indicators of some levels."""

    features: FeatureMap
    levels: FeatureMap
    chosen: NDArray[np.intp]

    def __call__(self, points: Array) -> Array:
        """Features of (k, d) points."""
        present = self.levels.raw(points)[:, self.chosen]
        products = present[:, :, np.newaxis] * self.features(points)[:, np.newaxis, :]
        return products.reshape(len(points), -1)
