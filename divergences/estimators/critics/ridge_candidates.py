"""Penalized logistic regressions on several kinds of features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from divergences.estimators.critics.critic_candidate import FittedCritic, Training, bounded
from divergences.estimators.critics.feature_maps import (
    Bumps,
    FeatureMap,
    Polynomial,
    Quartics,
    Sizes,
    Waves,
)
from divergences.estimators.critics.ridge_logistic import fit_best_strength, with_intercept
from divergences.estimators.critics.support_edges import SupportEdges
from divergences.work import row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_BUMPS = 250
_POINTS_OF_BUMP = 8
BUMP_ROUGHNESS = 0.1
_EDGE_ROUGHNESS = 0.05


@dataclass(frozen=True)
class RidgeCandidate:
    """Logistic regression on features; with edges, on where the samples' ranges end too.

    The levels of categorical columns are always beside them.
    """

    name: str
    features: Callable[[Training], FeatureMap | None]
    edges: bool = False
    costly: ClassVar[bool] = False

    def fit(self, training: Training) -> FittedCritic | None:
        """One fit; left-out predictions come with it."""
        features = self.features(training)
        if features is None:
            return None
        if training.levels is not None:
            features = features.beside(training.levels)
        values, roughness, edges = features(training.points), features.roughness, None
        if self.edges:
            edges, beyond = training.edges
            values = np.hstack([values, beyond])
            roughness = np.concatenate([roughness, np.full(beyond.shape[1], _EDGE_ROUGHNESS)])
        fit = fit_best_strength(values, training.labels, training.weights, roughness)
        evaluate = RidgeCritic(features, edges, fit.coefficients)
        # No point lies beyond the edges that it takes part in.
        fitted = fit.fitted if edges is None else evaluate(training.points)
        return FittedCritic.bounded(fit.left_out, fitted, evaluate)


@dataclass(frozen=True, eq=False)
class RidgeCritic:
    """Log-odds that are linear in the features."""

    features: FeatureMap
    edges: SupportEdges | None
    coefficients: Array

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points."""
        odds = np.empty(len(points))
        for rows in row_tiles(len(points), len(self.coefficients)):
            values = self.features(points[rows])
            if self.edges is not None:
                values = np.hstack([values, self.edges(points[rows])])
            odds[rows] = with_intercept(values) @ self.coefficients
        return bounded(odds)


def polynomial(
    training: Training, *, by_rank: bool = False, squares: bool = False, products: bool = False
) -> FeatureMap:
    """Coordinates or normal scores, with squares and products if asked for."""
    raw = Polynomial(training.coordinates, by_rank, squares, products)
    return FeatureMap.standardized(raw, training.points)


def quartics(training: Training) -> FeatureMap:
    """Products of up to four normal scores."""
    raw = Quartics(training.coordinates)
    return FeatureMap.standardized(raw, training.points, raw.roughness())


def sizes(training: Training) -> FeatureMap:
    """Products of the sizes of normal scores."""
    return FeatureMap.standardized(Sizes(training.coordinates), training.points)


def waves(training: Training, *, frequencies: int, pairs: int = 0) -> FeatureMap:
    """Smoothing splines in the ranks, and products of two."""
    raw = Waves.of(training.coordinates, training.points, frequencies, pairs)
    return FeatureMap.standardized(raw, training.points, raw.roughness())


def bumps(training: Training, *, bandwidth: float, by_rank: bool = False) -> FeatureMap:
    """Gaussian bumps, fewer where there are few points."""
    rng = np.random.default_rng([training.seed, round(100 * bandwidth)])
    count = bumps_among(training.points, _BUMPS)
    raw = Bumps.of(training.coordinates, training.points, bandwidth, count, rng, by_rank=by_rank)
    return FeatureMap.centered(raw, training.points, BUMP_ROUGHNESS)


def bumps_among(points: Array, most: int) -> int:
    """How many bumps points bear."""
    return min(most, len(points) // _POINTS_OF_BUMP)
