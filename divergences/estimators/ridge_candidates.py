"""Penalized logistic regressions on several kinds of features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from divergences.estimators.critic_candidate import FittedCritic, Training, bounded, with_radius
from divergences.estimators.feature_maps import (
    Bumps,
    Coordinates,
    FeatureMap,
    Polynomial,
    Sizes,
    Waves,
)
from divergences.estimators.ridge_logistic import fit_best_strength, with_intercept
from divergences.work import row_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_BUMPS = 250
_POINTS_OF_BUMP = 8
_BUMP_ROUGHNESS = 0.1
_EDGE_ROUGHNESS = 0.05


@dataclass(frozen=True)
class RidgeCandidate:
    """Logistic regression on features; with edges, on where the samples' ranges end too.

    The levels of categorical columns are always beside them.
    """

    name: str
    features: Callable[[Training], FeatureMap]
    edges: bool = False
    costly: ClassVar[bool] = False

    def fit(self, training: Training) -> FittedCritic:
        """One fit; left-out predictions come with it."""
        features = self.features(training)
        if training.levels is not None:
            features = features.beside(training.levels)
        values, roughness, edges = features(training.points), features.roughness, None
        if self.edges:
            edges, outside = Edges.of(training)
            values = np.hstack([values, outside])
            roughness = np.concatenate([roughness, np.full(2, _EDGE_ROUGHNESS)])
        fit = fit_best_strength(values, training.labels, training.weights, roughness)
        evaluate = RidgeCritic(features, edges, fit.coefficients)
        return FittedCritic.bounded(fit.left_out, fit.fitted, evaluate)


@dataclass(frozen=True, eq=False)
class RidgeCritic:
    """Log-odds that are linear in the features."""

    features: FeatureMap
    edges: Edges | None
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


@dataclass(frozen=True, eq=False)
class Edges:
    """Whether a point lies beyond the range of P's points, or of Q's, in any feature or radius.

    Where a density ends at an edge, no smooth critic follows it.
    """

    coordinates: Coordinates
    low: Array
    high: Array

    @classmethod
    def of(cls, training: Training) -> tuple[Edges, Array]:
        """Find the ranges, and where the points lie beyond those of the other points."""
        values = with_radius(training.coordinates, training.points)
        ranges = [np.sort(values[training.labels == label], axis=0) for label in (1, 0)]
        low, high = (np.stack([ordered[i] for ordered in ranges]) for i in (0, -1))
        second_low, second_high = (np.stack([ordered[i] for ordered in ranges]) for i in (1, -2))
        outside = np.empty((len(values), 2))
        for column, label in enumerate((1, 0)):
            own = (training.labels == label)[:, np.newaxis]
            lowest = np.where(own, second_low[column], low[column])
            highest = np.where(own, second_high[column], high[column])
            outside[:, column] = ((values < lowest) | (values > highest)).any(axis=1)
        return cls(training.coordinates, low, high), outside

    def __call__(self, points: Array) -> Array:
        """Evaluate at (k, d) points, as (k, 2) zeros and ones."""
        values = with_radius(self.coordinates, points)
        return np.column_stack(
            [
                ((values < low) | (values > high)).any(axis=1).astype(np.float64)
                for low, high in zip(self.low, self.high, strict=True)
            ]
        )


def polynomial(
    training: Training, *, by_rank: bool = False, squares: bool = False, products: bool = False
) -> FeatureMap:
    """Coordinates or normal scores, with squares and products if asked for."""
    raw = Polynomial(training.coordinates, by_rank, squares, products)
    return FeatureMap.standardized(raw, training.points)


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
    count = min(_BUMPS, len(training.points) // _POINTS_OF_BUMP)
    raw = Bumps.of(training.coordinates, training.points, bandwidth, count, rng, by_rank=by_rank)
    return FeatureMap.centered(raw, training.points, _BUMP_ROUGHNESS)
